"""Paths: knob positions -> Latent.  Where the latent comes from, and how far the knobs move it.

The last gesture wins: her phrase, the morph knob, the pad, a controller's vector, or a recalled
anchor becomes the base; stray and drift move around it.  Threads: engine only.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from live.settings.knobs import ANCHORS
from model.latent.geometry import Latent, Vector, between, blend
from model.music.phrase import Phrase

Origin = Literal["", "played", "morph", "xy", "osc", "recall"]

STRAY_ARC = 0.5 * math.pi
DRIFT_MEMORY = 0.8
DRIFT_SIZE = 0.6
DRIFT_REACH = 32  # phrases after which nothing of a place is left: .8 to that power is .0008


@dataclass(frozen=True, slots=True)
class Anchor:
    """A stored latent, and the phrase that it was found from or decodes to."""

    latent: Latent
    phrase: Phrase
    xy: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Base:
    """Where the path starts.

    Attributes:
        latent: before stray and drift.
        origin: the gesture that set it.
        phrase: what was played, if it was; lets another model find the place again.
        number: counts the bases, so that each strays its own way.

    """

    latent: Latent
    origin: Origin
    phrase: Phrase | None = None
    number: int = 0


@dataclass
class PathState:
    """What `undo` brings back: the base, the anchors and whether capture is frozen."""

    base: Base | None = None
    anchors: dict[str, Anchor] = field(default_factory=dict)
    mode: str = "follow"
    frozen: bool = False

    def copy(self) -> "PathState":
        """Return a copy that later changes leave alone."""
        return replace(self, anchors=dict(self.anchors))


class Path:
    """Turns a base and the knobs into the latent of each phrase.

    Args:
        seed: of the random directions; the same seed strays and drifts the same way.

    """

    def __init__(self, *, seed: int) -> None:
        """Start with no model."""
        self._seed = seed
        self._scale: Vector | None = None
        self._walk: dict[int, Vector] = {}

    def set_model(self, scale: list[float]) -> None:
        """Take the standard deviation of each latent dimension of the model that plays."""
        self._scale = np.asarray(scale, dtype=np.float32)
        self._walk.clear()

    def _direction(self, *seeds: int) -> Vector:
        """Return a random latent as the training data scatters them."""
        assert self._scale is not None
        rng = np.random.default_rng([self._seed, *seeds])
        return (rng.standard_normal(self._scale.size) * self._scale).astype(np.float32)

    def moved(self, base: Base, cell: int, knobs: Mapping[str, float], *, drifting: bool) -> Vector:
        """Return the base's vector for the cell-th phrase of the set, strayed and drifted.

        Stray turns the vector towards a random one on the sphere through both: 0 is her phrase, 1 is a
        quarter turn, where nothing of it is left.  Drift adds an autoregressive walk over phrases.
        """
        z = base.latent.z
        if self._scale is None or z.size != self._scale.size:
            return z
        stray = knobs["stray"]
        if stray > 0:
            angle = float(stray * STRAY_ARC)
            z = np.cos(angle) * z + np.sin(angle) * self._direction(1, base.number, max(cell, 0))
        if drifting:
            z = z + self._drift(max(cell, 0))
        return np.asarray(z, dtype=np.float32)

    def _drift(self, cell: int) -> Vector:
        """Return the walk's place at a phrase: w = m w' + sqrt(1 - m^2) n, of constant variance."""
        if cell not in self._walk:
            known = max((known for known in self._walk if known < cell), default=cell - 1)
            start = max(known, cell - DRIFT_REACH)
            w = self._walk.get(start, np.zeros_like(self._scale))
            for step in range(start + 1, cell + 1):
                fresh = np.float32(DRIFT_SIZE * np.sqrt(1 - DRIFT_MEMORY**2)) * self._direction(2, step)
                w = np.asarray(np.float32(DRIFT_MEMORY) * w + fresh, dtype=np.float32)
                self._walk[step] = w
            self._walk = {known: v for known, v in self._walk.items() if cell - DRIFT_REACH <= known <= cell}
        return self._walk[cell]


def morphed(anchors: Mapping[str, Anchor], t: float) -> Latent | None:
    """Return the point t of the way from A to B, or None while one of them is empty."""
    if "A" not in anchors or "B" not in anchors:
        return None
    return between(anchors["A"].latent, anchors["B"].latent, t)


def on_pad(anchors: Mapping[str, Anchor], x: float, y: float) -> Latent | None:
    """Return the point on the pad: A top left, B top right, C bottom left, D bottom right.

    Empty corners have no weight; None when all four are empty or only empty ones are near.
    """
    corners = {"A": (1 - x) * y, "B": x * y, "C": (1 - x) * (1 - y), "D": x * (1 - y)}
    filled = [name for name in ANCHORS if name in anchors]
    total = sum(corners[name] for name in filled)
    if not filled or total < 1e-6:
        return None
    return blend([anchors[name].latent for name in filled], [corners[name] / total for name in filled])
