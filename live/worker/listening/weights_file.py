"""The weights that *listen* goes by: a safetensors file, read without an array library.

Owns: what the file may be.  Threads: any.
Tested in tests/live/worker/listening/test_weights_file.py.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from model.errors import CheckpointError
from model.shipped import SUFFIX, WEIGHTS

FILE = WEIGHTS / f"listen{SUFFIX}"
LARGEST = 1 << 20  # bytes
METRES = {3: "three", 4: "four"}  # quarters in a bar that are known, and what arrays' names say

Rows = list[list[float]]


def read(path: Path, sizes: Mapping[str, tuple[int | None, int | None]]) -> dict[str, Rows]:
    """Return arrays of a file of float16, as rows.

    Args:
        path: of the file.
        sizes: rows and columns of each array, by name; None is any number.

    Raises:
        CheckpointError: the file is missing, damaged or another; one sentence.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise CheckpointError(f"{path} is too large to be the weights of listen")
        data = path.read_bytes()
        (length,) = struct.unpack_from("<Q", data)
        header: Mapping[str, Any] = json.loads(data[8 : 8 + length])
        arrays = {name: _rows(data, 8 + length, header[name]) for name in sizes}
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise CheckpointError(f"{path} is damaged, or not the weights of listen") from error
    for name, wanted in sizes.items():
        found = len(arrays[name]), len(arrays[name][0])
        if any(asked not in (None, size) for asked, size in zip(wanted, found, strict=True)):
            raise CheckpointError(f"{path} is not as this twobar needs it: {name} is not {wanted}")
    return arrays


def _rows(data: bytes, base: int, entry: Mapping[str, Any]) -> Rows:
    if entry["dtype"] != "F16":
        raise ValueError(entry["dtype"])
    rows, columns = entry["shape"]
    begin, end = entry["data_offsets"]
    if end - begin != 2 * rows * columns or min(rows, columns) < 1 or begin < 0:
        raise ValueError(entry["shape"])
    values: Sequence[float] = struct.unpack_from(f"<{rows * columns}e", data, base + begin)
    if not all(map(isfinite, values)):
        raise ValueError("not finite")
    return [list(values[row * columns : (row + 1) * columns]) for row in range(rows)]
