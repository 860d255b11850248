"""Heads of single parts: what they read, draw and roll is what the codecs hold."""

import numpy as np
import pytest
import torch

from model.codecs.registry import build
from model.codecs.sampling import Sampling
from model.networks.heads.base import Chance, flip, pick
from tests.fakes.networks import config, network, packed


@pytest.mark.parametrize("codec", ["melody", "poly", "roll"])
def test_sizes_are_those_of_what_is_read_and_written(codec: str) -> None:
    net = network(config("patch", codec))
    head, arrays = net.head, packed(net)
    assert head.read(arrays).shape == (3, 32, head.step_features)
    assert head.rolled(arrays).shape == (3, 32, head.channels)
    heads = head.write(torch.zeros(3, 32, head.step_logits))
    shapes = build(codec, net.sizes.grid).heads()
    assert {name: tuple(value.shape[1:]) for name, value in heads.items()} == shapes
    assert tuple(heads) == head.outputs
    assert tuple(arrays) == head.inputs
    assert sum(head.track_features) == head.step_features
    assert sum(head.track_logits) == head.step_logits
    blank = head.blank(2, torch.device("cpu"))
    codec_of = build(codec, net.sizes.grid)
    held = codec_of.unpack(
        {name: value.repeat(1, 32, *(1,) * (value.ndim - 2)).numpy() for name, value in blank.items()}, 0
    )
    assert not held.notes


@pytest.mark.parametrize("codec", ["melody", "poly", "roll"])
def test_a_roll_plays_what_the_likeliest_decode_plays_and_passes_gradients(codec: str) -> None:
    net = network(config("patch", codec))
    z = torch.randn(3, 32, generator=torch.Generator().manual_seed(2))
    heads = net.decode(z)
    roll = net.head.roll(heads)
    drawn = net.head.rolled(net.generate(z))
    if codec == "melody":  # a roll does not know that nothing may be held after a rest
        drawn[..., 128] = roll[..., 128]
        struck = (roll[..., :128].sum(-1) > 0.5) == (drawn[..., :128].sum(-1) > 0.5)
        torch.testing.assert_close(roll[struck], drawn[struck], atol=1e-5, rtol=0)
        assert struck.float().mean() > 0.5
    else:
        struck, keys = heads["onset"].abs() > 1e-3, heads["onset"].shape[-1]
        torch.testing.assert_close(roll[..., :keys][struck], drawn[..., :keys][struck], atol=1e-5, rtol=0)
        torch.testing.assert_close(roll, drawn, atol=1e-5, rtol=0)
    weights = torch.randn(roll.shape, generator=torch.Generator().manual_seed(1))
    loss = (roll * weights).sum()
    gradients = torch.autograd.grad(loss, list(net.decoder.parameters()), allow_unused=True)
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients[-2:])
    for first, last in net.head.onset_channels:
        assert ((roll[..., first:last].detach() > 0.5) == (roll[..., first:last].detach() > 0)).all()


def test_picks_follow_their_chances() -> None:
    logits = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05])).expand(20000, 4)
    noise = torch.rand(20000, 4, generator=torch.Generator().manual_seed(0))

    def shares(choice: Sampling) -> list[float]:
        got = pick(logits, Chance.of(choice, noise))
        return [round(float((got == k).float().mean()), 2) for k in range(4)]

    np.testing.assert_allclose(shares(Sampling(1.0)), [0.5, 0.3, 0.15, 0.05], atol=0.015)
    hot = torch.softmax(logits[0] / 2, 0).tolist()
    np.testing.assert_allclose(shares(Sampling(2.0)), hot, atol=0.015)
    np.testing.assert_allclose(shares(Sampling(1.0, top_k=2)), [0.625, 0.375, 0, 0], atol=0.015)
    np.testing.assert_allclose(shares(Sampling(1.0, top_p=0.75)), [0.625, 0.375, 0, 0], atol=0.015)
    assert shares(Sampling(1.0, top_p=0.4)) == [1, 0, 0, 0]
    assert shares(Sampling(1.0, top_k=99)) == shares(Sampling(1.0))
    assert shares(Sampling(0.0)) == [1, 0, 0, 0]


def test_flips_follow_their_chances() -> None:
    logits = torch.logit(torch.tensor([0.9, 0.5, 0.2])).expand(20000, 3)
    noise = torch.rand(20000, 3, generator=torch.Generator().manual_seed(0))

    def shares(choice: Sampling) -> list[float]:
        return flip(logits, Chance.of(choice, noise)).float().mean(0).tolist()

    np.testing.assert_allclose(shares(Sampling(1.0)), [0.9, 0.5, 0.2], atol=0.015)
    np.testing.assert_allclose(shares(Sampling(1.0, top_p=0.85)), [1, 0.5, 0.2], atol=0.015)
    np.testing.assert_allclose(shares(Sampling(1.0, top_p=0.75)), [1, 0.5, 0], atol=0.015)
    assert shares(Sampling(1.0, top_k=1))[::2] == [1, 0]
    assert shares(Sampling(0.0))[::2] == [1, 0]
