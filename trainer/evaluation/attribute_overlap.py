"""How near a model's music lies to a performer's: the overlap of attributes, attribute by attribute.

Yang and Lerch 2020, "On the evaluation of generative models in music", section 3.3: the overlapping area of
two smoothed histograms; 1 where the distributions are one, 0 where they have nothing in common.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.codecs.sampling import Sampling
from model.latent.geometry import Latent
from model.music.attributes import NAMES, TYPICAL, applicable, measure
from model.music.phrase import Phrase
from model.playing.player import Player
from trainer.evaluation.samples import prior

SAMPLES = 200
POINTS = 256
FAR = 1.0  # of the latent's spread: how far from the performer's phrases the walk goes that is measured


def drawn(
    player: Player, performed: Sequence[Phrase], seed: int, *, count: int | None = None
) -> dict[str, list[Phrase]]:
    """Return what a model plays: from its prior, and from points around the performer's phrases.

    Args:
        player: the checkpoint.
        performed: the performer's phrases, at least one.
        seed: of every draw.
        count: phrases of each kind; 200 by default.

    Returns:
        `prior` and `drift`; of a model without a latent, `continuation`: how it goes on from them.
    """
    rng = np.random.default_rng(seed)
    chosen = [performed[number % len(performed)] for number in range(count or SAMPLES)]
    if not player.card.latent_size:
        continued = [
            player.continuation(phrase, sampling=Sampling(1.0, seed=seed + n))
            for n, phrase in enumerate(chosen)
        ]
        return {"continuation": continued}
    known = [player.encode(phrase) for phrase in chosen]
    scale = np.asarray(player.card.scale, dtype=np.float32)
    around = [_beside(latent, FAR * scale * rng.standard_normal(len(scale))) for latent in known]
    return {
        "prior": [player.decode(latent, turns={}) for latent in prior(player, len(chosen), rng)],
        "drift": [player.decode(latent, turns={}) for latent in around],
    }


def _beside(latent: Latent, step: NDArray[np.float64]) -> Latent:
    """Return a latent some way off."""
    return replace(latent, z=np.asarray(latent.z + step, dtype=np.float32))


def overlaps(one: Sequence[Phrase], other: Sequence[Phrase], codec: str) -> dict[str, float]:
    """Return the overlap of each attribute that a codec has, and their mean as `mean`, 0..1."""
    tables = [np.array([list(measure(phrase).values()) for phrase in phrases]) for phrases in (one, other)]
    found = {}
    for name in applicable(codec):
        column = NAMES.index(name)
        found[name] = overlap(tables[0][:, column], tables[1][:, column], least=0.15 * TYPICAL[name][1])
    return found | {"mean": float(np.mean(list(found.values())))}


def overlap(one: NDArray[np.float64], other: NDArray[np.float64], *, least: float) -> float:
    """Return the area that two densities share, 0..1.

    Each is smoothed with a gaussian of Scott's width (Scott 1992, "Multivariate density estimation").

    Args:
        one: values, float [n].
        other: values, float [m].
        least: width of the gaussian at least, in the values' unit.
    """
    widths = [max(least, float(np.std(values)) * len(values) ** -0.2) for values in (one, other)]
    both = np.concatenate((one, other))
    edge = 4 * max(widths)
    points = np.linspace(both.min() - edge, both.max() + edge, POINTS)
    densities = []
    for values, width in zip((one, other), widths, strict=True):
        bumps = np.exp(-0.5 * ((points[:, None] - values) / width) ** 2).mean(1)
        densities.append(bumps / bumps.sum())
    return float(np.minimum(*densities).sum())
