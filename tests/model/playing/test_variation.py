"""Variation: as much of a phrase is left as the knob says, and turning it on undoes nothing."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.edits.recombination import recombined
from model.music.distance import position
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.playing.variation import course, inflected, note_f1

GRID = Grid()
STEPS = (0, 2, 4, 6, 8, 12, 14, 16, 20, 24, 26, 28)
PITCHES = (60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 72)
TUNE = Phrase.of(
    GRID,
    [
        Note(step, pitch, 60 + 4 * i, 2, 0.01 * i)
        for i, (step, pitch) in enumerate(zip(STEPS, PITCHES, strict=True))
    ],
)
NOTES = st.tuples(
    st.integers(0, 31),
    st.integers(40, 80),
    st.integers(1, 127),
    st.integers(1, 8),
    st.floats(-0.5, 0.5),
    st.integers(0, 3),
).map(lambda row: Note(*row))
PHRASES = st.lists(NOTES, max_size=24).map(lambda notes: Phrase.of(GRID, notes))


@pytest.mark.parametrize("amount", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
def test_what_is_left_is_one_less_the_amount(amount: float) -> None:
    for seed in range(12):
        way = course(TUNE, [recombined(TUNE, seed)], seed)
        assert note_f1(way.at(amount), TUNE) == pytest.approx(1 - amount, abs=0.05)


def test_at_nothing_it_is_the_phrase_and_at_one_the_alternative() -> None:
    other = recombined(TUNE, 3)
    way = course(TUNE, [other], 3)
    assert way.at(0.0) is TUNE
    assert [position(note) for note in way.at(1.0).notes] == [position(note) for note in other.notes]
    assert 0 < note_f1(way.at(0.85), TUNE) < 0.3


@settings(max_examples=60)
@given(PHRASES, PHRASES, st.lists(st.floats(0, 1), min_size=2, max_size=6), st.integers(0, 99))
def test_what_has_changed_stays_changed(one: Phrase, other: Phrase, amounts: list[float], seed: int) -> None:
    way = course(one, [other], seed)
    kept, coming = {position(note) for note in one.notes}, {position(note) for note in other.notes}
    before = way.at(0.0)
    for amount in sorted(amounts):
        after = way.at(amount)
        here, earlier = ({position(note) for note in phrase.notes} for phrase in (after, before))
        assert (here & kept) - coming <= earlier
        assert here <= kept | coming
        assert Phrase.of(GRID, after.notes) == after
        before = after


def test_the_first_beat_of_all_changes_last() -> None:
    way = course(TUNE, [recombined(TUNE, 5)], 5)
    first = [note for note in TUNE.notes if note.onset < 4]
    assert {position(note) for note in first} <= {position(note) for note in way.at(0.5).notes}


def test_what_is_new_comes_from_the_end_on_or_from_as_many_beats_before_it_as_is_said() -> None:
    other = TUNE.moved(1)
    for order, newest in ((0, 28), (2, 20)):
        first = course(TUNE, [other], order).at(0.1)
        changed = {note.onset for note in first.notes if position(note) not in set(map(position, TUNE.notes))}
        assert changed == {newest}
    half = course(TUNE, [other]).at(0.5)
    assert [note.pitch - old.pitch for note, old in zip(half.notes, TUNE.notes, strict=True)] == [0] * 6 + [
        1
    ] * 6


def test_beats_of_drums_change_in_an_order_of_the_seed_s_the_first_one_last() -> None:
    beats = [Note(step, 36, 90, 1, track=DRUMS) for step in range(0, 32, 4)]
    hits, other = Phrase.of(GRID, beats), Phrase.of(GRID, [hit._replace(pitch=38) for hit in beats])
    ways = [course(hits, [other], 0, seed).at(0.5) for seed in range(8)]
    assert len({tuple(note.pitch for note in way.notes) for way in ways}) > 4
    assert all(way.notes[0].pitch == way.notes[4].pitch == 36 for way in ways)


def test_what_is_new_is_played_as_the_phrase_was() -> None:
    swung = Phrase.of(
        GRID,
        [
            Note(step, 60 + step % 5, velocity, 2, 0.1, displacement=2 / 3 if step % 4 == 2 else 0.0)
            for first, velocity in ((0, 100), (16, 50))
            for step in range(first, first + 16, 2)
        ],
    )
    other = inflected(Phrase.of(GRID, [Note(step, 72, 1, 1) for step in (2, 8, 18, 30)]), swung)
    assert [note.velocity for note in other.notes] == [100, 100, 50, 50]
    assert [round(note.displacement, 2) for note in other.notes] == [0.67, 0, 0.67, 0.67]
    assert {note.offset for note in other.notes} == {0.1}


def test_a_line_stays_a_line_and_drums_have_no_voice() -> None:
    for seed in range(12):
        way = course(TUNE, [recombined(TUNE, seed)], seed)
        for amount in (0.2, 0.5, 0.8):
            notes = way.at(amount).notes
            assert all(one.onset + one.length <= two.onset for one, two in pairwise(notes))
    hits = Phrase.of(GRID, [Note(0, 36, 90, 1, 0.0, DRUMS)])
    both = Phrase.of(GRID, [*hits.notes, Note(0, 42, 90, 1, 0.0, DRUMS)])
    assert len(course(hits, [both], 0).at(1.0)) == 2


def test_the_f1_of_nothing_is_one() -> None:
    assert note_f1(Phrase(GRID), Phrase(GRID)) == 1.0
    assert note_f1(TUNE, Phrase(GRID)) == 0.0
    assert course(Phrase(GRID), [Phrase(GRID)], 0).at(0.5) == Phrase(GRID)


@pytest.mark.parametrize("seed", range(6))
def test_beyond_the_measured_part_less_is_left_the_further_it_goes(seed: int) -> None:
    another = [
        note if n % 5 == seed % 5 else note._replace(pitch=note.pitch + 1)
        for n, note in enumerate(TUNE.notes)
    ]
    beyond = Phrase.of(GRID, another)
    way = course(TUNE, [beyond], seed)
    assert [position(note) for note in way.at(1.0).notes] == [position(note) for note in beyond.notes]
    left = [note_f1(way.at(amount), TUNE) for amount in (0.7, 0.8, 0.9, 1.0)]
    assert left[0] == pytest.approx(0.3, abs=0.05)
    assert left == sorted(left, reverse=True)


def test_halfway_there_are_as_many_notes_as_at_both_ends() -> None:
    chords = Phrase.of(GRID, [Note(step, pitch, 80, 2) for step in range(0, 32, 4) for pitch in (60, 64)])
    strong = [Note(step, pitch, 80, 2) for step in (0, 2, 16, 18) for pitch in (48, 55, 62, 71)]
    way = course(chords, [Phrase.of(GRID, strong)], 1)
    for amount in (0.3, 0.5, 0.7):
        assert len(way.at(amount)) == len(chords)
        assert note_f1(way.at(amount), chords) == pytest.approx(1 - amount, abs=0.05)
