"""Fits model/music/metre_tables.json on folders of MIDI files.

    python -m scripts.metre_tables FOLDER ...

Counts what follows what in the bars of songs whose licence is permissive, and fits by logistic regression
what the first onset and the cues say about where the bar line is: of all places that an excerpt of two to
eight bars could be shifted to, the true one is to be the likeliest.  One song in five is left for tuning
and one in five for benchmarks/listen.py; neither is read here.

The tables that ship were fitted in the same way with a slightly other choice of tracks; those that this
writes are level with them on melodies and find fewer bar lines of keyboards (.66 for .70 of 28 songs).
"""

import json
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from model.music.metre_profile import LONGEST, RHYTHM_KINDS, TABLES, Cues, kind_of
from scripts.bar_line_fit import CUES, METRES, Excerpt, Onset, fitted, runs_of

MOST_COUNTED = 400  # onsets for which one run of bars counts at most
EVERYWHERE = 60.0  # onsets by which a kind of distance leans on all kinds
EXCERPTS, LENGTHS = 6, (2, 3, 4, 8)


@click.command()
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
def main(folders: tuple[Path, ...]) -> None:
    """Write the tables anew, from the music in some folders."""
    tables = []
    for beats in METRES:
        runs = list(runs_of(folders, beats))
        following = _following(runs, 4 * beats)
        first, cues = fitted(list(_excerpts(runs, following, 4 * beats)), 4 * beats)
        short = following[:, :, :LONGEST].copy()
        short[:, :, -1] = np.log(np.exp(following[:, :, LONGEST - 1 :]).sum(-1))
        rows = {"first": first * 100, "next": short * 10, "cues": cues * 100}
        lines = [f'"{name}": {json.dumps(np.rint(row).astype(int).tolist())}' for name, row in rows.items()]
        tables.append(f'"{beats}": {{' + ",\n ".join(lines) + "}")
    TABLES.write_text("{" + ",\n".join(tables) + "}\n", encoding="utf-8")


def _following(runs: Sequence[list[Onset]], steps: int) -> NDArray[np.float64]:
    """Return logarithms [kind of the distance before][place][distance - 1], the last for all beyond."""
    counts = np.zeros((RHYTHM_KINDS, steps, 2 * LONGEST - 1))
    for onsets in runs:
        weight, before = min(1.0, MOST_COUNTED / len(onsets)), 0
        for (step, _), (following, _) in pairwise(onsets):
            counts[kind_of(before), step % steps, min(counts.shape[2], following - step) - 1] += weight
            before = following - step
    everywhere = counts.sum(0)
    shares = (everywhere + 0.5) / (everywhere + 0.5).sum(1, keepdims=True)
    counts[0] = everywhere
    counts += EVERYWHERE * shares
    return np.asarray(np.log(counts / counts.sum(2, keepdims=True) + 1e-6))


def _excerpts(runs: Sequence[list[Onset]], following: NDArray[np.float64], steps: int) -> Iterator[Excerpt]:
    chance = random.Random(3)  # noqa: S311  no secret
    shifts = np.arange(steps)
    for onsets in runs:
        bars = onsets[-1][0] // steps + 1
        for _ in range(EXCERPTS):
            length = chance.choice(LENGTHS)
            first = chance.randrange(0, max(1, bars - length + 1)) * steps if chance.random() < 0.8 else 0
            inside = [entry for entry in onsets if first <= entry[0] < first + length * steps]
            if len(inside) < 2 * length:
                continue
            cues, reader = np.zeros((CUES, steps), np.float32), Cues()
            rhythm, before = np.zeros(steps), 0
            for index, (step, notes) in enumerate(inside):
                cues[reader.of(notes), step % steps] += 1
                if index + 1 < len(inside):
                    distance = inside[index + 1][0] - step
                    column = min(following.shape[2], distance) - 1
                    rhythm += following[kind_of(before)][(step + shifts) % steps, column]
                    before = distance
            yield Excerpt(cues, rhythm, inside[0][0] % steps)


if __name__ == "__main__":
    main()
