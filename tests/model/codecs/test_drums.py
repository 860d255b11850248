"""Hits come back on nine classes; a machine stays straight, a drummer keeps the feel."""

import numpy as np
from hypothesis import given

from model.codecs.base import pack_phrase
from model.codecs.drums import CLASS_OF_KEY, CLASSES, KEYS, PERCUSSION
from model.codecs.registry import build
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from tests.fakes.codec_phrases import kits, polyphony


@given(kits())
def test_drums_codec_keeps_class_velocity_and_offset_of_every_hit(phrase: Phrase) -> None:
    codec = build("drums", phrase.grid)
    assert codec.unpack(pack_phrase(codec, phrase), 0) == phrase


@given(polyphony())
def test_any_phrase_is_a_beat_on_nine_keys(phrase: Phrase) -> None:
    codec = build("drums", phrase.grid)
    decoded = codec.unpack(pack_phrase(codec, phrase), 0)
    assert {note.onset for note in decoded.notes} == {note.onset for note in phrase.notes}
    assert {(note.length, note.track) for note in decoded.notes} <= {(1, DRUMS)}
    for note in decoded.notes:
        hits = [
            n for n in phrase.notes if n.onset == note.onset and KEYS[CLASS_OF_KEY[n.pitch]] == note.pitch
        ]
        assert note.velocity == max(n.velocity for n in hits)
    assert codec.unpack(pack_phrase(codec, decoded), 0) == decoded


def test_percussion_keys_have_their_class_and_others_play_the_kit_by_octaves() -> None:
    named = {key: CLASSES[number] for key, number in enumerate(CLASS_OF_KEY.tolist())}
    assert sorted(key for keys in PERCUSSION.values() for key in keys) == [22, *range(26, 88)]
    assert [named[key] for key in KEYS] == list(CLASSES)
    roland = {22: "closed hat", 26: "open hat", 40: "snare", 58: "low tom", 59: "ride", 55: "crash"}
    assert {key: named[key] for key in roland} == roland
    assert [named[key] for key in (0, 12, 24, 96, 120)] == ["kick"] * 5
    assert [named[key] for key in (18, 90, 14, 98)] == ["closed hat", "closed hat", "snare", "snare"]


def kit_heads(reach: float, spread: float) -> dict[str, np.ndarray]:
    """Return heads that strike every drum on every beat, about `reach` of a step off and unevenly loud."""
    rng = np.random.default_rng(2)
    shape = build("drums", Grid()).heads()["hit"]
    beats = np.arange(shape[0])[:, None] % 4 == 0
    return {
        "hit": np.where(beats, 5.0, -5.0).astype(np.float32) * np.ones(shape[1], dtype=np.float32),
        "drum_velocity": (0.6 + spread * rng.uniform(-1, 1, shape)).astype(np.float32),
        "drum_offset": (reach * rng.uniform(-1, 1, shape)).astype(np.float32),
    }


def test_a_machine_s_beat_stays_straight_and_even() -> None:
    notes = build("drums", Grid()).read(kit_heads(0.04, 0.01)).notes
    assert len(notes) == 8 * len(CLASSES)
    assert {note.offset for note in notes} == {0.0}
    assert len({note.velocity for note in notes}) == 1


def test_a_drummer_s_feel_comes_back() -> None:
    notes = build("drums", Grid()).read(kit_heads(0.2, 0.1)).notes
    assert len(notes) == 8 * len(CLASSES)
    assert len({note.offset for note in notes}) > 20
    assert len({note.velocity for note in notes}) > 10


def test_any_note_is_named_by_the_key_of_its_class() -> None:
    played = Phrase.of(Grid(), [Note(0, 35, 90, 4, 0.2, release=1.0), Note(0, 40, 50, 2), Note(3, 100, 7, 1)])
    named = build("drums", Grid()).named(played)
    assert named.notes[:2] == (Note(0, 36, 90, 1, 0.2, DRUMS), Note(0, 38, 50, 1, 0.0, DRUMS))
    assert named.notes[2].pitch in KEYS
