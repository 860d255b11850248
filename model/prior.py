"""The prior that a checkpoint learned of its own latents: draws of it decode to music like its data.

A network that spends many bits on a phrase leaves most of N(0, I) empty: a draw from there is no phrase.  A
flow carries N(0, I) onto the latents of the training phrases: it is the ordinary differential equation
dx/dt = v(x, t), t from 0 to 1, whose velocity was fitted by conditional flow matching (Lipman et al. 2023,
"Flow matching for generative modeling", section 4; trainer.prior).  Here it is solved, in numpy alone.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FOLDER = "prior/"
STEPS = 8  # of Heun's method, two velocities each; 24 are no better to a classifier
FREQUENCIES = 32
FASTEST = 200.0  # radians that the quickest feature of t turns
NORM = 1e-5
TOGETHER = 256  # draws that go through the network at once


class Prior:
    """A fitted flow.

    Its tensors, all float: `mean` and `scale` [d] of the latents; `enter`, `head`, `clock1`, `clock2` and,
    per block i, `i.time`, `i.mix`, `i.out`, `i.up`, `i.down`, each with `.weight` [out, in] and `.bias`
    [out]; `norm`, `i.norm1`, `i.norm2` with `.weight` and `.bias` [width]; `place` [tokens, width]; `heads`
    [1].
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Take the tensors, names without the folder.

        Raises:
            KeyError: one is missing.
            ValueError: shapes do not fit together.

        """
        self._held: dict[str, Floats] = {n: np.asarray(v, dtype=np.float32) for n, v in tensors.items()}
        self.size = len(self._held["mean"])
        self._tokens, self._width = self._held["place"].shape
        self._heads = int(self._held["heads"][0])
        self._depth = sum(name.endswith(".mix.weight") for name in self._held)
        if self.size % self._tokens or self._width % self._heads or self._held["scale"].shape != (self.size,):
            raise ValueError(f"its prior does not fit a latent of {self.size}")
        self.velocity(np.zeros((1, self.size), dtype=np.float32), 0.0)  # every name and shape is used once

    def draw(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw latents, float32 [count, d]."""
        x = rng.standard_normal((count, self.size), dtype=np.float32)
        parts = [self._carry(x[first : first + TOGETHER]) for first in range(0, count, TOGETHER)]
        carried = np.concatenate([np.zeros((0, self.size), dtype=np.float32), *parts])
        drawn: Floats = carried * self._held["scale"] + self._held["mean"]
        return drawn

    def _carry(self, x: Floats) -> Floats:
        """Solve the flow from t = 0 to 1 by Heun's method."""
        step = 1.0 / STEPS
        for index in range(STEPS):
            before = self.velocity(x, index * step)
            after = self.velocity(x + step * before, (index + 1) * step)
            x = x + step * 0.5 * (before + after)
        return x

    def velocity(self, x: Floats, t: float) -> Floats:
        """Return v [B, d] at standardised latents x [B, d] and t in 0..1."""
        angles = np.float32(t) * turning()
        clock = np.concatenate((np.sin(angles), np.cos(angles)))
        clock = self._linear("clock2", _silu(self._linear("clock1", clock)))
        tokens = self._linear("enter", x.reshape(len(x), self._tokens, -1)) + self._held["place"]
        for index in range(self._depth):
            tokens = self._block(index, tokens + self._linear(f"{index}.time", clock))
        out: Floats = self._linear("head", self._norm("norm", tokens)).reshape(x.shape)
        return out

    def _block(self, index: int, x: Floats) -> Floats:
        """Map tokens [B, tokens, width] as `model.blocks.Block` does."""
        count, tokens, width = x.shape
        mixed = self._linear(f"{index}.mix", self._norm(f"{index}.norm1", x))
        mixed = mixed.reshape(count, tokens, 3, self._heads, -1).transpose(2, 0, 3, 1, 4)
        query, key, value = mixed
        weights = query @ key.transpose(0, 1, 3, 2) * (width // self._heads) ** -0.5
        weights = np.exp(weights - weights.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        joined = (weights @ value).transpose(0, 2, 1, 3).reshape(count, tokens, width)
        x = x + self._linear(f"{index}.out", joined)
        inner = np.maximum(self._linear(f"{index}.up", self._norm(f"{index}.norm2", x)), 0.0)
        return x + self._linear(f"{index}.down", inner)

    def _linear(self, name: str, x: Floats) -> Floats:
        weight = self._held[f"{name}.weight"]
        flat = x.reshape(-1, weight.shape[1])  # one product, where numpy would make one for each phrase
        out: Floats = (flat @ weight.T + self._held[f"{name}.bias"]).reshape(*x.shape[:-1], len(weight))
        return out

    def _norm(self, name: str, x: Floats) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(-1, keepdims=True) + NORM)
        out: Floats = centred / spread * self._held[f"{name}.weight"] + self._held[f"{name}.bias"]
        return out


def turning() -> Floats:
    """Return the frequencies, float32 [FREQUENCIES], at which t is told to the network."""
    return np.geomspace(1.0, FASTEST, FREQUENCIES).astype(np.float32)


def held(extras: Mapping[str, NDArray[Any]], size: int) -> Prior | None:
    """Return the prior among a checkpoint's further tensors, if there is one.

    Raises:
        KeyError: one of its tensors is missing.
        ValueError: it does not fit a latent of that size.

    """
    tensors = {name.removeprefix(FOLDER): value for name, value in extras.items() if name.startswith(FOLDER)}
    if not tensors:
        return None
    prior = Prior(tensors)
    if prior.size != size:
        raise ValueError(f"its prior draws latents of {prior.size}, the model has {size}")
    return prior


def _silu(x: Floats) -> Floats:
    out: Floats = np.asarray(x / (1.0 + np.exp(-x)), dtype=np.float32)
    return out
