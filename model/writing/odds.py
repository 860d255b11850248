"""From the network's numbers to the odds of a column's values, and one value drawn of them.

The odds of a value are the sum of its own and of its distances from the notes that it refers to.

Tested in tests/model/writing/test_odds.py.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.codecs.sampling import STRANGE
from model.writing.notes_around import CLASSES, PARTS, RHYTHM, fitting
from model.writing.tokens import NONE, ONSET, PITCH, REACH, REFERENCED, SIZES, Floats, Ints
from model.writing.wish import STEPS

NEVER = np.float32(-1e9)


def onset_odds(numbers: Floats, previous: Ints, rhythm: Floats) -> Floats:
    """Return the log odds of onsets, [n, STEPS + 1], the last of which ends the phrase.

    Args:
        numbers: float32 [n, outputs].
        previous: int64 [n], step of the note before, none before which is possible.
        rhythm: float32 [n, RHYTHM, STEPS], see `NotesAround.rhythm`.
    """
    size = SIZES[ONSET]
    odds = numbers[:, :size].copy()
    away = np.arange(STEPS) - previous[:, None]
    far = numbers[np.arange(len(numbers))[:, None], size + np.maximum(away, 0)]
    marks = numbers[:, None, 2 * size : 2 * size + RHYTHM] @ rhythm
    odds[:, :STEPS] += far + marks[:, 0]
    odds[:, :STEPS] = np.where(away < 0, NEVER, odds[:, :STEPS])
    return odds


def value_odds(column: int, numbers: Floats, references: Ints, here: Floats | None = None) -> Floats:
    """Return the log odds of a column of `REFERENCED`, [n, values].

    Args:
        column: which.
        numbers: float32 [n, outputs].
        references: int64 [n, SOURCES], the values that it refers to; `NONE` where none is.
        here: of pitches, float32 [n, HERE].
    """
    size, reach = SIZES[column], REACH[REFERENCED.index(column)]
    odds = numbers[:, :size].copy()
    values, sources = np.arange(size), np.arange(references.shape[1])
    away = np.minimum(np.maximum(values - references[:, :, None], -reach), reach)
    middles = size + reach + sources * (2 * reach + 1)
    far = numbers[np.arange(len(numbers))[:, None, None], middles[:, None] + away]
    odds += (far * (references != NONE)[:, :, None]).sum(1, dtype=np.float32)
    if column == PITCH and here is not None:
        odds += fitting(numbers[:, -PARTS * CLASSES :], here)[:, values % CLASSES]
    return odds


def in_scale(odds: Floats, strange: Floats) -> Floats:
    """Return odds of pitches of which those of some classes are less likely by `STRANGE`.

    Args:
        odds: float32 [n, 128].
        strange: float32 [n, 12], 1 for a class outside the scale.
    """
    out: Floats = odds - STRANGE * strange[:, np.arange(128) % CLASSES]
    return out


def drawn(odds: Floats, chance: NDArray[np.floating[Any]], temperature: float, top_p: float) -> Ints:
    """Return a value for each row, int64 [n].

    Args:
        odds: float32 [n, values].
        chance: [n], numbers of 0..1, one for each.
        temperature: 0 takes the likeliest.
        top_p: only the likeliest values that together reach this probability are drawn.
    """
    if temperature <= 0:
        likeliest: Ints = odds.argmax(1)
        return likeliest
    weights = np.exp((odds - odds.max(1, keepdims=True)) / np.float32(temperature))
    weights /= weights.sum(1, keepdims=True)
    if top_p < 1:
        ordered = -np.sort(-weights, axis=1)
        inside = np.maximum(1, (ordered.cumsum(1) - ordered < top_p).sum(1))
        least = ordered[np.arange(len(odds)), inside - 1]
        weights = np.where(weights >= least[:, None], weights, np.float32(0))
    reached = weights.cumsum(1)
    found: Ints = (reached > (chance[:, None] * reached[:, -1:])).argmax(1)
    return found
