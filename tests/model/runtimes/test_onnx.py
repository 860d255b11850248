"""Graphs in ONNX Runtime compute and draw what the network itself does in torch."""

import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from model.checkpoint import Checkpoint
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import Sampling
from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, ModelConfig
from model.errors import CheckpointError
from model.music.grid import Grid
from model.networks.vae import VAE
from model.runtimes.base import DecodeInputs
from model.runtimes.export import graphs
from model.runtimes.onnx import OnnxRuntime
from model.runtimes.registry import open_runtime
from model.runtimes.torch_net import TorchRuntime
from tests.fakes import networks
from tests.fakes.networks import LATENTLESS, STEPWISE, held, phrase
from tests.fakes.networks import config as family
from tests.fakes.synthetic import chords, melody
from tests.model.test_checkpoint import small

CHOICES = [Sampling(), Sampling(1.0, seed=3), Sampling(0.8, top_k=5, top_p=0.9, seed=7)]


CONFIGS = {
    "patch, beats": ModelConfig(
        "a",
        "melody",
        encoder=EncoderConfig("patch", 16, 1, 2),
        bottleneck=BottleneckConfig("beats", 32),
        decoder=DecoderConfig("patch", 16, 1, 2),
        knobs=("density", "range"),
    ),
    "conv, phrase": ModelConfig(
        "b",
        "melody",
        encoder=EncoderConfig("conv", 16, 2, 1),
        bottleneck=BottleneckConfig("phrase", 24),
        decoder=DecoderConfig("patch", 16, 1, 2),
    ),
    "patch, beats, poly": ModelConfig(
        "c",
        "poly",
        encoder=EncoderConfig("patch", 16, 0, 2),
        bottleneck=BottleneckConfig("beats", 32),
        decoder=DecoderConfig("patch", 16, 1, 2),
        knobs=("polyphony",),
    ),
    "bands, cells": small().config,
}


def network(config: ModelConfig) -> VAE:
    torch.manual_seed(1)
    net = VAE(config).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return net


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_graphs_compute_what_the_network_does(config: ModelConfig) -> None:
    net = network(config)
    weights = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    base = small()
    held = Checkpoint(config, weights, base.calibration, base.latent, {}, graphs(net))
    bare = Checkpoint(config, weights, base.calibration, base.latent)
    fast, plain = OnnxRuntime(held, "here"), TorchRuntime(bare, "here")
    phrase = (melody if config.codec == "melody" else chords)(3)
    arrays = pack_phrase(build(config.codec, phrase.grid), phrase)
    z = plain.encode(arrays)
    assert z.shape == (1, config.bottleneck.size)
    np.testing.assert_allclose(fast.encode(arrays), z, atol=1e-4)
    for got_part, wanted_part in zip(fast.posterior(arrays), plain.posterior(arrays), strict=True):
        np.testing.assert_allclose(got_part, wanted_part, atol=1e-4)
    three = np.repeat(z, 3, axis=0)
    change = np.random.default_rng(0).normal(size=(3, max(len(config.knobs), 1))).astype(np.float32)
    got, wanted = fast.decode(three, DecodeInputs(change)), plain.decode(three, DecodeInputs(change))
    shapes = build(config.codec, phrase.grid).heads()
    for name, value in wanted.items():
        assert value.shape == (3, *shapes[name])
        np.testing.assert_allclose(got[name], value, atol=1e-3)


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(family(kind, codec, neck=neck), id=f"{kind} {codec} {neck}")
        for kind, (codec, neck) in product(STEPWISE, (("melody", "beats"), ("poly", "phrase")))
    ]
    + [
        pytest.param(family(kind, latent=False, knobs=(), conditions=("key",)), id=f"{kind} language")
        for kind in LATENTLESS
    ]
    + [
        pytest.param(family(kind, codec), id=f"{kind} {codec}")
        for kind, codec in (("gru", "drums"), ("transformer", "multitrack"))
    ],
)
def test_graphs_draw_what_the_network_does(chosen: ModelConfig) -> None:
    net = networks.network(chosen)
    held_, bare = held(net), held(net, traced=False)
    fast, plain = open_runtime(held_, "here"), open_runtime(bare, "here")
    assert (fast.name, plain.name.split()[0]) == ("onnxruntime", "torch")
    assert fast.stepwise
    assert plain.stepwise
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2, chosen.latent_size)).astype(np.float32)
    condition_width = net.sizes.condition_width
    inputs = DecodeInputs(
        rng.normal(size=(2, max(len(chosen.knobs), 1))).astype(np.float32),
        rng.normal(size=(2, 8, condition_width)).astype(np.float32) if condition_width else None,
    )
    prefix = pack_phrase(build(chosen.codec, Grid()), phrase(chosen.codec, 1))
    for choice, steps in product(CHOICES, (0, 9)):
        got = fast.generate(z, inputs, choice, prefix, steps)
        wanted = plain.generate(z, inputs, choice, prefix, steps)
        assert got.keys() == wanted.keys() <= prefix.keys()
        for name, value in wanted.items():
            assert value.dtype == got[name].dtype == prefix[name].dtype
            np.testing.assert_allclose(got[name], value, atol=1e-4)
            np.testing.assert_array_equal(got[name][:, :steps], prefix[name].repeat(2, 0)[:, :steps])
    if chosen.latent_size:
        np.testing.assert_allclose(fast.encode(prefix), plain.encode(prefix), atol=1e-4)


@pytest.mark.parametrize("runtime", [OnnxRuntime, TorchRuntime])
def test_what_a_network_cannot_reckon_is_a_sentence(runtime: type[OnnxRuntime] | type[TorchRuntime]) -> None:
    """Weights so large that float32 overflows on the way."""
    made = small(traced=True)
    huge = {name: np.full_like(value, 1e38) for name, value in made.weights.items()}
    arrays = pack_phrase(build("poly", Grid()), chords(0))
    broken = runtime(replace(made, weights=huge), "broken")
    with pytest.raises(CheckpointError, match="numbers that are not finite"):
        broken.encode(arrays)


def test_without_onnx_runtime_torch_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    made = small(traced=True)
    assert open_runtime(made, "here").name == "onnxruntime"
    monkeypatch.delitem(sys.modules, "model.runtimes.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert open_runtime(made, "here").name.startswith("torch")
    monkeypatch.setattr("model.runtimes.registry.find_spec", lambda _name: None)
    with pytest.raises(ImportError, match="onnxruntime"):
        open_runtime(made, "here")


def test_numbers_next_to_nought_are_nought() -> None:
    torch.set_flush_denormal(False)
    TorchRuntime(small(), "here")
    assert float(torch.tensor([1e-38]) * 0.01) == 0.0
