"""The tracks of a MIDI file on the grid: one table of all their notes, and the single lines in it.

Arrays of notes are int64 or int16 [n, 6]: onset step, pitch, velocity, length in steps, micro-offset in
hundredths of a step, track; onsets of `Wide` ones count from the start of a run of bars.

Tested in tests/trainer/corpus/reading/test_read_midi.py.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, ONSET, PITCH, VELOCITY
from model.codecs.drums import CLASS_OF_KEY, KEYS
from model.music.grid import Grid
from model.music.tracks import DRUMS
from trainer.corpus.hashing import mixed

Notes = NDArray[np.int16]  # [n, 6]
Wide = NDArray[np.int64]  # [n, 6]
Numbers = NDArray[np.int64]

VOICES = ("melody", "voice", "vocal", "lead", "sopran", "solo", "singstimme", "canto", "gesang")
VOICE_PROGRAMS = frozenset((52, 53, 54, 68))
GRAM = 8  # notes in one piece of a song's fingerprint
DRUM_GRAM = 32  # steps with hits in one piece of a drum performance's
SKETCH = 4  # one in so many of them is kept
MOST_GRAMS = 20_000
SIXTEENTHS = 4
SWUNG_EIGHTH = (2.5, 2.85)  # steps into the beat: a second eighth of 62 to 71 %
STRAIGHT_EIGHTH = 0.25  # steps around the third sixteenth
SWUNG_SHARE = 2.0  # swung second eighths for each straight one from which music swings
LONGEST = 1 << 24  # ticks from which a length is a damaged file's, and steps from which an onset is
SPREAD = 1 << 25  # runs times tracks that a file may have


class Span(NamedTuple):
    """A run of bars: its first tick, its end, and whether its metre is another than the grid's."""

    start: int
    stop: int
    aside: bool


class TrackLine(NamedTuple):
    """What is known of one track.

    Attributes:
        place: in its `Sheet`.
        program: General MIDI's, 0..127.
        name: in small letters.
        notes: how many it has.
        alone: share of its notes that start on a step of their own, 0..1.
        mean: of its pitches.
        voiced: whether its name or its sound says that it leads.

    """

    place: int
    program: int
    name: str
    notes: int
    alone: float
    mean: float
    voiced: bool


