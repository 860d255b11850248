"""Many songs on the grid: all their notes in one table each kind, so that numpy looks at many files at once.

Tested in tests/trainer/corpus/reading/test_sheets.py.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, ONSET, PITCH, VELOCITY
from model.codecs.drums import CLASS_OF_KEY, KEYS
from model.music.grid import Grid
from model.music.tracks import DRUMS
from trainer.corpus.reading.tracks import (
    LONGEST,
    SIXTEENTHS,
    VOICE_PROGRAMS,
    VOICES,
    Numbers,
    Span,
    Track,
    TrackLine,
    Wide,
    merged,
    skyline,
    unswung,
)

KEY_OF_CLASS = np.array(KEYS, dtype=np.int32)
FULLEST = 1 << 24
"""Tracks times runs of bars that sheets may have together."""


class SongTracks(NamedTuple):
    """A file's tracks with notes, its ticks a quarter, and its runs of bars."""

    tracks: Sequence[Track]
    tpq: int
    spans: Sequence[Span]


class Table(NamedTuple):
    """Notes in runs of bars, and the group of each.

    A group is a track in a run of bars (of hits, a run of bars); they are numbered song by song, run by run.
    """

    notes: Wide
    groups: Numbers

    def between(self, first: int, after: int) -> "Table":
        """Return the notes of some groups in a row, which are numbered from 0."""
        low, high = np.searchsorted(self.groups, (first, after)).tolist()
        return Table(self.notes[low:high], self.groups[low:high] - first)


