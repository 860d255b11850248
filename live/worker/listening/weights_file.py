"""The weights that *listen* goes by: a safetensors file of matrices.

Owns: what the file may be.  Threads: any.
Tested in tests/live/worker/listening/test_weights_file.py.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from model.errors import CheckpointError
from model.files import missing
from model.shipped import SUFFIX, WEIGHTS

FILE = WEIGHTS / f"listen{SUFFIX}"

Matrix = NDArray[np.float64]


def read(path: Path, sizes: Mapping[str, tuple[int, int]]) -> dict[str, Matrix]:
    """Return arrays of a file of float16.

    Args:
        path: of the file.
        sizes: rows and columns of each array, by name.

    Raises:
        CheckpointError: the file is missing, damaged or another; one sentence.
    """
    if not path.is_file():
        raise CheckpointError(missing("the file of weights", path))
    arrays = {}
    try:
        with safe_open(path, framework="numpy") as file:
            for name, size in sizes.items():
                array = file.get_tensor(name)
                if array.dtype != np.float16 or array.shape != size or not np.isfinite(array).all():
                    raise CheckpointError(f"{path} is not as this twobar needs it: {name} is not {size}")
                arrays[name] = array.astype(np.float64)
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged, or not the weights of listen") from error
    return arrays
