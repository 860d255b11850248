"""Fits the tables of live/timing/listening, place and rhythm, on folders of MIDI files.

    python -m scripts.listening_tables FOLDER ...

A small network learns on songs whose licence is permissive how likely an onset stands on a sixteenth, after
those before it, and is written down as a table of all that it can be asked.  Then logistic regression fits
what the first onset and the cues say about where the bar line is: of all places that an excerpt of two to
eight bars could be shifted to, the true one is to be the likeliest.  One song in five is left for tuning and
one in five for benchmarks/listen.py; neither is read here.

Of the cues and first onsets that ship, each number is the mean of this fit's and of one with another choice
of tracks, which finds more bar lines of songs for tuning than this alone (.80 for .76 of keyboards).
"""

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from live.timing.listening.rhythm import ECHOES, KINDS, LEVEL, LEVELS, LONGEST, MIDDLE, kind_of
from model.music.metre_profile import Cues
from scripts.bar_line_fit import CUES, Excerpt, Onset, fitted, runs_of

ROOM = Path(__file__).parents[1] / "live" / "timing" / "listening"
NAMES = {4: "FOUR", 3: "THREE"}
MOST_COUNTED = 500  # sixteenths for which one run of bars counts, about
STRETCHES = (2, 4, 8, 16)  # bars that a rhythm is heard for, knowing nothing of what was before
WIDTH, BATCH, STEPS, RATE = 64, 4096, 350, 8e-3  # of the network and its training
LINE = 100  # letters
EXCERPTS, LENGTHS = 6, (2, 3, 4, 8)


class Cells(NamedTuple):
    """Sixteenths after a first onset, int [n] each: what `rhythm` looks at, and whether an onset is there."""

    kind: NDArray[np.int64]
    since: NDArray[np.int64]
    place: NDArray[np.int64]
    echo: NDArray[np.int64]
    onset: NDArray[np.int64]


def main() -> None:
    """Write the tables anew."""
    metre, rhythm = ([(ROOM / f"{name}_tables.py").read_text("utf-8")] for name in ("place", "rhythm"))
    for pages in (metre, rhythm):
        pages[0] = pages[0].split('"""', 2)[1].join(('"""', '"""\n'))
    for beats, name in NAMES.items():
        runs = list(runs_of([Path(word) for word in sys.argv[1:]], beats))
        logits = _rhythm(runs, beats)
        letters = "".join(LEVELS[level] for level in _levels(logits).ravel())
        lines = "\n".join(letters[start : start + LINE] for start in range(0, len(letters), LINE))
        rhythm.append(f'{name} = """\n{lines}\n"""\n')
        first, cues = fitted(list(_excerpts(runs, logits, beats)), 4 * beats)
        metre.append(f'{name}_FIRST = """\n{_text(first[None] * 100)}\n"""\n')
        metre.append(f'{name}_CUES = """\n{_text(cues * 100)}\n"""\n')
    (ROOM / "place_tables.py").write_text("\n".join(metre), encoding="utf-8")
    (ROOM / "rhythm_tables.py").write_text("\n".join(rhythm), encoding="utf-8")


def _levels(logits: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.rint(logits / LEVEL) + MIDDLE, 0, len(LEVELS) - 1).astype(np.int64)


def _text(rows: NDArray[np.float64]) -> str:
    return "\n".join(" ".join(str(round(value)) for value in row) for row in rows.tolist())


def _cells(steps: Sequence[int], start: int, beats: int) -> Cells:
    """Return the sixteenths between the first and the last of some onsets, `start` the place of step 0."""
    bar = 4 * beats
    row = np.zeros(steps[-1] + 1, dtype=np.int64)
    row[list(steps)] = 1
    onsets = np.flatnonzero(row)
    cell = np.arange(onsets[0] + 1, onsets[-1] + 1)
    last = np.zeros(len(row), dtype=np.int64)
    last[onsets] = onsets
    before = np.maximum.accumulate(last)[cell - 1]
    kinds = np.zeros(len(row), dtype=np.int64)
    kinds[onsets] = [kind_of(int(distance)) for distance in np.diff(onsets, prepend=onsets[0])]
    lags = (4 if beats == 3 else 8, bar, 2 * bar)
    half, whole, two = (np.where(cell >= lag, row[np.maximum(cell - lag, 0)], 0) for lag in lags)
    known = cell - onsets[0]
    echo = 3 + half + 2 * whole + np.where(known >= lags[2], 4 + 4 * two, 0)
    echo = np.where(known < lags[0], 0, np.where(known < bar, 1 + half, echo))
    return Cells(kinds[before], np.minimum(cell - before, LONGEST - 1), (start + cell) % bar, echo, row[cell])


