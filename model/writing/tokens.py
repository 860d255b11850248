"""Notes as the writer's tokens: whole numbers in columns, in the key of C major or A minor.

A phrase is written as [fixed notes] [begin] [new notes]: the token `begin` says what is wanted; each new note
is chosen by what the tokens up to the one before it say.  New notes come by onset, then track, then falling
pitch, so that what sounds first is there first.

Transposing every piece to one key signature teaches a small network in one key what it would have to learn
in twelve.

Tested in tests/model/writing/test_tokens.py.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from model.music.key import DEGREES, OUTSIDE, PROFILES
from model.music.phrase import Note
from model.music.tracks import DRUMS
from model.writing.wish import STEPS

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

TOKEN_COLUMNS = ("onset", "track", "pitch", "length", "velocity", "offset")
ONSET, TRACK, PITCH, LENGTH, VELOCITY, OFFSET = range(6)
SIZES = (STEPS + 1, 4, 128, STEPS, 32, 21)
"""How many values each column has; the last onset ends a phrase."""
END = STEPS
REFERENCED = (PITCH, LENGTH, VELOCITY, OFFSET)
"""Columns whose odds are also of distances from other notes' values."""
REACH = (24, 8, 8, 8)
"""The farthest distance, up or down, that has odds of its own, by referenced column."""
SOURCES = 4
"""Notes referred to: the one before in the track, those a bar and a phrase before, the next fixed one."""
NONE = -1
FIXED, BEGIN, NEW = range(3)
"""What a token is."""
BUCKETS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 25, 33, 49)
"""Least of the notes left in each class of counts; class 0 of the embedding says that they are not known."""
PLACES = 17
"""0 where the place in the piece is not known, else 1 + the phrase's number, by eights from the ninth on."""


def rows_of(notes: Iterable[Note], shift: int = 0) -> Ints:
    """Return notes as tokens, int64 [M, 6], in the order of writing.

    Args:
        notes: of a phrase on the writer's grid.
        shift: semitones that pitched notes are moved by; those that leave 0..127 by octaves back.
    """
    rows = [
        (
            note.onset,
            note.track,
            -(note.pitch if note.track == DRUMS else folded(note.pitch + shift)),
            note.length - 1,
            note.velocity >> 2,
            offset_class(note.displacement + note.offset),
        )
        for note in notes
    ]
    rows.sort()
    found = np.array(rows, dtype=np.int64).reshape(-1, len(TOKEN_COLUMNS))
    found[:, PITCH] *= -1
    return found


def note_of(row: Sequence[int], shift: int = 0) -> Note:
    """Return a token's note, its pitch moved back by `shift`."""
    onset, track, pitch, length, velocity, offset = row
    return Note(
        onset,
        pitch if track == DRUMS else folded(pitch - shift),
        max(1, velocity * 4 + 2),
        length + 1,
        (offset - SIZES[OFFSET] // 2) / 20,
        track,
    )


def offset_class(offset: float) -> int:
    """Return the class of a distance from the step, in steps."""
    return min(SIZES[OFFSET] - 1, max(0, round(20 * offset) + SIZES[OFFSET] // 2))


def folded(pitch: int) -> int:
    """Move a pitch by octaves into 0..127."""
    return pitch if 0 <= pitch <= 127 else pitch % 12 + (0 if pitch < 0 else 108)


def bucket(count: int) -> int:
    """Return the class, from 1 up, of a number of notes."""
    return int(np.searchsorted(BUCKETS, count, side="right"))


def place_class(place: int | None) -> int:
    """Return the class of a phrase's number in its piece."""
    return 0 if place is None else 1 + (place if place < 8 else 8 + place % 8)


def shift_of(weights: Floats, scale: frozenset[int] | None = None) -> int:
    """Return the semitones, -6..5, that take music to C major or A minor.

    Args:
        weights: float [12], how long each pitch class sounds; all 0 where nothing does.
        scale: pitch classes that are wanted: the key is then one whose scale has most of them.
    """
    return int(shifts_of(np.asarray(weights)[None], scale)[0])


def shifts_of(weights: Floats, scale: frozenset[int] | None = None) -> Ints:
    """Return the same for several rows of weights, [n, 12] -> int64 [n]."""
    fits = _fits(weights)
    if scale is not None:
        shared = np.array([len(scale & signature) for signature in _SIGNATURES], dtype=np.float32)
        fits = fits + 100 * shared  # a correlation is at most 1
    best = fits.argmax(1)  # the pitch class that has to become C
    found: Ints = (6 - best) % 12 - 6
    found = np.where(best == 0, 0, found)
    return np.where((weights.sum(1) > 0) | (scale is not None), found, 0)


_SIGNATURES = [frozenset((tonic + degree) % 12 for degree in DEGREES[0]) for tonic in range(12)]


def _fits(weights: Floats) -> Floats:
    """Return how well the major key on each pitch class, or its relative minor, fits: [n, 12]."""
    total = weights.sum(1, keepdims=True)
    share = weights / np.maximum(total, 1e-9)
    centred = share - share.mean(1, keepdims=True)
    norm = np.sqrt((centred**2).sum(1, keepdims=True)) + 1e-9
    fits = (centred / norm) @ _EXPECTED - OUTSIDE * (share @ _FOREIGN)
    best: Floats = fits.reshape(-1, len(PROFILES), 12).max(1)
    return best


def _centred(profile: Sequence[float]) -> NDArray[np.float64]:
    """Return a profile about its mean, of length 1."""
    about = np.array(profile) - np.mean(profile)
    found: NDArray[np.float64] = about / np.sqrt((about**2).sum())
    return found


_EXPECTED = np.stack(
    [
        np.roll(_centred(profile), tonic + (9 if mode else 0))
        for mode, profile in enumerate(PROFILES)
        for tonic in range(12)
    ],
    axis=1,
).astype(np.float32)
"""Profiles of all keys, [12, modes * 12]; a minor key stands where its relative major does."""
_FOREIGN = np.tile(
    np.array([[pitch not in signature for signature in _SIGNATURES] for pitch in range(12)], np.float32),
    len(PROFILES),
)
"""Which pitch classes are outside of each key, [12, modes * 12]."""
