"""Conditions: chords and keys are heard where they are, texts are read, and decoders heed them."""

import subprocess
import sys

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.codecs import chords as hearing
from model.codecs import conditions
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.errors import ConfigError
from model.music.grid import Grid
from model.music.harmony import QUALITIES, Chord, read_chords, read_key
from model.music.phrase import Note, Phrase
from tests.fakes.harmony_names import chord_name, key_name
from tests.fakes.networks import config, network, player
from tests.fakes.synthetic import chords, melody


def triads(names: str) -> Phrase:
    """One chord a beat in close position above C3."""
    notes = []
    for beat, chord in enumerate(read_chords(names)):
        if chord is not None:
            tones = list(QUALITIES.values())[chord.quality]
            notes += [Note(4 * beat, 48 + chord.root + tone, 80, 4) for tone in tones]
    return Phrase.of(Grid(), notes)


def chord_names(phrase: Phrase, codec: str = "poly") -> list[str]:
    arrays = pack_phrase(build(codec, phrase.grid), phrase)
    found = hearing.chords(arrays, phrase.grid)[0].tolist()
    return [chord_name(None if index < 0 else Chord(index % 12, index // 12)) for index in found]


def key(phrase: Phrase, codec: str = "poly") -> str:
    return key_name(int(hearing.keys_of(pack_phrase(build(codec, phrase.grid), phrase), phrase.grid)[0]))


@pytest.mark.parametrize(
    "names",
    [
        "C C Am Am F F G G",
        "Dm Dm Em Em Bdim Bdim C C",
        "Cmaj7 Cmaj7 Am7 Am7 D7 D7 Gsus Gsus",
        "Faug Faug F# F# Bbm Bbm Eb Eb",
    ],
)
def test_chords_are_found_where_they_are(names: str) -> None:
    wanted = [chord_name(chord) for chord in read_chords(names)]
    assert chord_names(triads(names)) == wanted


def test_no_chord_is_where_nothing_sounds_near() -> None:
    assert chord_names(triads("C N N N N N G G"))[3:5] == ["N", "N"]


def test_a_broken_chord_of_one_voice_is_found() -> None:
    tones = [60, 64, 67, 72] * 4 + [57, 60, 64, 69] * 4
    phrase = Phrase.of(Grid(), [Note(step, pitch, 80, 1) for step, pitch in enumerate(tones)])
    found = chord_names(phrase, "melody")
    assert found[:3] == ["C"] * 3
    assert found[5:] == ["Am"] * 3


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(
    ("mode", "scale"), [("major", (0, 2, 4, 5, 7, 9, 11)), ("minor", (0, 2, 3, 5, 7, 8, 11))]
)
def test_a_scale_with_its_triad_is_its_key(tonic: int, mode: str, scale: tuple[int, ...]) -> None:
    third = scale[2]
    tones = [*scale, 12, 7, third, 0, 7, 0, third, 7, 0]
    phrase = Phrase.of(Grid(), [Note(2 * i, 60 + tonic + tone, 80, 2) for i, tone in enumerate(tones)])
    assert key(phrase, "melody") == key_name(tonic + 12 * (mode == "minor"))


def test_holds_sound_on_and_rests_do_not() -> None:
    phrase = Phrase.of(Grid(), [Note(0, 60, 80, 6), Note(10, 64, 80, 1)])
    for codec in ("melody", "poly"):
        keys = hearing.sounding(pack_phrase(build(codec, Grid()), phrase))[0]
        assert np.flatnonzero(keys[:, 60]).tolist() == [0, 1, 2, 3, 4, 5]
        assert np.flatnonzero(keys[:, 64]).tolist() == [10]
        assert keys.sum() == 7


def test_drums_alone_have_no_harmony() -> None:
    arrays = {"drums": np.ones((2, 32, 3, 9), dtype=np.float32)}
    assert (hearing.chords(arrays, Grid()) == -1).all()
    assert (hearing.keys_of(arrays, Grid()) == -1).all()


@given(st.integers(0, 11), st.integers(0, len(QUALITIES) - 1))
def test_a_chords_name_is_read_back(root: int, quality: int) -> None:
    assert read_chords(chord_name(Chord(root, quality))) == (Chord(root, quality),)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("C", 0),
        ("F# minor", 18),
        ("Bb", 10),
        ("Am", 21),
        ("a minor", 21),
        ("Eb major", 3),
        ("Db MINOR", 13),
        ("CM", 0),
    ],
)
def test_keys_are_read(text: str, number: int) -> None:
    assert read_key(text) == number
    assert read_key(key_name(number)) == number


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("H", "begins with a note"), ("Cmajj", "unknown chord 'Cmajj'"), ("", "not 0"), ("C " * 300, "not 300")],
)
def test_what_is_no_chord_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_chords(text)


