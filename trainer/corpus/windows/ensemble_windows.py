"""Windows of an ensemble: who plays the melody, the chords, the bass and the drums of a song.

Every window is cast anew, because in the course of a song players fall silent and hand the tune on:

- drums: all tracks on channel 10 together.
- bass: of the tracks with a bass's sound or name, else of the low single lines, the first that plays there.
  Where none does, the lowest note below C3 of each chord is the bass, as on a keyboard.
- melody: of the single lines that are left, the first that plays there: what is named or sounds like a voice
  or a lead before melody instruments, these before others, high before low.  A song without such a line is
  led by the top notes of its highest track.
- chords: up to three of the other tracks that play there: keyboards, guitars, strings and pads before others,
  full ones before thin ones.

Timpani, percussion and sound effects outside channel 10 are left out.  A window needs a melody and one part
more; in a song with drums these and chords or a bass will do.  A keyboard's two hands are no ensemble.  Songs
without drums give few windows, since orchestras and songs for voice and piano are many.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import LENGTH, ONSET, PITCH, TRACK
from model.codecs.multitrack import C3
from model.music.grid import Grid
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from trainer.corpus.hashing import set_hashes
from trainer.corpus.reading.sheets import Sheets, Table
from trainer.corpus.reading.tracks import LONGEST, VOICES, Numbers, TrackLine, Wide, merged, no_notes, skyline
from trainer.corpus.windows import phrase_windows
from trainer.corpus.windows.drum_windows import Hits
from trainer.corpus.windows.phrase_windows import Windows

MOST = 150  # windows that one song gives
MOST_WITHOUT_DRUMS = 16
MOST_OF_A_PIECE = 240  # windows of a song that say how a piece goes on
SPARE_OF_A_PIECE = 60
SPARE = 3  # windows that are cast for each that may be kept: some hold too little, some are alike
MOST_LINES = 48
FEWEST_OF_A_LINE = 4  # notes from which a track is a player
CHORD_LINES = 3
SINGLE = 0.8  # share of onsets that stand alone in a line that can lead
LOW = 52.0  # mean pitch below which a single line can be a bass
LINE_OF_A_SHEET, CHORDS_OF_A_SHEET = 0.99, 0.5  # the same shares in a tune written above its chords
FEWEST_MELODY = 3  # notes in a window
FEWEST_OTHER = 2

SINGING_PROGRAMS = frozenset((52, 53, 54))
BASS_PROGRAMS = frozenset((*range(32, 40), 43, 58))
LEAD_PROGRAMS = frozenset((40, *range(56, 58), *range(64, 76), *range(78, 88)))
CHORD_PROGRAMS = frozenset((*range(8), *range(16, 32), 46, *range(48, 52), *range(88, 96)))
NO_PITCH = frozenset((47, *range(112, 128)))
NO_BASS = ("bassoon", "basset", "bass drum", "basson", "bass clarinet")


def multitrack_windows(sheets: Sheets, drums: Sheets, hits: Hits) -> list[Windows]:
    """Return the windows of each song's ensemble; bars of another metre are aside, and without drums."""
    bands = [_band(sheets.lines_of(song), drummed=drums.size_of(song) > 0) for song in range(len(sheets))]
    most = np.array(
        [MOST if drums.size_of(song) else MOST_WITHOUT_DRUMS for song in range(len(sheets))], dtype=np.int64
    )
    places, sampled, in_piece = _places(
        sheets, np.array([band is not None for band in bands], dtype=bool), most
    )
    found, taken = _cast_windows([band or NOBODY for band in bands], sheets, hits, places)
    drawn = found.notes[:, TRACK] == DRUMS
    columns = tuple(found.notes[:, column] for column in (ONSET, PITCH, LENGTH, TRACK))
    exact = set_hashes(columns, found.counts)
    pitched = replace(found, notes=found.notes[~drawn], counts=found.tally(~drawn))
    above = phrase_windows.above_lowest(pitched, pitched.notes[:, PITCH])
    shape = set_hashes((pitched.notes[:, ONSET], above, pitched.notes[:, TRACK]), pitched.counts)
    piece = np.flatnonzero(in_piece[taken])
    piece = piece[phrase_windows.rank(found.songs[piece]) < MOST_OF_A_PIECE]
    few = np.flatnonzero(sampled[taken])
    return phrase_windows.collect(
        found, exact, shape, songs=len(sheets), most=most, alike=most, among=few, every=piece
    )


