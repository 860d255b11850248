"""Windows of a song: whole bars of notes, one after another, all distinct.  For melody and poly here.

A window is `Grid.bars` bars of the grid's metre; the next one starts a bar later, of grids of more than four
bars a quarter of the grid later.

Tested in tests/trainer/corpus/reading/test_read_midi.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, OFFSET, ONSET, PITCH
from model.music.grid import Grid
from trainer.corpus.hashing import Hashes, set_hashes
from trainer.corpus.reading.sheets import Sheets, Table
from trainer.corpus.reading.tracks import LONGEST, Notes, Numbers, TrackLine, Wide

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


class Runs(NamedTuple):
    """Notes in runs of bars, of one song or of several after each other.

    Attributes:
        notes: of all runs one after another, by onset.
        counts: notes of each run.
        bars: whole bars of each.
        aside: see `Windows`; of each.
        songs: the song of each, from 0, rising.
    """

    notes: Wide
    counts: Numbers
    bars: Numbers
    aside: NDArray[np.bool_]
    songs: Numbers

    @classmethod
    def of(
        cls, table: Table, groups: Numbers, bars: Numbers, aside: NDArray[np.bool_], songs: Numbers
    ) -> Self:
        """Take some groups of a table, in any order; the rest is of each."""
        low, high = np.searchsorted(table.groups, groups), np.searchsorted(table.groups, groups, side="right")
        return cls(stretches(table.notes, low, high - low), high - low, bars, aside, songs)


@dataclass(frozen=True, slots=True)
class Cut:
    """Windows that may be taken, of one or more runs.

    Attributes:
        notes: int64 [n, 6], of all windows one after another, onsets from a window's first step.
        counts: notes in each.
        bars: the first bar of each in its run.
        runs: which run of its song each is cut from.
        aside: see `Windows`.
        songs: the song of each, from 0, rising.
    """

    notes: Wide
    counts: Numbers
    bars: Numbers
    runs: Numbers
    aside: NDArray[np.bool_]
    songs: Numbers

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
        counts, bars, runs, songs = (each[chosen] for each in (self.counts, self.bars, self.runs, self.songs))
        return Cut(notes, counts, bars, runs, self.aside[chosen], songs)


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


def melody_windows(sheets: Sheets) -> list[Windows]:
    """Return of each song the windows of the best one or two single lines, or of its voice's skyline."""
    table, bars, aside = sheets.skyline(), sheets.bars(), _aside(sheets)
    lines: list[int] = []
    spans: list[int] = []
    for song in range(len(sheets)):
        players, first = sheets.lines_of(song), sheets.first_line[song]
        runs = range(sheets.first_span[song], sheets.first_span[song + 1])
        for line in _leading(players) if players else ():
            lines += [first + line.place] * len(runs)
            spans += runs
    of, numbers = np.array(spans, dtype=np.int64), np.array(lines, dtype=np.int64)
    songs = sheets.song_of_line[numbers]
    runs_of = Runs.of(table, sheets.groups_of(of, numbers), bars[of], aside[of], songs)
    return collect(*cut(runs_of, sheets.grid), songs=len(sheets))


def _leading(lines: Sequence[TrackLine]) -> list[TrackLine]:
    """Return which of a song's tracks are its melody."""
    single = [line for line in lines if line.alone >= MONOPHONIC and line.mean >= LOWEST_LINE]
    single.sort(key=lambda line: (not line.voiced, -line.mean))
    return single[:LINES] or [max(lines, key=lambda line: (line.voiced, line.mean))]


def _aside(sheets: Sheets) -> NDArray[np.bool_]:
    return np.array([span.aside for span in sheets.spans], dtype=bool)


