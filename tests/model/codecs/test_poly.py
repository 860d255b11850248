"""Pitched notes come back on 88 keys, with micro-offsets, which a model heeds if configured to."""

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import ARGMAX
from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, GridConfig, ModelConfig
from model.errors import ConfigError
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.networks.heads.base import Chance, Tensors
from model.networks.heads.poly import PolyHead, TimedPolyHead
from model.networks.heads.registry import build_head
from model.networks.vae import VAE
from tests.fakes.codec_phrases import polyphony

GRID = Grid(1)
CODEC = build("poly", GRID)
PLAYED = Phrase.of(
    GRID, [Note(0, 60, 90, 4, -0.2), Note(0, 64, 80, 4, 0.31), Note(4, 62, 70, 2, 0.5), Note(9, 36, 100, 7)]
)


def config(codec: str = "poly", *, timing: bool = True, decoder: str = "patch") -> ModelConfig:
    return ModelConfig(
        name="piano",
        codec=codec,
        grid=GridConfig(bars=1),
        encoder=EncoderConfig(kind="bands", width=16, depth=1, heads=2, cell=8),
        bottleneck=BottleneckConfig(size=8),
        decoder=DecoderConfig(kind=decoder, width=16, depth=1, heads=2, cell=8),
        timing=timing,
    )


def packed() -> Tensors:
    return {name: torch.from_numpy(value) for name, value in pack_phrase(CODEC, PLAYED).items()}


def sure(arrays: Tensors) -> torch.Tensor:
    """Outputs of a network that knows the phrase."""
    onset, hold, velocity = arrays["roll"].unbind(2)
    level = torch.logit(velocity.clamp(1e-6, 1 - 1e-6))
    offset = torch.atanh((2 * arrays["offset"]).clamp(-0.9999999, 0.9999999))
    return torch.cat((onset * 60 - 30, hold * 60 - 30, level, offset), dim=-1)


@given(polyphony())
def test_poly_codec_keeps_onset_pitch_length_velocity_and_offset_on_88_keys(phrase: Phrase) -> None:
    codec = build("poly", phrase.grid)
    assert codec.unpack(pack_phrase(codec, phrase), 0) == phrase


def test_keys_beyond_the_piano_move_into_it_by_octaves() -> None:
    codec = build("poly", Grid())
    phrase = Phrase.of(Grid(), [Note(0, 0, 64, 4), Note(4, 127, 64, 4), Note(8, 109, 64, 2)])
    decoded = codec.unpack(pack_phrase(codec, phrase), 0)
    assert [note.pitch for note in decoded.notes] == [24, 103, 97]


@given(polyphony())
def test_the_roll_codec_keeps_every_key_of_midi_where_it_is(phrase: Phrase) -> None:
    codec = build("roll", phrase.grid)
    wide = Phrase.of(phrase.grid, [Note(0, 0, 64, 4), Note(4, 127, 64, 4), Note(4, 20, 30, 1, 0.25)])
    for one in (phrase, wide):
        arrays = pack_phrase(codec, one)
        assert arrays["roll"].shape == (1, phrase.grid.steps, 3, 128)
        assert codec.unpack(arrays, 0) == one


@pytest.mark.parametrize(("decoder", "size"), [("patch", 8), ("cnn", 8), ("bands", 44)])
def test_a_network_writes_rolls_of_128_keys(decoder: str, size: int) -> None:
    wanted = config("roll", timing=False, decoder=decoder)
    net = VAE(msgspec.structs.replace(wanted, bottleneck=BottleneckConfig(size=size)))
    heads = net.head.write(torch.zeros(2, 16, net.head.step_logits))
    assert heads["onset"].shape == (2, 16, 128)


def test_a_held_key_without_onset_is_silent() -> None:
    codec = build("poly", Grid(1))
    shape = (16, 88)
    heads = {
        "onset": np.full(shape, -5, dtype=np.float32),
        "hold": np.full(shape, 5, dtype=np.float32),
        "velocity": np.full(shape, 0.5, dtype=np.float32),
    }
    assert codec.read(heads).notes == ()
    heads["onset"][4, 39] = 5
    assert codec.read(heads).notes == (Note(4, 60, 64, 12),)


def test_a_threshold_moves_what_sounds() -> None:
    codec = build("poly", Grid(1))
    heads = {name: np.full((16, 88), -0.2, dtype=np.float32) for name in codec.heads()}
    assert not codec.read(heads).notes
    assert len(codec.read(heads, levels={"onset": -0.5}).notes) == 16 * 88


def test_the_codec_reads_offsets_where_a_model_gives_them() -> None:
    head = TimedPolyHead(GRID)
    heads = {name: value[0].numpy() for name, value in head.write(sure(packed())).items()}
    assert CODEC.read(heads) == PLAYED
    del heads["offset"]
    on_steps = Phrase.of(GRID, (note._replace(offset=0.0) for note in PLAYED.notes))
    assert CODEC.read(heads) == on_steps
    assert CODEC.unpack({"roll": pack_phrase(CODEC, PLAYED)["roll"]}, 0) == on_steps


def test_an_offset_costs_at_onsets_alone() -> None:
    head, arrays = TimedPolyHead(GRID), packed()
    heads = head.write(sure(arrays))
    assert all(float(value) < 1e-3 for value in head.loss(heads, arrays).values())
    heads["offset"][0, 1] = 0.4  # nothing starts there
    assert float(head.loss(heads, arrays)["offset"]) < 1e-3
    heads["offset"][0, 0, 60 - 21] += 0.08
    assert abs(float(head.loss(heads, arrays)["offset"]) - 0.5) < 1e-3


def test_what_is_drawn_is_what_the_codec_packs() -> None:
    head, arrays = TimedPolyHead(GRID), packed()
    logits, last, steps = sure(arrays), head.blank(1, torch.device("cpu")), []
    for step in range(GRID.steps):
        chance = Chance.of(ARGMAX, torch.full((1, head.chances), 0.5))
        last = head.draw(logits[:, step], chance, last)
        steps.append(last)
    for name in head.inputs:
        drawn = torch.cat([step[name] for step in steps], dim=1)
        torch.testing.assert_close(drawn, arrays[name], atol=1e-4, rtol=0)


def test_a_model_with_timing_reads_and_writes_it() -> None:
    torch.manual_seed(0)
    net = VAE(config()).eval()
    arrays = packed()
    with torch.no_grad():
        heads = net.decode(net.encode(arrays)[0])
        late = {**arrays, "offset": arrays["offset"] + 0.3 * arrays["roll"][:, :, 0]}
        assert not torch.equal(net.encode(arrays)[0], net.encode(late)[0])
    assert heads["offset"].shape == (1, GRID.steps, 88)
    played = CODEC.read({name: value[0].numpy() for name, value in heads.items()}, levels={"onset": -9.0})
    assert any(note.offset for note in played.notes)


def test_without_timing_all_is_as_it_was() -> None:
    assert type(build_head(config(timing=False))) is PolyHead
    assert PolyHead.inputs == ("roll",)
    np.testing.assert_equal(set(CODEC.heads()), {"onset", "hold", "velocity"})


@pytest.mark.parametrize("wrong", [config("melody"), config("drums"), config(decoder="cnn")])
def test_timing_that_cannot_be_is_a_sentence(wrong: ModelConfig) -> None:
    with pytest.raises(ConfigError, match=r"model\.timing: it needs codec 'poly'"):
        wrong.check()