class Sheets:
    """All notes of some tracks of many songs, in ticks and on the grid's steps, in one table each.

    Attributes:
        lines: the tracks, song by song, in the order of the file.
        spans: the runs of bars, song by song.
        grid: that the steps are of.
        song: of each note, from 0.
        song_of_line: the song of each track.
        song_of_span: the song of each run.
        velocities: of all notes, 1..127.
        first_line: the first of each song's tracks, and the end.
        first_span: the first of each song's runs, and the end.
        first_group: the first group of each run, and the end.
    """

    def __init__(self, songs: Sequence[SongTracks], grid: Grid) -> None:
        tracks = [track for song in songs for track in song.tracks]
        self.grid = grid
        self.spans = [span for song in songs for span in song.spans]
        self.first_line = [0, *accumulate(len(song.tracks) for song in songs)]
        self.first_span = [0, *accumulate(len(song.spans) for song in songs)]
        widths = np.diff(self.first_line)
        self.song_of_line = np.repeat(np.arange(len(songs)), widths)
        self.song_of_span = np.repeat(np.arange(len(songs)), np.diff(self.first_span))
        self.first_group = np.append(0, np.cumsum(widths[self.song_of_span]))
        counts = np.array([len(track.notes["time"]) for track in tracks], dtype=np.int64)
        self._line = np.repeat(np.arange(len(tracks)), counts)
        self.song = self.song_of_line[self._line]
        self._first_note: list[int] = np.searchsorted(self.song, np.arange(len(songs) + 1)).tolist()
        column = {
            name: np.concatenate([np.zeros(0, dtype=np.int32), *(track.notes[name] for track in tracks)])
            for name in ("time", "duration", "pitch", "velocity")
        }
        self._tick, self._length = column["time"].astype(np.int64), column["duration"].astype(np.int64)
        self._pitch = column["pitch"] & 0x7F
        self.velocities = np.clip(column["velocity"], 1, 127)
        self._steps_per_tick = np.array([grid.steps_per_beat / song.tpq for song in songs])
        self._ticks_per_bar = [song.tpq * grid.beats_per_bar for song in songs]
        self._tables: dict[str, Table] = {}
        self.lines = self._described(tracks, counts)

    def __len__(self) -> int:
        """Count the songs."""
        return len(self._ticks_per_bar)

    def _described(self, tracks: Sequence[Track], counts: Numbers) -> list[TrackLine]:
        steps = self._nearest(self.places(), self._line, self.song)
        place = np.sort(self._line << 40 | (steps & (1 << 40) - 1), kind="stable")  # they nearly lie so
        distinct = place[np.flatnonzero(np.diff(place, prepend=-1))] >> 40
        alone = np.bincount(distinct, minlength=len(counts)) / np.maximum(1, counts)
        mean = np.bincount(self._line, weights=self._pitch, minlength=len(counts)) / np.maximum(1, counts)
        within = (number for first, after in pairwise(self.first_line) for number in range(after - first))
        lines = []
        numbers = zip(counts.tolist(), alone.tolist(), mean.tolist(), strict=True)
        for number, track, (count, single, height) in zip(within, tracks, numbers, strict=True):
            name = track.name.lower()
            voiced = any(word in name for word in VOICES) or track.program in VOICE_PROGRAMS
            lines.append(TrackLine(number, track.program, name, count, single, height, voiced))
        return lines

    def lines_of(self, song: int) -> list[TrackLine]:
        """Return the tracks of a song."""
        return self.lines[self.first_line[song] : self.first_line[song + 1]]

    def spans_of(self, song: int) -> list[Span]:
        """Return the runs of bars of a song."""
        return self.spans[self.first_span[song] : self.first_span[song + 1]]

    def size_of(self, song: int) -> int:
        """Return how many notes a song has."""
        return self._first_note[song + 1] - self._first_note[song]

    def bars(self) -> Numbers:
        """Return the whole bars of each run."""
        ticks = np.array([span.stop - span.start for span in self.spans], dtype=np.int64)
        return ticks // np.array(self._ticks_per_bar, dtype=np.int64)[self.song_of_span]

    def bars_of(self, song: int, span: Span) -> int:
        """Return the whole bars of a song's run."""
        return (span.stop - span.start) // self._ticks_per_bar[song]

    def places(self) -> NDArray[np.float64]:
        """Return where every note starts, in steps from the beginning of its file."""
        return np.asarray(self._tick * self._steps_per_tick[self.song], dtype=np.float64)

    def of_lines(self, chosen: NDArray[np.bool_]) -> Table:
        """Return the notes of some tracks, onsets in steps from the beginning of the file; groups are songs.

        Each track swings by itself.
        """
        notes = np.flatnonzero(chosen[self._line] & (self._length < LONGEST))
        notes = notes[self.places()[notes] < LONGEST - 1]
        places = self.places()[notes]
        onsets = self._nearest(places, self._line[notes], self._line[notes])
        return Table(self._rows(notes, places, onsets), self.song[notes])

    def notes(self) -> Table:
        """Return all notes in runs, merged (see `merged`) for each group."""
        if "notes" not in self._tables:
            rows, spans, lines = self._laid()
            self._tables["notes"] = Table(*merged(rows, self.groups_of(spans, lines)))
        return self._tables["notes"]

    def groups_of(self, spans: Numbers, lines: Numbers) -> Numbers:
        """Return the groups of tracks, by their places in `lines`, in runs of their songs."""
        return np.asarray(
            self.first_group[spans] + lines - np.array(self.first_line)[self.song_of_line[lines]]
        )

    def spans_of_groups(self, groups: Numbers) -> Numbers:
        """Return the run that each group lies in."""
        return np.searchsorted(self.first_group, groups, side="right") - 1

    def skyline(self, *, lowest: bool = False) -> Table:
        """Return the single line of each group, see `skyline`."""
        name = "lowest" if lowest else "highest"
        if name not in self._tables:
            self._tables[name] = Table(*skyline(*self.notes(), lowest=lowest))
        return self._tables[name]

    def chords(self, chosen: NDArray[np.bool_]) -> Table:
        """Return what some tracks play together, merged; groups are runs of bars."""
        notes, groups = self.notes()
        spans = self.spans_of_groups(groups)
        line = groups - self.first_group[spans] + np.array(self.first_line)[self.song_of_span[spans]]
        among = chosen[line]
        return Table(*merged(notes[among], spans[among]))

    def hits(self) -> Table:
        """Return all hits of all tracks by run and onset, one step long, on the keys of the nine classes.

        A hit belongs to the step that it is nearest to, also one just before the run's first tick: drummers
        are early.  Groups are runs of bars.
        """
        if "hits" not in self._tables:
            rows, spans, _ = self._laid(hits=True)
            inside = rows[:, ONSET] >= 0
            rows, spans = rows[inside], spans[inside]
            rows[:, PITCH] = KEY_OF_CLASS[CLASS_OF_KEY[rows[:, PITCH]]]
            rows[:, LENGTH] = 1
            rows[:, -1] = DRUMS
            order = np.argsort(spans << 24 | rows[:, ONSET], kind="stable")
            self._tables["hits"] = Table(rows[order], spans[order])
        return self._tables["hits"]

    def _laid(self, *, hits: bool = False) -> tuple[Wide, Numbers, Numbers]:
        """Return the notes that lie in a run, onsets from its first step, and their runs and tracks."""
        starts = np.array([span.start for span in self.spans], dtype=np.int64)
        stops = np.array([span.stop for span in self.spans], dtype=np.int64)
        spans = np.full(len(self._tick), -1)
        bounds = zip(pairwise(self._first_note), pairwise(self.first_span), self._steps_per_tick, strict=True)
        for (low, high), (first, after), steps_per_tick in bounds:
            if low < high and first < after:
                begins = starts[first:after] - (0.5 / steps_per_tick if hits else 0.0)
                place = np.searchsorted(begins, self._tick[low:high], side="right") - 1
                spans[low:high] = np.where(place < 0, -1, place + first)
        chosen = np.flatnonzero(spans >= 0)
        start, scale = starts[spans[chosen]], self._steps_per_tick[self.song[chosen]]
        tick = self._tick[chosen]
        inside = (tick < stops[spans[chosen]]) & (self._length[chosen] < LONGEST)
        places = np.asarray((tick - start) * scale, dtype=np.float64)
        inside &= places < LONGEST - 1
        chosen, places = chosen[inside], places[inside]
        lines = self._line[chosen]
        onsets = np.rint(places) if hits else self._nearest(places, lines, self.song[chosen])
        return self._rows(chosen, places, onsets), spans[chosen], lines

    def _rows(self, chosen: Numbers, places: NDArray[np.float64], onsets: NDArray[Any]) -> Wide:
        rows = np.zeros((len(chosen), len(COLUMNS)), dtype=np.int32)
        rows[:, ONSET] = onsets
        rows[:, PITCH] = self._pitch[chosen]
        rows[:, VELOCITY] = self.velocities[chosen]
        length = np.rint(self._length[chosen] * self._steps_per_tick[self.song[chosen]])
        rows[:, LENGTH] = np.maximum(1, length)
        rows[:, LENGTH + 1] = np.clip(np.rint((places - onsets) * 100), -50, 50)
        return rows

    def _nearest(self, places: NDArray[np.float64], lines: Numbers, songs: Numbers) -> Numbers:
        """Return the nearest step of each place; of swung notes as `unswung` says."""
        steps = np.rint(places).astype(np.int64)
        return unswung(places, steps, lines, songs) if self.grid.steps_per_beat == SIXTEENTHS else steps


