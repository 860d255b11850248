"""The graphs of every family's checkpoint compute what its network does."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.checkpoint import Checkpoint, LatentMap
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import Sampling
from model.networks.vae import VAE
from model.runtimes.base import DecodeInputs
from model.runtimes.export import graphs
from model.runtimes.onnx import OnnxRuntime
from model.runtimes.torch_net import TorchRuntime
from tests.fakes.families import SHIPPED, music, tiny
from tests.model.test_checkpoint import small
from trainer import settings


@pytest.mark.parametrize("config", SHIPPED, ids=lambda path: path.stem)
def test_a_familys_graphs_compute_what_its_network_does(config: Path) -> None:
    model = settings.read(config, tiny(config)).model
    torch.manual_seed(4)
    net = VAE(model).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    weights = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    base = small()
    size = model.latent_size
    empty = np.zeros(size, dtype=np.float32)
    place = LatentMap(empty, empty, np.zeros((2, size), np.float32), np.zeros((0, 2), np.float32))
    held = Checkpoint(model, weights, base.calibration, place, {}, graphs(net))
    fast = OnnxRuntime(held, "here")
    plain = TorchRuntime(Checkpoint(model, weights, base.calibration, place), "here")
    assert fast.stepwise == plain.stepwise == net.autoregressive
    grid = model.grid.build()
    rng = np.random.default_rng(0)
    z = rng.standard_normal((2, size)).astype(np.float32)
    if model.encoder.kind != "none":
        arrays = pack_phrase(build(model.codec, grid), music(model.codec, grid, 3))
        for got, wanted in zip(fast.posterior(arrays), plain.posterior(arrays), strict=True):
            assert wanted.shape == (1, size)
            np.testing.assert_allclose(got, wanted, atol=1e-4)
        z[0] = plain.encode(arrays)[0]
    width = net.sizes.condition_width
    change = rng.standard_normal((2, max(1, len(model.knobs)))).astype(np.float32)
    condition = rng.random((2, grid.beats, width)).astype(np.float32) if width else None
    inputs = DecodeInputs(change, condition)
    if not net.autoregressive:
        heads, right = fast.decode(z, inputs), plain.decode(z, inputs)
        shapes = build(model.codec, grid).heads()
        for name, value in right.items():
            assert value.shape == (2, *shapes[name])
            np.testing.assert_allclose(heads[name], value, atol=1e-3)
        return
    for choice in (Sampling(), Sampling(1.0, top_k=5, top_p=0.9, seed=2)):
        drawn, expected = fast.generate(z, inputs, choice), plain.generate(z, inputs, choice)
        assert drawn.keys() == expected.keys()
        for name, value in expected.items():
            assert value.shape[:2] == (2, grid.steps)
            np.testing.assert_allclose(drawn[name], value, atol=1e-3)
