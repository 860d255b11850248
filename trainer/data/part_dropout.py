"""Parts that are hidden from the encoder: what teaches a model to play a band to the part that it gets.

A phrase of several parts is packed once; a copy of its arrays, with some parts made silent, goes into the
encoder, while the loss asks for all of them.  Who then plays one part alone, the others silent, hears
the others added.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import Arrays
from model.codecs.melody import REST

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


def hide(arrays: Arrays, hidden: Mask) -> Arrays:
    """Return arrays with the hidden parts silent, [B, ...] as before; the input is left as it is."""
    silenced = dict(arrays)
    for index, part in enumerate(parts_of(arrays)):
        rows = hidden[:, index]
        if not rows.any():
            continue
        for name in (name for name in arrays if name.split(".")[0] == part):
            silenced[name] = arrays[name].copy()
            silenced[name][rows] = REST if name.endswith(".token") else 0
    return silenced


def sounding(arrays: Arrays) -> Mask:
    """Return which parts have at least one note, bool [B, parts]."""
    columns = []
    for part in parts_of(arrays):
        if f"{part}.token" in arrays:
            columns.append((arrays[f"{part}.token"] < 128).any(axis=1))
        else:
            roll = next(
                value for name, value in arrays.items() if name.split(".")[0] == part and value.ndim == 4
            )
            columns.append(roll[:, :, 0].any(axis=(1, 2)))
    return np.stack(columns, axis=1)