class Sheet:
    """The notes of one of several songs.

    Attributes:
        lines: its tracks.
        spans: its runs of bars.
        grid: that the steps are of.
        first_run: the first of the runs, as the sheets count them.
    """

    def __init__(self, sheets: Sheets, song: int) -> None:
        self._sheets, self._song = sheets, song
        self.lines, self.spans, self.grid = sheets.lines_of(song), sheets.spans_of(song), sheets.grid
        self.first_run = sheets.first_span[song]
        edges = [self.first_run, sheets.first_span[song + 1]]
        first, after = sheets.first_group[edges].tolist()
        self._groups = first, after

    @classmethod
    def of(cls, tracks: Sequence[Any], tpq: int, spans: Sequence[Span], grid: Grid) -> Self:
        """Read symusic's tracks of one song."""
        return cls(Sheets([SongTracks(Track.all_of(tracks), tpq, spans)], grid), 0)

    def __len__(self) -> int:
        """Count the notes."""
        return self._sheets.size_of(self._song)

    def bars(self, span: Span) -> int:
        """Return the whole bars of a run."""
        return self._sheets.bars_of(self._song, span)

    def notes(self) -> Table:
        """Return all notes in runs, merged; a group is run times tracks, and the track's place."""
        return self._sheets.notes().between(*self._groups)

    def skyline(self, *, lowest: bool = False) -> Table:
        """Return the single line of each group."""
        return self._sheets.skyline(lowest=lowest).between(*self._groups)

    def line(self, span: int, line: TrackLine) -> Wide:
        """Return a track's single line in one of the runs."""
        group = span * len(self.lines) + line.place
        return self.skyline().between(group, group + 1).notes

    def chords(self, lines: Sequence[TrackLine]) -> list[Wide]:
        """Return what some tracks play together in each of the runs, merged."""
        notes, groups = self.notes()
        width = max(1, len(self.lines))
        among = np.isin(groups % width, [line.place for line in lines])
        together = Table(*merged(notes[among], groups[among] // width))
        return [together.between(span, span + 1).notes for span in range(len(self.spans))]
