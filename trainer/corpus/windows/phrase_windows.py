"""Windows of a song: whole bars of notes, one after another, all distinct.  For melody and poly here.

A window is `Grid.bars` bars of the grid's metre; the next one starts a bar later, of grids of more than four
bars a quarter of the grid later.

Tested in tests/trainer/corpus/reading/test_read_midi.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, OFFSET, ONSET, PITCH
from model.music.grid import Grid
from trainer.corpus.hashing import Hashes, set_hashes
from trainer.corpus.reading.tracks import Notes, Numbers, Sheet, Wide, no_notes

MAX_WINDOWS = 3_000
NOTES_A_BAR = (2, 64)  # fewest and most notes of a window, for each of its bars
ENSEMBLE_WINDOWS = 60  # windows that one song without a keyboard gives to poly: the rest would drown
SINGLE_LINE_WINDOWS = 4  # the same of a song that is one line
KEYBOARDS = frozenset(
    (*range(8), *range(16, 21), 24, 25, 46)
)  # pianos, organs, guitars that fingers pluck, harp
MONOPHONIC = 0.95  # share of onsets that stand alone in a line
SMALL = 6  # tracks of an ensemble that hands could play
LINES = 2  # monophonic lines that one song gives to melody
LOWEST_LINE = 48.0  # mean pitch below which a line is a bass
SIXTEENTHS = 4
AFTER_A_THIRD = (1.15, 1.55)  # steps of a sixteenth into the beat
SECOND_SIXTEENTH = (0.6, 1.15)
BEHIND_FOURTH = (3.05, 3.6)
TRIPLET_SHARE = 0.12  # of a window's notes after a third of a beat, from which it is triplets
OFF_GRID = 0.3  # steps from another grid that count as off it
OFF_SHARE = 0.3  # share of off-grid onsets from which a window is not of that grid
WEAKEST_BEAT = 0.1  # see `beat_strength`
FEWEST_FOR_BEAT = 40  # notes
NO_HASHES: Hashes = np.zeros(0, dtype=np.uint64)


class Run(NamedTuple):
    """The notes of a run of bars."""

    notes: Wide
    bars: int
    aside: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """Windows that may be taken, of one or more runs.

    Attributes:
        notes: int64 [n, 6], of all windows one after another, onsets from a window's first step.
        counts: notes in each.
        bars: the first bar of each in its run.
        runs: which run each is cut from.
        aside: see `Windows`.

    """

    notes: Wide
    counts: Numbers
    bars: Numbers
    runs: Numbers
    aside: NDArray[np.bool_]

    @property
    def of_notes(self) -> Numbers:
        """The window of each note."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def tally(self, which: NDArray[np.bool_]) -> Numbers:
        """Return how many of some notes each window has."""
        return np.bincount(self.of_notes[which], minlength=len(self.counts))

    def only(self, chosen: NDArray[np.bool_]) -> "Cut":
        """Return some of the windows."""
        if chosen.all():
            return self
        notes = self.notes[np.repeat(chosen, self.counts)]
        return Cut(notes, self.counts[chosen], self.bars[chosen], self.runs[chosen], self.aside[chosen])


@dataclass(slots=True)
class Windows:
    """The windows of one file for one codec.

    Attributes:
        notes: int16 [n, 6], of all windows one after another.
        counts: notes in each window.
        exact: 64-bit hash of (onset, pitch, length) of each window; for drums of hits and rough velocities.
        shape: 64-bit hash of (onset, pitch above the lowest) of each window: equal under transposition; for
            drums of the hits.
        aside: whether it is good to learn from but not to be measured on: another metre, or a single line
            among keyboard music.
        bars: int32, the first bar of each in its run of bars.
        lines: int32, which run of which of the song's lines it is cut from.
        every: all windows in their order, those that come again too: what a piece is from phrase to phrase;
            None where the song has nothing to say about that.

    """

    notes: Notes = field(default_factory=lambda: np.zeros((0, len(COLUMNS)), dtype=np.int16))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    exact: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    shape: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    aside: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    bars: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    lines: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    every: "Windows | None" = None


def melody_windows(sheet: Sheet) -> Windows:
    """Return the windows of the best one or two single lines of a song, or of its voice's skyline."""
    if not sheet.lines:
        return Windows()
    single = [line for line in sheet.lines if line.alone >= MONOPHONIC and line.mean >= LOWEST_LINE]
    single.sort(key=lambda line: (not line.voiced, -line.mean))
    chosen = single[:LINES] or [max(sheet.lines, key=lambda line: (line.voiced, line.mean))]
    runs = [
        Run(sheet.line(number, line), sheet.bars(span), span.aside)
        for line in chosen
        for number, span in enumerate(sheet.spans)
    ]
    return collect(*cut(runs, sheet.grid))


