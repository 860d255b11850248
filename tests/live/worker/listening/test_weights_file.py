"""The weights file: read as it was written, and refused in one sentence where it is not what it should be."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from live.worker.listening.metre_network import metre_network
from live.worker.listening.metrical_positions import METRES
from live.worker.listening.rhythm import rhythm_network
from live.worker.listening.weights_file import read
from model.errors import CheckpointError

SIZES = {"a": (2, 3), "b": (4, 1)}


def written(path: Path, **other: np.ndarray) -> Path:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.ones((4, 1))} | other
    save_file({name: rows.astype(np.float16) for name, rows in arrays.items()}, path)
    return path


def test_arrays_come_back_as_rows(tmp_path: Path) -> None:
    found = read(written(tmp_path / "w"), SIZES)
    assert {name: array.tolist() for name, array in found.items()} == {
        "a": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
        "b": [[1.0]] * 4,
    }


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-3]), "is damaged"),
        (lambda path: path.write_bytes(b"\xff" * 64), "is damaged"),
        (lambda path: written(path, a=np.full((2, 3), np.nan)), "a is not (2, 3)"),
        (lambda path: written(path, a=np.zeros((3, 2))), "a is not (2, 3)"),
        (lambda path: save_file({"a": np.zeros((2, 3))}, path), "a is not (2, 3)"),
        (lambda path: save_file({"b": np.ones((4, 1), np.float16)}, path), "is damaged"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, spoil: Callable[[Path], object], says: str) -> None:
    path = written(tmp_path / "w")
    spoil(path)
    with pytest.raises(CheckpointError, match=says.replace("(", r"\(").replace(")", r"\)")):
        read(path, SIZES)


@pytest.mark.parametrize("place", [[0, 5], [2, 14], [-2, 10]])
def test_places_outside_the_array_are_refused(tmp_path: Path, place: list[int]) -> None:
    entry = {"dtype": "F16", "shape": [2, 3], "data_offsets": place}
    header = json.dumps({"a": entry}).encode()
    path = tmp_path / "w"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(12))
    with pytest.raises(CheckpointError, match="is damaged"):
        read(path, {"a": (2, 3)})


def test_the_networks_that_came_along_are_whole() -> None:
    assert set(rhythm_network().since) == set(METRES)
    for metre in METRES:
        network = metre_network(metre)
        assert network.metre == metre
        assert 0.9 < network.decay < 1