def _asked(cells: Cells | tuple[NDArray[np.int64], ...], bar: int) -> torch.Tensor:
    """Return one-hot rows of what is looked at."""
    columns = []
    for values, size in zip(cells[:4], (KINDS, LONGEST, bar, ECHOES), strict=True):
        columns.append(np.eye(size, dtype=np.float32)[values])
    return torch.tensor(np.concatenate(columns, axis=1))


def _rhythm(runs: Sequence[list[Onset]], beats: int) -> NDArray[np.float64]:
    """Return the logits of an onset, [kind, since, place, echo]."""
    bar, chance = 4 * beats, random.Random(1)  # noqa: S311  no secret
    parts: list[Cells] = []
    for onsets in runs:
        starts, at, counted = [], 0, 0
        while at <= onsets[-1][0]:
            starts.append((at, at + chance.choice(STRETCHES) * bar))
            at = starts[-1][1]
        chance.shuffle(starts)
        for start, stop in starts:
            steps = [step - start for step, _ in onsets if start <= step < stop]
            if len(steps) > 2 and counted < MOST_COUNTED:
                parts.append(_cells(steps, start % bar, beats))
                counted += len(parts[-1].onset)
    cells = Cells(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    torch.manual_seed(1)
    inputs = KINDS + LONGEST + bar + ECHOES
    layers = (torch.nn.Linear(inputs, WIDTH), torch.nn.Linear(WIDTH, WIDTH), torch.nn.Linear(WIDTH, 1))
    network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    search = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(search, RATE, total_steps=STEPS)
    draw = np.random.default_rng(1)
    for _ in range(STEPS):
        rows = draw.integers(0, len(cells.onset), BATCH)
        drawn = Cells(*(column[rows] for column in cells))
        logits = network(_asked(drawn, bar))[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, torch.tensor(drawn.onset, dtype=torch.float32)
        )
        search.zero_grad()
        loss.backward()
        search.step()
        schedule.step()
    sizes = (KINDS, LONGEST, bar, ECHOES)
    every = tuple(axis.ravel() for axis in np.meshgrid(*map(np.arange, sizes), indexing="ij"))
    with torch.no_grad():
        return np.asarray(network(_asked(every, bar))[:, 0].double().numpy()).reshape(sizes)


def _excerpts(runs: Sequence[list[Onset]], logits: NDArray[np.float64], beats: int) -> Iterator[Excerpt]:
    chance = random.Random(3)  # noqa: S311  no secret
    bar = 4 * beats
    sounds, silent = -np.log1p(np.exp(-logits)), -np.log1p(np.exp(logits))
    for onsets in runs:
        bars = onsets[-1][0] // bar + 1
        for _ in range(EXCERPTS):
            length = chance.choice(LENGTHS)
            first = chance.randrange(0, max(1, bars - length + 1)) * bar if chance.random() < 0.8 else 0
            inside = [entry for entry in onsets if first <= entry[0] < first + length * bar]
            if len(inside) < max(4, 2 * length):
                continue
            cues, reader = np.zeros((CUES, bar), np.float32), Cues()
            for step, notes in inside:
                cues[reader.of(notes), step % bar] += 1
            cells = _cells([step - first for step, _ in inside], 0, beats)
            rhythm = np.zeros(bar)
            for shift in range(bar):
                at = cells.kind, cells.since, (cells.place + shift) % bar, cells.echo
                rhythm[shift] = np.where(cells.onset, sounds[at], silent[at]).sum()
            yield Excerpt(cues, rhythm, inside[0][0] % bar)


if __name__ == "__main__":
    main()