def poly_windows(sheet: Sheet) -> Windows:
    """Return the windows of the keyboard's tracks together, or of a small ensemble's.

    A song that is a single line gives a few, aside: hands play single lines too.
    """
    lines = sheet.lines
    keys = [line for line in lines if line.program in KEYBOARDS and not line.voiced]
    chosen = keys or ([line for line in lines if not line.voiced] if len(lines) <= SMALL else [])
    if not chosen:
        return Windows()
    tables = sheet.chords(chosen)
    runs = [Run(notes, sheet.bars(span), span.aside) for notes, span in zip(tables, sheet.spans, strict=True)]
    count = sum(map(len, tables))
    onsets = sum(len(np.unique(notes[:, ONSET])) for notes in tables)
    if not count:
        return Windows()
    if onsets > MONOPHONIC * count:
        found = cut([run._replace(aside=True) for run in runs], sheet.grid)
        line = collect(*found, most=SINGLE_LINE_WINDOWS)
        line.every = None  # it is a melody's piece already
        return line
    return collect(*cut(runs, sheet.grid), most=MAX_WINDOWS if keys else ENSEMBLE_WINDOWS)


def cut(runs: Sequence[Run], grid: Grid) -> tuple[Cut, Hashes, Hashes]:
    """Return the windows of pitched notes that are near enough to the grid, their hashes and shapes."""
    found = laid(runs, grid, most=NOTES_A_BAR[1] * grid.bars)
    if not len(found.counts):
        return found, NO_HASHES, NO_HASHES
    found = found.only(~off_grid(found, grid) & (silent_bars(found, grid) <= grid.bars // 2))
    onsets, pitches = found.notes[:, ONSET], found.notes[:, PITCH]
    exact = set_hashes((onsets, pitches, found.notes[:, LENGTH]), found.counts)
    return found, exact, set_hashes((onsets, above_lowest(found, pitches)), found.counts)


def alone(notes: Wide) -> Cut:
    """Return notes as one window."""
    whole = np.array([len(notes)])
    return Cut(notes, whole, np.zeros_like(whole), np.zeros_like(whole), np.zeros(1, dtype=bool))


def above_lowest(found: Cut, pitches: Numbers) -> Numbers:
    """Return each note's distance to the lowest pitch of its window."""
    if not len(pitches):
        return pitches
    starts = np.cumsum(found.counts) - found.counts
    return np.asarray(pitches - np.repeat(np.minimum.reduceat(pitches, starts), found.counts))


def laid(runs: Sequence[Run], grid: Grid, *, most: int) -> Cut:
    """Return all windows of some runs that hold enough notes and not more than `most`."""
    firsts, lows, highs, numbers, before = [], [], [], [], 0
    for number, run in enumerate(runs):
        first, low, high = slide(run, grid)
        enough = (high - low >= fewest(grid)) & (high - low <= most)
        firsts.append(first[enough])
        lows.append(low[enough] + before)
        highs.append(high[enough] + before)
        numbers.append(np.full(len(firsts[-1]), number))
        before += len(run.notes)
    nothing = np.zeros(0, dtype=np.int64)
    first, low, high, of_runs = (np.concatenate([nothing, *c]) for c in (firsts, lows, highs, numbers))
    rows = np.concatenate([no_notes(), *(run.notes for run in runs)])
    aside = np.array([run.aside for run in runs], dtype=bool)[of_runs]
    notes = stretches(rows, low, high - low)
    return shifted(Cut(notes, high - low, first // grid.steps_per_bar, of_runs, aside), grid)


def stretches(rows: Wide, low: Numbers, counts: Numbers) -> Wide:
    """Return a fresh table of stretches of rows, each by where it begins and how many it has."""
    before = np.cumsum(counts) - counts
    return np.asarray(rows[np.arange(counts.sum()) + np.repeat(low - before, counts)])


def shifted(found: Cut, grid: Grid) -> Cut:
    """Return windows with onsets from their runs' first steps counted from their own, cut at their ends."""
    notes = found.notes
    notes[:, ONSET] -= np.repeat(found.bars * grid.steps_per_bar, found.counts)
    notes[:, LENGTH] = np.minimum(notes[:, LENGTH], grid.steps - notes[:, ONSET])
    return found


def fewest(grid: Grid) -> int:
    """Return the notes that a window needs: fewer say nothing."""
    return NOTES_A_BAR[0] * grid.bars


def slide(run: Run, grid: Grid) -> tuple[Numbers, Numbers, Numbers]:
    """Return (first step, first note, note after the last) of each window with a note in its first bar."""
    onsets = run.notes[:, ONSET]
    bars = np.unique(onsets // grid.steps_per_bar)
    bars = bars[(bars <= run.bars - grid.bars) & (bars % max(1, grid.bars // 4) == 0)]
    first = bars * grid.steps_per_bar
    low, high = np.searchsorted(onsets, (first, first + grid.steps))
    return first, low, high


def off_grid(found: Cut, grid: Grid, pitched: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Tell which windows belong to another grid; what a human hand leaves between the steps is no reason.

    On sixteenths: triplets, which stand after a third of the beat and neither on its second sixteenth nor, as
    swung sixteenths do, behind its fourth one.  Swing does not, nor does jitter of a quarter of a step.  On
    other grids: too many notes well between two steps.

    Args:
        found: the windows.
        grid: of them.
        pitched: which notes are heeded; all where None.

    """
    notes = found.notes
    heeded = np.ones(len(notes), dtype=bool) if pitched is None else pitched
    count = found.tally(heeded)
    if grid.steps_per_beat != SIXTEENTHS:
        off = found.tally(heeded & (np.abs(notes[:, OFFSET]) > 100 * OFF_GRID))
        return np.asarray(off > OFF_SHARE * count)
    place = (notes[:, ONSET] + notes[:, OFFSET] / 100) % SIXTEENTHS

    def within(ends: tuple[float, float]) -> Numbers:
        return found.tally(heeded & (place > ends[0]) & (place <= ends[1]))

    third, second, fourth = within(AFTER_A_THIRD), within(SECOND_SIXTEENTH), within(BEHIND_FOURTH)
    return np.asarray((third > second + 2 * fourth) & (third >= np.maximum(2.0, TRIPLET_SHARE * count)))


def beat_strength(sheet: Sheet) -> float:
    """Return how far notes keep to the beat or a part of it, 0 (anywhere) to 1 (all on one place).

    The longest of the mean vectors of their places in the beat, its half, third and quarter, as on a circle.
    """
    places = sheet.places()
    if len(places) < FEWEST_FOR_BEAT:
        return 1.0
    turn = np.exp(2j * np.pi * places / sheet.grid.steps_per_beat)
    half = turn * turn
    return float(max(abs(np.mean(vector)) for vector in (turn, half, half * turn, half * half)))


def silent_bars(found: Cut, grid: Grid) -> Numbers:
    """Return in how many bars of each window nothing starts."""
    bars = np.unique(found.of_notes * grid.bars + found.notes[:, ONSET] // grid.steps_per_bar)
    return grid.bars - np.bincount(bars // grid.bars, minlength=len(found.counts))


def collect(
    found: Cut, exact: Hashes, shape: Hashes, *, most: int = MAX_WINDOWS, alike: int = MAX_WINDOWS
) -> Windows:
    """Return the distinct windows, at most so many in all (evenly spread) and of one shape."""
    if not len(found.counts):
        return Windows()
    selected = distinct_places(exact, shape, alike=alike)[:MAX_WINDOWS]
    if len(selected) > most:
        selected = selected[np.rint(np.linspace(0, len(selected) - 1, most)).astype(np.int64)]
    collected = together(found, exact, shape, selected)
    collected.every = together(found, exact, shape, np.arange(min(len(exact), MAX_WINDOWS)))
    return collected


def distinct_places(exact: Hashes, shape: Hashes, *, alike: int) -> Numbers:
    """Return the first of each kind of window, in their order, and of one shape at most so many."""
    first = np.sort(np.unique(exact, return_index=True)[1])
    if alike >= len(first):
        return first
    shapes = shape[first]
    order = np.argsort(shapes, kind="stable")
    ordered = shapes[order]
    begins = np.searchsorted(ordered, ordered)
    rank = np.empty(len(first), dtype=np.int64)
    rank[order] = np.arange(len(first)) - begins
    return np.asarray(first[rank < alike])


def together(found: Cut, exact: Hashes, shape: Hashes, selected: Numbers) -> Windows:
    """Return some windows as arrays, by their places in rising order."""
    chosen = np.zeros(len(exact), dtype=bool)
    chosen[selected] = True
    taken = found.only(chosen)
    return Windows(
        taken.notes.astype(np.int16),
        taken.counts,
        exact[chosen],
        shape[chosen],
        taken.aside,
        taken.bars.astype(np.int32),
        taken.runs.astype(np.int32),
    )
