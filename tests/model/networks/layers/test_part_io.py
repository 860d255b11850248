"""Several parts at once: each its own tokens, slices and outputs, all hearing each other."""

import msgspec
import numpy as np
import pytest
import torch

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, GridConfig, ModelConfig
from model.errors import ConfigError
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.networks.vae import VAE

GRID = Grid()
BAND = Phrase.of(
    GRID,
    [
        *(Note(step, 72 + step % 5, 90, 4, track=0) for step in range(0, 32, 4)),
        *(Note(step, key, 60, 8, track=1) for step in range(0, 32, 8) for key in (60, 64, 67)),
        *(Note(step, 36, 70, 6, track=2) for step in range(0, 32, 8)),
        *(Note(step, 36 if step % 8 == 0 else 42, 100, 1, track=3) for step in range(0, 32, 2)),
    ],
)


def config(neck: str, size: int = 368, decoder: str = "parts") -> ModelConfig:
    return ModelConfig(
        "band",
        "multitrack",
        encoder=EncoderConfig("parts", width=16, depth=1, heads=2, cell=8),
        bottleneck=BottleneckConfig(neck, size),
        decoder=DecoderConfig(decoder, width=16, depth=1, heads=2, cell=8),
        knobs=("density",),
    )


def tensors(phrase: Phrase) -> dict[str, torch.Tensor]:
    arrays = pack_phrase(build("multitrack", GRID), phrase)
    return {name: torch.from_numpy(value) for name, value in arrays.items()}


@pytest.mark.parametrize("neck", ["phrase", "beats", "parts"])
def test_a_band_goes_in_and_comes_out_and_every_weight_learns(neck: str) -> None:
    torch.manual_seed(0)
    net = VAE(config(neck))
    arrays = tensors(BAND)
    mean, logvar = net.encode(arrays)
    assert mean.shape == logvar.shape == (1, 368)
    heads = net.decode(mean)
    shapes = build("multitrack", GRID).heads()
    assert {name: value.shape[1:] for name, value in heads.items()} == shapes
    losses = net.head.loss(heads, arrays)
    torch.stack([loss.mean() for loss in losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
    silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert [name for name in silent if "steer" not in name] == []


def test_a_slice_of_z_is_a_beat_of_a_part() -> None:
    torch.manual_seed(0)
    net = VAE(config("parts"))
    net.encoder.blocks = (
        torch.nn.Sequential()
    )  # nothing is passed on: what is left is where a part comes from
    arrays = tensors(BAND)
    without = tensors(Phrase.of(GRID, [note for note in BAND.notes if note.track != 2 or note.onset >= 8]))
    with torch.no_grad():
        changed = (net.encode(arrays)[0] - net.encode(without)[0]).reshape(8, 23, 2).abs().sum(-1) > 1e-6
    # bass in the first two beats: its three shares lie behind the melody's and the chords' eight octaves
    assert changed.nonzero().tolist() == [[beat, 3 + 8 + share] for beat in (0, 1) for share in range(3)]


def test_parts_hear_each_other() -> None:
    torch.manual_seed(0)
    net = VAE(config("parts")).eval()
    z = torch.randn(1, 368)
    other = z.clone()
    other[:, 0] += 3.0  # melody of the first beat
    a, b = net.decode(z), net.decode(other)
    assert all(not torch.allclose(a[name], b[name]) for name in a)


def test_any_metre_is_written() -> None:
    net = VAE(msgspec.structs.replace(config("parts", 138), grid=GridConfig(1, 3, 6)))
    heads = net.decode(torch.randn(2, 138))
    shapes = build("multitrack", Grid(1, 3, 6)).heads()
    assert {name: value.shape[1:] for name, value in heads.items()} == shapes


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="no multiple of its 184 slices"):
        VAE(config("parts", 40))
    single = ModelConfig("x", "melody", bottleneck=BottleneckConfig("parts", 64))
    with pytest.raises(ConfigError, match="parts"):
        VAE(single)


def test_arrays_are_the_codecs() -> None:
    # the order in which heads read and write parts is that of the tracks
    names = list(build("multitrack", GRID).pack(np.zeros((0, 6), np.int16), np.zeros(0, np.int64), 1))
    assert [name.split(".")[0] for name in names] == sorted(
        (name.split(".")[0] for name in names), key=["melody", "chords", "bass", "drums"].index
    )
