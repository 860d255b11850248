"""Checkpoints: what is written comes back; what is damaged or foreign is refused in one sentence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from model import checkpoint
from model.checkpoint import Calibration, Checkpoint, LatentMap
from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, ModelConfig
from model.errors import CheckpointError
from model.library import FORMAT
from model.music.attributes import NAMES
from model.networks.vae import VAE
from model.runtimes.export import graphs

CONFIG = ModelConfig(
    "small",
    "poly",
    encoder=EncoderConfig("bands", 16, 1, 2, 8),
    bottleneck=BottleneckConfig("cells", 128),
    decoder=DecoderConfig("bands", 16, 1, 2, 8),
    knobs=("density",),
)


def small(*, traced: bool = False) -> Checkpoint:
    torch.manual_seed(0)
    net = VAE(CONFIG)
    ones = np.ones(len(NAMES), dtype=np.float32)
    latent = LatentMap(
        np.zeros(128, dtype=np.float32),
        np.ones(128, dtype=np.float32),
        np.ones((2, 128), dtype=np.float32),
        np.zeros((3, 2), dtype=np.float32),
    )
    return Checkpoint(
        CONFIG,
        {name: value.numpy() for name, value in net.state_dict().items()},
        Calibration(NAMES, ones, ones, 0 * ones, 2 * ones),
        latent,
        {"onset": -0.5},
        graphs(net) if traced else {},
        {"note_f1": 0.5},
    )


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    written = small(traced=True)
    checkpoint.write(written, path, half=False)
    found = checkpoint.read(path)
    assert found.config == written.config
    assert found.levels == written.levels
    assert found.figures == written.figures
    assert found.graphs == written.graphs
    assert found.calibration.of("high", "density") == 2
    assert found.weights.keys() == written.weights.keys()
    for name, value in written.weights.items():
        np.testing.assert_array_equal(found.weights[name], value)
    assert not list(tmp_path.glob(".*"))


def test_half_precision_halves_the_file_and_hardly_moves_weights(tmp_path: Path) -> None:
    checkpoint.write(small(), tmp_path / "whole.safetensors", half=False)
    checkpoint.write(small(), tmp_path / "half.safetensors")
    whole, half = (checkpoint.read(tmp_path / f"{name}.safetensors") for name in ("whole", "half"))
    for name, value in whole.weights.items():
        np.testing.assert_allclose(half.weights[name], value, atol=2e-3, rtol=1e-3)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.62 * sizes[1]


def test_the_identity_names_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.write(small(), path)
    first = checkpoint.read(path).ident
    checkpoint.write(replace(small(), figures={}), path)
    assert checkpoint.read(path).ident == first
    other = {name: value + 1 for name, value in small().weights.items()}
    checkpoint.write(replace(small(), weights=other), path)
    assert checkpoint.read(path).ident != first


def test_graphs_hold_no_weights() -> None:
    made = small(traced=True)
    size = sum(value.nbytes for value in made.weights.values())
    assert sum(len(graph.content) for graph in made.graphs.values()) < size
    for graph in made.graphs.values():
        assert set(graph.weights) <= made.weights.keys()


@pytest.mark.parametrize("cut", [0, 5, 100, 3000, -10])
def test_a_file_cut_short_is_refused_in_one_sentence(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.safetensors"
    checkpoint.write(small(), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match="damaged or no safetensors file") as caught:
        checkpoint.read(path)
    assert "\n" not in str(caught.value)


def test_weights_that_were_changed_on_disk_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "flipped.safetensors"
    checkpoint.write(small(), path)
    content = bytearray(path.read_bytes())
    header = int.from_bytes(content[:8], "little")
    tensors = json.loads(content[8 : 8 + header])
    first = next(tensors[name]["data_offsets"][0] for name in tensors if name.startswith("weights/"))
    content[8 + header + first] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="the file is damaged"):
        checkpoint.read(path)


def test_a_map_of_more_points_than_can_be_drawn_is_refused(tmp_path: Path) -> None:
    path, made = tmp_path / "dots.safetensors", small()
    points = np.zeros((checkpoint.MOST_POINTS + 1, 2), np.float32)
    checkpoint.write(replace(made, latent=replace(made.latent, points=points)), path)
    with pytest.raises(CheckpointError, match="its latent map holds 10001 points, 10000 at most are drawn"):
        checkpoint.read(path)
    checkpoint.write(replace(made, latent=replace(made.latent, points=points[1:])), path)
    assert len(checkpoint.read(path).latent.points) == checkpoint.MOST_POINTS


def test_foreign_and_future_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    tensors = {"a": np.zeros(3, dtype=np.float32)}
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match="not a twobar checkpoint"):
        checkpoint.read(path)
    save_file(tensors, path, {"format": FORMAT, "version": "9"})
    with pytest.raises(CheckpointError, match="version 9; this twobar reads version 1"):
        checkpoint.read(path)
    facts: dict[str, object] = {"attributes": [], "levels": {}, "figures": {}, "graphs": {}}
    metadata = {"format": FORMAT, "version": "1", "facts": json.dumps(facts)}
    save_file(tensors, path, metadata)
    with pytest.raises(CheckpointError, match="cannot be used: "):
        checkpoint.read(path)
    save_file(tensors, path, {**metadata, "config": '{"name": "x", "codec": "poly", "depht": 3}'})
    with pytest.raises(CheckpointError, match="unknown key 'depht'"):
        checkpoint.read(path)
    with pytest.raises(CheckpointError, match=r"the checkpoint '.*' does not exist"):
        checkpoint.read(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
@pytest.mark.parametrize("where", ["weights", "calibration", "map", "extras"])
def test_numbers_that_are_not_finite_in_32_bits_are_refused_by_name(
    tmp_path: Path, where: str, value: float
) -> None:
    path = tmp_path / "nan.safetensors"
    checkpoint.write(replace(small(), extras={"prior/begin": np.ones(3)}), path, half=False)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    name = next(name for name in sorted(tensors) if name.startswith(where if where != "extras" else "prior"))
    tensors[name] = tensors[name].astype(np.float64)
    tensors[name].flat[0] = value
    save_file(tensors, path, {name: text for name, text in metadata.items() if name != "ident"})
    with pytest.raises(CheckpointError, match=rf"{name} holds numbers that are not finite"):
        checkpoint.read(path)


@pytest.mark.parametrize(
    "facts",
    [
        '{"attributes": 3}',
        "[]",
        "null",
        '{"attributes": [], "levels": {"onset": "high"}, "figures": {}, "graphs": {}}',
        '{"attributes": [], "levels": {"onset": NaN}, "figures": {}, "graphs": {}}',
        '{"attributes": [], "levels": [], "figures": {}, "graphs": {}}',
        '{"attributes": [], "levels": {}, "figures": {}, "graphs": {"decode": 7}}',
        '{"attributes": [], "levels": {}, "figures": 1, "graphs": {}}',
        "{",
    ],
)
def test_facts_of_a_wrong_type_are_a_sentence(tmp_path: Path, facts: str) -> None:
    path = tmp_path / "facts.safetensors"
    checkpoint.write(small(), path)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    save_file(tensors, path, {**metadata, "facts": facts})
    with pytest.raises(CheckpointError, match="cannot be used: ") as caught:
        checkpoint.read(path)
    assert "\n" not in str(caught.value)


def test_data_that_were_all_alike_divide_nothing_by_zero() -> None:
    zero, one = np.zeros(1, dtype=np.float32), np.ones(1, dtype=np.float32)
    calibration = Calibration(("dynamics",), 90 * one, zero, 90 * one, 90 * one)
    assert calibration.of("spread", "dynamics") == 1.0
    assert calibration.of("mean", "dynamics") == 90.0


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.write(small(), path)
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("model.files.os.fsync", full)
    with pytest.raises(CheckpointError, match="cannot be written: No space left on device"):
        checkpoint.write(small(), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]
