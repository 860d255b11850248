"""The network: shapes, where its parts reach, and that a graph computes what the network does."""

import numpy as np
import pytest
import torch

from model.checkpoint import Checkpoint
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, ModelConfig
from model.errors import ConfigError
from model.networks.bottleneck import divergence
from model.networks.layers.layout import Layout
from model.networks.vae import VAE
from model.runtimes.base import Wish
from model.runtimes.export import graphs
from model.runtimes.onnx import OnnxRuntime
from model.runtimes.torch_net import TorchRuntime
from tests.fakes.synthetic import chords, melody
from tests.model.test_checkpoint import small

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
    got, wanted = fast.decode(three, Wish(change)), plain.decode(three, Wish(change))
    shapes = build(config.codec, phrase.grid).heads()
    for name, value in wanted.items():
        assert value.shape == (3, *shapes[name])
        np.testing.assert_allclose(got[name], value, atol=1e-3)


def test_no_change_is_the_plain_decode_and_knobs_begin_silent() -> None:
    torch.manual_seed(2)
    net = VAE(CONFIGS["patch, beats"])
    z = torch.randn(2, 32)
    plain, turned = net.decode(z), net.decode(z, torch.ones(2, 2))
    for name, value in plain.items():
        torch.testing.assert_close(value, turned[name])


def test_cells_are_cut_and_joined_without_loss() -> None:
    layout = Layout(beats=8, steps=4, channels=3, keys=88)
    features = torch.randn(2, 8, 4 * 3 * 88)
    cells = layout.cut(features)
    assert cells.shape == (2, 8, 8, 144)
    torch.testing.assert_close(layout.join(cells), features)
    roll = features.reshape(2, 32, 3, 88)
    torch.testing.assert_close(cells[1, 2, 3].reshape(4, 3, 12), roll[1, 8:12, :, 36:48])


def test_divergence_is_that_of_two_gaussians() -> None:
    mean, logvar = torch.tensor([[0.3, -1.0]]), torch.tensor([[0.2, -2.0]])
    q = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    p = torch.distributions.Normal(torch.zeros(1, 2), torch.ones(1, 2))
    torch.testing.assert_close(divergence(mean, logvar), torch.distributions.kl_divergence(q, p))


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (ModelConfig("x", "melody", encoder=EncoderConfig("bands")), "needs a codec with a roll"),
        (ModelConfig("x", "melody", decoder=DecoderConfig("bands")), "needs a codec with a roll"),
        (
            ModelConfig("x", "poly", bottleneck=BottleneckConfig("cells", 128)),
            "needs an encoder of kind 'bands'",
        ),
        (ModelConfig("x", "melody", encoder=EncoderConfig(width=30)), "heads 4 do not divide width 30"),
        (ModelConfig("x", "melody", bottleneck=BottleneckConfig("beets", 32)), "did you mean 'beats'"),
        (ModelConfig("x", "melody", decoder=DecoderConfig("pach")), "did you mean 'patch'"),
    ],
)
def test_parts_that_do_not_fit_are_refused(config: ModelConfig, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        VAE(config)
