"""What validation measures: a perfect decode scores 1, known faults score what they should."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from model import strict
from model.codecs.base import pack_phrase
from model.codecs.conditions import estimated
from model.codecs.registry import build
from model.config import ModelConfig
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS
from model.networks.bottleneck import bits
from model.networks.vae import VAE
from tests.fakes.synthetic import GRID, chords, melody
from trainer.training.validation import JUDGES, finite, judge_of, score, tune

SURE = 20.0
BEAT = Phrase.of(GRID, [Note(s, k, 90, 1, 0.1, DRUMS) for s in range(0, 32, 4) for k in (36, 42)])


def band(seed: int) -> Phrase:
    notes = [note._replace(track=MELODY) for note in melody(seed).notes]
    notes += [note._replace(track=CHORDS) for note in chords(seed).notes]
    notes += [Note(beat * 4, 36, 80, 4, 0.0, BASS) for beat in range(8)]
    return Phrase.of(GRID, [*notes, *BEAT.notes])


PHRASES = {
    "melody": [melody(seed) for seed in range(5)],
    "poly": [chords(seed) for seed in range(5)],
    "drums": [BEAT] * 5,
    "multitrack": [band(seed) for seed in range(5)],
}


def packed(codec: str) -> dict[str, Tensor]:
    made = [pack_phrase(build(codec, GRID), phrase) for phrase in PHRASES[codec]]
    return {name: torch.cat([torch.from_numpy(each[name]) for each in made]) for name in made[0]}


def sure(codec: str, arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return heads that spell the arrays without a doubt."""
    if codec == "melody":
        token = arrays["token"]
        state = torch.where(token < 128, 0, token - 127)
        return {
            "state": SURE * torch.nn.functional.one_hot(state, 3).float(),
            "pitch": SURE * torch.nn.functional.one_hot(token.clamp(max=127), 128).float(),
            "velocity": arrays["velocity"],
        }
    if codec == "poly":
        onset, hold, velocity = arrays["roll"].unbind(2)
        return {"onset": SURE * (2 * onset - 1), "hold": SURE * (2 * hold - 1), "velocity": velocity}
    if codec == "drums":
        hit, velocity, offset = arrays["drums"].unbind(2)
        return {"hit": SURE * (2 * hit - 1), "drum_velocity": velocity, "drum_offset": offset}
    kinds = dict(zip(TRACKS, ("melody", "poly", "melody", "drums"), strict=True))
    return {
        f"{part}.{name}": value
        for part, kind in kinds.items()
        for name, value in sure(
            kind, {k.removeprefix(f"{part}."): v for k, v in arrays.items() if k.startswith(f"{part}.")}
        ).items()
    }


@pytest.mark.parametrize("codec", list(PHRASES))
def test_a_perfect_decode_scores_one(codec: str) -> None:
    arrays = packed(codec)
    judge, heads = judge_of(codec), sure(codec, arrays)
    levels = tune(judge, heads, arrays)
    figures = judge.compare(judge.spell(heads, levels), arrays)
    for name, value in figures.items():
        wanted = 0.0 if name.endswith("error") else 1.0
        assert value == pytest.approx(wanted, abs=1e-6), name


@pytest.mark.parametrize("codec", list(PHRASES))
def test_one_wrong_step_is_one_wrong_step(codec: str) -> None:
    arrays = packed(codec)
    wrong = {name: value.clone() for name, value in arrays.items()}
    if codec == "melody":
        wrong["token"][0, 0] = 77
    elif codec == "poly":
        wrong["roll"][0, 1, 0, 50] = 1 - wrong["roll"][0, 1, 0, 50]
    elif codec == "drums":
        wrong["drums"][0, 1, 0, 3] = 1
    else:
        wrong["bass.token"][0, 0] = 77
    judge = judge_of(codec)
    figures = judge.compare(judge.spell(sure(codec, wrong), {}), arrays)
    steps = 5 * GRID.steps
    if codec == "multitrack":
        assert figures["bass_step_accuracy"] == pytest.approx(1 - 1 / steps, abs=1e-5)
        assert figures["drums_step_accuracy"] == 1.0
        assert figures["step_accuracy"] == pytest.approx(1 - 0.25 / steps, abs=1e-5)
    else:
        assert figures["step_accuracy"] == pytest.approx(1 - 1 / steps, abs=1e-5)
        assert figures["exact"] == pytest.approx(0.8)


