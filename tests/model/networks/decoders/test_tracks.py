"""The tracks' generator: what each embedding reaches, that it goes into a graph, and how notes are drawn."""

import io
import warnings

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import Tensor

from model.config import DecoderConfig
from model.errors import ConfigError
from model.music.grid import Grid
from model.networks.decoders.tracks import TracksDecoder
from model.networks.layers.blocks import Block
from model.networks.sizes import Sizes

GRID = Grid(2, 3, 2)
CONFIG = DecoderConfig("tracks", width=16, depth=1, heads=2, conductor_width=12)
TRACKS = (5, 7, 3)


def sizes(neck: str = "phrase", condition_width: int = 0) -> Sizes:
    return Sizes(GRID, 9, sum(TRACKS), 24, neck, 2, condition_width, track_logits=TRACKS)


def generator(neck: str = "phrase", condition_width: int = 0) -> TracksDecoder:
    torch.manual_seed(3)
    return TracksDecoder(CONFIG, sizes(neck, condition_width)).eval()


def deafen(net: TracksDecoder) -> None:
    """Let every token heed itself alone."""
    for block in net.blocks:
        assert isinstance(block, Block)
        torch.nn.init.zeros_(block.attention.out.weight)


def slope(net: TracksDecoder, parameter: Tensor, track: int, step: int) -> Tensor:
    """Return how one track's step heeds a parameter."""
    net.zero_grad()
    begin = sum(TRACKS[:track])
    out = net(torch.randn(2, 24), torch.zeros(2, 2), None)
    out[:, step, begin : begin + TRACKS[track]].square().sum().backward()
    assert parameter.grad is not None
    return parameter.grad.abs().flatten(1).sum(1)


@pytest.mark.parametrize("neck", ["phrase", "beats"])
def test_every_track_and_step_is_written(neck: str) -> None:
    net = generator(neck)
    z, none = torch.randn(4, 24), torch.zeros(4, 2)
    out = net(z, none, None)
    assert out.shape == (4, GRID.steps, sum(TRACKS))
    # phrases do not heed each other, as a gradient penalty needs it
    torch.testing.assert_close(net(z[2:3], none[:1], None), out[2:3])


def test_embeddings_belong_to_bars_tracks_and_beats() -> None:
    net = generator()
    deafen(net)
    assert [bool(x > 0) for x in slope(net, net.instrument, 1, 0)] == [False, True, False]
    assert [bool(x > 0) for x in slope(net, net.segment, 0, 7)] == [False, True]
    assert [bool(x > 0) for x in slope(net, net.timing, 0, 8)] == [False, True, False]


def test_tokens_hear_other_tracks_and_beats() -> None:
    net = generator()
    assert (slope(net, net.instrument, 1, 0) > 0).all()
    assert (slope(net, net.timing, 1, 0) > 0).all()


def test_the_timeline_runs_forward() -> None:
    net = generator()
    with torch.no_grad():
        net.pulse_to_token.weight.zero_()  # leaves the way into the heads' steps
    deafen(net)
    slopes = slope(net, net.pulse_timing, 0, 2)
    assert (slopes[:3] > 0).all()
    assert (slopes[3:] == 0).all()


def test_no_change_and_no_condition_are_the_plain_decode() -> None:
    net = generator(condition_width=4)
    z = torch.randn(3, 24)
    plain = net(z, torch.zeros(3, 2), None)
    torch.testing.assert_close(plain, net(z, torch.randn(3, 2), torch.randn(3, GRID.beats, 4)))
    with torch.no_grad():
        assert net.steer.conditions is not None
        net.steer.conditions.weight.normal_()
    assert not torch.allclose(plain, net(z, torch.zeros(3, 2), torch.randn(3, GRID.beats, 4)))


def test_it_goes_into_a_graph() -> None:
    net = generator("beats")
    held = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.zeros(2, 24), torch.zeros(2, 2), None),
            held,  # type: ignore[arg-type]  # torch takes a file as well
            input_names=["z", "change"],
            dynamic_axes={"z": {0: "batch"}, "change": {0: "batch"}},
            dynamo=False,
        )
    session = ort.InferenceSession(held.getvalue(), providers=["CPUExecutionProvider"])
    z, change = torch.randn(5, 24), torch.randn(5, 2)
    got = session.run(None, {"z": z.numpy(), "change": change.numpy()})[0]
    with torch.no_grad():
        np.testing.assert_allclose(got, net(z, change, None).numpy(), atol=1e-5)


def test_a_latent_cut_otherwise_is_refused() -> None:
    with pytest.raises(ConfigError, match="cut by phrase or by beats, not"):
        generator("cells")