@pytest.mark.parametrize("text", ["", "H minor", "C dorian", "minor"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        read_key(text)


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
    said = found[..., conditions.columns_of(chosen, "chords")]
    assert ((said[..., :12].sum(-1) == 1) == (said[..., 20] == 0)).all()
    assert (conditions.estimated(chosen, arrays)[..., conditions.columns_of(chosen, "style")] == 0).all()
    quiet = conditions.withheld(found, chosen, 1.0, np.random.default_rng(0))
    assert not quiet.any()
    some = conditions.withheld(np.repeat(found, 200, axis=0), chosen, 0.3, np.random.default_rng(0))
    gone = (some[..., conditions.columns_of(chosen, "key")].sum((1, 2)) == 0).mean()
    assert 0.2 < gone < 0.4


def test_texts_are_spread_over_the_answer() -> None:
    chosen = config("gru", latent=False, conditions=("chords", "style", "key"), context_bars=2, bars=4)
    said = conditions.spoken(chosen, {"chords": "C Am F G", "style": "folk"})
    assert said.shape == (1, 16, conditions.condition_width(chosen))
    assert not said[:, :8].any()
    roots = said[0, 8:, conditions.columns_of(chosen, "chords")][:, :12].argmax(-1)
    assert roots.tolist() == [0, 0, 9, 9, 5, 5, 7, 7]
    assert (said[0, 8:, conditions.columns_of(chosen, "style")] == [0, 1, 0]).all()
    assert not said[..., conditions.columns_of(chosen, "key")].any()
    with pytest.raises(ConfigError, match="did you mean 'folk'"):
        conditions.spoken(chosen, {"style": "folkk"})
    with pytest.raises(ConfigError, match="9 chords do not fit into 8 beats"):
        conditions.spoken(chosen, {"chords": "C " * 9})


@pytest.mark.parametrize("kind", ["patch", "gru", "transformer", "attention"])
def test_players_heed_conditions(kind: str) -> None:
    torch.set_num_threads(1)
    chosen = config(kind, "poly", conditions=("chords", "key", "style"))
    played = player(network(chosen))
    assert played.card.conditions == ("chords", "key", "style")
    assert played.card.styles == ("jazz", "folk")
    latent = played.encode(chords(1))
    plain = played.decode(latent, turns={}, temperature=1.0)
    assert played.decode(latent, turns={}, temperature=1.0, condition={}) == plain
    conditioned = [
        played.decode(latent, turns={}, temperature=1.0, condition=condition)
        for condition in ({"chords": "C F"}, {"key": "F# minor"}, {"style": "jazz"}, {"style": "folk"})
    ]
    assert len({*conditioned, plain}) == 5
    with pytest.raises(ConfigError, match="unknown key"):
        played.decode(latent, turns={}, condition={"key": "H"})


def test_a_continuation_stays_in_the_key_of_its_context() -> None:
    torch.set_num_threads(1)
    chosen = config("gru", "poly", latent=False, knobs=(), conditions=("key",), context_bars=2, bars=4)
    played = player(network(chosen))
    context = triads("F# B C# F# F# B C# F#")
    free = played.continuation(context, temperature=1.0, seed=1)
    assert free == played.continuation(context, temperature=1.0, seed=1, condition={"key": "F#"})
    assert free != played.continuation(context, temperature=1.0, seed=1, condition={"key": "C minor"})
    silent = played.continuation(Phrase(Grid()), temperature=1.0, seed=1)
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


def test_names_load_no_numpy() -> None:
    code = "import sys, model.music.harmony; assert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
