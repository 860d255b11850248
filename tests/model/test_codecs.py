"""Codecs: what they claim to keep comes back; heads are read with respect for what can sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.codecs.base import build, pack_phrase, table_of
from model.codecs.melody import HOLD, REST
from model.errors import ConfigError
from model.grid import Grid
from model.phrase import Note, Phrase

GRIDS = st.sampled_from((Grid(), Grid(4, 3, 6), Grid(2, 4, 3), Grid(1, 4, 4)))


@st.composite
def melodies(draw: st.DrawFn) -> Phrase:
    grid = draw(GRIDS)
    notes, step = [], draw(st.integers(0, 4))
    while step < grid.steps:
        length = min(draw(st.integers(1, 9)), grid.steps - step)
        notes.append(Note(step, draw(st.integers(0, 127)), draw(st.integers(1, 127)), length))
        step += length + draw(st.integers(0, 3))
    return Phrase.of(grid, notes)


@st.composite
def polyphony(draw: st.DrawFn) -> Phrase:
    grid = draw(GRIDS)
    notes = draw(
        st.lists(
            st.tuples(
                st.integers(0, grid.steps - 1), st.integers(21, 108), st.integers(1, 127), st.integers(1, 40)
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
def test_poly_codec_keeps_onset_pitch_length_velocity_on_88_keys(phrase: Phrase) -> None:
    codec = build("poly", phrase.grid)
    assert codec.unpack(pack_phrase(codec, phrase), 0) == phrase


@given(polyphony())
def test_of_a_chord_the_melody_codec_keeps_the_highest_key_and_ends_it_at_the_next(phrase: Phrase) -> None:
    codec = build("melody", phrase.grid)
    kept = codec.unpack(pack_phrase(codec, phrase), 0)
    highest: dict[int, int] = {}
    for note in phrase.notes:
        highest[note.onset] = max(note.pitch, highest.get(note.onset, 0))
    assert {note.onset: note.pitch for note in kept.notes} == highest
    for first, second in zip(kept.notes, kept.notes[1:], strict=False):
        assert first.onset + first.length <= second.onset


@given(st.lists(polyphony().filter(lambda phrase: phrase.grid == Grid()), min_size=1, max_size=5))
def test_packing_many_phrases_is_packing_each(phrases: list[Phrase]) -> None:
    for kind in ("melody", "poly"):
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
    kept = codec.unpack(pack_phrase(codec, phrase), 0)
    assert [note.pitch for note in kept.notes] == [24, 103, 97]


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


@pytest.mark.parametrize("kind", ["melody", "poly"])
def test_sampling_is_drawn_by_the_noise_alone(kind: str) -> None:
    codec = build(kind, Grid())
    rng = np.random.default_rng(0)
    heads = {n: rng.normal(size=s).astype(np.float32) for n, s in codec.heads().items()}
    first = codec.read(heads, temperature=1.0, noise=codec.noise(np.random.default_rng(5)))
    again = codec.read(heads, temperature=1.0, noise=codec.noise(np.random.default_rng(5)))
    other = codec.read(heads, temperature=1.0, noise=codec.noise(np.random.default_rng(6)))
    assert first == again
    assert first != other


def test_a_threshold_moves_what_is_heard() -> None:
    codec = build("poly", Grid(1))
    heads = {name: np.full((16, 88), -0.2, dtype=np.float32) for name in codec.heads()}
    assert not codec.read(heads).notes
    assert len(codec.read(heads, levels={"onset": -0.5}).notes) == 16 * 88


def test_an_unknown_codec_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown codec 'polly'.*did you mean 'poly'"):
        build("polly", Grid())
