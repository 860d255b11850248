"""Conditions: what phrases and texts say for every beat, and that decoders heed it."""

import msgspec
import numpy as np
import pytest

from model.codecs import conditions
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import Sampling
from model.errors import ConfigError
from model.music.grid import Grid
from model.music.phrase import Phrase
from tests.fakes.harmony_names import triads
from tests.fakes.networks import config, network, player
from tests.fakes.synthetic import chords, melody


def test_conditions_are_one_hot_for_every_beat() -> None:
    chosen = config("gru", conditions=("chords", "key", "style"))
    arrays = {
        name: np.concatenate([pack_phrase(build("melody", Grid()), melody(seed))[name] for seed in range(3)])
        for name in ("token", "velocity")
    }
    found = conditions.estimated(chosen, arrays, np.array([1, 0, -1]))
    assert found.shape == (3, 8, conditions.condition_width(chosen)) == (3, 8, 21 + 25 + 3)
    assert (found[..., conditions.columns_of(chosen, "key")].sum(-1) == 1).all()
    style = found[..., conditions.columns_of(chosen, "style")]
    assert style[:, 0].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    encoded = found[..., conditions.columns_of(chosen, "chords")]
    assert ((encoded[..., :12].sum(-1) == 1) == (encoded[..., 20] == 0)).all()
    assert (conditions.estimated(chosen, arrays)[..., conditions.columns_of(chosen, "style")] == 0).all()
    quiet = conditions.without(found, chosen, 1.0, np.random.default_rng(0))
    assert not quiet.any()
    some = conditions.without(np.repeat(found, 200, axis=0), chosen, 0.3, np.random.default_rng(0))
    gone = (some[..., conditions.columns_of(chosen, "key")].sum((1, 2)) == 0).mean()
    assert 0.2 < gone < 0.4


def test_texts_are_spread_over_the_answer() -> None:
    chosen = config("gru", latent=False, conditions=("chords", "style", "key"), context_bars=2, bars=4)
    encoded = conditions.encode_texts(chosen, {"chords": "C Am F G", "style": "folk"})
    assert encoded.shape == (1, 16, conditions.condition_width(chosen))
    assert not encoded[:, :8].any()
    roots = encoded[0, 8:, conditions.columns_of(chosen, "chords")][:, :12].argmax(-1)
    assert roots.tolist() == [0, 0, 9, 9, 5, 5, 7, 7]
    assert (encoded[0, 8:, conditions.columns_of(chosen, "style")] == [0, 1, 0]).all()
    assert not encoded[..., conditions.columns_of(chosen, "key")].any()
    with pytest.raises(ConfigError, match="did you mean 'folk'"):
        conditions.encode_texts(chosen, {"style": "folkk"})
    with pytest.raises(ConfigError, match="9 chords do not fit into 8 beats"):
        conditions.encode_texts(chosen, {"chords": "C " * 9})


@pytest.mark.parametrize("kind", ["patch", "gru", "transformer", "attention"])
def test_players_heed_conditions(kind: str) -> None:
    chosen = config(kind, "poly", conditions=("chords", "key", "style"))
    played = player(network(chosen))
    assert played.card.conditions == ("chords", "key", "style")
    assert played.card.styles == ("jazz", "folk")
    latent = played.encode(chords(1))
    plain = played.decode(latent, turns={}, sampling=Sampling(1.0))
    assert played.decode(latent, turns={}, sampling=Sampling(1.0), condition={}) == plain
    conditioned = [
        played.decode(latent, turns={}, sampling=Sampling(1.0), condition=condition)
        for condition in ({"chords": "C F"}, {"key": "F# minor"}, {"style": "jazz"}, {"style": "folk"})
    ]
    assert len({*conditioned, plain}) == 5
    with pytest.raises(ConfigError, match="unknown key"):
        played.decode(latent, turns={}, condition={"key": "H"})


def test_a_continuation_stays_in_the_key_of_its_context() -> None:
    chosen = config("gru", "poly", latent=False, knobs=(), conditions=("key",), context_bars=2, bars=4)
    played = player(network(chosen))
    context = triads("F# B C# F# F# B C# F#")
    free = played.continuation(context, sampling=Sampling(1.0, seed=1))
    assert free == played.continuation(context, sampling=Sampling(1.0, seed=1), condition={"key": "F#"})
    assert free != played.continuation(context, sampling=Sampling(1.0, seed=1), condition={"key": "C minor"})
    silent = played.continuation(Phrase(Grid()), sampling=Sampling(1.0, seed=1))
    assert silent.grid == Grid()


def test_conditions_that_contradict_are_refused() -> None:
    good = config("gru", conditions=("style",))
    for changes, sentence in (
        ({"styles": ()}, "'style' is a condition"),
        ({"styles": ("a", "a")}, "named twice"),
        ({"conditions": ("mood",)}, "unknown condition 'mood'"),
        ({"conditions": ("style", "style")}, "named twice"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            msgspec.structs.replace(good, **changes).check()
