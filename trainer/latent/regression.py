"""Regressions of attributes on a latent space, the steps that they suggest, and how far those reach.

A direction is found by regression on labelled pairs (z, measured attribute), turned so that the regressions
of the other attributes do not see it, and calibrated on decoded phrases: how far to go for a change by so
much.  numpy only.

Sources: ridge regression, Hoerl and Kennard 1970, "Ridge regression: biased estimation for nonorthogonal
problems"; why the weights of a regression are not yet the direction in which the data move, Haufe et al.
2014, "On the interpretation of weight vectors of linear models in multivariate neuroimaging", eq. 6.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.latent.directions import KNOTS

LEAST = 1e-3  # standard deviations, below which nothing was reached
STRENGTHS = (1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0)
HELD_OUT = 0.2
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Regression:
    """Linear regressions of standardised attributes on standardised z.

    Attributes:
        weights: float64 [attributes, d].
        fits: R^2 of each on the held-out fifth of the pairs, at most 1, float64 [attributes].
        covariance: float64 [d, d], of the standardised z.
    """

    weights: Floats
    fits: Floats
    covariance: Floats


def regress(z: Floats, values: Floats, *, seed: int = 0) -> Regression:
    """Fit a ridge regression for each attribute, its strength chosen on a held-out fifth.

    Args:
        z: standardised, float [n, d], n at least 10.
        values: standardised attributes, float [n, attributes].
        seed: of the split.
    """
    order = np.random.default_rng(seed).permutation(len(z))
    cut = max(1, round(HELD_OUT * len(z)))
    unseen, seen = order[:cut], order[cut:]
    tried = np.stack([_ridge(z[seen], values[seen], strength) for strength in STRENGTHS])
    left = np.stack([((z[unseen] @ weights.T - values[unseen]) ** 2).sum(0) for weights in tried])
    total = ((values[unseen] - values[seen].mean(0)) ** 2).sum(0)
    best = left.argmin(0)
    fits = 1.0 - left[best, np.arange(values.shape[1])] / np.maximum(total, 1e-12)
    final = np.stack([_ridge(z, values, strength) for strength in STRENGTHS])
    return Regression(final[best, np.arange(values.shape[1])], fits, z.T @ z / len(z))


def _ridge(z: Floats, values: Floats, strength: float) -> Floats:
    """Return the weights, [attributes, d]; the strength is in variances of a dimension."""
    count, size = z.shape
    inside: Floats = np.linalg.solve(z.T @ z / count + strength * np.eye(size), z.T @ values / count).T
    return inside


def along_weights(found: Regression) -> Floats:
    """Return, for each attribute alone, the shortest step that its regression sees as one deviation.

    Float64 [attributes, d], in standardised z: w / (w . w).  What it does to the others nobody asks.
    """
    square = np.maximum((found.weights**2).sum(1, keepdims=True), 1e-12)
    step: Floats = found.weights / square
    return step


def along_pattern(found: Regression) -> Floats:
    """Return, for each attribute alone, the likeliest step that its regression sees as one deviation.

    Float64 [attributes, d], in standardised z: C w / (w . C w) with the covariance C (Haufe et al. 2014).
    """
    moved = found.weights @ found.covariance
    step: Floats = moved / np.maximum((moved * found.weights).sum(1, keepdims=True), 1e-12)
    return step


def orthogonal(found: Regression, *, likely: bool, ridge: float = 1e-3) -> Floats:
    """Return steps that each raise their own regression by one deviation and no other's at all.

    Float64 [attributes, d], in standardised z: M W' (W M W')^-1 with M the identity (the shortest such
    step) or the covariance (the likeliest one).

    Args:
        found: the regressions, W [attributes, d].
        likely: take the covariance.
        ridge: keeps attributes that nearly coincide from asking for endless steps.
    """
    metric = found.covariance if likely else np.eye(found.weights.shape[1])
    spread = found.weights @ metric @ found.weights.T
    scale = np.sqrt(np.maximum(np.diag(spread), 1e-12))
    even = spread / np.outer(scale, scale) + ridge * np.eye(len(spread))
    step: Floats = (np.linalg.solve(even, (found.weights @ metric) / scale[:, None])) / scale[:, None]
    return step


def calibrated(lengths: Floats, changes: Floats) -> tuple[Floats, Floats] | None:
    """Turn what was measured along a direction into a map from change to length.

    Args:
        lengths: rising, 0 among them, float [n].
        changes: measured at each, 0 at length 0, in standard deviations, float [n].

    Returns:
        changes, rising evenly on both sides of 0, and the length of each, both float64 [KNOTS]; None if the
        attribute does not rise along the direction.
    """
    centre = int(np.abs(lengths).argmin())
    up_ways, up = _outwards(lengths[centre:], changes[centre:])
    down_ways, down = _outwards(-lengths[centre::-1], -changes[centre::-1])
    if up[-1] + down[-1] < LEAST:
        return None
    below, above = np.linspace(-down[-1], 0, KNOTS // 2 + 1), np.linspace(0, up[-1], KNOTS // 2 + 1)
    ways = (-np.interp(-below, down, down_ways), np.interp(above, up, up_ways))
    return np.concatenate((below[:-1], above)), np.concatenate((ways[0][:-1], ways[1]))


def _outwards(lengths: Floats, changes: Floats) -> tuple[Floats, Floats]:
    """Return the places, from the centre outwards, at which more is reached than at any before."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - slow to import

    rising = np.maximum(isotonic_regression(changes).x, 0.0)
    rising[0] = 0.0
    selected = [0]
    for index in range(1, len(rising)):
        if rising[index] > rising[selected[-1]] + LEAST:
            selected.append(index)
    return lengths[selected], rising[selected]