class Sheet:
    """All notes of some tracks, in ticks and on the grid's steps, in one table each.

    Attributes:
        lines: the tracks, in the order of the file.
        spans: the runs of bars.
        grid: that the steps are of.
        velocities: of all notes.

    """

    def __init__(self, tracks: Sequence[Any], tpq: int, spans: Sequence[Span], grid: Grid) -> None:
        """Read symusic tracks that have notes."""
        raw = [track.notes.numpy() for track in tracks]
        counts = np.array([len(each["time"]) for each in raw], dtype=np.int64)
        self.spans, self.grid = list(spans), grid
        self._line = np.repeat(np.arange(len(raw)), counts)
        self._tick, self._length, self._pitch, velocity = (
            np.concatenate([np.zeros(0, dtype=np.int64), *(each[name] for each in raw)]).astype(np.int64)
            for name in ("time", "duration", "pitch", "velocity")
        )
        self._pitch &= 0x7F
        self.velocities = np.clip(velocity, 1, 127)
        self._steps_per_tick = grid.steps_per_beat / tpq
        self._ticks_per_bar = tpq * grid.beats_per_bar
        self.lines = self._described(tracks, counts)
        self._tables: dict[str, Wide] = {}
        self._groups: dict[str, Numbers] = {}

    def __len__(self) -> int:
        """Count the notes."""
        return len(self._tick)

    def _described(self, tracks: Sequence[Any], counts: Numbers) -> list[TrackLine]:
        steps = self._nearest(self.places(), self._line)
        distinct = np.unique(self._line << 40 | (steps & (1 << 40) - 1)) >> 40
        alone = np.bincount(distinct, minlength=len(counts)) / np.maximum(1, counts)
        mean = np.bincount(self._line, weights=self._pitch, minlength=len(counts)) / np.maximum(1, counts)
        lines = []
        for place, track in enumerate(tracks):
            name, program = str(track.name).lower(), int(track.program)
            voiced = any(word in name for word in VOICES) or program in VOICE_PROGRAMS
            about = (int(counts[place]), float(alone[place]), float(mean[place]), voiced)
            lines.append(TrackLine(place, program, name, *about))
        return lines

    def bars(self, span: Span) -> int:
        """Return the whole bars of a run."""
        return (span.stop - span.start) // self._ticks_per_bar

    def places(self) -> NDArray[np.float64]:
        """Return where every note starts, in steps from the beginning of the file."""
        return np.asarray(self._tick * self._steps_per_tick, dtype=np.float64)

    def places_of(self, line: TrackLine) -> Wide:
        """Return a track's notes with onsets in steps from the beginning of the file."""
        chosen = np.flatnonzero((self._line == line.place) & (self._length < LONGEST))
        return self._rows(chosen, 0)

    def group(self, span: int, line: TrackLine) -> int:
        """Return the number of a track's notes in a run, as the sorted tables have it."""
        return span * len(self.lines) + line.place

    def notes(self) -> tuple[Wide, Numbers]:
        """Return all notes in runs, merged (see `merged`) for each run and track, and their groups."""
        if "notes" not in self._tables:
            rows, groups = self._laid(early=0.0)
            self._tables["notes"], self._groups["notes"] = merged(rows, groups)
        return self._tables["notes"], self._groups["notes"]

    def skyline(self, *, lowest: bool = False) -> tuple[Wide, Numbers]:
        """Return the single line of each run and track (see `skyline`), and their groups."""
        name = "lowest" if lowest else "highest"
        if name not in self._tables:
            self._tables[name], self._groups[name] = skyline(*self.notes(), lowest=lowest)
        return self._tables[name], self._groups[name]

    def line(self, span: int, line: TrackLine) -> Wide:
        """Return a track's single line in one of the runs."""
        notes, groups = self.skyline()
        group = self.group(span, line)
        low, high = np.searchsorted(groups, (group, group + 1)).tolist()
        return notes[low:high]

    def chords(self, lines: Sequence[TrackLine]) -> list[Wide]:
        """Return what some tracks play together in each of the runs, merged."""
        notes, groups = self.notes()
        if len(lines) < len(self.lines):
            among = np.isin(groups % max(1, len(self.lines)), [line.place for line in lines])
            notes, groups = notes[among], groups[among]
        groups = groups // max(1, len(self.lines))
        if len(lines) > 1:
            notes, groups = merged(notes, groups)
        ends = np.searchsorted(groups, np.arange(len(self.spans) + 1)).tolist()
        return [notes[low:high] for low, high in pairwise(ends)]

    def hits(self) -> tuple[Wide, Numbers]:
        """Return all hits of all tracks by run and onset, one step long, on the keys of the nine classes.

        A hit belongs to the step that it is nearest to, also one just before the run's first tick: drummers
        are early.  Beside them the runs' numbers.
        """
        if "hits" not in self._tables:
            rows, groups = self._laid(early=0.5 / self._steps_per_tick, hits=True)
            groups = groups // max(1, len(self.lines))
            inside = rows[:, ONSET] >= 0
            rows, groups = rows[inside], groups[inside]
            rows[:, PITCH] = KEY_OF_CLASS[CLASS_OF_KEY[rows[:, PITCH]]]
            rows[:, LENGTH] = 1
            rows[:, -1] = DRUMS
            order = np.argsort(groups << 24 | rows[:, ONSET], kind="stable")
            self._tables["hits"], self._groups["hits"] = rows[order], groups[order]
        return self._tables["hits"], self._groups["hits"]

    def _laid(self, *, early: float, hits: bool = False) -> tuple[Wide, Numbers]:
        """Return the notes that lie in a run, onsets from its first step, and their groups."""
        starts = np.array([span.start for span in self.spans], dtype=np.int64)
        stops = np.array([span.stop for span in self.spans], dtype=np.int64)
        span = np.searchsorted(starts - early, self._tick, side="right") - 1
        inside = (span >= 0) & (self._tick < stops[span]) & (self._length < LONGEST)
        inside &= (self._tick - starts[span]) * self._steps_per_tick < LONGEST - 1
        chosen = np.flatnonzero(inside)
        span = span[chosen]
        return self._rows(chosen, starts[span], hits=hits), span * len(self.lines) + self._line[chosen]

    def _rows(self, chosen: Numbers, start: Numbers | int, *, hits: bool = False) -> Wide:
        place = (self._tick[chosen] - start) * self._steps_per_tick
        onset = np.rint(place) if hits else self._nearest(place, self._line[chosen])
        rows = np.zeros((len(chosen), len(COLUMNS)), dtype=np.int64)
        rows[:, ONSET] = onset
        rows[:, PITCH] = self._pitch[chosen]
        rows[:, VELOCITY] = self.velocities[chosen]
        rows[:, LENGTH] = np.maximum(1, np.rint(self._length[chosen] * self._steps_per_tick))
        rows[:, LENGTH + 1] = np.clip(np.rint((place - onset) * 100), -50, 50)
        return rows

    def _nearest(self, places: NDArray[np.floating[Any]], lines: Numbers) -> Numbers:
        """Return the nearest step of each place; of swung notes as `unswung` says."""
        steps = np.rint(places).astype(np.int64)
        return unswung(places, steps, lines) if self.grid.steps_per_beat == SIXTEENTHS else steps


