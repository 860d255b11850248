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
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from trainer.corpus.hashing import set_hashes
from trainer.corpus.reading.sheets import Sheet
from trainer.corpus.reading.tracks import (
    LONGEST,
    VOICES,
    Numbers,
    TrackLine,
    Wide,
    merged,
    no_notes,
    skyline,
)
from trainer.corpus.windows.drum_windows import Hits
from trainer.corpus.windows.phrase_windows import (
    KEYBOARDS,
    LOWEST_LINE,
    NOTES_A_BAR,
    Cut,
    Windows,
    above_lowest,
    collect,
    fewest,
    off_grid,
    shifted,
    silent_bars,
    stretches,
    together,
)

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


def multitrack_windows(sheet: Sheet, drums: Hits | None) -> Windows:
    """Return the windows of a song's ensemble; bars of another metre are aside, and without drums.

    Args:
        sheet: of the tracks with pitches.
        drums: of all songs that are read together with it; None where it has none.

    """
    players = [n for n in sheet.lines if n.program not in NO_PITCH and n.notes >= FEWEST_OF_A_LINE]
    players = sorted(players, key=lambda line: -line.notes)[:MOST_LINES]
    if not players or (len(players) == 1 and drums is None):
        return Windows()
    band = cast(players)
    if drums is None and two_hands(players, band):
        return Windows()
    most = MOST if drums is not None else MOST_WITHOUT_DRUMS
    places, sampled, in_piece = _places(sheet, most)
    found, taken = _cast_windows(band, sheet, drums, places)
    drawn = found.notes[:, TRACK] == DRUMS
    columns = tuple(found.notes[:, column] for column in (ONSET, PITCH, LENGTH, TRACK))
    exact = set_hashes(columns, found.counts)
    pitched = replace(found, notes=found.notes[~drawn], counts=found.tally(~drawn))
    above = above_lowest(pitched, pitched.notes[:, PITCH])
    shape = set_hashes((pitched.notes[:, ONSET], above, pitched.notes[:, TRACK]), pitched.counts)
    few = sampled[taken]
    (windows,) = collect(found.only(few), exact[few], shape[few], most=most, alike=most)
    piece = in_piece[taken]
    (windows.every,) = together(found, exact, shape, piece & (np.cumsum(piece) <= MOST_OF_A_PIECE))
    return windows


class Casting(NamedTuple):
    """Who can play what, the best first."""

    melody: list[TrackLine]
    bass: list[TrackLine]
    chords: list[TrackLine]


