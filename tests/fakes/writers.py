"""Writers that learned nothing, for tests: their notes are of chance, but as valid as any."""

import numpy as np
from numpy.typing import NDArray

from model.writing.continuity import NAMES
from model.writing.transformer import Transformer, shapes
from model.writing.wish import Kind
from model.writing.writer import Writer


def random_network(seed: int = 0, *, width: int = 16, depth: int = 1, heads: int = 2) -> Transformer:
    """Return a small network with weights of chance."""
    rng = np.random.default_rng(seed)
    tensors = {
        name: np.ones(shape, dtype=np.float32)
        if "norm" in name
        else (rng.normal(size=shape) * 0.1).astype(np.float32)
        for name, shape in shapes(width, depth).items()
    }
    tensors["keys"] = np.full((len(Kind), 12), 1 / 12, dtype=np.float32)
    tensors["heads"] = np.array([heads], dtype=np.float32)
    return Transformer(tensors)


def random_writer(seed: int = 0) -> Writer:
    """Return a writer whose notes are of chance, the same for the same seed."""
    return Writer(random_network(seed))


def ranker_arrays(seed: int = 0, units: int = 2) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a ranker that learned nothing."""
    rng = np.random.default_rng(seed)
    shapes_of = {"weights": (len(NAMES), units), "biases": (units,), "sums": (units,)}
    arrays = {}
    for kind in Kind:
        name = kind.name.lower()
        arrays[f"{name}.middle"] = np.zeros(len(NAMES), dtype=np.float32)
        arrays[f"{name}.spread"] = np.ones(len(NAMES), dtype=np.float32)
        for column, shape in shapes_of.items():
            arrays[f"{name}.{column}"] = rng.normal(size=shape).astype(np.float32)
    return arrays