def unswung(places: NDArray[np.floating[Any]], steps: Numbers, lines: Numbers) -> Numbers:
    """Return steps on which a swung second eighth and the sixteenth behind it do not meet.

    At 67 % the second eighth stands nearer to the fourth sixteenth than to the third.  In music that swings
    it goes back to the third where its line has a note on the fourth, and none on the third.

    Args:
        places: in steps of a sixteenth, of all notes that are looked at together.
        steps: the nearest of each.
        lines: the track of each.

    """
    within = places % SIXTEENTHS
    late = (within > SWUNG_EIGHTH[0]) & (within < SWUNG_EIGHTH[1])
    straight = np.abs(within - SIXTEENTHS / 2) < STRAIGHT_EIGHTH
    if late.sum() <= SWUNG_SHARE * straight.sum():
        return steps
    key = lines << 40 | (steps & (1 << 40) - 1)
    behind = key[~late]
    moved = late & np.isin(key, behind) & ~np.isin(key - 1, behind)
    return np.asarray(steps - moved)


KEY_OF_CLASS = np.array(KEYS, dtype=np.int64)


def no_notes() -> Wide:
    """Return no notes."""
    return np.zeros((0, len(COLUMNS)), dtype=np.int64)


def merged(notes: Wide, groups: Numbers) -> tuple[Wide, Numbers]:
    """Return notes by (group, onset, pitch) and their groups.

    Of two on one place the louder stays; each is cut at its pitch's next onset in the group.
    """
    if not len(notes):
        return notes, groups
    place = (groups << 7 | notes[:, PITCH]) << 24 | notes[:, ONSET]
    order = np.argsort(place << 7 | 127 - notes[:, VELOCITY], kind="stable")
    place = place[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = place[1:] != place[:-1]
    order, place = order[first], place[first]
    notes, groups = notes[order], groups[order]
    same = place[1:] >> 24 == place[:-1] >> 24
    gap = notes[1:, ONSET] - notes[:-1, ONSET]
    notes[:-1, LENGTH] = np.where(same, np.minimum(notes[:-1, LENGTH], gap), notes[:-1, LENGTH])
    order = np.argsort((groups << 24 | notes[:, ONSET]) << 7 | notes[:, PITCH])
    return notes[order], groups[order]


def skyline(notes: Wide, groups: Numbers, *, lowest: bool = False) -> tuple[Wide, Numbers]:
    """Return the highest (lowest) note of each onset step of a group, each ending where the next one starts.

    Args:
        notes: as `merged` returns them.
        groups: of them.
        lowest: whether the lowest are wanted.

    """
    if not len(notes):
        return notes, groups
    place = groups << 24 | notes[:, ONSET]
    taken = np.ones(len(notes), dtype=bool)
    changes = place[1:] != place[:-1]
    if lowest:
        taken[1:] = changes
    else:
        taken[:-1] = changes
    notes, groups = notes[taken], groups[taken]
    gap = notes[1:, ONSET] - notes[:-1, ONSET]
    same = groups[1:] == groups[:-1]
    notes[:-1, LENGTH] = np.where(same, np.minimum(notes[:-1, LENGTH], gap), notes[:-1, LENGTH])
    return notes, groups


def fingerprint(pitched: Sheet, drums: Sheet) -> NDArray[np.uint64]:
    """Return hashes of runs of notes of the upper line: intervals and distances, whatever key or bar line.

    Of a file that holds drums alone they are of runs of (hits, distance in steps).  One in four is kept, the
    same ones in every song, so that two songs with much in common share many.
    """
    if pitched.lines:
        upper = max(pitched.lines, key=lambda line: (line.voiced, line.mean))
        rows = pitched.places_of(upper)
        rows = rows[rows[:, ONSET] < LONGEST]
        notes, _ = skyline(*merged(rows, np.zeros(len(rows), dtype=np.int64)))
        return _grams(np.diff(notes[:, PITCH]), np.diff(notes[:, ONSET]), GRAM)
    rows = np.concatenate([no_notes(), *(drums.places_of(line) for line in drums.lines)])
    places, inverse = np.unique(rows[:, ONSET], return_inverse=True)
    masks = np.zeros(len(places), dtype=np.int64)
    np.bitwise_or.at(masks, inverse, 1 << CLASS_OF_KEY[rows[:, PITCH]])
    return _grams(masks[1:], np.diff(places), DRUM_GRAM)


def _grams(values: Numbers, gaps: Numbers, length: int) -> NDArray[np.uint64]:
    """Return hashes of runs of so many (value, distance), one in `SKETCH`."""
    count = min(len(values) - length + 1, MOST_GRAMS)
    if count <= 0:
        return np.zeros(0, dtype=np.uint64)
    steps = (values << 7 | np.minimum(gaps, 64)).astype(np.uint64)
    place = np.arange(length, dtype=np.uint64) << np.uint64(56)
    runs = np.lib.stride_tricks.sliding_window_view(steps, length)[:count]
    hashes = mixed(mixed(runs ^ place).sum(axis=1, dtype=np.uint64))
    return np.unique(hashes[hashes % np.uint64(SKETCH) == 0])
