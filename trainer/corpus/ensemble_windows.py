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

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import LENGTH, ONSET, PITCH, TRACK
from model.codecs.multitrack import C3
from model.music.grid import Grid
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from trainer.corpus.drum_windows import distinct, hits_of
from trainer.corpus.tracks import VOICES, Span, TrackLine, Wide, hash_of, merged, no_notes, skyline
from trainer.corpus.windows import (
    KEYBOARDS,
    LOWEST_LINE,
    MAX_WINDOWS,
    NOTES_A_BAR,
    Window,
    Windows,
    collect,
    fewest,
    off_grid,
    shifted,
    silent_bars,
    together,
)

MOST = 150  # windows that one song gives
MOST_WITHOUT_DRUMS = 16
MOST_OF_A_PIECE = 240  # windows of a song that say how a piece goes on
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


def multitrack_windows(
    lines: list[TrackLine], drums: list[TrackLine], spans: list[Span], grid: Grid
) -> Windows:
    """Return the windows of a song's ensemble; bars of another metre are aside, and without drums."""
    players = [n for n in lines if n.program not in NO_PITCH and len(n.onset) >= FEWEST_OF_A_LINE]
    players = sorted(players, key=lambda line: -len(line.onset))[:MOST_LINES]
    if not players or (len(players) == 1 and not drums):
        return Windows()
    band = cast(players)
    if not drums and two_hands(players, band):
        return Windows()
    most = MOST if drums else MOST_WITHOUT_DRUMS
    windows = collect(_play(band, drums, spans, grid, most=most), most=most, alike=most)
    windows.every = together(list(islice(_play(band, drums, spans, grid, most=MAX_WINDOWS), MOST_OF_A_PIECE)))
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
    chords = sorted(others, key=lambda line: (line.program not in CHORD_PROGRAMS, -len(line.onset)))
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


class Part:
    """A track's notes in a run of bars, and its single line, window by window."""

    def __init__(self, line: TrackLine, span: Span, edges: NDArray[np.int64], *, lowest: bool) -> None:
        """Lay the track on the grid; window n goes from step edges[0, n] to before edges[1, n]."""
        notes = line.on_grid(span.start, span.stop)
        self.leads_alone = line.alone >= SINGLE
        self._notes, self._line = merged(notes), skyline(notes, lowest=lowest)
        self._of_notes = np.searchsorted(self._notes[:, ONSET], edges)
        self._of_line = np.searchsorted(self._line[:, ONSET], edges)

    def notes(self, window: int) -> Wide:
        """Return all notes of a window."""
        return self._notes[self._of_notes[0, window] : self._of_notes[1, window]]

    def line(self, window: int) -> Wide:
        """Return the single line of a window."""
        return self._line[self._of_line[0, window] : self._of_line[1, window]]

    def count(self, window: int) -> int:
        """Return how many notes the single line has in a window."""
        return int(self._of_line[1, window] - self._of_line[0, window])


class Players(NamedTuple):
    """A band in a run of bars."""

    melody: list[Part]
    bass: list[Part]
    chords: list[Part]
    hits: Wide


def _play(
    band: Casting, drums: list[TrackLine], spans: Sequence[Span], grid: Grid, *, most: int
) -> Iterator[Window]:
    """Yield the windows of all runs, each cast from who plays in it."""
    stride = max(1, grid.bars // 4)
    everyone = list(dict.fromkeys((*band.melody, *band.bass, *band.chords)))
    for run, span in enumerate(spans if everyone else ()):
        bars = np.arange(0, everyone[0].bars(span) - grid.bars + 1, stride)
        if len(bars) > most * SPARE:
            bars = np.unique(np.linspace(0, len(bars) - 1, most * SPARE).astype(np.int64)) * stride
        first = bars * grid.steps_per_bar
        edges = np.stack((first, first + grid.steps))
        parts = {line: Part(line, span, edges, lowest=line in band.bass) for line in everyone}
        players = Players(
            melody=[parts[line] for line in band.melody],
            bass=[parts[line] for line in band.bass],
            chords=[parts[line] for line in band.chords],
            hits=hits_of(drums, span) if drums and not span.aside else no_notes(),
        )
        for number, begin in enumerate(first.tolist()):
            window = _window(players, number, begin, grid)
            if window is not None:
                keyed = window[window[:, TRACK] != DRUMS]
                above = keyed[:, PITCH] - keyed[:, PITCH].min()
                yield Window(
                    window,
                    hash_of(window[:, (ONSET, PITCH, LENGTH, TRACK)]),
                    hash_of(np.column_stack((keyed[:, ONSET], above, keyed[:, TRACK]))),
                    span.aside,
                    begin // grid.steps_per_bar,
                    run,
                )


def _window(players: Players, number: int, first: int, grid: Grid) -> Wide | None:
    """Return one window's notes, or None where too little or too much is played, or off the grid."""
    lead = next((part for part in players.melody if part.count(number) >= FEWEST_MELODY), None)
    melody = no_notes() if lead is None else lead.line(number)
    playing = [part for part in players.chords if part is not lead and part.count(number)]
    chosen = [part.notes(number) for part in playing[:CHORD_LINES]]
    if lead is not None and not lead.leads_alone:  # a keyboard: what lies under its top notes is chords
        whole = lead.notes(number)
        chosen.append(whole[~_within(whole, melody)])
    chords = merged(np.concatenate([no_notes(), *chosen]))
    ground = next((part for part in players.bass if part.count(number)), None)
    if ground is not None:
        bass = ground.line(number)
    else:
        bass = skyline(chords[chords[:, PITCH] < C3], lowest=True)
        chords = chords[~_within(chords, bass)]
    low, high = np.searchsorted(players.hits[:, ONSET], (first, first + grid.steps)).tolist()
    beat = distinct(players.hits[low:high]) if high > low else None
    beat = no_notes() if beat is None else beat
    others = [len(part) >= FEWEST_OTHER for part in ((chords, bass, beat) if len(melody) else (chords, bass))]
    if not any(others) or not (len(melody) or len(beat) >= FEWEST_OTHER):
        return None
    sides = ((melody, MELODY), (chords, CHORDS), (bass, BASS), (beat, DRUMS))
    notes = np.concatenate([_as(part, track) for part, track in sides])
    if not fewest(grid) <= len(notes) <= 2 * NOTES_A_BAR[1] * grid.bars:
        return None
    window = shifted(notes[np.lexsort((notes[:, TRACK], notes[:, PITCH], notes[:, ONSET]))], first, grid)
    too_silent = silent_bars(window, grid) > grid.bars // 2
    return None if too_silent or off_grid(window[window[:, TRACK] != DRUMS], grid) else window


def _within(notes: Wide, others: Wide) -> NDArray[np.bool_]:
    """Tell which notes are among others, by onset and pitch."""
    return np.isin(notes[:, ONSET] * 128 + notes[:, PITCH], others[:, ONSET] * 128 + others[:, PITCH])


def _as(notes: Wide, track: int) -> Wide:
    """Return the notes as a track's."""
    labelled = notes.copy()
    labelled[:, TRACK] = track
    return labelled
