"""What every runtime promises: to compute a checkpoint's functions on arrays.

Tested in tests/model/runtimes/test_onnx.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import Arrays
from model.codecs.sampling import Sampling
from model.errors import CheckpointError

Floats = NDArray[np.float32]
STATE, LAST, DRAWN, NEXT = "state.", "last.", "drawn.", "next."  # before the names of a `step` graph's values


@dataclass(frozen=True, slots=True)
class DecodeInputs:
    """What a decoder is given beside z, for B phrases.

    Attributes:
        change: wanted change of the knobs' attributes, float32 [B, max(knobs, 1)].
        condition: float32 [B, beats, condition] of a conditioned model, see `model.codecs.conditions`.
    """

    change: Floats
    condition: Floats | None = None


class Runtime(Protocol):
    """Encodes and decodes batches.

    Attributes:
        name: as a card shows it.
        stepwise: whether the decoder goes step by step, so that it has no heads: `generate` instead.
    """

    name: str
    stepwise: bool

    def encode(self, arrays: Arrays) -> Floats:
        """Return the mean of z, [B, d], of packed phrases; needs an encoder."""

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        """Return mean and log-variance of z, each [B, d], of packed phrases; needs an encoder."""

    def decode(self, z: Floats, inputs: DecodeInputs) -> dict[str, Floats]:
        """Return the codec's heads, each [B, ...], at z [B, d]."""

    def generate(
        self,
        z: Floats,
        inputs: DecodeInputs,
        sampling: Sampling,
        prefix: Arrays | None = None,
        prefix_steps: int = 0,
    ) -> Arrays:
        """Return packed arrays [B, S, ...] that a step-by-step decoder draws at z [B, d].

        All rows share their chance, which the sampling's seed draws.  The first `prefix_steps` steps are the
        prefix's [1, S, ...], and are heeded.
        """


def finite(found: Mapping[str, NDArray[Any]]) -> None:
    """Check what a network has computed, by name.

    Raises:
        CheckpointError: there is NaN or infinity in it, from which no note can be read.
    """
    for name, value in found.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise CheckpointError(f"the network answers with numbers that are not finite ({name})")


def chance(sampling: Sampling, steps: int, chances: int) -> Floats:
    """Return uniform noise [steps, chances] of a seed; one half where nothing is left to it."""
    if sampling.temperature <= 0:
        return np.full((steps, chances), 0.5, dtype=np.float32)
    return np.random.default_rng(sampling.seed).random((steps, chances), dtype=np.float32)
