"""Convolutions on piano rolls: what they see of each codec, and that they draw whole rolls."""

import pytest
import torch

from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, ModelConfig
from model.errors import ConfigError
from model.music.grid import Grid
from model.networks.encoders.cnn import CnnEncoder
from model.networks.heads.melody import MelodyHead
from model.networks.layers.roll_image import MELODY, ROLLS, cut, heights, image_of
from model.networks.sizes import Sizes
from model.networks.vae import VAE


def config(codec: str, *, neck: str = "beats", depth: int = 3) -> ModelConfig:
    return ModelConfig(
        "x",
        codec,
        encoder=EncoderConfig("cnn", width=16, depth=depth, heads=1, cell=8),
        bottleneck=BottleneckConfig(neck, 32),
        decoder=DecoderConfig("cnn", width=16, depth=depth, heads=1, cell=8),
        knobs=("density",),
    )


def test_a_melody_is_seen_as_onsets_and_whole_steps_of_hold_and_velocity() -> None:
    head = MelodyHead(Grid(1, 1, 4))
    arrays = {"token": torch.tensor([[60, 128, 129, 64]]), "velocity": torch.tensor([[0.5, 0.0, 0.0, 1.0]])}
    seen = cut(MELODY, head.rolled(arrays))
    assert seen.shape == (1, 3, 4, 128)
    assert seen[0, 0].nonzero().tolist() == [[0, 60], [3, 64]]
    assert seen[0, 1].sum(1).tolist() == [0, 128, 0, 0]
    assert seen[0, 2, :, 5].tolist() == [0.5, 0, 0, 1]


def test_a_roll_is_seen_as_it_is() -> None:
    roll = torch.rand(2, 8, 3, 88)
    torch.testing.assert_close(cut(ROLLS[0], roll.flatten(2)), roll.transpose(1, 2))


def test_rows_are_halved_and_rounded_up() -> None:
    assert heights(9, 3) == [9, 5, 3, 2]
    assert heights(88, 0) == [88]


@pytest.mark.parametrize("codec", ["melody", "poly", "drums"])
@pytest.mark.parametrize("neck", ["phrase", "beats"])
@pytest.mark.parametrize("depth", [0, 2])
def test_a_roll_goes_in_and_comes_out(codec: str, neck: str, depth: int) -> None:
    torch.manual_seed(0)
    net = VAE(config(codec, neck=neck, depth=depth))
    arrays = {
        "melody": {"token": torch.randint(0, 130, (2, 32)), "velocity": torch.rand(2, 32)},
        "poly": {"roll": torch.rand(2, 32, 3, 88).round()},
        "drums": {"drums": torch.rand(2, 32, 3, 9).round()},
    }[codec]
    heads = net.decode(net.encode(arrays)[0])
    losses = net.head.loss(heads, arrays)
    torch.stack([loss.mean() for loss in losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
    silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    # the knob's change is 0 here, and the mean alone was decoded: every other weight learned
    assert [name for name in silent if "steer" not in name and "embed" not in name] == []


def test_the_same_figure_an_octave_higher_is_seen_alike_by_the_first_layers() -> None:
    torch.manual_seed(0)
    net = VAE(config("poly", depth=2)).eval()
    roll = torch.zeros(1, 32, 3, 88)
    roll[0, 8, 0, [30, 34]] = 1
    encoder = net.encoder
    assert isinstance(encoder, CnnEncoder)
    first, second = (
        encoder.layers[1](encoder.layers[0](cut(ROLLS[0], moved.flatten(2))))
        for moved in (roll, roll.roll(12, dims=-1))
    )
    torch.testing.assert_close(first[..., 4:12], second[..., 7:15])


def test_several_rolls_at_once_are_refused() -> None:
    sizes = Sizes(grid=Grid(), features=421, logits=555, latent=32)
    with pytest.raises(ConfigError, match="codec with one roll: melody, poly, roll or drums"):
        image_of(sizes, "model.encoder")
