"""Melodies come back; heads are read with respect for what can sound."""

import numpy as np
from hypothesis import given

from model.codecs.base import pack_phrase
from model.codecs.melody import HOLD, REST
from model.codecs.registry import build
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from tests.fakes.codec_phrases import melodies, polyphony


@given(melodies())
def test_melody_codec_keeps_onset_pitch_length_velocity_of_one_voice(phrase: Phrase) -> None:
    codec = build("melody", phrase.grid)
    assert codec.unpack(pack_phrase(codec, phrase), 0) == phrase


@given(polyphony())
def test_of_a_chord_the_melody_codec_keeps_the_highest_key_and_ends_it_at_the_next(phrase: Phrase) -> None:
    codec = build("melody", phrase.grid)
    decoded = codec.unpack(pack_phrase(codec, phrase), 0)
    highest: dict[int, int] = {}
    for note in phrase.notes:
        highest[note.onset] = max(note.pitch, highest.get(note.onset, 0))
    assert {note.onset: note.pitch for note in decoded.notes} == highest
    for first, second in zip(decoded.notes, decoded.notes[1:], strict=False):
        assert first.onset + first.length <= second.onset


def test_melody_tokens_are_onset_hold_rest() -> None:
    codec = build("melody", Grid(1))
    token = pack_phrase(codec, Phrase.of(Grid(1), [Note(2, 60, 64, 3), Note(8, 62, 64, 1)]))["token"][0]
    assert token.tolist() == [REST, REST, 60, HOLD, HOLD, REST, REST, REST, 62, *[REST] * 7]


def test_a_hold_without_a_sounding_note_is_never_read() -> None:
    codec = build("melody", Grid(1))
    state = np.tile(np.array([0.0, 5.0, 1.0], dtype=np.float32), (16, 1))  # holds all along
    heads = {
        "state": state,
        "pitch": np.zeros((16, 128), dtype=np.float32),
        "velocity": np.zeros(16, dtype=np.float32),
    }
    assert codec.read(heads).notes == ()