def cast(players: Sequence[TrackLine]) -> Casting:
    """Say which tracks of a song can be its melody, bass and chords; a track may stand in two lists."""
    named = [line for line in players if is_bass(line)]
    low = [line for line in players if line.mean < LOW and line.alone >= SINGLE and not line.voiced]
    bass = sorted(named or low, key=lambda line: line.mean)
    others = [line for line in players if line not in bass]
    single = [
        line for line in others if line.alone >= SINGLE and (line.mean >= LOWEST_LINE or is_voice(line))
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
    if any(is_voice(line) or line.program not in KEYBOARDS for line in players):
        return False
    sheet = any(line.alone >= LINE_OF_A_SHEET for line in band.melody)
    return not (sheet and any(line.alone <= CHORDS_OF_A_SHEET for line in band.chords))


def is_bass(line: TrackLine) -> bool:
    """Tell whether a track's sound or name says that it is the bass."""
    name = line.name
    said = ("bass" in name or "contrab" in name) and not any(word in name for word in NO_BASS)
    return (line.program in BASS_PROGRAMS or said) and line.mean < C3 + 12


class WindowPlaces(NamedTuple):
    """Where windows may lie: the run and the first step of each, in their order."""

    spans: Numbers
    first: Numbers


def _places(sheet: Sheet, most: int) -> tuple[WindowPlaces, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where windows are cast, which of them may be taken, and which say how the piece goes on."""
    grid = sheet.grid
    stride = max(1, grid.bars // 4)
    spans, firsts, sampled, in_piece, left = [], [], [], [], MOST_OF_A_PIECE + SPARE_OF_A_PIECE
    for number, span in enumerate(sheet.spans):
        count = max(0, -(-(sheet.bars(span) - grid.bars + 1) // stride))
        few = np.zeros(count, dtype=bool)
        few[np.linspace(0, count - 1, min(count, most * SPARE)).astype(np.int64)] = True
        whole = np.arange(count) < left
        left -= int(whole.sum())
        kept = np.flatnonzero(few | whole)
        spans.append(np.full(len(kept), number))
        firsts.append(kept * stride * grid.steps_per_bar)
        sampled.append(few[kept])
        in_piece.append(whole[kept])
    places = WindowPlaces(np.concatenate(spans), np.concatenate(firsts))
    return places, np.concatenate(sampled), np.concatenate(in_piece)


class Rows(NamedTuple):
    """Notes and the window that each is played in."""

    notes: Wide
    windows: Numbers

    @classmethod
    def at(cls, table: Wide, low: Numbers, high: Numbers, windows: Numbers) -> "Rows":
        """Take a stretch of a table for each of some windows."""
        return cls(stretches(table, low, high - low), np.repeat(windows, high - low))

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


class Stage:
    """Where each track's notes lie in a table, window by window."""

    def __init__(self, sheet: Sheet, groups: Numbers, notes: Wide, lines: Sequence[TrackLine]) -> None:
        """Take a sheet's table and the tracks that are asked for."""
        self._keys = groups << 24 | notes[:, ONSET]
        self._width, self._steps = len(sheet.lines), sheet.grid.steps
        self._lines = np.array([line.place for line in lines], dtype=np.int64)

    def edges(self, places: WindowPlaces) -> tuple[Numbers, Numbers]:
        """Return [track, window] where the notes begin and end."""
        group = places.spans[None] * self._width + self._lines[:, None]
        low, high = (
            np.searchsorted(self._keys, group << 24 | np.minimum(places.first + more, LONGEST - 1)[None])
            for more in (0, self._steps)
        )
        return low, high


class Players:
    """Who of a band plays what, window by window.

    Attributes:
        lead: row of the track that leads in each window, -1 where none does.
        ground: row of the track that is the bass.

    """

    def __init__(self, band: Casting, sheet: Sheet, places: WindowPlaces) -> None:
        """Look at which tracks play where."""
        everyone = list(dict.fromkeys((*band.melody, *band.bass, *band.chords)))
        row = {line: number for number, line in enumerate(everyone)}
        singers, basses, self._chords = (
            np.array([row[line] for line in lines], dtype=np.int64)
            for lines in (band.melody, band.bass, band.chords)
        )
        self._table, self._groups = sheet.notes()
        self._line, groups = sheet.skyline()
        self._lowest, _ = sheet.skyline(lowest=True)  # on the same steps, so that their rows are the same
        self._edges = Stage(sheet, self._groups, self._table, everyone).edges(places)
        self._line_edges = Stage(sheet, groups, self._line, everyone).edges(places)
        self._playing = self._line_edges[1] - self._line_edges[0]
        self._keyboard = np.array([line.alone < SINGLE for line in everyone], dtype=bool)
        self.lead = self._first(singers, FEWEST_MELODY)
        self.ground = self._first(basses, 1)

    def _first(self, rows: Numbers, fewest_notes: int) -> Numbers:
        """Return the first of some rows that has so many notes in each window; -1 where none has."""
        which = self._playing[rows] >= fewest_notes
        if not len(rows):
            return np.full(which.shape[1], -1)
        return np.where(which.any(axis=0), rows[which.argmax(axis=0)], -1)

    def melody(self) -> Rows:
        """Return the lead's line."""
        led = np.flatnonzero(self.lead >= 0)
        return self._stretches(self._line, self._line_edges, self.lead[led], led)

    def chords(self) -> Rows:
        """Return what the first of the others play, and what lies under a leading keyboard's top notes."""
        chosen = (self._playing[self._chords] > 0) & (self._chords[:, None] != self.lead[None])
        chosen &= np.cumsum(chosen, axis=0) <= CHORD_LINES
        part, window = np.nonzero(chosen)
        others = self._stretches(self._table, self._edges, self._chords[part], window)
        led = np.flatnonzero(self.lead >= 0)
        led = led[self._keyboard[self.lead[led]]]
        top = np.ones(len(self._table), dtype=bool)
        place = self._groups << 24 | self._table[:, ONSET]
        top[:-1] = place[1:] != place[:-1]
        under = self._table.copy()
        under[:, TRACK] = top
        hands = self._stretches(under, self._edges, self.lead[led], led)
        hands = hands.only(hands.notes[:, TRACK] == 0)
        return Rows(*merged(*_together(others, hands)))

    def bass(self) -> Rows:
        """Return the bass's line, where there is one."""
        where = np.flatnonzero(self.ground >= 0)
        return self._stretches(self._lowest, self._line_edges, self.ground[where], where)

    @staticmethod
    def _stretches(table: Wide, edges: tuple[Numbers, Numbers], rows: Numbers, windows: Numbers) -> Rows:
        low, high = edges
        return Rows.at(table, low[rows, windows], high[rows, windows], windows)


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
    band: Casting, sheet: Sheet, drums: Hits | None, places: WindowPlaces
) -> tuple[Cut, NDArray[np.bool_]]:
    """Return the windows that hold enough and lie on the grid, each cast from who plays in it, and which."""
    grid, count = sheet.grid, len(places.first)
    players = Players(band, sheet, places)
    chords, bass = _grounded(players.chords(), players.bass(), players.ground)
    parts = {MELODY: players.melody(), CHORDS: chords, BASS: bass, DRUMS: _beat(sheet, drums, places)}
    sizes = {track: rows.counts(count) for track, rows in parts.items()}
    for track, rows in parts.items():
        rows.notes[:, TRACK] = track
    others = (sizes[CHORDS] >= FEWEST_OTHER) | (sizes[BASS] >= FEWEST_OTHER)
    drummed, sung = sizes[DRUMS] >= FEWEST_OTHER, sizes[MELODY] > 0
    total = np.sum([*sizes.values()], axis=0)
    taken = (others & (sung | drummed)) | (sung & drummed)
    taken &= (total >= fewest(grid)) & (total <= 2 * NOTES_A_BAR[1] * grid.bars)
    every = _together(*parts.values())
    every = every.only(taken[every.windows])
    place = (every.windows << 24 | every.notes[:, ONSET]) << 7 | every.notes[:, PITCH]
    notes = every.notes[np.argsort(place << 2 | every.notes[:, TRACK], kind="stable")]
    windows = np.flatnonzero(taken)
    spans = places.spans[windows]
    aside = np.array([span.aside for span in sheet.spans], dtype=bool)[spans]
    bars = places.first[windows] // grid.steps_per_bar
    found = shifted(Cut(notes, total[windows], bars, spans, aside, np.zeros_like(spans)), grid)
    good = silent_bars(found, grid) <= grid.bars // 2
    good &= ~off_grid(found, grid, found.notes[:, TRACK] != DRUMS)
    taken[windows[~good]] = False
    return found.only(good), taken


def _beat(sheet: Sheet, drums: Hits | None, places: WindowPlaces) -> Rows:
    """Return the hits of every window; none where too many of them fall onto others, or in another metre."""
    if drums is None:
        return _together()
    aside = np.array([span.aside for span in sheet.spans], dtype=bool)
    windows = np.flatnonzero(~aside[places.spans])
    runs = places.spans[windows] + sheet.first_run
    low, high, whole = drums.windows(runs, places.first[windows], sheet.grid)
    return Rows.at(drums.distinct.notes, low[whole], high[whole], windows[whole])
