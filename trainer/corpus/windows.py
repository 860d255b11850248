"""Windows of a song: whole bars of notes, one after another, all distinct.  For melody and poly here.

A window is `Grid.bars` bars of the grid's metre; the next one starts a bar later, of grids of more than four
bars a quarter of the grid later.

Tested in tests/trainer/corpus/test_read_midi.py.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, OFFSET, ONSET, PITCH
from model.music.grid import Grid
from trainer.corpus.tracks import Notes, Span, TrackLine, Wide, hash_of, merged, skyline

MAX_WINDOWS = 3_000
NOTES_A_BAR = (2, 64)  # fewest and most notes of a window, for each of its bars
ENSEMBLE_WINDOWS = 60  # windows that one song without a keyboard gives to poly: the rest would drown
SINGLE_LINE_WINDOWS = 4  # the same of a song that is one line
KEYBOARDS = frozenset(
    (*range(8), *range(16, 21), 24, 25, 46)
)  # pianos, organs, guitars that fingers pluck, harp
MONOPHONIC = 0.95  # share of onsets that stand alone in a line
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


class Run(NamedTuple):
    """The notes of a run of bars."""

    notes: Wide
    bars: int
    aside: bool


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


class Window(NamedTuple):
    """One window: notes, the hashes that make it distinct (see `Windows`), whether it is aside, and where."""

    notes: Wide
    exact: int
    shape: int
    aside: bool
    bar: int
    line: int


def melody_windows(lines: list[TrackLine], spans: list[Span], grid: Grid) -> Windows:
    """Return the windows of the best one or two single lines of a song, or of its voice's skyline."""
    if not lines:
        return Windows()
    single = [line for line in lines if line.alone >= MONOPHONIC and line.mean >= LOWEST_LINE]
    single.sort(key=lambda line: (not line.voiced, -line.mean))
    chosen = single[:LINES] or [max(lines, key=lambda line: (line.voiced, line.mean))]
    runs = [
        Run(skyline(line.on_grid(span.start, span.stop)), line.bars(span), span.aside)
        for line in chosen
        for span in spans
    ]
    return collect(cut(runs, grid))


def poly_windows(lines: list[TrackLine], spans: list[Span], grid: Grid) -> Windows:
    """Return the windows of the keyboard's tracks together, or of a small ensemble's.

    A song that is a single line gives a few, aside: hands play single lines too.
    """
    keys = [line for line in lines if line.program in KEYBOARDS and not line.voiced]
    chosen = keys or ([line for line in lines if not line.voiced] if len(lines) <= 6 else [])
    if not chosen:
        return Windows()
    runs = []
    for span in spans:
        notes = merged(np.concatenate([line.on_grid(span.start, span.stop) for line in chosen]))
        runs.append(Run(notes, chosen[0].bars(span), span.aside))
    count = sum(len(run.notes) for run in runs)
    onsets = sum(len(np.unique(run.notes[:, ONSET])) for run in runs)
    if not count:
        return Windows()
    if onsets > MONOPHONIC * count:
        line = collect(cut([run._replace(aside=True) for run in runs], grid), most=SINGLE_LINE_WINDOWS)
        line.every = None  # it is a melody's piece already
        return line
    return collect(cut(runs, grid), most=MAX_WINDOWS if keys else ENSEMBLE_WINDOWS)


def cut(runs: Iterable[Run], grid: Grid) -> Iterator[Window]:
    """Yield the windows of pitched notes, near enough to the grid."""
    for line, run in enumerate(runs):
        for first, low, high in slide(run, grid):
            if not fewest(grid) <= high - low <= NOTES_A_BAR[1] * grid.bars:
                continue
            window = shifted(run.notes[low:high], first, grid)
            if off_grid(window, grid) or silent_bars(window, grid) > grid.bars // 2:
                continue
            relative = np.stack((window[:, ONSET], window[:, PITCH] - window[:, PITCH].min()), axis=1)
            exact, bar = hash_of(window[:, (ONSET, PITCH, LENGTH)]), first // grid.steps_per_bar
            yield Window(window, exact, hash_of(relative), run.aside, bar, line)


def fewest(grid: Grid) -> int:
    """Return the notes that a window needs: fewer say nothing."""
    return NOTES_A_BAR[0] * grid.bars


