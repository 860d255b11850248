"""Parts that are hidden from the encoder: what teaches a model to play a band to the part that it gets.

A phrase of several parts is packed once; on the device that learns, a copy of its arrays with some parts made
silent goes into the encoder, while the loss asks for all of them.  Who then plays one part alone, the others
silent, hears the others added.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.codecs.melody import HOLD, REST
from trainer.data.on_device import moved

Mask = NDArray[np.bool_]


def parts_of(arrays: Iterable[str]) -> list[str]:
    """Return the names of the parts, in order: what stands before the point in `melody.token`; none: []."""
    return list(dict.fromkeys(name.split(".")[0] for name in arrays if "." in name))


def draw(present: Mask, share: float, rng: np.random.Generator) -> Mask:
    """Draw which parts are hidden, bool [B, parts].

    Args:
        present: which parts have notes, bool [B, parts]; see `sounding`.
        share: of the phrases that have parts hidden, 0..1; in each of them every proper subset that
            leaves at least one part with notes is as likely as any other of its size, all sizes alike.
        rng: what draws.
    """
    count, parts = present.shape
    order = rng.random((count, parts)).argsort(axis=1).argsort(axis=1)  # each part's rank in a random order
    size = rng.integers(1, max(2, parts), count)
    hidden = (order < size[:, None]) & (rng.random((count, 1)) < share)
    audible = np.any(present & ~hidden, axis=1, keepdims=True)
    drawn: Mask = hidden & audible
    return drawn


def hide(arrays: Mapping[str, Tensor], hidden: Mask) -> dict[str, Tensor]:
    """Return arrays with the hidden parts, bool [B, parts], silent; the input is left as it is."""
    device = next(iter(arrays.values())).device
    rows = {
        part: moved(np.flatnonzero(column), device)
        for part, column in zip(parts_of(arrays), hidden.T, strict=True)
    }
    return {
        name: value.index_fill(0, rows[name.split(".")[0]], REST if name.endswith(".token") else 0)
        for name, value in arrays.items()
    }


def sounding(arrays: Mapping[str, Any]) -> Mask:
    """Return which parts have at least one note, bool [B, parts], of numpy's arrays or tensors."""
    columns = []
    for part in parts_of(arrays):
        names = [name for name in arrays if name.split(".")[0] == part]
        name = next(name for name in names if name.endswith(".token") or arrays[name].ndim == 4)
        value = torch.as_tensor(arrays[name])
        columns.append((value < HOLD).any(1) if value.dim() == 2 else value[:, :, 0].sum((1, 2)) > 0)
    found: Mask = torch.stack(columns, dim=1).cpu().numpy()
    return found
