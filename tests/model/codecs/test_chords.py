"""Chords and keys are found where they sound."""

import numpy as np
import pytest

from model.codecs import chords as hearing
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.music.grid import Grid
from model.music.harmony import Chord, read_chords
from model.music.phrase import Note, Phrase
from tests.fakes.harmony_names import chord_name, key_name, triads


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