def poly_windows(sheets: Sheets) -> list[Windows]:
    """Return of each song the windows of the keyboard's tracks together, or of a small ensemble's.

    A song that is a single line gives a few, aside: hands play single lines too.
    """
    chosen = np.zeros(len(sheets.lines), dtype=bool)
    most = np.zeros(len(sheets), dtype=np.int64)
    for song in range(len(sheets)):
        lines, first = sheets.lines_of(song), sheets.first_line[song]
        keys = [line for line in lines if line.program in KEYBOARDS and not line.voiced]
        hands = keys or ([line for line in lines if not line.voiced] if len(lines) <= SMALL else [])
        most[song] = MAX_WINDOWS if keys else ENSEMBLE_WINDOWS
        chosen[[first + line.place for line in hands]] = True
    table = sheets.chords(chosen)
    songs_of = sheets.song_of_span[table.groups]
    place = table.groups << 24 | table.notes[:, ONSET]
    new = np.ones(len(place), dtype=bool)
    new[1:] = place[1:] != place[:-1]
    count, onsets = (np.bincount(each, minlength=len(sheets)) for each in (songs_of, songs_of[new]))
    line = onsets > MONOPHONIC * count
    most[line] = SINGLE_LINE_WINDOWS
    songs, spans = sheets.song_of_span, np.arange(len(sheets.spans))
    runs = Runs.of(table, spans, sheets.bars(), _aside(sheets) | line[songs], songs)
    found = collect(*cut(runs, sheets.grid), songs=len(sheets), most=most)
    for song in np.flatnonzero(line).tolist():
        found[song].every = None  # it is a melody's piece already
    return found


def cut(runs: Runs, grid: Grid) -> tuple[Cut, Hashes, Hashes]:
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
    whole, zero = np.array([len(notes)]), np.zeros(1, dtype=np.int64)
    return Cut(notes, whole, zero, zero, np.zeros(1, dtype=bool), zero)


def above_lowest(found: Cut, pitches: NDArray[Any]) -> NDArray[Any]:
    """Return each note's distance to the lowest pitch of its window."""
    if not len(pitches):
        return pitches
    starts = np.cumsum(found.counts) - found.counts
    return np.asarray(pitches - np.repeat(np.minimum.reduceat(pitches, starts), found.counts))


def laid(runs: Runs, grid: Grid, *, most: int) -> Cut:
    """Return all windows of some runs that hold enough notes and not more than `most`."""
    of, first, low, high = slide(runs, grid)
    enough = (high - low >= fewest(grid)) & (high - low <= most)
    of, first, low, high = of[enough], first[enough], low[enough], high[enough]
    begins = np.searchsorted(runs.songs, runs.songs)  # the first run of each one's song
    notes, songs = stretches(runs.notes, low, high - low), runs.songs[of]
    bars = first // grid.steps_per_bar
    return shifted(Cut(notes, high - low, bars, of - begins[of], runs.aside[of], songs), grid)


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


