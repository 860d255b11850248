"""Every track comes back as its codec holds it; what is played on a keyboard is divided."""

from hypothesis import given

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from tests.fakes.codec_phrases import bands, polyphony


@given(bands())
def test_multitrack_codec_keeps_what_each_track_s_codec_keeps(phrase: Phrase) -> None:
    codec = build("multitrack", phrase.grid)
    decoded = codec.unpack(pack_phrase(codec, phrase), 0)
    if phrase.part(CHORDS, BASS, DRUMS).notes:
        assert decoded == phrase
    again = codec.unpack(pack_phrase(codec, decoded), 0)
    assert again == decoded or not decoded.part(CHORDS, BASS, DRUMS).notes


@given(polyphony())
def test_a_keyboard_s_phrase_is_split_and_no_note_lost(phrase: Phrase) -> None:
    codec = build("multitrack", phrase.grid)
    decoded = codec.unpack(pack_phrase(codec, phrase), 0)
    assert {(n.onset, n.pitch) for n in decoded.notes} == {(n.onset, n.pitch) for n in phrase.notes}
    assert all(note.pitch < 48 for note in decoded.part(BASS).notes)
    assert all(note.pitch >= 48 for note in decoded.part(MELODY).notes)
    lowest = {n.onset: n.pitch for n in reversed(phrase.notes) if n.pitch < 48}
    assert {n.onset: n.pitch for n in decoded.part(BASS).notes} == lowest
    for step in {note.onset for note in phrase.notes}:
        here = {note.pitch: note.track for note in decoded.notes if note.onset == step}
        assert max(here) < 48 or here[max(here)] in (MELODY, CHORDS)


def test_under_a_melody_that_sounds_on_a_low_note_is_no_melody() -> None:
    codec = build("multitrack", Grid(1))
    played = [
        Note(0, 72, 90, 8),
        Note(0, 64, 60, 8),
        Note(0, 36, 80, 16),
        Note(4, 55, 60, 4),
        Note(8, 71, 90, 8),
    ]
    decoded = codec.unpack(pack_phrase(codec, Phrase.of(Grid(1), played)), 0)
    assert {(n.onset, n.pitch): n.track for n in decoded.notes} == {
        (0, 72): MELODY,
        (0, 64): CHORDS,
        (0, 36): BASS,
        (4, 55): CHORDS,
        (8, 71): MELODY,
    }
