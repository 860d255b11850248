"""Names of chords and keys are read as they are written."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import ConfigError
from model.music.harmony import QUALITIES, Chord, chord_number, chord_of, read_chords, read_key, read_note
from model.music.harmony import chord_name as named
from model.music.key import Key
from tests.fakes.harmony_names import chord_name, key_name


@given(st.integers(0, 11), st.integers(0, len(QUALITIES) - 1), st.none() | st.integers(0, 11))
def test_a_chords_name_and_its_number_are_read_back(root: int, quality: int, bass: int | None) -> None:
    chord = Chord(root, quality, None if bass == root else bass)
    assert read_chords(chord_name(chord)) == read_chords(named(chord)) == (chord,)
    assert chord_of(chord_number(chord)) == chord


def test_a_bass_that_is_the_root_goes_without_saying() -> None:
    assert read_chords("C/C Bb7/D") == (Chord(0, 0), Chord(10, 5, 2))
    assert named(Chord(10, 5, 2), Key(10, 0)) == "Bb7/D"


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
    ("text", "key"),
    [("C3", 48), ("f#2", 42), ("B♭4", 70), ("C-1", 0), ("Cb0", 11), ("B#8", 120), ("G9", 127)],
)
def test_notes_are_read(text: str, key: int) -> None:
    assert read_note(text) == key


@pytest.mark.parametrize("text", ["C", "Cb-1", "G#9", "C10", "C-2", "H2", "48", "", "C 3", "C3\n"])
def test_what_is_no_key_of_the_128_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="there is C-1 to G9"):
        read_note(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("H", "begins with a note"), ("Cmajj", "unknown chord 'Cmajj'"), ("", "not 0"), ("C " * 300, "not 300")],
)
def test_what_is_no_chord_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_chords(text)


@pytest.mark.parametrize("text", ["", "H minor", "C dorien", "minor"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        read_key(text)


def test_names_load_no_numpy() -> None:
    code = "import sys, model.music.harmony; assert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
