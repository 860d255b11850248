"""Names of chords and keys are read as they are written."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import ConfigError
from model.music.harmony import QUALITIES, Chord, read_chords, read_key
from tests.fakes.harmony_names import chord_name, key_name


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


def test_names_load_no_numpy() -> None:
    code = "import sys, model.music.harmony; assert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
