"""Phrases that come back bring their chords with them."""

from hypothesis import given
from hypothesis import strategies as st

from live.jam.band.loops import (
    FEWEST,
    MOVED_FEWEST,
    SAME_AGAIN,
    VAMP,
    Loops,
    Remembered,
    Row,
    likeness,
    rows_of,
)
from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS

GRID = Grid()
C, F, G = Chord(0, 0), Chord(5, 0), Chord(7, 0)
ONE, OTHER, THIRD = (C,) * 8, (F,) * 8, (G,) * 8


def phrase(*pitches: int) -> Phrase:
    return Phrase.of(Grid(), [Note(4 * place, pitch, 90, 2) for place, pitch in enumerate(pitches)])


TUNE, ANSWER, BRIDGE = phrase(60, 62, 64, 65), phrase(67, 65, 64, 62), phrase(71, 73, 75, 78)


def learned(*played: tuple[Phrase, tuple[Chord, ...]]) -> Loops:
    loops = Loops(GRID)
    for cell, (one, chords) in enumerate(played):
        loops.learn(cell, one, chords)
    return loops


def test_likeness_is_of_steps_and_pitch_classes_without_drums() -> None:
    assert likeness(rows_of(TUNE), rows_of(TUNE.moved(12))) == 1
    assert likeness(rows_of(TUNE), rows_of(BRIDGE)) == 0
    assert likeness(frozenset(), frozenset()) == 0
    assert rows_of(Phrase.of(Grid(), [Note(0, 36, 90, 1, track=DRUMS)])) == frozenset()


def test_what_was_played_last_may_come_again_and_a_vamp_will() -> None:
    assert Loops(GRID).after(0).trust == 0
    loops = learned((TUNE, ONE))
    assert loops.after(0)[:2] == (ONE, SAME_AGAIN)
    loops.learn(1, TUNE, ONE)
    assert loops.after(1)[:2] == (ONE, VAMP)
    assert loops.after(7).trust == 0, "of a phrase that nobody played"


def test_what_followed_a_phrase_before_follows_it_again() -> None:
    loops = learned((TUNE, ONE), (ANSWER, OTHER), (TUNE, ONE))
    assert loops.after(2).chords == OTHER
    rows = sorted(rows_of(TUNE))[:FEWEST]
    assert loops.beyond(frozenset(rows), 8).chords == OTHER
    assert loops.beyond(frozenset(((0, 11), (4, 1))), 8).trust == 0


def test_a_phrase_is_known_by_its_beginning() -> None:
    loops = learned((TUNE, ONE), (ANSWER, OTHER))
    begun = frozenset(sorted(rows_of(TUNE))[:2])
    found = loops.foresee(2, begun, 8, [])
    assert found.chords == ONE
    assert found.trust > 0.9
    assert found.rows == rows_of(TUNE)
    assert loops.foresee(2, frozenset(((0, 11), (4, 1))), 8, []).trust == 0, "something new"
    anchor = Remembered(-1, rows_of(BRIDGE), THIRD)
    begun = frozenset(sorted(rows_of(BRIDGE))[:2])
    assert loops.foresee(2, begun, 8, [anchor]).chords == THIRD


def test_the_first_note_tells_that_it_is_not_the_phrase_that_was_expected() -> None:
    loops = learned((TUNE, ONE))
    assert loops.foresee(1, frozenset(), 0, []).chords == ONE
    assert loops.foresee(1, frozenset(((0, 0),)), 1, []).chords == ONE
    assert loops.foresee(1, frozenset(((1, 0),)), 2, []).chords == ONE, "a step late"
    assert loops.foresee(1, frozenset(((0, 6),)), 1, []).trust == 0
    assert loops.foresee(1, frozenset(((2, 0),)), 3, []).trust == 0


