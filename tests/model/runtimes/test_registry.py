"""Which device computes: the one that was asked for, or the quicker one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.checkpoint import Checkpoint
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.errors import CheckpointError
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.networks.vae import VAE
from model.runtimes import registry
from model.runtimes.base import DecodeInputs, Runtime
from model.runtimes.export import graphs
from model.runtimes.registry import card_kind, open_runtime, timed
from model.runtimes.torch_net import TorchRuntime
from tests.fakes.checkpoints import checkpoint
from tests.model.runtimes.test_captured import Tape

PHRASE = Phrase.of(Grid(), [Note(step, 60 + step % 7, 90, 2) for step in range(0, 32, 4)])
PATH = Path("tiny.safetensors")


@pytest.fixture(scope="module")
def whole() -> Checkpoint:
    bare = checkpoint([PHRASE])
    net = VAE(bare.config)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in bare.weights.items()})
    return replace(bare, graphs=graphs(net))


@pytest.mark.parametrize(
    ("system", "machine", "there", "kind"),
    [
        ("linux", "x86_64", "/dev/nvidiactl", "cuda"),
        ("linux", "x86_64", "/dev/dxg", "cuda"),
        ("linux", "x86_64", "/dev/null", ""),
        ("win32", "AMD64", r"C:\Windows\System32\nvcuda.dll", "cuda"),
        ("darwin", "arm64", "", "mps"),
        ("darwin", "x86_64", "", ""),
    ],
)
def test_a_card_is_looked_for_without_loading_torch(system: str, machine: str, there: str, kind: str) -> None:
    assert card_kind(system, machine, lambda path: path == there) == kind


def test_the_processor_takes_the_graphs_and_without_them_torch(whole: Checkpoint) -> None:
    assert open_runtime(whole, PATH, "cpu").name == "onnxruntime"
    assert open_runtime(whole, PATH).name == "onnxruntime"
    assert open_runtime(replace(whole, graphs={}), PATH, "cpu").name == "torch cpu"


def test_a_device_that_is_not_there_is_one_sentence(whole: Checkpoint) -> None:
    if not torch.cuda.is_available():
        with pytest.raises(CheckpointError, match="no device 'cuda' here: torch finds none; take 'auto'"):
            open_runtime(whole, PATH, "cuda")
    with pytest.raises(CheckpointError, match=r"unknown device 'gpu'.*auto, cpu, cuda, mps"):
        open_runtime(whole, PATH, "gpu")


def pretended(monkeypatch: pytest.MonkeyPatch, milliseconds: dict[str, float]) -> None:
    """A card that is torch on the processor, and clocks that say what they are told."""
    monkeypatch.setattr(registry, "card_kind", lambda: "cuda")
    monkeypatch.setattr(registry, "timed", lambda _, runtime: milliseconds[runtime.name])

    def on_card(made: Checkpoint, path: Path, kind: str) -> Runtime:
        assert kind == "cuda"
        return TorchRuntime(made, path, "cpu")

    monkeypatch.setattr(registry, "_on_card", on_card)


def test_auto_takes_the_card_where_it_is_clearly_quicker_and_says_why(
    whole: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretended(monkeypatch, {"onnxruntime": 5.0, "torch cpu": 0.6})
    assert open_runtime(whole, PATH, "auto").name == "torch cpu, 0.6 ms; the processor 5.0"
    pretended(monkeypatch, {"onnxruntime": 5.0, "torch cpu": 4.9})
    assert open_runtime(whole, PATH, "auto").name == "onnxruntime, 5.0 ms; cuda 4.9"


def test_a_card_that_cannot_be_used_is_as_one_that_is_not_there(
    whole: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretended(monkeypatch, {})

    def broken(*_: Any) -> Runtime:
        raise RuntimeError("no driver")

    monkeypatch.setattr(registry, "_on_card", broken)
    assert open_runtime(whole, PATH, "auto").name == "onnxruntime"


def test_captured_encode_and_decode_give_the_processors_numbers(whole: Checkpoint) -> None:
    plain, tape = open_runtime(whole, PATH, "cpu"), Tape()
    card = TorchRuntime(whole, PATH, "cpu", tape)
    arrays = pack_phrase(build("melody", PHRASE.grid), PHRASE)
    for _ in range(3):
        z = card.encode(arrays)
        np.testing.assert_allclose(z, plain.encode(arrays), atol=1e-4)
        inputs = DecodeInputs(np.zeros((1, 1), dtype=np.float32))
        heads = plain.decode(z, inputs)
        for name, value in card.decode(z, inputs).items():
            np.testing.assert_allclose(value, heads[name], atol=1e-3)
    assert tape.captures == 2
    assert timed(whole, card) > 0
