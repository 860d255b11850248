"""Fits model/music/metre_tables.py on folders of MIDI files.

    python -m scripts.metre_tables FOLDER ...

Counts what follows what in the bars of songs whose licence is permissive, and fits by logistic regression
what the first onset and the cues say about where the bar line is: of all places that an excerpt of two to
eight bars could be shifted to, the true one is to be the likeliest.  One song in five is left for tuning
and one in five for benchmarks/listen.py; neither is read here.

The tables that ship were fitted in the same way with a slightly other choice of tracks; those that this
writes are level with them on melodies and find fewer bar lines of keyboards (.66 for .70 of 28 songs).
"""

import hashlib
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.music.grid import Grid
from model.music.metre_profile import LONGEST, RHYTHM_KINDS, Cues, kind_of
from scripts.bar_line_fit import CUES, Excerpt, fitted
from trainer.corpus.reading.read_midi import UnreadableError, parse
from trainer.corpus.reading.sheets import Sheet
from trainer.corpus.reading.sources import discover
from trainer.corpus.reading.tracks import Wide
from trainer.corpus.windows.bar_runs import Metres, bar_runs
from trainer.corpus.windows.phrase_windows import KEYBOARDS, LOWEST_LINE, MONOPHONIC

OUT = Path(__file__).parents[1] / "model" / "music" / "metre_tables.py"
PARTS, FITTED = 10, range(6)  # of so many parts of all songs
METRES = {4: {(4, 4), (2, 2)}, 3: {(3, 4)}}
NAMES = {4: "FOUR", 3: "THREE"}
MOST_COUNTED = 400  # onsets for which one run of bars counts at most
EVERYWHERE = 60.0  # onsets by which a kind of distance leans on all kinds
EXCERPTS, LENGTHS = 6, (2, 3, 4, 8)
OFF, OFF_SHARE = 20, 0.2  # hundredths of a step, and the share of onsets so far off that is too much

Onset = tuple[int, list[tuple[int, int]]]
"""A step, and the (pitch, velocity) of what starts on it."""


def main() -> None:
    """Write the tables anew."""
    pages = [(OUT.read_text(encoding="utf-8").split('"""', 2)[1]).join(('"""', '"""\n'))]
    for beats, name in NAMES.items():
        runs = list(_runs([Path(word) for word in sys.argv[1:]], beats))
        following = _following(runs, 4 * beats)
        first, cues = fitted(list(_excerpts(runs, following, 4 * beats)), 4 * beats)
        short = following[:, :, :LONGEST].copy()
        short[:, :, -1] = np.log(np.exp(following[:, :, LONGEST - 1 :]).sum(-1))
        tenths = "\n\n".join(_text(rows * 10) for rows in short)
        pages.append(f'{name}_FIRST = """\n{_text(first[None] * 100)}\n"""\n')
        pages.append(f'{name}_NEXT = """\n{tenths}\n"""\n')
        pages.append(f'{name}_CUES = """\n{_text(cues * 100)}\n"""\n')
    OUT.write_text("\n".join(pages), encoding="utf-8")


def _text(rows: NDArray[np.float64]) -> str:
    return "\n".join(" ".join(str(round(value)) for value in row) for row in rows.tolist())


def _runs(folders: Iterable[Path], beats: int) -> Iterator[list[Onset]]:
    """Yield the onsets of each run of bars, of its melody and of its keyboard."""
    grid = Grid(beats_per_bar=beats)
    sources, _ = discover(folders, licences="permissive")
    for source in sources:
        song = source.cluster or source.name
        if int(hashlib.md5(song.encode(), usedforsecurity=False).hexdigest(), 16) % PARTS not in FITTED:
            continue
        try:
            score = parse(source.path.read_bytes())
        except (OSError, UnreadableError):
            continue
        metres = {(signature.numerator, signature.denominator) for signature in score.time_signatures}
        tracks = [track for track in score.tracks if len(track.notes) and not track.is_drum]
        if not tracks or not metres or not metres <= METRES[beats]:
            continue
        sheet = Sheet.of(tracks, score.tpq, bar_runs(Metres.of(score), grid), grid)
        single = [line for line in sheet.lines if line.alone >= MONOPHONIC and line.mean >= LOWEST_LINE]
        lead = max(single or sheet.lines, key=lambda line: (line.voiced, line.mean))
        keys = [line for line in sheet.lines if line.program in KEYBOARDS and not line.voiced]
        together = sheet.chords(keys)
        for span in range(len(sheet.spans)):
            parts = [sheet.line(span, lead), *([together[span]] if keys else [])]
            yield from (onsets for onsets in map(_onsets, parts) if len(onsets) > 4 * beats)


def _onsets(notes: Wide) -> list[Onset]:
    if not len(notes) or float(np.mean(np.abs(notes[:, 4]) > OFF)) > OFF_SHARE:
        return []
    found: dict[int, list[tuple[int, int]]] = {}
    for step, pitch, velocity in notes[:, :3].tolist():
        found.setdefault(step, []).append((pitch, velocity))
    return sorted(found.items())


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