def slide(runs: Runs, grid: Grid) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return each window with a note in its first bar: (run, first step, first note, note after the last)."""
    of = np.repeat(np.arange(len(runs.counts)), runs.counts)
    onsets = runs.notes[:, ONSET]
    bars = onsets // grid.steps_per_bar
    new = np.ones(len(of), dtype=bool)
    new[1:] = (bars[1:] != bars[:-1]) | (of[1:] != of[:-1])
    new &= (bars <= runs.bars[of] - grid.bars) & (bars % max(1, grid.bars // 4) == 0)
    low = np.flatnonzero(new)
    first, run = bars[low].astype(np.int64) * grid.steps_per_bar, of[low]
    high = np.searchsorted(of << 24 | onsets, run << 24 | np.minimum(first + grid.steps, LONGEST - 1))
    return run, first, low, high


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


def beat_strength(sheets: Sheets) -> NDArray[np.float64]:
    """Return how far each song's notes keep to the beat or a part of it, 0 (anywhere) to 1 (one place).

    The longest of the mean vectors of their places in the beat, its half, third and quarter, as on a circle.
    """
    turn = np.exp(2j * np.pi * sheets.places() / sheets.grid.steps_per_beat)
    half = turn * turn
    count = np.bincount(sheets.song, minlength=len(sheets))
    strongest = np.zeros(len(sheets))
    for vector in (turn, half, half * turn, half * half):
        x, y = (
            np.bincount(sheets.song, weights=part, minlength=len(sheets))
            for part in (vector.real, vector.imag)
        )
        strongest = np.maximum(strongest, np.hypot(x, y) / np.maximum(1, count))
    return np.where(count < FEWEST_FOR_BEAT, 1.0, strongest)


def silent_bars(found: Cut, grid: Grid) -> Numbers:
    """Return in how many bars of each window, whose notes lie by onset, nothing starts."""
    bars = found.of_notes * grid.bars + found.notes[:, ONSET] // grid.steps_per_bar
    new = np.ones(len(bars), dtype=bool)
    new[1:] = bars[1:] != bars[:-1]
    return grid.bars - np.bincount(bars[new] // grid.bars, minlength=len(found.counts))


def collect(
    found: Cut,
    exact: Hashes,
    shape: Hashes,
    *,
    songs: int = 1,
    most: int | Numbers = MAX_WINDOWS,
    alike: int | Numbers = MAX_WINDOWS,
    among: Numbers | None = None,
    every: Numbers | None = None,
) -> list[Windows]:
    """Return each song's distinct windows, at most so many in all (evenly spread) and of one shape.

    Args:
        found: windows.
        exact: of them.
        shape: of them.
        songs: how many there are.
        most: of all songs or of each.
        alike: of one shape, of all songs or of each.
        among: which windows may be taken, rising; None all.
        every: which say how their piece goes on, rising; None the first `MAX_WINDOWS` of each song.
    """
    most, alike = (np.broadcast_to(np.asarray(each), songs) for each in (most, alike))
    taken = np.arange(len(exact)) if among is None else among
    taken = taken[rank(found.songs[taken], exact[taken]) == 0]
    if (alike < MAX_WINDOWS).any():
        of = found.songs[taken]
        taken = taken[rank(of, shape[taken]) < alike[of]]
    taken = _spread(found.songs, taken, most)
    if every is None:
        every = np.flatnonzero(rank(found.songs) < MAX_WINDOWS)
    collected = together(found, exact, shape, taken, songs)
    for windows, pieces in zip(collected, together(found, exact, shape, every, songs), strict=True):
        windows.every = pieces if len(pieces.counts) else None
    return collected


def rank(songs: Numbers, kinds: Hashes | None = None) -> Numbers:
    """Return how many come before each in its song, or of its kind in its song."""
    order = np.arange(len(songs)) if kinds is None else np.lexsort((kinds, songs))
    changes = np.ones(len(songs), dtype=bool)
    changes[1:] = songs[order][1:] != songs[order][:-1]
    if kinds is not None:
        changes[1:] |= kinds[order][1:] != kinds[order][:-1]
    place = np.arange(len(songs))
    found = np.empty(len(songs), dtype=np.int64)
    found[order] = place - np.maximum.accumulate(np.where(changes, place, 0))
    return found


def _spread(songs: Numbers, chosen: Numbers, most: Numbers) -> Numbers:
    """Return which of the chosen windows stay where a song has too many of them; some of each that has."""
    of = songs[chosen]
    place = rank(of)
    stays = place < MAX_WINDOWS
    held = np.minimum(np.bincount(of, minlength=len(most)), MAX_WINDOWS)
    for song in np.flatnonzero(held > most).tolist():
        its = np.flatnonzero((of == song) & stays)
        stays[its] = False
        stays[its[np.rint(np.linspace(0, len(its) - 1, most[song])).astype(np.int64)]] = True
    return chosen[stays]


def together(found: Cut, exact: Hashes, shape: Hashes, taken: Numbers, songs: int) -> list[Windows]:
    """Return some windows of each song as arrays."""
    counts = found.counts
    if len(taken) == len(counts):
        notes = found.notes.astype(np.int16)
    else:
        notes = stretches(found.notes, (np.cumsum(counts) - counts)[taken], counts[taken]).astype(np.int16)
    counts, aside, exact, shape = counts[taken], found.aside[taken], exact[taken], shape[taken]
    bars, runs = found.bars[taken].astype(np.int32), found.runs[taken].astype(np.int32)
    ends = np.searchsorted(found.songs[taken], np.arange(songs + 1))
    note_ends = np.append(0, np.cumsum(counts))[ends].tolist()
    bounds = zip(pairwise(ends.tolist()), pairwise(note_ends), strict=True)
    return [
        Windows(
            notes[begin:end],
            counts[low:high],
            exact[low:high],
            shape[low:high],
            aside[low:high],
            bars[low:high],
            runs[low:high],
        )
        for (low, high), (begin, end) in bounds
    ]