def _band(lines: Sequence[TrackLine], *, drummed: bool) -> "Casting | None":
    """Return who of a song can play what; None where its tracks are no ensemble."""
    players = [n for n in lines if n.program not in NO_PITCH and n.notes >= FEWEST_OF_A_LINE]
    players = sorted(players, key=lambda line: -line.notes)[:MOST_LINES]
    if not players or (len(players) == 1 and not drummed):
        return None
    band = cast(players)
    return band if drummed or not two_hands(players, band) else None


class Casting(NamedTuple):
    """Who can play what, the best first."""

    melody: list[TrackLine]
    bass: list[TrackLine]
    chords: list[TrackLine]


NOBODY = Casting([], [], [])


def cast(players: Sequence[TrackLine]) -> Casting:
    """Say which tracks of a song can be its melody, bass and chords; a track may stand in two lists."""
    named = [line for line in players if is_bass(line)]
    low = [line for line in players if line.mean < LOW and line.alone >= SINGLE and not line.voiced]
    bass = sorted(named or low, key=lambda line: line.mean)
    others = [line for line in players if line not in bass]
    single = [
        line
        for line in others
        if line.alone >= SINGLE and (line.mean >= phrase_windows.LOWEST_LINE or is_voice(line))
    ]
    melody = sorted(
        single, key=lambda line: (not is_voice(line), line.program not in LEAD_PROGRAMS, -line.mean)
    )
    if not melody and others:
        melody = [max(others, key=lambda line: (line.voiced, line.mean))]
    chords = sorted(others, key=lambda line: (line.program not in CHORD_PROGRAMS, -line.notes))
    return Casting(melody, bass, chords)


def is_voice(line: TrackLine) -> bool:
    """Tell whether a track's sound or name says that it sings or leads."""
    return line.program in SINGING_PROGRAMS or any(word in line.name for word in VOICES)


def two_hands(players: Sequence[TrackLine], band: Casting) -> bool:
    """Tell whether all that plays is a keyboard or a guitar, and no line above chords among it."""
    if any(is_voice(line) or line.program not in phrase_windows.KEYBOARDS for line in players):
        return False
    sheet = any(line.alone >= LINE_OF_A_SHEET for line in band.melody)
    return not (sheet and any(line.alone <= CHORDS_OF_A_SHEET for line in band.chords))


def is_bass(line: TrackLine) -> bool:
    """Tell whether a track's sound or name says that it is the bass."""
    name = line.name
    said = ("bass" in name or "contrab" in name) and not any(word in name for word in NO_BASS)
    return (line.program in BASS_PROGRAMS or said) and line.mean < C3 + 12


class WindowPlaces(NamedTuple):
    """Where windows may lie: the run, its first step in it and the song of each, in their order."""

    spans: Numbers
    first: Numbers
    songs: Numbers


