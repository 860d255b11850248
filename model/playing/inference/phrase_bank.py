"""A model that nothing encodes, played live: of many phrases that it knows, the nearest to what was played.

A generator of noise has a latent, but no encoder.  Its phrases at a few draws of the prior are kept; a
phrase's latent is that of the most similar one.

Tested in tests/model/playing/test_checkpoint_player.py.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.latent.geometry import Vector
from model.music.distance import step, unmatched
from model.music.phrase import Phrase

SIZE = 64
WITHOUT_PITCH = 0.5  # what a note on the right step counts beside one with the right pitch too


class PhraseBank:
    """Latents and what they sound like.  Threads: one at a time."""

    def __init__(self, points: NDArray[np.float32], decode: Callable[[Vector], Phrase]) -> None:
        self.points = points
        self.phrases = [decode(point) for point in points]

    def nearest(self, phrase: Phrase) -> Vector:
        """Return the latent float32 [d] of the most similar phrase."""
        apart = [unmatched(phrase, p) + WITHOUT_PITCH * unmatched(phrase, p, step) for p in self.phrases]
        point: Vector = self.points[int(np.argmin(apart))]
        return point
