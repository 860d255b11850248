"""Fits the weights of *listen*, model/weights/listen.safetensors, on folders of MIDI files.

    python -m scripts.listening_network FOLDER ... [--out FILE]

First a network of one hidden layer learns how likely an onset stands on a place, after those before it
(`live.worker.listening.rhythm`); then a recurrent one whether the beat of a grid that onsets are read on is
the performer's, and where the bars begin (`live.worker.listening.metre_network`).
Only songs whose licence is permissive are read; one song in five is left for tuning and one in five for
benchmarks/listen.py.
"""

import argparse
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from live.worker.listening.metrical_positions import (
    ECHOES,
    FOUR_FOUR,
    KINDS,
    METRES,
    OFF_BEAT,
    PARTS,
    PARTS_PER_SIXTEENTH,
    SHARES,
    SINCE,
    SIX_EIGHT,
    THREE_FOUR,
    TWO_FOUR,
    WITHIN,
    kind_of,
    lags,
    number_of,
    places_of,
    quarters,
    share_of,
    since_of,
)
from live.worker.listening.rhythm import HIDDEN
from live.worker.listening.weights_file import FILE
from model.music.metre import Metre
from scripts.bar_line_fit import lines_of
from scripts.metre_training import Onset, Run, trained
from trainer.corpus.reading.tracks import Wide

MOST_COUNTED = 900  # places for which one run of bars counts, about
STRETCHES = (2, 4, 8, 16)  # bars that a rhythm is heard for, knowing nothing of what was before
BATCH, STEPS, RATE, DECAY, SEED = 4096, 2500, 1.5e-2, 0.02, 1
BEGINNINGS, ANYWHERE, EVEN = 20_000, 0.8, 0.1  # first onsets, and shares: begun at any bar, unseen ones
SPREAD = 0.3  # standard deviation of what an input adds to the hidden layer, at first
OFF, OFF_SHARE = 0.6, 0.2  # parts beside a place, and the share of onsets so far off that is too much

Ints = NDArray[np.int64]
Arrays = dict[str, NDArray[np.float64]]


SIGNATURES = {
    FOUR_FOUR: frozenset({(4, 4), (2, 2)}),
    THREE_FOUR: frozenset({(3, 4)}),
    SIX_EIGHT: frozenset({(6, 8)}),
    TWO_FOUR: frozenset({(2, 4)}),
}


class Cells(NamedTuple):
    """Places after a first onset: what is looked at, int [n, 6], and whether an onset is there, [n].

    The columns: place and time since the last onset, kinds of the distances, echoes, and the shares of
    sixteenths, eighths and triplets.
    """

    asked: Ints
    onset: NDArray[np.float32]


