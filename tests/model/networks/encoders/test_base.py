"""Encoders that read step by step: what their summaries hold, and which bottlenecks they suit."""

import pytest
import torch

from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, ModelConfig
from model.music.grid import Grid
from model.networks.encoders.recurrent import RecurrentEncoder
from model.networks.encoders.transformer import TransformerEncoder
from model.networks.sizes import Sizes
from model.networks.vae import VAE

GRID = Grid()


def sizes(neck: str, grid: Grid = GRID) -> Sizes:
    return Sizes(grid=grid, features=5, logits=132, latent=32, neck=neck)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_phrase_is_summed_up_by_the_last_states_of_both_directions(kind: str) -> None:
    torch.manual_seed(0)
    encoder = RecurrentEncoder(EncoderConfig(kind, width=6, depth=2), sizes("phrase"))
    x = torch.randn(3, GRID.steps, 5)
    states = encoder.cells(x)[1]
    last = states[0] if kind == "lstm" else states
    summary = encoder(x)
    assert summary.shape == (3, encoder.tokens, encoder.width) == (3, 1, 12)
    torch.testing.assert_close(summary[:, 0], torch.cat((last[-2], last[-1]), dim=-1))


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_beats_summary_hears_it_last_from_both_sides(kind: str) -> None:
    torch.manual_seed(0)
    encoder = RecurrentEncoder(EncoderConfig(kind, width=6, depth=1), sizes("beats"))
    x = torch.randn(1, GRID.steps, 5)
    summary = encoder(x)
    assert summary.shape == (1, 8, 12)
    later, earlier = x.clone(), x.clone()
    later[:, 16:] += 1.0
    earlier[:, :12] += 1.0
    beat = summary[:, 3]  # steps 12 to 15
    torch.testing.assert_close(encoder(later)[:, 3, :6], beat[:, :6])
    assert not torch.allclose(encoder(later)[:, 3, 6:], beat[:, 6:])
    torch.testing.assert_close(encoder(earlier)[:, 3, 6:], beat[:, 6:])
    assert not torch.allclose(encoder(earlier)[:, 3, :6], beat[:, :6])


@pytest.mark.parametrize(("neck", "tokens"), [("phrase", 1), ("beats", 6)])
def test_transformer_summaries_hear_every_step_wherever_it_is(neck: str, tokens: int) -> None:
    torch.manual_seed(0)
    grid = Grid(2, 3, 6)
    encoder = TransformerEncoder(EncoderConfig("transformer", width=8, depth=1, heads=2), sizes(neck, grid))
    x = torch.randn(2, grid.steps, 5)
    summary = encoder(x)
    assert summary.shape == (2, tokens, encoder.width)
    moved = encoder(x.roll(1, dims=1))
    assert not torch.allclose(moved.sum((1, 2)), summary.sum((1, 2)))  # it knows where a step is
    x[:, 0] += 3.0
    assert not torch.allclose(encoder(x)[:, -1], summary[:, -1])  # the last hears the first


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm", "transformer", "cnn"])
@pytest.mark.parametrize("neck", ["phrase", "beats"])
@pytest.mark.parametrize("codec", ["melody", "poly", "drums"])
def test_every_encoder_suits_both_bottlenecks_and_learns(kind: str, neck: str, codec: str) -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        "x",
        codec,
        encoder=EncoderConfig(kind, width=8, depth=1, heads=2, cell=4),
        bottleneck=BottleneckConfig(neck, 16),
        decoder=DecoderConfig("patch", width=8, depth=1, heads=2),
    )
    net = VAE(config)
    arrays = {
        "melody": {"token": torch.randint(0, 130, (2, 32)), "velocity": torch.rand(2, 32)},
        "poly": {"roll": (torch.rand(2, 32, 3, 88) > 0.9).float()},
        "drums": {"drums": (torch.rand(2, 32, 3, 9) > 0.9).float()},
    }[codec]
    mean, logvar = net.encode(arrays)
    assert mean.shape == logvar.shape == (2, 16)
    mean.square().sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in net.encoder.named_parameters():
        # what comes before a step and what comes after it: the phrase's end states use every weight
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
