"""Compiled where it is quicker, as it was where it is not or where the compiler fails."""

from collections.abc import Iterator

import pytest
import torch

from model.networks.vae import VAE
from tests.fakes.families import model_of
from tests.root import ROOT
from trainer.training.compiling import compile_where_quicker


@pytest.fixture
def net() -> VAE:
    torch.manual_seed(0)
    return VAE(model_of(ROOT / "trainer" / "configs" / "cnn-vae.toml")).eval()


def steps(net: VAE, seconds: Iterator[float]) -> float:
    net.decode(torch.zeros(2, net.config.latent_size))
    return next(seconds)


def compiled(net: VAE) -> bool:
    return net.decoder._compiled_call_impl is not None


def test_what_is_quicker_compiled_stays_so_and_computes_the_same(net: VAE) -> None:
    z = torch.randn(3, net.config.latent_size)
    before, names = net.decode(z), list(net.state_dict())
    seconds = iter((3.0, 2.0, 2.5, 60.0, 1.0, 1.2, 1.1))
    said = compile_where_quicker(net, lambda: steps(net, seconds), backend="eager")
    assert said.endswith("a step takes 0.50 of its time")
    assert compiled(net)
    assert list(net.state_dict()) == names, "the checkpoint's names are those of the plain network"
    for name, value in net.decode(z).items():
        torch.testing.assert_close(value, before[name])


def test_what_is_slower_compiled_goes_on_without(net: VAE) -> None:
    seconds = iter((1.0, 1.0, 1.0, 60.0, 1.5, 1.5, 1.5))
    said = compile_where_quicker(net, lambda: steps(net, seconds), backend="eager")
    assert said == "compiled, a step takes 1.50 of its time: it goes on without"
    assert not compiled(net)


def test_a_compiler_that_fails_is_said_in_a_sentence_and_ends_nothing(net: VAE) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("no C++ compiler\nand many lines more")

    seconds = iter((1.0,) * 9)
    said = compile_where_quicker(net, lambda: steps(net, seconds), backend=broken)  # type: ignore[arg-type]
    assert said.startswith("it cannot be compiled here and goes on without: ")
    assert "\n" not in said
    assert "no C++ compiler" in said
    assert not compiled(net)
    net.decode(torch.zeros(1, net.config.latent_size))
