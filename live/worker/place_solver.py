"""Places worked out: the expressions that the engine holds, as latents of the model that is loaded.

Threads: the model process's only.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from live.ipc.places import Between, Blend, Moved, OnMap, Place, Point, Varied
from model.latent.geometry import Latent, Vector, between, blend, played_at
from model.music.grid import Grid
from model.music.phrase import Phrase

STRAY_ARC = 0.5 * math.pi
DRIFT_MEMORY = 0.8
DRIFT_SIZE = 0.6
DRIFT_REACH = 32  # phrases after which nothing of a place is left: .8 to that power is .0008
RETURN_BARS = 32  # after which drift is back where it set out


Vary = Callable[[Latent, Varied], Latent]
"""From where a phrase was played to where its variation lies."""

Strange = Callable[[Latent, Moved], Latent]
"""From where a phrase was played to where stray leads."""


class PlaceSolver:
    """Works places out.

    Args:
        scale: standard deviation of each latent dimension over the training data, [d].
        grid: of the phrases that were played, where they do not say.
        carry: carries a latent to a point of the model's map; of one without a map, nowhere.
    """

    def __init__(
        self,
        model: str,
        scale: Vector,
        grid: Grid,
        *,
        carry: Callable[[Latent, float, float], Latent] = lambda latent, _x, _y: latent,
    ) -> None:
        self._carry = carry
        self._model, self._scale, self._grid = model, np.asarray(scale, dtype=np.float32), grid
        self._step = lru_cache(2 * DRIFT_REACH)(lambda seed, step: self._direction(seed, 2, step))

    def latent(
        self, place: Place, vary: Vary = lambda latent, _how: latent, strange: Strange | None = None
    ) -> Latent:
        """Return a place as a latent; its vector is float32 [d].

        Args:
            place: to be worked out.
            vary: a phrase that was played, where the place says so.
            strange: another phrase for stray to go to, from one that was played; None for none.

        Raises:
            ValueError: a number of the vector is not finite in float32.
        """
        with np.errstate(all="ignore"):
            found = self._latent(place, vary, strange)
        if not np.isfinite(found.z).all():
            raise ValueError("that place in the latent space has numbers that are not finite")
        return found

    def _latent(
        self, place: Place, vary: Vary, strange: Strange | None, hows: tuple[Varied, ...] = ()
    ) -> Latent:
        match place:
            case Point(z, attributes, played, grid):
                latent = Latent(self._model, np.asarray(z, dtype=np.float32), attributes)
                if not played:
                    return latent
                latent = played_at(latent, Phrase.of(grid or self._grid, played))
                for how in hows:
                    latent = vary(latent, how)
                return latent
            case Between(a, b, t):
                first, last = (self._latent(one, vary, strange, hows) for one in (a, b))
                return between(first, last, t)
            case Blend(places, weights):
                return blend([self._latent(one, vary, strange, hows) for one in places], weights)
            case Varied(inner):
                return self._latent(inner, vary, strange, (place, *hows))
            case OnMap(inner, x, y):
                return self._carry(self._latent(inner, vary, strange, hows), x, y)
            case Moved(inner):
                return self._moved(place, self._latent(inner, vary, strange, hows), strange)

    def _moved(self, place: Moved, start: Latent, strange: Strange | None) -> Latent:
        """Stray and drift.

        Stray goes towards where another phrase lies, and where there is none turns the vector towards a
        random one on the sphere through both: 0 leaves it, 1 is a quarter turn, where nothing of it is left.
        Drift adds an autoregressive walk over phrases, which goes away and is back every `RETURN_BARS`.
        """
        if start.z.size != self._scale.size:
            return start
        known = strange is not None and start.source is not None
        if place.stray > 0 and strange is not None and known:
            start = between(start, strange(start, place), place.stray)
        z = start.z
        if place.stray > 0 and not known:
            angle = float(place.stray * STRAY_ARC)
            away = self._direction(place.seed, 1, place.number, place.cell)
            z = np.cos(angle) * z + np.sin(angle) * away
        if place.drifting:
            z = z + self._drift(place.seed, place.cell)
        return Latent(self._model, np.asarray(z, dtype=np.float32), start.attributes, start.source)

    def _direction(self, *seeds: int) -> Vector:
        """Return a random latent as the training data scatters them."""
        rng = np.random.default_rng([*seeds])
        return (rng.standard_normal(self._scale.size) * self._scale).astype(np.float32)

    def _drift(self, seed: int, cell: int) -> Vector:
        """Return the walk's place at a phrase: w = m w' + sqrt(1 - m^2) n, on an arc back to its start.

        A function of seed and phrase alone: it begins from nothing so far back that nothing of that is left.
        """
        w, size = np.zeros_like(self._scale), np.float32(DRIFT_SIZE * np.sqrt(1 - DRIFT_MEMORY**2))
        for step in range(max(0, cell - DRIFT_REACH), cell + 1):
            w = np.asarray(np.float32(DRIFT_MEMORY) * w + size * self._step(seed, step), dtype=np.float32)
        phrases = max(2, RETURN_BARS // self._grid.bars)  # one alone would never leave
        return w * np.float32(math.sqrt(2) * math.sin(math.pi * (cell % phrases) / phrases))


def point_of(latent: Latent) -> Point:
    """Return a latent as it crosses between the processes, without what was played near it."""
    return Point(latent.z.tolist(), {name: float(value) for name, value in latent.attributes.items()})
