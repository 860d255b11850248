"""The network: knobs begin silent, and parts that do not fit each other are refused."""

import pytest
import torch

from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, ModelConfig
from model.errors import ConfigError
from model.networks.vae import VAE


def test_no_change_is_the_plain_decode_and_knobs_begin_silent() -> None:
    torch.manual_seed(2)
    net = VAE(
        ModelConfig(
            "a",
            "melody",
            encoder=EncoderConfig("patch", 16, 1, 2),
            bottleneck=BottleneckConfig("beats", 32),
            decoder=DecoderConfig("patch", 16, 1, 2),
            knobs=("density", "range"),
        )
    )
    z = torch.randn(2, 32)
    plain, turned = net.decode(z), net.decode(z, torch.ones(2, 2))
    for name, value in plain.items():
        torch.testing.assert_close(value, turned[name])


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


def test_parameters_are_taken_under_the_names_of_before() -> None:
    net = VAE(ModelConfig("a", "melody", decoder=DecoderConfig("gru", 16, 1, 2), conditions=("key",)))
    before = {
        name.replace("head.embed", "surface.embed").replace(".conditions.", ".told."): value + 1
        for name, value in net.state_dict().items()
    }
    assert {"surface.embed.weight", "decoder.steer.told.weight"} <= before.keys()
    net.load_state_dict(before)
    for value, taken in zip(before.values(), net.state_dict().values(), strict=True):
        torch.testing.assert_close(taken, value)
