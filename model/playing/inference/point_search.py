"""The point whose plain phrase is nearest to a given one, sought around the posterior's mean.

An encoder says in one go where a phrase lies, and what a decoder gives back from there is nearly the phrase.
The mean of what came back, taken from that of the phrase, says which way what was lost lies; shares of that
way, each along other dimensions, are tried, and the nearest is gone on from.  (Iterative inference, as in J.
Marino, Y. Yue and S. Mandt, "Iterative Amortized Inference", 2018, with the encoder's error for a gradient
and a random search for a learned step.)
"""

from collections.abc import Callable, Sequence

import numpy as np

from model.latent.geometry import Vector
from model.music.distance import unmatched
from model.music.phrase import Note, Phrase

ROUNDS = 8
SHARES = (0.3, 0.6, 1.0) * 3  # of the way, tried in each round
AMONG = 0.5  # share of the dimensions that each of them goes along
LENGTHS = 0.25  # what a note of another length counts beside one that is not there


def seek(
    phrase: Phrase,
    mean: Vector,
    *,
    encode: Callable[[Phrase], Vector],
    decode: Callable[[Sequence[Vector]], Sequence[Phrase]],
) -> Vector:
    """Return the point, float32 [d], that sounds most like a phrase of all that are tried: always the same.

    Args:
        phrase: as far as the codec holds it.
        mean: of its posterior, float32 [d].
        encode: gives the posterior mean of a phrase.
        decode: gives the phrase at each point, nothing turned.
    """
    found, (answer,) = mean, decode([mean])
    away = _away(answer, phrase)
    chance = np.random.default_rng(0)
    for _ in range(ROUNDS):
        if not away:
            break
        lost = mean - encode(answer)
        shares = np.array(SHARES)[:, None] * (chance.random((len(SHARES), mean.size)) < AMONG)
        points = [*np.asarray(found + shares * lost, dtype=np.float32)]
        for point, other in zip(points, decode(points), strict=True):
            if (apart := _away(other, phrase)) < away:
                found, answer, away = point, other, apart
    return found


def _away(one: Phrase, other: Phrase) -> float:
    return unmatched(one, other) + LENGTHS * unmatched(one, other, _span)


def _span(note: Note) -> tuple[int, ...]:
    return note.onset, note.pitch, note.track, note.length