@pytest.mark.parametrize(("codec", "head", "array"), [("poly", "onset", "roll"), ("drums", "hit", "drums")])
def test_the_threshold_is_where_notes_come_out_best(codec: str, head: str, array: str) -> None:
    arrays = packed(codec)
    heads = sure(codec, arrays)
    heads[head] = torch.where(arrays[array][:, :, 0] > 0.5, -0.6, -1.4)  # all doubted, all in the right order
    levels = tune(JUDGES[codec], heads, arrays)
    assert set(levels) == {head}
    assert -1.4 <= levels[head] < -0.6
    assert JUDGES[codec].compare(JUDGES[codec].spell(heads, levels), arrays)["note_f1"] == 1.0


def net(codec: str, **changes: object) -> VAE:
    configuration: dict[str, object] = {
        "name": "tiny",
        "codec": codec,
        "encoder": {"kind": "patch", "width": 8, "depth": 1, "heads": 2},
        "bottleneck": {"kind": "beats", "size": 16},
        "decoder": {"kind": "patch", "width": 8, "depth": 1, "heads": 2},
    }
    torch.manual_seed(0)
    return VAE(strict.build(configuration | changes, ModelConfig, "test")).eval()


GRU = {"kind": "gru", "width": 8, "depth": 1, "heads": 2}
PHRASE = {"kind": "phrase", "size": 8}


def test_the_bound_is_likelihood_and_price() -> None:
    made = net("melody")
    arrays = packed("melody")
    figures, levels = score(made, arrays)
    with torch.no_grad():
        kl = float(made.divergence(*made.encode(arrays)).sum(1).mean())
    assert figures["kl_bits"] == pytest.approx(bits(kl), abs=0.06)
    assert figures["elbo"] == pytest.approx(-figures["reconstruction"] - kl, abs=0.01)
    assert {"step_accuracy", "exact", "active_units"} <= figures.keys()
    assert levels == {}


def test_step_by_step_is_measured_free_running_and_taught() -> None:
    made = net("melody", encoder=GRU, bottleneck=PHRASE, decoder=GRU)
    arrays = packed("melody")
    figures, _ = score(made, arrays)
    with torch.no_grad():
        mean, _ = made.encode(arrays)
        drawn = made.generate(mean)
    same = float((drawn["token"] == arrays["token"]).float().mean())
    assert figures["step_accuracy"] == pytest.approx(same, abs=1e-5)
    assert 0 <= figures["taught_accuracy"] <= 1


def test_a_language_model_has_a_likelihood_and_no_reconstruction() -> None:
    made = net("melody", encoder={"kind": "none"}, decoder=GRU)
    figures, _ = score(made, packed("melody"))
    assert figures["step_bits"] == pytest.approx(figures["nll"] / math.log(2) / GRID.steps, abs=1e-3)
    assert not {"kl_bits", "elbo", "step_accuracy", "active_units"} & figures.keys()


def test_a_generator_of_noise_is_not_asked_what_it_cannot_do() -> None:
    noise = {"kind": "beats", "size": 16, "law": "noise"}
    made = net("melody", encoder={"kind": "none"}, bottleneck=noise)
    assert score(made, packed("melody")) == ({}, {})


def test_looking_draws_nothing_from_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.validation.AT_ONCE", 2)  # in three pieces, the last one short
    for made in (net("melody"), net("melody", encoder=GRU, bottleneck=PHRASE, decoder=GRU)):
        before = torch.get_rng_state()
        score(made, packed("melody"))
        assert torch.equal(torch.get_rng_state(), before)


def test_each_phrase_is_decoded_under_its_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    made, arrays = net("melody", conditions=["key"]), packed("melody")
    plain = {name: value.numpy() for name, value in arrays.items()}
    condition = torch.from_numpy(estimated(made.config, plain))
    whole, _ = score(made, arrays, condition)
    monkeypatch.setattr("trainer.training.validation.AT_ONCE", 2)  # in three pieces, the last one short
    pieces, _ = score(made, arrays, condition)
    assert {name: pieces[name] for name in ("step_accuracy", "velocity_error", "kl_bits")} == {
        name: whole[name] for name in ("step_accuracy", "velocity_error", "kl_bits")
    }


def test_what_is_no_number_is_left_out() -> None:
    assert finite({"a": math.nan, "b": 1, "c": math.inf, "d": float(np.float32(2))}) == {"b": 1.0, "d": 2.0}
