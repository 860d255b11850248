"""One track of a MIDI file as arrays of notes, and what single lines are made of them.

Arrays of notes are int64 or int16 [n, 6]: onset step, pitch, velocity, length in steps, micro-offset in
hundredths of a step, track; onsets of `Wide` ones count from the start of a run of bars.

Tested in tests/trainer/corpus/test_read_midi.py.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, ONSET, PITCH, VELOCITY
from model.codecs.drums import CLASS_OF_KEY, KEYS
from model.music.grid import Grid
from model.music.tracks import DRUMS

Notes = NDArray[np.int16]  # [n, 6]
Wide = NDArray[np.int64]  # [n, 6]

VOICES = ("melody", "voice", "vocal", "lead", "sopran", "solo", "singstimme", "canto", "gesang")
VOICE_PROGRAMS = frozenset((52, 53, 54, 68))
GRAM = 8  # notes in one piece of a song's fingerprint
DRUM_GRAM = 32  # steps with hits in one piece of a drum performance's
SKETCH = 4  # one in so many of them is kept
LONGEST = 1 << 24  # ticks from which a length is a damaged file's


class Span(NamedTuple):
    """A run of bars: its first tick, its end, and whether its metre is another than the grid's."""

    start: int
    stop: int
    aside: bool


class TrackLine:
    """One track's notes as arrays, in ticks.

    Attributes:
        alone: share of its notes that start on a step of their own, 0..1.
        mean: of its pitches.
        voiced: whether its name or its sound says that it leads.

    """

    def __init__(self, track: Any, tpq: int, grid: Grid) -> None:  # noqa: ANN401 - symusic publishes no types
        """Read a symusic track that has notes."""
        raw = track.notes.numpy()
        self.onset = raw["time"].astype(np.int64)
        self.length = raw["duration"].astype(np.int64)
        self.pitch = raw["pitch"].astype(np.int64) & 0x7F
        self.velocity = np.clip(raw["velocity"].astype(np.int64), 1, 127)
        self.program = int(track.program)
        self.name = str(track.name).lower()
        self.steps_per_tick = grid.steps_per_beat / tpq
        self._ticks_per_bar = tpq * grid.beats_per_bar
        steps = np.unique(np.rint(self.onset * self.steps_per_tick))
        self.alone = len(steps) / max(1, len(self.onset))
        self.mean = float(self.pitch.mean())
        self.voiced = any(word in self.name for word in VOICES) or self.program in VOICE_PROGRAMS

    def bars(self, span: Span) -> int:
        """Return the whole bars of a run."""
        return (span.stop - span.start) // self._ticks_per_bar

    def on_grid(self, start: int, stop: int) -> Wide:
        """Return the notes of a run, onsets in steps from its start, all of track 0."""
        return self._rows((self.onset >= start) & (self.onset < stop), start)

    def hits(self, start: int, stop: int) -> Wide:
        """Return the hits of a run by onset, one step long, on the keys of the nine drum classes.

        A hit belongs to the step that it is nearest to, also one just before the run's first tick: drummers
        are early.
        """
        early = 0.5 / self.steps_per_tick
        rows = self._rows((self.onset >= start - early) & (self.onset < stop), start)
        rows = rows[rows[:, ONSET] >= 0]
        rows[:, PITCH] = KEY_OF_CLASS[CLASS_OF_KEY[rows[:, PITCH]]]
        rows[:, LENGTH] = 1
        rows[:, -1] = DRUMS
        return np.asarray(rows[np.argsort(rows[:, ONSET], kind="stable")])

    def _rows(self, inside: NDArray[np.bool_], start: int) -> Wide:
        inside = inside & (self.length < LONGEST)
        place = (self.onset[inside] - start) * self.steps_per_tick
        onset = np.rint(place)
        length = np.maximum(1, np.rint(self.length[inside] * self.steps_per_tick))
        micro = np.clip(np.rint((place - onset) * 100), -50, 50)
        columns = (onset, self.pitch[inside], self.velocity[inside], length, micro, np.zeros(len(onset)))
        return np.stack([np.asarray(column, dtype=np.int64) for column in columns], axis=1)


KEY_OF_CLASS = np.array(KEYS, dtype=np.int64)


def no_notes() -> Wide:
    """Return no notes."""
    return np.zeros((0, len(COLUMNS)), dtype=np.int64)


def merged(notes: Wide) -> Wide:
    """Return notes by (onset, pitch), the louder of two on one place, cut at the pitch's next onset."""
    if not len(notes):
        return notes
    notes = notes[np.lexsort((-notes[:, VELOCITY], notes[:, ONSET], notes[:, PITCH]))]
    first = np.ones(len(notes), dtype=bool)
    first[1:] = np.any(notes[1:, :2] != notes[:-1, :2], axis=1)
    notes = notes[first]
    same = notes[1:, PITCH] == notes[:-1, PITCH]
    gap = notes[1:, ONSET] - notes[:-1, ONSET]
    notes[:-1, LENGTH] = np.where(same, np.minimum(notes[:-1, LENGTH], gap), notes[:-1, LENGTH])
    return np.asarray(notes[np.lexsort((notes[:, PITCH], notes[:, ONSET]))])


def skyline(notes: Wide, *, lowest: bool = False) -> Wide:
    """Return the highest (lowest) note of each onset step, each ending where the next one starts."""
    if not len(notes):
        return notes
    sign = -1 if lowest else 1
    notes = notes[np.lexsort((sign * notes[:, PITCH], notes[:, ONSET]))]
    last = np.ones(len(notes), dtype=bool)
    last[:-1] = notes[1:, ONSET] != notes[:-1, ONSET]
    notes = notes[last]
    notes[:-1, LENGTH] = np.minimum(notes[:-1, LENGTH], notes[1:, ONSET] - notes[:-1, ONSET])
    return notes


def fingerprint(lines: list[TrackLine], drums: list[TrackLine]) -> NDArray[np.uint64]:
    """Return hashes of runs of notes of the upper line: intervals and distances, whatever key or bar line.

    Of a file that holds drums alone they are of runs of (hits, distance in steps).  One in four is kept, the
    same ones in every song, so that two songs with much in common share many.
    """
    if lines:
        upper = max(lines, key=lambda line: (line.voiced, line.mean))
        notes = skyline(upper.on_grid(0, 1 << 40))
        steps = np.stack((np.diff(notes[:, PITCH]), np.minimum(np.diff(notes[:, ONSET]), 64)), axis=1)
        return _pieces(steps, GRAM)
    hits = np.concatenate([no_notes(), *(line.hits(0, 1 << 40) for line in drums)])
    places, inverse = np.unique(hits[:, ONSET], return_inverse=True)
    masks = np.zeros(len(places), dtype=np.int64)
    np.bitwise_or.at(masks, inverse, 1 << CLASS_OF_KEY[hits[:, PITCH]])
    steps = np.stack((masks[1:], np.minimum(np.diff(places), 64)), axis=1)
    return _pieces(steps, DRUM_GRAM)


def _pieces(steps: NDArray[np.int64], length: int) -> NDArray[np.uint64]:
    """Return hashes of runs of so many rows, one in `SKETCH`."""
    hashes = {hash_of(steps[start : start + length]) for start in range(min(len(steps) - length + 1, 20_000))}
    return np.array(sorted(h for h in hashes if h % SKETCH == 0), dtype=np.uint64)


def hash_of(values: NDArray[np.int64]) -> int:
    """Return a 64-bit hash that is the same on every machine."""
    data = np.ascontiguousarray(values, dtype="<i2").tobytes()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
