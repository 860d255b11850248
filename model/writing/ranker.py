"""Which of several phrases goes on best from those before it: a small network over what they share.

One network for each kind, a layer of rectified units over the numbers of `model.writing.continuity`, fitted
to know the true next phrase among those of other songs.  numpy alone.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from model.music.phrase import Phrase
from model.shipped import WEIGHTS
from model.writing.continuity import NAMES, Floats, compared, sketch
from model.writing.wish import Kind

FILE = WEIGHTS / "ranker.safetensors"
COLUMNS = ("middle", "spread", "weights", "biases", "sums")
"""Of each kind, stored as KIND.COLUMN: float32 [NAMES], [NAMES], [NAMES, units], [units] and [units]."""
FARTHEST = 5.0  # spreads from the middle; what lies farther counts as that


class Ranker:
    """Fitted networks, one for each kind."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take what a file holds.

        Raises:
            KeyError: an array is not there.
            ValueError: it has another shape than it must.
        """
        self._arrays = {
            kind: tuple(arrays[f"{kind.name.lower()}.{column}"].astype(np.float32) for column in COLUMNS)
            for kind in Kind
        }
        for kind, (middle, spread, weights, biases, sums) in self._arrays.items():
            units = len(sums)
            shapes = (middle.shape, spread.shape, weights.shape, biases.shape)
            if shapes != ((len(NAMES),), (len(NAMES),), (len(NAMES), units), (units,)):
                raise ValueError(f"the ranker of {kind.name.lower()} has other shapes: {shapes}")

    def scores(self, kind: Kind, context: Sequence[Phrase], candidates: Sequence[Phrase]) -> Floats:
        """Return how well phrases go on from others, float32 [candidates]: log odds, but for a constant.

        Args:
            kind: what plays.
            context: phrases before, the oldest first; after none of them all go on equally well.
            candidates: on the writer's grid, as the context is.
        """
        before = [phrase for phrase in context if phrase.notes]
        if not before or not candidates:
            return np.zeros(len(candidates), dtype=np.float32)
        return self.of_numbers(
            kind, compared([sketch(one) for one in before], [sketch(one) for one in candidates])
        )

    def of_numbers(self, kind: Kind, numbers: Floats) -> Floats:
        """Return the scores of numbers that `continuity.compared` found, float32 [n, NAMES] to [n]."""
        middle, spread, weights, biases, sums = self._arrays[kind]
        x = np.clip((numbers - middle) / spread, -FARTHEST, FARTHEST)
        found: Floats = np.maximum(0, x @ weights + biases) @ sums
        return found


@cache
def shipped_ranker() -> Ranker | None:
    """Return the ranker that came with the instrument; None where it did not, or is none."""
    return read_ranker(FILE) if FILE.is_file() else None


def read_ranker(path: Path) -> Ranker:
    """Open a ranker's file.

    Raises:
        OSError, KeyError, ValueError: it cannot be read, or is none.
    """
    return Ranker(load_file(path))