def main() -> None:
    """Write the weights anew."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    words.add_argument("folders", nargs="+", type=Path)
    words.add_argument("--out", type=Path, default=FILE)
    given = words.parse_args()
    begun = time.monotonic()
    runs = {metre: list(_runs(given.folders, metre)) for metre in SIGNATURES}
    arrays = _rhythm(runs)
    arrays |= {f"{name} first": _first(runs[metre], metre) for metre, name in METRES.items()}
    arrays |= trained(runs, SEED)
    facts = {
        "format": "twobar listen 1",
        "seed": str(SEED),
        "seconds": str(round(time.monotonic() - begun)),
        "runs": ", ".join(f"{len(runs[metre])} of {name}" for metre, name in METRES.items()),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: rows.astype(np.float16) for name, rows in arrays.items()}, given.out, facts)


# -- the music -------------------------------------------------------------------------------------


def _runs(folders: Iterable[Path], metre: Metre) -> Iterator[Run]:
    """Yield the onsets of each run of bars, of its melody and of its keyboard."""
    for line in lines_of(folders, SIGNATURES[metre], quarters(metre)):
        onsets = _onsets(line.notes)
        if len(onsets) > 4 * quarters(metre):
            yield Run(line.song, line.kind, onsets)


def _onsets(notes: Wide) -> list[Onset]:
    """Return notes by the part that each stands on, or none where too many stand on none."""
    if not len(notes):
        return []
    moments = (notes[:, 0] + notes[:, 4] / 100) * PARTS_PER_SIXTEENTH
    quarters, within = np.divmod(moments, PARTS)
    choices = np.array([*WITHIN, PARTS])
    nearest = choices[np.abs(within[:, None] - choices).argmin(1)]
    if float(np.mean(np.abs(within - nearest) > OFF)) > OFF_SHARE:
        return []
    found: dict[int, list[tuple[int, int]]] = {}
    places = (quarters * PARTS + nearest).astype(int).tolist()
    for place, pitch, velocity in zip(places, notes[:, 1].tolist(), notes[:, 2].tolist(), strict=True):
        found.setdefault(place, []).append((pitch, velocity))
    return sorted(found.items())


def _first(runs: Sequence[Run], metre: Metre) -> NDArray[np.float64]:
    """Return the logarithms of how likely the first onset stands on each sixteenth, [1, sixteenths]."""
    chance, bar = random.Random(SEED), PARTS * quarters(metre)  # noqa: S311  no secret
    counts = np.zeros(bar // PARTS_PER_SIXTEENTH)
    for _ in range(BEGINNINGS):
        onsets = chance.choice(runs).onsets
        line = chance.randrange(onsets[-1][0] // bar + 1) * bar if chance.random() < ANYWHERE else 0
        first = next(part for part, _ in onsets if part >= line)
        if first < line + bar and first % PARTS_PER_SIXTEENTH == 0:
            counts[first % bar // PARTS_PER_SIXTEENTH] += 1
    shares: NDArray[np.float64] = (1 - EVEN) * counts / counts.sum() + EVEN / len(counts)
    return np.log(shares)[None]


# -- the rhythm ------------------------------------------------------------------------------------


def _cells(onsets: Sequence[int], metre: Metre) -> Cells:
    """Return the places between the first and the last of some onsets; part 0 is a bar line."""
    on = np.array(onsets, dtype=np.int64)
    bar = PARTS * quarters(metre)
    row = np.zeros(on[-1] + 1, dtype=np.int64)
    row[on] = 1
    cells = np.arange(on[0] + 1, on[-1] + 1)
    cells = cells[np.isin(cells % PARTS, WITHIN)]
    before = np.searchsorted(on, cells) - 1
    kind = np.array([kind_of(int(distance)) for distance in np.diff(on, prepend=on[0])])
    kinds = kind + KINDS * np.append(0, kind[:-1])
    number = np.array([number_of(part) if part % PARTS in WITHIN else 0 for part in range(bar)])
    since = np.array([since_of(ago) for ago in range(1, int(np.diff(on).max(initial=1)) + 1)])
    columns = [number[cells % bar] * SINCE + since[cells - on[before] - 1], kinds[before]]
    echo, known = np.zeros(len(cells), dtype=np.int64), cells - on[0]
    for digit, lag in enumerate(lags(metre)):
        echo += np.where(known >= lag, (1 + row[np.maximum(cells - lag, 0)]) * 3**digit, 0)
    columns.append(echo)
    earliest = np.searchsorted(on, on - 2 * bar, side="right")
    among = np.arange(1, len(on) + 1) - earliest
    for index, parts in enumerate(OFF_BEAT):
        counted = np.append(0, np.cumsum(np.isin(on % PARTS, parts)))
        counts = (counted[1:] - counted[earliest]).tolist()
        shares = [share_of(*pair) for pair in zip(counts, among.tolist(), strict=True)]
        columns.append(np.array(shares)[before] + index * SHARES)
    return Cells(np.stack(columns, 1), row[cells].astype(np.float32))


def _rhythm(known: Mapping[Metre, list[Run]]) -> Arrays:
    """Return the arrays of `live.worker.listening.rhythm`; the first metres are those of METRES."""
    chance = random.Random(SEED)  # noqa: S311  no secret
    parts: list[Cells] = []
    base = 0
    for metre, runs in known.items():
        for run in runs:
            for cells in _stretches(run.onsets, metre, chance):
                cells.asked[:, 0] += base
                parts.append(cells)
        base += places_of(metre) * SINCE
    starts = np.cumsum((0, base, KINDS**2, ECHOES, 3 * SHARES))
    asked = np.concatenate([cells.asked for cells in parts]) + starts[[0, 1, 2, 3, 3, 3]]
    onset = torch.tensor(np.concatenate([cells.onset for cells in parts]))
    inputs = torch.tensor(asked)
    torch.manual_seed(SEED)
    table = torch.nn.EmbeddingBag(int(starts[-1]), HIDDEN, mode="sum")
    torch.nn.init.normal_(table.weight, 0, SPREAD)
    out = torch.nn.Linear(HIDDEN, 1)
    network = torch.nn.Sequential(table, torch.nn.ReLU(), out)
    search = torch.optim.AdamW(network.parameters(), weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(search, RATE, total_steps=STEPS)
    draw = np.random.default_rng(SEED)
    for _ in range(STEPS):
        rows = torch.tensor(draw.integers(0, len(onset), BATCH))
        logits = network(inputs[rows])[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, onset[rows])
        search.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        search.step()
        schedule.step()
    tables = np.split(table.weight.detach().double().numpy(), starts[1:-1])
    since = np.split(tables[0], np.cumsum([places_of(metre) * SINCE for metre in METRES]))
    arrays = {f"{name} since": rows for name, rows in zip(METRES.values(), since, strict=False)}
    arrays |= dict(zip(("kinds", "echoes", "shares"), tables[1:], strict=True))
    arrays["out"] = out.weight.detach().double().numpy()
    arrays["offset"] = out.bias.detach().double().numpy()[None]
    return arrays


def _stretches(onsets: Sequence[Onset], metre: Metre, chance: random.Random) -> Iterator[Cells]:
    """Yield what lies between the first and the last onset of stretches of a run, in any order."""
    bar = PARTS * quarters(metre)
    starts, at, counted = [], 0, 0
    while at <= onsets[-1][0]:
        starts.append((at, at + chance.choice(STRETCHES) * bar))
        at = starts[-1][1]
    chance.shuffle(starts)
    for start, stop in starts:
        places = [part - start for part, _ in onsets if start <= part < stop]
        if len(places) > 2 and counted < MOST_COUNTED:
            cells = _cells(places, metre)
            counted += len(cells.onset)
            yield cells


if __name__ == "__main__":
    main()
