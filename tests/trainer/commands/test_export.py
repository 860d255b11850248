"""What is exported plays elsewhere as it plays here."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.networks.vae import VAE
from model.runtimes.export import graphs
from tests.fakes.checkpoints import checkpoint, written
from tests.trainer.commands.test_commands import run

PHRASE = Phrase.of(Grid(), [Note(step, 60 + step % 7, 90, 2) for step in range(0, 32, 4)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bare = checkpoint([PHRASE])
    net = VAE(bare.config)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in bare.weights.items()})
    figures = {"note_f1": 0.5, "words": "none"}
    whole = replace(bare, graphs=graphs(net), figures=figures)
    return written(tmp_path_factory.mktemp("run") / "tiny.safetensors", whole)


def test_onnx_files_hold_their_weights_and_answer_as_the_network(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "export", made, "--onnx", tmp_path / "onnx")
    assert code == 0
    assert out.splitlines() == [f"wrote {tmp_path / 'onnx' / name}.onnx" for name in ("encode", "decode")]
    encode = onnxruntime.InferenceSession(tmp_path / "onnx" / "encode.onnx")
    codec = build("melody", PHRASE.grid)
    arrays = pack_phrase(codec, PHRASE)
    z, _ = encode.run(["z", "logvar"], {value.name: arrays[value.name] for value in encode.get_inputs()})
    bare = checkpoint([PHRASE])
    net = VAE(bare.config).eval()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in bare.weights.items()})
    with torch.no_grad():
        wanted = net.encode({name: torch.from_numpy(value) for name, value in arrays.items()})[0]
    np.testing.assert_allclose(z, wanted.numpy(), atol=1e-4)
    assert json.loads(encode.get_modelmeta().custom_metadata_map["config"])["codec"] == "melody"


def test_a_hubs_folder_holds_the_checkpoint_its_configuration_and_a_card(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, _ = run(capsys, "export", made.parent, "--hub", tmp_path)
    assert code == 0
    assert (tmp_path / "tiny-vae.safetensors").read_bytes() == made.read_bytes()
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "twobar"
    card = (tmp_path / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: twobar\n")
    assert "| note_f1 | 0.5 |" in card
    assert "words" not in card
    made.with_suffix(".md").write_text("# By hand\n")
    run(capsys, "export", made, "--hub", tmp_path)
    assert (tmp_path / "README.md").read_text().endswith("---\n\n# By hand\n")
    made.with_suffix(".md").unlink()


def test_what_cannot_be_exported_is_one_sentence(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "export", made) == (
        2,
        "",
        "twobar-train: export writes nothing without --onnx DIR or --hub DIR\n",
    )
    code, _, said = run(capsys, "export", tmp_path / "none.safetensors", "--hub", tmp_path)
    assert (code, said.count("\n")) == (1, 1)
    bare = written(tmp_path / "bare.safetensors", checkpoint([PHRASE]))
    code, _, said = run(capsys, "export", bare, "--onnx", tmp_path)
    assert code == 1
    assert "holds no graphs" in said
    (tmp_path / "file").write_text("")
    code, _, said = run(capsys, "export", made, "--hub", tmp_path / "file" / "folder")
    assert code == 1
    assert "cannot be written" in said
