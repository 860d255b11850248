"""The multitrack codec: melody, chords, bass and drums, each in the arrays of its own codec.

Melody and bass are packed as the melody codec packs a line, chords as the poly codec, drums as the drums
codec; names of arrays and heads have the track's before them (`melody.token`, `chords.roll`, `bass.token`,
`drums.drums`).  What each of them keeps is kept; a track may be empty.

A keyboard's notes are all of track 0.  A phrase without any other track is split at a fixed key: the highest
line is the melody, below C3 lies the bass, the rest is chords (see `split`).  All training is done so, and
prepared corpora hold the notes undivided.  What is played live is divided before, see `codecs.keyboard`.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import LENGTH, ONSET, PITCH, TRACK, ZERO, Arrays, Heads, Levels, Table, table_of
from model.codecs.drums import DrumsCodec
from model.codecs.melody import MelodyCodec
from model.codecs.poly import PolyCodec
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS

C3 = 48
OCTAVE = 12

Part = MelodyCodec | PolyCodec | DrumsCodec
PARTS: tuple[Callable[[Grid], Part], ...] = (MelodyCodec, PolyCodec, MelodyCodec, DrumsCodec)
"""The codec of each track, in the order of `TRACKS`."""


class MultitrackCodec:
    """Phrases of four tracks on one grid; arrays and heads as the module says.

    Attributes:
        divides: whether `pack` splits phrases that are all of track 0; without it that is a melody alone.
    """

    kind: ClassVar[str] = "multitrack"

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.divides = True
        self.parts: dict[str, Part] = {name: made(grid) for name, made in zip(TRACKS, PARTS, strict=True)}

    def pack(self, table: Table, rows: NDArray[np.int64], count: int) -> Arrays:
        """Return the arrays of `count` phrases; see `Codec.pack`."""
        track = split(table, rows, count) if self.divides else table[:, TRACK].astype(np.int64)
        order = np.argsort(
            track.astype(np.int16), kind="stable"
        )  # of 16 bits it counts, and does not compare
        ends = np.searchsorted(track[order], np.arange(len(self.parts) + 1))
        table, rows = table[order], rows[order]
        table[:, TRACK] = MELODY  # each codec sees a part of its own
        table[ends[DRUMS] : ends[DRUMS + 1], TRACK] = DRUMS
        arrays: Arrays = {}
        for number, (name, part) in enumerate(self.parts.items()):
            some = slice(ends[number], ends[number + 1])
            packed = part.pack(table[some], rows[some], count)
            arrays.update({f"{name}.{key}": value for key, value in packed.items()})
        return arrays

    def unpack(self, arrays: Arrays, row: int) -> Phrase:
        """Return the phrase that the arrays hold in one row."""
        return self._together(lambda name, part: part.unpack(below(arrays, name), row))

    def named(self, phrase: Phrase) -> Phrase:
        """Return a phrase's notes, a keyboard's divided among the tracks; see `Codec.named`."""
        if not self.divides:
            return phrase
        table = table_of(phrase)
        tracks = split(table, np.zeros(len(table), dtype=np.int64), 1).tolist()
        return Phrase.of(
            phrase.grid,
            (note._replace(track=track) for note, track in zip(phrase.notes, tracks, strict=True)),
        )

    def heads(self) -> dict[str, tuple[int, ...]]:
        """Return the heads' shapes."""
        return {
            f"{name}.{key}": shape for name, part in self.parts.items() for key, shape in part.heads().items()
        }

    def noise(self, rng: np.random.Generator) -> Arrays:
        """Draw every track's noise, in the order of the tracks."""
        return {
            f"{name}.{key}": value
            for name, part in self.parts.items()
            for key, value in part.noise(rng).items()
        }

    def read(
        self, heads: Heads, *, temperature: float = 0.0, noise: Arrays | None = None, levels: Levels = ZERO
    ) -> Phrase:
        """Return the phrase that the heads spell; the names in `levels` have the track's before them."""
        return self._together(
            lambda name, part: part.read(
                below(heads, name),
                temperature=temperature,
                noise=below(noise, name) if noise is not None else None,
                levels=below(levels, name),
            )
        )

    def _together(self, play: Callable[[str, Part], Phrase]) -> Phrase:
        """Return all tracks' notes in one phrase."""
        notes: list[Note] = []
        for number, (name, part) in enumerate(self.parts.items()):
            notes += [note._replace(track=number) for note in play(name, part).notes]
        return Phrase(self.grid, tuple(sorted(notes, key=lambda note: (note.onset, note.pitch, note.track))))


def below(held: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what lies under a track's name."""
    start = f"{name}."
    return {key.removeprefix(start): value for key, value in held.items() if key.startswith(start)}


def split(table: Table, rows: NDArray[np.int64], count: int, *, key: int = C3) -> NDArray[np.int64]:
    """Return the track of each note, int64 [M], phrases that are all of track 0 divided among three.

    From the first onset to the last: of the notes from the key up that start together the highest is melody,
    unless the melody's note before still sounds more than an octave above it; the lowest note below the key
    is bass; the others are chords.  Training divides at C3.
    """
    track = table[:, TRACK].astype(np.int64)
    several = np.bincount(rows[track > MELODY], minlength=count) > 0
    keyboard = ~several[rows]
    if not keyboard.any():
        return track
    index = np.flatnonzero(keyboard)
    order = index[np.lexsort((table[index, PITCH], table[index, ONSET], rows[index]))]
    row = rows[order].tolist()
    onset = table[order, ONSET].tolist()
    pitch = table[order, PITCH].tolist()
    end = (table[order, ONSET] + table[order, LENGTH]).tolist()
    phrase, top, until = -1, 0, 0  # the melody's last note and where it ends
    begin = 0
    while begin < len(order):
        if row[begin] != phrase:
            phrase, top, until = row[begin], 0, 0
        stop = begin + 1
        while stop < len(order) and row[stop] == phrase and onset[stop] == onset[begin]:
            stop += 1
        track[order[begin:stop]] = CHORDS
        if pitch[begin] < key:
            track[order[begin]] = BASS
        last = stop - 1
        covered = until > onset[last] and top - pitch[last] > OCTAVE
        if pitch[last] >= key and not covered:
            track[order[last]] = MELODY
            top, until = pitch[last], end[last]
        begin = stop
    return track
