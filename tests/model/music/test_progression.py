"""Progressions: as musicians write them."""

from fractions import Fraction

import pytest

from model.errors import ConfigError
from model.music.harmony import Chord, chord_name
from model.music.progression import read_progression


def bars(text: str, count: int = 4) -> list[str]:
    found = read_progression(text)
    return [chord_name(chord) for chord in found.beats(0, count, 4)]


@pytest.mark.parametrize(
    ("text", "beats"),
    [
        ("C Am", "C C C C Am Am Am Am"),
        ("C | Am F", "C C C C Am Am F F"),
        ("| C | Am F |", "C C C C Am Am F F"),
        ("C/2 G7/2 N", "C C G7 G7 N N N N"),
        ("C/4 F/4 G/2 C %", "C F G G C C C C C C C C"),
        ("C % | N.C.", "C C C C N N N N"),
        ("C/E/2 F/G/2 % D/F#", "C/E C/E F/G F/G F/G F/G F/G F/G D/Gb D/Gb D/Gb D/Gb"),
    ],
)
def test_chords_share_bars_as_they_are_written(text: str, beats: str) -> None:
    wanted = beats.split()
    assert bars(text, len(wanted) // 4) == wanted


def test_it_goes_on_over_and_over_in_any_metre() -> None:
    found = read_progression("C Am F")
    assert found.length == 3
    assert [chord_name(found.at(bar)) for bar in range(7)] == ["C", "Am", "F", "C", "Am", "F", "C"]
    assert found.at(Fraction(-1)) == Chord(5, 0), "counted in"
    assert [chord_name(one) for one in found.beats(2, 2, 3)] == ["F", "F", "F", "C", "C", "C"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not 0"),
        ("| |", "not 0"),
        ("H", "begins with a note"),
        ("C/H", "names its bass"),
        ("C/E4x", "names its bass"),
        ("C/0", "1 to 16"),
        ("C/99", "1 to 16"),
        ("% C", "begins with it"),
        ("Cmajj", "unknown chord"),
        ("C " * 300, "not 300"),
    ],
)
def test_what_is_none_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_progression(text)
