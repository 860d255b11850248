"""top-k and top-p on the heads of a decoder that writes all at once, before a codec reads them.

The same rules as `model.networks.heads.base.pick` and `flip`, which draw inside a network.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.codecs.sampling import Sampling

CLASSES = ("state", "pitch")  # heads of one choice among many, along their last dimension
SWITCHES = ("onset", "hold", "hit")  # heads of yes or no for each of their numbers
NEVER = np.float32(-1e9)
FAR = np.float32(1e4)  # a distance so many times as long is beyond any noise
Floats = NDArray[np.float32]


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