def _places(
    sheets: Sheets, chosen: NDArray[np.bool_], most: Numbers
) -> tuple[WindowPlaces, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where windows are cast, which of them may be taken, and which say how the piece goes on.

    Args:
        sheets: the songs.
        chosen: of which songs windows are cast.
        most: windows that each song gives.
    """
    grid = sheets.grid
    stride = max(1, grid.bars // 4)
    counts = np.maximum(0, -(-(sheets.bars() - grid.bars + 1) // stride)) * chosen[sheets.song_of_span]
    spans = np.repeat(np.arange(len(counts)), counts)
    begins = np.cumsum(counts) - counts
    number, songs = np.arange(len(spans)) - begins[spans], sheets.song_of_span[spans]
    few = np.ones(len(spans), dtype=bool)
    spare = most[sheets.song_of_span] * SPARE
    for span in np.flatnonzero(counts > spare).tolist():
        count, begin = int(counts[span]), int(begins[span])
        few[begin : begin + count] = False
        few[begin + np.linspace(0, count - 1, spare[span]).astype(np.int64)] = True
    whole = phrase_windows.rank(songs) < MOST_OF_A_PIECE + SPARE_OF_A_PIECE
    chosen = few | whole
    places = WindowPlaces(spans[chosen], number[chosen] * stride * grid.steps_per_bar, songs[chosen])
    return places, few[chosen], whole[chosen]


class Rows(NamedTuple):
    """Notes and the window that each is played in."""

    notes: Wide
    windows: Numbers

    @classmethod
    def at(cls, table: Wide, low: Numbers, high: Numbers, windows: Numbers) -> "Rows":
        """Take a stretch of a table for each of some windows."""
        return cls(phrase_windows.stretches(table, low, high - low), np.repeat(windows, high - low))

    def only(self, chosen: NDArray[np.bool_]) -> "Rows":
        """Return some of them."""
        return Rows(self.notes[chosen], self.windows[chosen])

    def counts(self, windows: int) -> Numbers:
        """Return how many each window has."""
        return np.bincount(self.windows, minlength=windows)


def _together(*some: Rows) -> Rows:
    """Return rows one after another."""
    return Rows(
        np.concatenate([no_notes(), *(rows.notes for rows in some)]),
        np.concatenate([np.zeros(0, dtype=np.int64), *(rows.windows for rows in some)]),
    )


class Candidates:
    """Who could play a part in which window: the tracks for it of a song, the best first, in each window.

    Attributes:
        lines: the track of each, as the sheets count them.
        windows: where.
        groups: the track in the window's run.
        first: the window's first step in its run.
        low: its first note in the table of single lines.
        high: the note behind its last.
    """

    def __init__(self, sheets: Sheets, places: WindowPlaces, parts: Sequence[Sequence[TrackLine]]) -> None:
        songs = np.repeat(np.arange(len(parts)), [len(lines) for lines in parts])
        counts = np.bincount(places.songs, minlength=len(parts))
        begins = (np.cumsum(counts) - counts)[songs]
        lines = np.array([line.place for lines in parts for line in lines], dtype=np.int64)
        lines += np.array(sheets.first_line, dtype=np.int64)[songs]
        counts = counts[songs]
        self.lines = np.repeat(lines, counts)
        self.windows = np.arange(len(self.lines)) + np.repeat(begins - np.cumsum(counts) + counts, counts)
        self.groups, self.first = (
            sheets.groups_of(places.spans[self.windows], self.lines),
            places.first[self.windows],
        )
        self.low, self.high = edges(sheets.skyline(), self.groups, self.first, sheets.grid)

    def best(self, fewest_notes: int, count: int) -> Numbers:
        """Return the first with so many notes in each of so many windows; -1 where none has."""
        playing = np.flatnonzero(self.high - self.low >= fewest_notes)[::-1]
        found = np.full(count, -1)
        found[self.windows[playing]] = playing  # of several the last stays: the first of them
        return found


def edges(table: Table, groups: Numbers, first: Numbers, grid: Grid) -> tuple[Numbers, Numbers]:
    """Return where in a table windows of some groups begin and end, by their first steps."""
    keys = table.groups << 24 | table.notes[:, ONSET]
    low, high = (
        np.searchsorted(keys, groups << 24 | np.minimum(first + more, LONGEST - 1))
        for more in (0, grid.steps)
    )
    return low, high


class Players:
    """Who of the bands plays what, window by window.

    Attributes:
        ground: place of who is the bass in each window among its candidates, -1 where none is.
    """

    def __init__(self, bands: Sequence[Casting], sheets: Sheets, places: WindowPlaces) -> None:
        self._sheets, self._count = sheets, len(places.first)
        self._singers, self._basses, self._others = (
            Candidates(sheets, places, parts) for parts in zip(*bands, strict=True)
        )
        self._lead = self._singers.best(FEWEST_MELODY, self._count)
        self.ground = self._basses.best(1, self._count)

    def melody(self) -> Rows:
        """Return the lead's line."""
        return self._lines(self._singers, self._lead, self._sheets.skyline())

    def bass(self) -> Rows:
        """Return the bass's line, where there is one."""
        # on the same steps, so that its rows are those of the highest line
        return self._lines(self._basses, self.ground, self._sheets.skyline(lowest=True))

    @staticmethod
    def _lines(candidates: Candidates, chosen: Numbers, table: Table) -> Rows:
        windows = np.flatnonzero(chosen >= 0)
        chosen = chosen[windows]
        return Rows.at(table.notes, candidates.low[chosen], candidates.high[chosen], windows)

    def chords(self) -> Rows:
        """Return what the first of the others play, and what lies under a leading keyboard's top notes."""
        others, singers, table = self._others, self._singers, self._sheets.notes()
        leader = (
            np.where(self._lead >= 0, singers.lines[self._lead], -1) if len(singers.lines) else self._lead
        )
        playing = np.flatnonzero((others.high > others.low) & (others.lines != leader[others.windows]))
        playing = playing[np.argsort(others.windows[playing], kind="stable")]
        playing = playing[phrase_windows.rank(others.windows[playing]) < CHORD_LINES]
        led = self._lead[self._lead >= 0]
        keyboard = np.array([line.alone < SINGLE for line in self._sheets.lines], dtype=bool)
        led = led[keyboard[singers.lines[led]]]
        place = table.groups << 24 | table.notes[:, ONSET]
        top = np.ones(len(place), dtype=bool)
        top[:-1] = place[1:] != place[:-1]
        under = table.notes.copy()
        under[:, TRACK] = top
        hands = self._chords(singers, led, Table(under, table.groups))
        hands = hands.only(hands.notes[:, TRACK] == 0)
        return Rows(*merged(*_together(self._chords(others, playing, table), hands)))

    def _chords(self, candidates: Candidates, chosen: Numbers, table: Table) -> Rows:
        """Return all that some of the candidates play."""
        low, high = edges(table, candidates.groups[chosen], candidates.first[chosen], self._sheets.grid)
        return Rows.at(table.notes, low, high, candidates.windows[chosen])


def _grounded(chords: Rows, bass: Rows, ground: Numbers) -> tuple[Rows, Rows]:
    """Let the lowest chord notes below C3 be the bass where there is no other; return chords and bass."""
    deep = (ground[chords.windows] < 0) & (chords.notes[:, PITCH] < C3)
    where = np.flatnonzero(deep)
    moment = chords.windows[where] << 24 | chords.notes[where, ONSET]
    lowest = np.zeros(len(deep), dtype=bool)
    lowest[where[np.flatnonzero(np.diff(moment, prepend=-1))]] = True
    found = Rows(*skyline(*chords.only(lowest), lowest=True))
    return chords.only(~lowest), _together(bass, found)


def _cast_windows(
    bands: Sequence[Casting], sheets: Sheets, hits: Hits, places: WindowPlaces
) -> tuple[phrase_windows.Cut, NDArray[np.bool_]]:
    """Return the windows that hold enough and lie on the grid, each cast from who plays in it, and which."""
    grid, count = sheets.grid, len(places.first)
    aside = np.array([span.aside for span in sheets.spans], dtype=bool)
    players = Players(bands, sheets, places)
    chords, bass = _grounded(players.chords(), players.bass(), players.ground)
    beat = _beat(hits, places, np.flatnonzero(~aside[places.spans]), grid)
    parts = {MELODY: players.melody(), CHORDS: chords, BASS: bass, DRUMS: beat}
    sizes = {track: rows.counts(count) for track, rows in parts.items()}
    for track, rows in parts.items():
        rows.notes[:, TRACK] = track
    others = (sizes[CHORDS] >= FEWEST_OTHER) | (sizes[BASS] >= FEWEST_OTHER)
    drummed, sung = sizes[DRUMS] >= FEWEST_OTHER, sizes[MELODY] > 0
    total = np.sum([*sizes.values()], axis=0)
    taken = (others & (sung | drummed)) | (sung & drummed)
    taken &= (total >= phrase_windows.fewest(grid)) & (total <= 2 * phrase_windows.NOTES_A_BAR[1] * grid.bars)
    every = _together(*parts.values())
    every = every.only(taken[every.windows])
    place = (every.windows << 24 | every.notes[:, ONSET]) << 7 | every.notes[:, PITCH]
    notes = every.notes[np.argsort(place << 2 | every.notes[:, TRACK], kind="stable")]
    windows = np.flatnonzero(taken)
    spans, songs = places.spans[windows], places.songs[windows]
    bars, within = places.first[windows] // grid.steps_per_bar, spans - np.array(sheets.first_span)[songs]
    found = phrase_windows.shifted(
        phrase_windows.Cut(notes, total[windows], bars, within, aside[spans], songs), grid
    )
    good = phrase_windows.silent_bars(found, grid) <= grid.bars // 2
    good &= ~phrase_windows.off_grid(found, grid, found.notes[:, TRACK] != DRUMS)
    taken[windows[~good]] = False
    return found.only(good), taken


def _beat(hits: Hits, places: WindowPlaces, windows: Numbers, grid: Grid) -> Rows:
    """Return the hits of some windows; none where too many of them fall onto others."""
    low, high, whole = hits.windows(places.spans[windows], places.first[windows], grid)
    return Rows.at(hits.distinct.notes, low[whole], high[whole], windows[whole])
