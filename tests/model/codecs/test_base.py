"""Codecs: what they claim to keep comes back; heads are read with respect for what can sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.codecs.base import pack_phrase, table_of
from model.codecs.drums import CLASS_OF_KEY, CLASSES, KEYS, PERCUSSION
from model.codecs.melody import HOLD, REST
from model.codecs.registry import build
from model.errors import ConfigError
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY

KINDS = ("melody", "poly", "drums", "multitrack")
GRIDS = st.sampled_from((Grid(), Grid(4, 3, 6), Grid(2, 4, 3), Grid(1, 4, 4)))


@st.composite
def melodies(draw: st.DrawFn, grids: st.SearchStrategy[Grid] = GRIDS) -> Phrase:
    grid = draw(grids)
    notes, step = [], draw(st.integers(0, 4))
    while step < grid.steps:
        length = min(draw(st.integers(1, 9)), grid.steps - step)
        notes.append(Note(step, draw(st.integers(0, 127)), draw(st.integers(1, 127)), length))
        step += length + draw(st.integers(0, 3))
    return Phrase.of(grid, notes)


@st.composite
def polyphony(draw: st.DrawFn, grids: st.SearchStrategy[Grid] = GRIDS) -> Phrase:
    grid = draw(grids)
    notes = draw(
        st.lists(
            st.tuples(
                st.integers(0, grid.steps - 1),
                st.integers(21, 108),
                st.integers(1, 127),
                st.integers(1, 40),
                st.integers(-50, 50).map(lambda micro: micro / 100),
            ),
            max_size=60,
        )
    )
    return Phrase.of(grid, (Note(*note) for note in notes))


@given(melodies())
def test_melody_codec_keeps_onset_pitch_length_velocity_of_one_voice(phrase: Phrase) -> None:
    codec = build("melody", phrase.grid)
    assert codec.unpack(pack_phrase(codec, phrase), 0) == phrase


@given(polyphony())
def test_poly_codec_keeps_onset_pitch_length_velocity_and_offset_on_88_keys(phrase: Phrase) -> None:
    codec = build("poly", phrase.grid)
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


@st.composite
def kits(draw: st.DrawFn, grids: st.SearchStrategy[Grid] = GRIDS) -> Phrase:
    grid = draw(grids)
    hits = draw(
        st.lists(
            st.tuples(
                st.integers(0, grid.steps - 1),
                st.sampled_from(KEYS),
                st.integers(1, 127),
                st.integers(-50, 50).map(lambda micro: micro / 100),
            ),
            max_size=60,
        )
    )
    return Phrase.of(grid, (Note(step, key, level, 1, away, DRUMS) for step, key, level, away in hits))


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


@st.composite
def bands(draw: st.DrawFn) -> Phrase:
    grid = draw(GRIDS)
    notes = [*draw(polyphony(st.just(grid))).notes]
    notes = [note._replace(track=CHORDS) for note in notes]
    for track in (MELODY, BASS):
        notes += [note._replace(track=track) for note in draw(melodies(st.just(grid))).notes]
    notes += draw(kits(st.just(grid))).notes
    dropped = draw(st.sets(st.integers(0, 3), max_size=3))
    return Phrase.of(grid, (note for note in notes if note.track not in dropped))


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


def test_percussion_keys_have_their_class_and_others_play_the_kit_by_octaves() -> None:
    named = {key: CLASSES[number] for key, number in enumerate(CLASS_OF_KEY.tolist())}
    assert sorted(key for keys in PERCUSSION.values() for key in keys) == [22, *range(26, 88)]
    assert [named[key] for key in KEYS] == list(CLASSES)
    roland = {22: "closed hat", 26: "open hat", 40: "snare", 58: "low tom", 59: "ride", 55: "crash"}
    assert {key: named[key] for key in roland} == roland
    assert [named[key] for key in (0, 12, 24, 96, 120)] == ["kick"] * 5
    assert [named[key] for key in (18, 90, 14, 98)] == ["closed hat", "closed hat", "snare", "snare"]


@given(st.lists(polyphony().filter(lambda phrase: phrase.grid == Grid()), min_size=1, max_size=5))
def test_packing_many_phrases_is_packing_each(phrases: list[Phrase]) -> None:
    for kind in KINDS:
        codec = build(kind, Grid())
        tables = [table_of(phrase) for phrase in phrases]
        rows = np.repeat(np.arange(len(phrases)), [len(table) for table in tables])
        together = codec.pack(np.concatenate(tables), rows, len(phrases))
        for row, phrase in enumerate(phrases):
            alone = pack_phrase(codec, phrase)
            for name, value in together.items():
                np.testing.assert_array_equal(value[row], alone[name][0])


def test_keys_beyond_the_piano_move_into_it_by_octaves() -> None:
    codec = build("poly", Grid())
    phrase = Phrase.of(Grid(), [Note(0, 0, 64, 4), Note(4, 127, 64, 4), Note(8, 109, 64, 2)])
    decoded = codec.unpack(pack_phrase(codec, phrase), 0)
    assert [note.pitch for note in decoded.notes] == [24, 103, 97]


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


def test_a_held_key_without_onset_is_silent() -> None:
    codec = build("poly", Grid(1))
    shape = (16, 88)
    heads = {
        "onset": np.full(shape, -5, dtype=np.float32),
        "hold": np.full(shape, 5, dtype=np.float32),
        "velocity": np.full(shape, 0.5, dtype=np.float32),
    }
    assert codec.read(heads).notes == ()
    heads["onset"][4, 39] = 5
    assert codec.read(heads).notes == (Note(4, 60, 64, 12),)


@pytest.mark.parametrize("kind", KINDS)
def test_sampling_is_drawn_by_the_noise_alone(kind: str) -> None:
    codec = build(kind, Grid())
    rng = np.random.default_rng(0)
    heads = {n: rng.normal(size=s).astype(np.float32) for n, s in codec.heads().items()}
    first = codec.read(heads, temperature=1.0, noise=codec.noise(np.random.default_rng(5)))
    again = codec.read(heads, temperature=1.0, noise=codec.noise(np.random.default_rng(5)))
    other = codec.read(heads, temperature=1.0, noise=codec.noise(np.random.default_rng(6)))
    assert first == again
    assert first != other


def test_a_threshold_moves_what_sounds() -> None:
    codec = build("poly", Grid(1))
    heads = {name: np.full((16, 88), -0.2, dtype=np.float32) for name in codec.heads()}
    assert not codec.read(heads).notes
    assert len(codec.read(heads, levels={"onset": -0.5}).notes) == 16 * 88


def test_an_unknown_codec_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown codec 'polly'.*did you mean 'poly'"):
        build("polly", Grid())


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