def test_a_phrase_without_chords_brings_none_and_one_note_is_no_phrase() -> None:
    loops = learned((TUNE, (None,) * 8))  # type: ignore[arg-type]
    assert loops.after(0).trust == 0
    loops.learn(1, phrase(60), ONE)
    assert loops.after(1).trust == 0


def test_a_phrase_that_comes_back_keeps_the_chords_that_it_had() -> None:
    loops = Loops(GRID)
    assert loops.learn(0, TUNE, ONE) == ONE
    assert loops.learn(1, BRIDGE, THIRD) == THIRD
    assert loops.learn(2, TUNE.moved(12), OTHER) == ONE
    assert loops.after(2).chords == THIRD


def test_a_phrase_in_another_key_brings_its_chords_there() -> None:
    loops = learned((TUNE, (C, F) * 4), (ANSWER, OTHER))
    far = TUNE.moved(6)
    begun = frozenset(sorted(rows_of(far))[:3])
    found = loops.foresee(2, begun, 12, [])
    assert found.chords == (Chord(6, 0), Chord(11, 0)) * 4
    assert found.rows == rows_of(far)
    assert loops.learn(2, far, THIRD) == found.chords
    assert loops.foresee(3, frozenset(sorted(rows_of(far))[:2]), 8, []).chords == found.chords, "known by now"


def test_two_notes_or_a_repeated_one_are_no_phrase_in_another_key() -> None:
    loops = learned((TUNE, ONE), (phrase(60, 60, 60, 60), OTHER))
    assert loops.foresee(2, frozenset(sorted(rows_of(TUNE.moved(6)))[:2]), 8, []).trust == 0
    assert loops.foresee(2, rows_of(phrase(66, 66, 66, 66)), 16, []).trust == 0


def test_a_bass_under_a_chord_moves_with_it() -> None:
    on_bass = Chord(0, 0, 4)
    loops = learned((TUNE, (on_bass,) * 8))
    assert loops.foresee(1, rows_of(TUNE.moved(2)), 16, []).chords == (Chord(2, 0, 6),) * 8


ROWS = st.frozensets(st.tuples(st.integers(0, 9), st.integers(0, 11)), max_size=12)


@given(ROWS, st.integers(0, 12), st.lists(ROWS, max_size=4))
def test_the_phrase_that_is_played_is_the_one_whose_beginning_is_likest(
    played: frozenset[Row], steps: int, phrases: list[frozenset[Row]]
) -> None:
    among = [Remembered(cell, rows, ONE) for cell, rows in enumerate(phrases)]
    begun = [likeness(played, frozenset(row for row in one.rows if row[0] < steps)) for one in among]
    best = Loops._best(played, steps, among)
    if best is None:
        assert not among
    else:
        assert best[0] == max(begun)
        assert best[1] is among[max(range(len(among)), key=lambda place: (begun[place], place))]


@given(ROWS, st.integers(1, 11), st.integers(1, 10))
def test_a_phrase_in_another_key_is_known_by_its_beginning(
    rows: frozenset[Row], semitones: int, steps: int
) -> None:
    loops = Loops(GRID)
    loops.learn(0, Phrase.of(Grid(), [Note(step, 60 + pitch, 90, 1) for step, pitch in rows]), ONE)
    played = frozenset((step, (pitch + semitones) % 12) for step, pitch in rows if step < steps)
    found = loops._moved(played, steps)
    if len(rows) < FEWEST or len({pitch for _, pitch in played}) < MOVED_FEWEST:
        assert found is None
    else:
        assert found is not None
        assert found[0] == 1
        assert frozenset(row for row in found[1].rows if row[0] < steps) == played


def test_phrases_of_another_grid_are_forgotten_and_those_that_come_late_not_remembered() -> None:
    loops = learned((TUNE, ONE))
    loops.lay_on(GRID)
    assert loops.after(0).chords == ONE
    loops.lay_on(Grid(1))
    assert not loops.after(0).chords
    assert loops.learn(1, TUNE, OTHER) == OTHER
    assert not loops.after(1).chords
