"""How a model's own chance is used when it draws: temperature, top-k, top-p and the seed.

top-k and top-p are applied here to the heads of a decoder that writes all at once, before a codec reads them;
`model.networks.heads.base.pick` and `flip` are the same rules inside a network, which draws step by step.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

CLASSES = ("state", "pitch")  # heads of one choice among many, along their last dimension
SWITCHES = ("onset", "hold", "hit")  # heads of yes or no for each of their numbers
NEVER = np.float32(-1e9)
STRANGE = np.float32(8.0)  # nats by which a pitch outside the scale is less likely
NEIGHBOUR = np.float32(1.0)  # nats that a pitch of the scale lies behind the strange one beside it
FAR = np.float32(1e4)  # a distance so many times as long is beyond any noise
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How each variable of a step (a class, a key, a struck drum) is drawn.

    Attributes:
        temperature: 0 takes the likeliest; 1 draws from the model's own distribution.
        top_k: only the k likeliest values of a variable may be drawn (Fan et al. 2018, "Hierarchical neural
            story generation"); 0 allows all.  1 is the likeliest at any temperature.
        top_p: only the likeliest values that together reach this probability may be drawn (Holtzman et al.
            2020, "The curious case of neural text degeneration"); above 0, 1 allows all.
        seed: of everything drawn; the same sampling and the same input give the same notes.

    Raises:
        ValueError: a number lies outside its range; one sentence.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature is a number from 0 up, not {self.temperature}")
        if self.top_k < 0:
            raise ValueError(f"top_k is a whole number from 0 (all) up, not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p lies above 0 and is at most 1, not {self.top_p}")


ARGMAX = Sampling()


def restricted(heads: Mapping[str, Floats], sampling: Sampling) -> dict[str, Floats]:
    """Return heads whose logits leave only what it allows; names may carry a track, "bass.pitch"."""
    if sampling.temperature <= 0 or (sampling.top_k == 0 and sampling.top_p >= 1):
        return dict(heads)
    found = {}
    for name, value in heads.items():
        kind = name.rpartition(".")[2]
        if kind in CLASSES:
            found[name] = _classes(value, sampling)
        elif kind in SWITCHES:
            found[name] = _switches(value, sampling)
        else:
            found[name] = value
    return found


def _classes(logits: Floats, sampling: Sampling) -> Floats:
    """Rule out all but the likeliest classes."""
    ordered = -np.sort(-logits, axis=-1)
    mass = np.exp((ordered - ordered[..., :1]) / sampling.temperature)
    mass /= mass.sum(-1, keepdims=True)
    inside = np.maximum(1, (mass.cumsum(-1) - mass < sampling.top_p).sum(-1, keepdims=True))
    most = min(sampling.top_k or logits.shape[-1], logits.shape[-1])
    least = np.take_along_axis(ordered, np.minimum(inside, most) - 1, axis=-1)
    # the order of those ruled out stays: a codec may have to fall back on them, then on the likeliest
    return np.where(logits >= least, logits, (logits - ordered[..., :1]) * FAR)


def _switches(logits: Floats, sampling: Sampling) -> Floats:
    """Decide those whose likelier value is the only one allowed."""
    likelier = 1 / (1 + np.exp(-np.abs(logits) / np.float32(sampling.temperature)))
    open_ = (likelier < sampling.top_p) & (sampling.top_k != 1)
    return np.where(open_, logits, np.where(logits > 0, -NEVER, NEVER))


def in_scale(
    heads: Mapping[str, Floats], scale: frozenset[int], *, lowest: int, spared: Iterable[tuple[int, int]]
) -> dict[str, Floats]:
    """Return heads in which pitches outside a scale are less likely by `STRANGE`, and their neighbours gain.

    Args:
        heads: of one or more phrases, [..., steps, keys]; names may carry a track, "bass.pitch".
        scale: pitch classes.
        lowest: MIDI key of the first number of heads that do not have all 128.
        spared: (step, MIDI key) that stay as they are.
    """
    found, spared = dict(heads), [*spared]
    for name, value in heads.items():
        if name.rpartition(".")[2] not in ("pitch", "onset"):
            continue
        keys = value.shape[-1]
        first = 0 if keys == 128 else lowest
        strange = np.array([(first + key) % 12 not in scale for key in range(keys)])
        away = np.broadcast_to(strange, value.shape).copy()
        for step, key in spared:
            if 0 <= key - first < keys:
                away[..., step, key - first] = False
        moved = np.where(away, value - STRANGE, value)
        meant = np.where(away, value - NEIGHBOUR, NEVER)  # it goes to the scale's next key, if a little less
        moved[..., 1:] = np.where(strange[1:], moved[..., 1:], np.maximum(moved[..., 1:], meant[..., :-1]))
        moved[..., :-1] = np.where(strange[:-1], moved[..., :-1], np.maximum(moved[..., :-1], meant[..., 1:]))
        found[name] = moved
    return found


def gumbel_max(logits: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one of C classes for each row by its share of exp(logits), int64 [n] of logits [n, C].

    The Gumbel-max trick (Maddison et al. 2014, "A* sampling", section 2).
    """
    found: NDArray[np.int64] = (logits + rng.gumbel(size=logits.shape)).argmax(1)
    return found
