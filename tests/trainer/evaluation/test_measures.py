"""What is measured of phrases: steps, notes, distances, rules, ranks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS
from tests.fakes import players
from tests.fakes.midi_files import tune
from trainer.evaluation.measures import (
    Matches,
    agreement,
    consistent,
    distance,
    kl_bits,
    positions,
    spans,
    spearman,
    symbols,
)

GRID = Grid(1, 2, 4)


def hit(step: int, key: int, velocity: int = 90) -> Note:
    return Note(step, key, velocity, 1, 0.0, DRUMS)


BEAT = Phrase.of(GRID, [hit(0, 36), hit(0, 42), hit(4, 38), hit(4, 42)])
BAND = Phrase.of(
    GRID,
    [
        Note(0, 72, 90, 3),
        Note(0, 60, 60, 8, 0.0, CHORDS),
        Note(0, 64, 60, 8, 0.0, CHORDS),
        Note(0, 36, 80, 4, 0.0, BASS),
        *BEAT.notes,
    ],
)


def test_a_step_of_drums_is_nine_bits() -> None:
    assert symbols(BEAT, "drums") == [0b101, 0, 0, 0, 0b110, 0, 0, 0]
    other = Phrase.of(GRID, [hit(0, 35, 40), hit(0, 22), hit(4, 40), hit(4, 44), hit(6, 49)])
    assert agreement(symbols(BEAT, "drums"), symbols(other, "drums")) == 7 / 8
    assert positions(other) - positions(BEAT) == {(6, 7, DRUMS)}


def test_a_step_of_several_tracks_is_all_of_theirs() -> None:
    first, second, *_ = symbols(BAND, "multitrack")
    assert first == (72, frozenset({60, 64}), 36, 0b101)
    assert second == (128, frozenset(), 128, 0)
    quiet = BAND.part(0, BASS, DRUMS)
    assert agreement(symbols(BAND, "multitrack"), symbols(quiet, "multitrack")) == 7 / 8


def test_one_key_in_two_tracks_is_two_notes() -> None:
    one = Phrase.of(GRID, [Note(0, 60, 80, 2)])
    other = Phrase.of(GRID, [Note(0, 60, 80, 2, 0.0, CHORDS)])
    assert distance(one, other, "multitrack") == 1.0
    assert spans(BAND) == positions_and_lengths(BAND)


def positions_and_lengths(phrase: Phrase) -> set[tuple[int, ...]]:
    return {
        (*position, note.length)
        for note in phrase.notes
        for position in positions(Phrase(phrase.grid, (note,)))
    }


@pytest.mark.parametrize("codec", ["drums", "multitrack"])
def test_distance_is_of_hits(codec: str) -> None:
    more = Phrase.of(GRID, [*BEAT.notes, hit(2, 42), hit(6, 42)])
    assert distance(BEAT, BEAT, codec) == 0.0
    assert distance(BEAT, more, codec) == 2 / 10
    louder = Phrase.of(GRID, (note._replace(velocity=120) for note in BEAT.notes))
    assert distance(BEAT, louder, codec) == 0.0


def test_rules_of_drums_and_several_tracks() -> None:
    assert consistent(BEAT, "drums")
    assert consistent(BAND, "multitrack")
    assert not consistent(BAND, "drums")
    assert not consistent(BEAT, "poly")
    assert not consistent(Phrase(GRID, (hit(0, 37),)), "drums")
    assert not consistent(Phrase(GRID, (hit(0, 36)._replace(length=2),)), "drums")
    two = Phrase.of(GRID, [Note(0, 72, 90, 3), Note(0, 76, 90, 3)])
    assert not consistent(two, "multitrack")


def phrase_of(seed: int) -> Phrase:
    notes = [Note(tick // 120, pitch, 80, length // 120) for tick, pitch, length in tune(seed, bars=2)]
    return Phrase.of(players.GRID, [note for note in notes if note.onset < 32])


PHRASES = [phrase_of(seed) for seed in range(24)]


def test_symbols_are_the_field_s_classes() -> None:
    phrase = Phrase.of(Grid(1, 2, 4), [Note(1, 60, 80, 3), Note(4, 62, 80, 1)])
    assert symbols(phrase, "melody") == [129, 60, 128, 128, 62, 129, 129, 129]
    assert symbols(phrase, "poly")[1:3] == [frozenset({60}), frozenset()]
    assert agreement([1, 2, 3, 4], [1, 2, 0, 0]) == 0.5


def test_note_scores_on_a_known_pair() -> None:
    wanted = Phrase.of(players.GRID, [Note(0, 60, 80, 4), Note(4, 62, 80, 4), Note(8, 64, 80, 4)])
    played = Phrase.of(
        players.GRID, [Note(0, 60, 80, 4), Note(4, 62, 80, 2), Note(9, 64, 80, 4), Note(20, 64, 80, 4)]
    )
    on, whole = Matches(), Matches()
    on.add(positions(played), positions(wanted))
    whole.add(spans(played), spans(wanted))
    assert on.precision == 0.5
    assert on.recall == pytest.approx(2 / 3)
    assert on.f1 == pytest.approx(4 / 7)
    assert whole.f1 == pytest.approx(2 / 7)
    assert Matches().f1 == 1.0


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30))
def test_spearman_heeds_order_alone(values: list[int]) -> None:
    varies = len(set(values)) > 1
    assert spearman(values, [value**3 for value in values]) == pytest.approx(1.0 if varies else 0.0)


def test_kl_of_known_posteriors() -> None:
    zero = np.zeros(4, dtype=np.float32)
    assert kl_bits(zero, zero) == 0.0
    assert kl_bits(zero + 1, zero) == pytest.approx(4 * 0.5 / np.log(2))


def test_distance_and_rules() -> None:
    one, other = PHRASES[0], PHRASES[1]
    for codec in ("melody", "poly"):
        assert distance(one, one, codec) == 0.0
        assert 0 < distance(one, other, codec) <= 1
    assert distance(Phrase(players.GRID), Phrase(players.GRID), "poly") == 0.0
    chord = Phrase.of(players.GRID, [Note(0, 60, 80, 4), Note(0, 64, 80, 4)])
    assert consistent(chord, "poly")
    assert not consistent(chord, "melody")
    assert not consistent(Phrase(players.GRID, (Note(0, 60, 80, 40),)), "poly")
    assert not consistent(Phrase(players.GRID, (Note(0, 160, 80, 4),)), "poly")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3], [5, 5, 5], 0.0),
        ([1, 2, 3, 4, 5], [1, 2, 3, 5, 4], 0.9),
        ([1, 1, 2, 2], [1, 2, 3, 4], 0.8944271909999159),
    ],
)
def test_spearman(one: list[float], other: list[float], expected: float) -> None:
    assert spearman(one, other) == pytest.approx(expected)
