"""Attribute directions: lines in a latent space along which one attribute of the decoded phrase moves.

They give knobs to models that were trained without any, by a table of how far to go along each for a change
by so much.  `trainer.latent.directions` finds them.

Source: linear directions for labelled attributes, Roberts et al. 2018, "A hierarchical latent vector model
for learning long-term structure in music", section 5.4 (there as differences of means).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.latent.geometry import Vector

FOLDER = "directions"
KNOTS = 17


@dataclass(frozen=True, slots=True)
class Directions:
    """What a checkpoint knows of its attributes' directions.

    Attributes:
        names: attributes that have one.
        vectors: float32 [names, d], in the units of z.
        changes: float32 [names, KNOTS], measured mean change of the attribute in standard deviations of the
            training data, rising evenly on both sides of the 0 in their middle.
        ways: float32 [names, KNOTS], how far along the vector each of these changes lies, rising.
    """

    names: tuple[str, ...]
    vectors: NDArray[np.float32]
    changes: NDArray[np.float32]
    ways: NDArray[np.float32]

    def moved(self, z: Vector, wanted: Mapping[str, float]) -> Vector:
        """Return z, float32 [d], moved so that attributes change by so many standard deviations.

        Attributes without a direction are left out; a change beyond what was calibrated goes as far as that.
        """
        place = np.array(z, dtype=np.float32)
        for row, name in enumerate(self.names):
            change = wanted.get(name, 0.0)
            if change:
                place += np.float32(np.interp(change, self.changes[row], self.ways[row])) * self.vectors[row]
        return place

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return what a checkpoint's `extras` hold of it."""
        names = np.frombuffer(json.dumps(self.names).encode(), dtype=np.uint8)
        parts: dict[str, NDArray[Any]]
        parts = {"names": names, "vectors": self.vectors, "changes": self.changes, "ways": self.ways}
        return {f"{FOLDER}/{name}": value for name, value in parts.items()}


def directions_in(extras: Mapping[str, NDArray[Any]], size: int) -> Directions | None:
    """Return the directions among a checkpoint's further tensors; None if there are none.

    Args:
        extras: by name.
        size: d of the latent that they must fit.

    Raises:
        ValueError: they are incomplete or do not fit together.
    """
    if not any(name.startswith(f"{FOLDER}/") for name in extras):
        return None
    try:
        names = tuple(str(name) for name in json.loads(extras[f"{FOLDER}/names"].tobytes()))
        vectors, changes, ways = (
            extras[f"{FOLDER}/{part}"].astype(np.float32) for part in ("vectors", "changes", "ways")
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"its directions are incomplete: {error}") from error
    if vectors.shape != (len(names), size) or not changes.shape == ways.shape == (len(names), KNOTS):
        raise ValueError(f"its directions do not fit a latent of {size}")
    return Directions(names, vectors, changes, ways)