def slide(run: Run, grid: Grid) -> Iterator[tuple[int, int, int]]:
    """Yield (first step, first note, note after the last) of each window with a note in its first bar."""
    onsets = run.notes[:, ONSET]
    stride = max(1, grid.bars // 4)
    for bar in np.unique(onsets // grid.steps_per_bar).tolist():
        if bar > run.bars - grid.bars:
            break
        if bar % stride == 0:
            first = bar * grid.steps_per_bar
            low, high = np.searchsorted(onsets, (first, first + grid.steps)).tolist()
            yield first, low, high


def shifted(notes: Wide, first: int, grid: Grid) -> Wide:
    """Return a window's notes counted from its first step, cut at its end."""
    window = notes.copy()
    window[:, ONSET] -= first
    window[:, LENGTH] = np.minimum(window[:, LENGTH], grid.steps - window[:, ONSET])
    return window


def off_grid(notes: Wide, grid: Grid) -> bool:
    """Tell whether notes belong to another grid; what a human hand leaves between the steps is no reason.

    On sixteenths: triplets, which stand after a third of the beat and neither on its second sixteenth nor, as
    swung sixteenths do, behind its fourth one.  Swing does not, nor does jitter of a quarter of a step.  On
    other grids: too many notes well between two steps.
    """
    if not len(notes):
        return False
    if grid.steps_per_beat != SIXTEENTHS:
        return float(np.mean(np.abs(notes[:, OFFSET]) > 100 * OFF_GRID)) > OFF_SHARE
    place = (notes[:, ONSET] + notes[:, OFFSET] / 100) % SIXTEENTHS
    third = np.count_nonzero((place > AFTER_A_THIRD[0]) & (place <= AFTER_A_THIRD[1]))
    second = np.count_nonzero((place > SECOND_SIXTEENTH[0]) & (place <= SECOND_SIXTEENTH[1]))
    fourth = np.count_nonzero((place > BEHIND_FOURTH[0]) & (place <= BEHIND_FOURTH[1]))
    return bool(third > second + 2 * fourth and third >= max(2.0, TRIPLET_SHARE * len(notes)))


def beat_strength(lines: Iterable[TrackLine], grid: Grid) -> float:
    """Return how far notes keep to the beat or a part of it, 0 (anywhere) to 1 (all on one place).

    The longest of the mean vectors of their places in the beat, its half, third and quarter, as on a circle.
    """
    places = np.concatenate([np.zeros(0), *(line.onset * line.steps_per_tick for line in lines)])
    if len(places) < FEWEST_FOR_BEAT:
        return 1.0
    turns = 2j * np.pi * places / grid.steps_per_beat
    return float(max(abs(np.mean(np.exp(part * turns))) for part in (1, 2, 3, 4)))


def silent_bars(notes: Wide, grid: Grid) -> int:
    """Return in how many bars nothing starts."""
    return grid.bars - len(np.unique(notes[:, ONSET] // grid.steps_per_bar))


def collect(windows: Iterable[Window], *, most: int = MAX_WINDOWS, alike: int = MAX_WINDOWS) -> Windows:
    """Return the distinct windows, at most so many in all (evenly spread) and of one shape."""
    found: dict[int, Window] = {}
    shapes: dict[int, int] = {}
    every: list[Window] = []
    for window in windows:
        if len(every) < MAX_WINDOWS:
            every.append(window)
        if window.exact in found or shapes.get(window.shape, 0) >= alike:
            continue
        found[window.exact] = window
        shapes[window.shape] = shapes.get(window.shape, 0) + 1
        if len(found) >= MAX_WINDOWS:
            break
    if not found:
        return Windows()
    selected = list(found.values())
    if len(selected) > most:
        selected = [selected[round(place)] for place in np.linspace(0, len(selected) - 1, most)]
    collected = together(selected)
    collected.every = together(every)
    return collected


def together(selected: list[Window]) -> Windows:
    """Return some windows as arrays."""
    if not selected:
        return Windows()
    return Windows(
        np.concatenate([window.notes for window in selected]).astype(np.int16),
        np.array([len(window.notes) for window in selected], dtype=np.int64),
        np.array([window.exact for window in selected], dtype=np.uint64),
        np.array([window.shape for window in selected], dtype=np.uint64),
        np.array([window.aside for window in selected], dtype=bool),
        np.array([window.bar for window in selected], dtype=np.int32),
        np.array([window.line for window in selected], dtype=np.int32),
    )
