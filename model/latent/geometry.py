"""Latents and the geometry between them.  numpy only; vectors are float32 of shape [d]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from model.music.phrase import Phrase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
else:
    Vector = Any  # naming numpy's types would load it, and an engine's start does not wait for that


@dataclass(frozen=True, slots=True, eq=False)
class PlayedPhrase:
    """A phrase that was played, and where it lies: what is answered near there keeps of it what it can.

    Attributes:
        z: float32 [d].
        phrase: as it was played.
        scale: pitch classes that what is new keeps to; None for all.
    """

    z: Vector
    phrase: Phrase
    scale: frozenset[int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Latent:
    """A point in one model's latent space, and the attributes measured on the phrase it came from.

    Attributes:
        model: id of the model that the vector belongs to.
        z: float32 [d], a posterior mean or a point on a path.
        attributes: raw measure of each attribute by name (see `model.music.attributes`).
        source: what was played there or near there; None where nothing was.
    """

    model: str
    z: Vector
    attributes: Mapping[str, float] = field(default_factory=dict)
    source: PlayedPhrase | None = None


class LatentMismatchError(ValueError):
    """Two latents of different models met on one path."""


def slerp(a: Vector, b: Vector, t: float) -> Vector:
    """Return the point t (0..1) of the way from a to b on an arc, its norm going linearly.

    Shoemake 1985, "Animating rotation with quaternion curves", eq. for spherical linear
    interpolation, applied to the directions; parallel or zero vectors fall back to the line.
    """
    norm_a, norm_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if norm_a < 1e-9 or norm_b < 1e-9:
        return line(a, b, t)
    cosine = float(np.clip(np.dot(a, b) / (norm_a * norm_b), -1.0, 1.0))
    angle = float(np.arccos(cosine))
    if angle < 1e-4 or np.pi - angle < 1e-4:
        return line(a, b, t)
    unit = (np.sin((1 - t) * angle) * a / norm_a + np.sin(t * angle) * b / norm_b) / np.sin(angle)
    return np.asarray(unit * ((1 - t) * norm_a + t * norm_b), dtype=np.float32)


def line(a: Vector, b: Vector, t: float) -> Vector:
    """Return the point t (0..1) of the way from a to b on a straight line."""
    return np.asarray((1 - t) * a + t * b, dtype=np.float32)


def between(a: Latent, b: Latent, t: float) -> Latent:
    """Slerp the vectors and go linearly between the attributes.

    Raises:
        LatentMismatchError: the two belong to different models.
    """
    return blend((a, b), (1 - t, t)) if t not in (0, 1) else (b if t else a)


def blend(latents: Sequence[Latent], weights: Sequence[float]) -> Latent:
    """Mix latents by weights that sum to 1: arcs pairwise, attributes linearly; the source is the heaviest's.

    Raises:
        LatentMismatchError: they do not all belong to one model.
    """
    if len({latent.model for latent in latents}) != 1:
        msg = "latents of different models cannot be mixed"
        raise LatentMismatchError(msg)
    z, total = latents[0].z, weights[0]
    for latent, weight in zip(latents[1:], weights[1:], strict=True):
        total += weight
        if total > 1e-9:
            z = slerp(z, latent.z, weight / total)
    names = latents[0].attributes.keys()
    mixed = {
        name: sum(w * latent.attributes.get(name, 0.0) for latent, w in zip(latents, weights, strict=True))
        for name in names
    }
    heaviest = max(zip(weights, latents, strict=True), key=lambda pair: pair[0])[1]
    return Latent(latents[0].model, z, mixed, heaviest.source)


def played_at(latent: Latent, phrase: Phrase) -> Latent:
    """Return a latent whose answers keep of this phrase what they can."""
    return replace(latent, source=PlayedPhrase(latent.z, phrase))


def way_lengths(distances: Sequence[float], *, least: float = 0.05) -> list[float]:
    """Return the share of a way's length covered at each of its points, 0..1, strictly rising.

    Args:
        distances: from each point to the next, at least one, none negative.
        least: share of the whole that is spread evenly, so that every step goes forward.
    """
    steps = np.asarray(distances, dtype=np.float64)
    total = float(steps.sum())
    even = 1.0 / len(steps)
    shares = np.full(len(steps), even) if total <= 0 else (1 - least) * steps / total + least * even
    return [0.0, *(float(value) for value in np.cumsum(shares)[:-1]), 1.0]
