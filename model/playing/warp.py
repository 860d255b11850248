"""The way of a morph, decoded at even places first, so that its steps can be placed by what is audible."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.latent.geometry import way_lengths
from model.music.distance import unmatched
from model.music.phrase import Phrase

WARP_STEPS = 16  # of the morph knob


def decoded_way(decode: Callable[[float], Phrase], steps: int = WARP_STEPS) -> Iterator[Phrase]:
    """Yield the phrases at steps + 1 even places, a decode at a time.

    Args:
        decode: from a place, 0..1, to its phrase.
        steps: at least 1.
    """
    for place in np.linspace(0.0, 1.0, steps + 1):
        yield decode(float(place))


def audible_lengths(phrases: Sequence[Phrase]) -> list[float]:
    """Return how much of the way, 0..1, has been heard at each of its decoded phrases."""
    return way_lengths([unmatched(before, after) for before, after in pairwise(phrases)])


def even_places(lengths: Sequence[float], count: int) -> NDArray[np.float64]:
    """Return the places, float64 [count] in 0..1, that cut the way into audibly even steps."""
    return np.interp(np.linspace(0.0, 1.0, count), lengths, np.linspace(0.0, 1.0, len(lengths)))
