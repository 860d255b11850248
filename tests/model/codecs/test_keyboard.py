"""A keyboard's phrase is divided, no note is lost, and what is divided already stays so."""

import pytest
from hypothesis import given

from model.codecs.base import pack_phrase
from model.codecs.keyboard import divided, division, melody_of
from model.codecs.multitrack import MultitrackCodec
from model.errors import ConfigError
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from tests.fakes.codec_phrases import polyphony

TENOR = Phrase.of(Grid(), [Note(0, 67, 90, 8), Note(0, 55, 80, 8), Note(8, 69, 90, 8), Note(12, 53, 80, 8)])


@given(polyphony())
def test_no_note_is_lost_and_none_but_its_track_changes(phrase: Phrase) -> None:
    for key in (None, 48, 0):
        found = divided(phrase, key)
        assert Phrase.of(phrase.grid, [note._replace(track=MELODY) for note in found.notes]) == phrase


def test_what_is_divided_already_stays_so() -> None:
    band = Phrase.of(Grid(), [*TENOR.notes, Note(4, 72, 90, 4, track=CHORDS)])
    assert divided(band) == divided(band, 60) == band
    assert divided(Phrase(Grid())) == Phrase(Grid())


@given(polyphony())
def test_a_fixed_key_divides_as_training_does(phrase: Phrase) -> None:
    codec = MultitrackCodec(phrase.grid)
    trained = codec.unpack(pack_phrase(codec, phrase), 0)
    assert {n[:2]: n.track for n in divided(phrase, 48).notes} == {n[:2]: n.track for n in trained.notes}


def test_a_fixed_key_can_lie_anywhere() -> None:
    assert [note.track for note in division("A3")(TENOR).notes] == [BASS, MELODY, MELODY, BASS]
    assert BASS not in [note.track for note in division("C3")(TENOR).notes]


@pytest.mark.parametrize("key", [None, 57])
def test_drums_stay_drums_beside_a_keyboard(key: int | None) -> None:
    beat = [Note(0, 36, 90, 1, track=DRUMS), Note(0, 38, 90, 1, track=DRUMS)]
    found = divided(Phrase.of(Grid(), [*TENOR.notes, *beat]), key)
    assert found.part(DRUMS).notes == tuple(beat)
    assert {note.pitch for note in found.part(BASS).notes} == {53, 55}


def test_the_melody_is_taken_alone_and_a_phrase_without_one_whole() -> None:
    by_line = division("line")
    assert [note.pitch for note in melody_of(TENOR, by_line).notes] == [67, 69]
    low = Phrase.of(Grid(), [Note(0, 36, 90, 8), Note(8, 41, 90, 8)])
    assert melody_of(low, by_line) == low


def test_what_divides_no_keyboard_is_refused() -> None:
    with pytest.raises(ConfigError, match="'middle' divides no keyboard"):
        division("middle")
