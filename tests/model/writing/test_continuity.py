"""What a phrase shares with those before it."""

import numpy as np
import pytest

from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, DRUMS
from model.writing.continuity import HISTOGRAMS, NAMES, compared, sketch
from model.writing.wish import GRID

TUNE = Phrase.of(GRID, [Note(4 * i, 60 + (0, 2, 4, 5, 7, 5, 4, 2)[i], 80, 4) for i in range(8)])
GROOVE = Phrase.of(GRID, [Note(4 * i, 36 if i % 2 == 0 else 38, 100, 1, track=DRUMS) for i in range(8)])


def number(name: str, *candidates: Phrase, context: tuple[Phrase, ...] = (TUNE,)) -> list[float]:
    found = compared([sketch(one) for one in context], [sketch(one) for one in candidates])
    assert found.shape == (len(candidates), len(NAMES))
    assert np.isfinite(found).all()
    return [float(value) for value in found[:, NAMES.index(name)]]


def test_the_same_phrase_again_is_as_alike_as_can_be() -> None:
    for name in ("notes like the last", "rhythm like the likest", "bar least", "bar_line likest"):
        assert number(name, TUNE) == [1.0]
    assert number("outside the classes", TUNE) == [0.0]
    assert number("within the range", TUNE) == [1.0]


def test_another_key_shares_the_line_and_the_rhythm_but_not_the_notes() -> None:
    other = TUNE.moved(1)
    assert number("bar_line likest", other) == [1.0]
    assert number("rhythm like the last", other) == [1.0]
    same, away = number("classes by odds", TUNE, other)
    assert same > away
    assert number("outside the classes", other) == [pytest.approx(6 / 8)]


def test_an_octave_higher_keeps_the_classes_and_leaves_the_range() -> None:
    other = TUNE.moved(12)
    assert number("outside the classes", other) == [0.0]
    assert number("outside the pitches", other)[0] > 0.9
    assert number("within the range", other) == [0.0]
    assert number("mean away", other) == [pytest.approx(1.0)]


def test_the_phrase_before_the_last_counts_by_itself() -> None:
    other = Phrase.of(GRID, [Note(2 * i + 1, 80 + i, 80, 1) for i in range(8)])
    both = (TUNE, other)
    assert number("notes like the last", TUNE, context=both) == [0.0]
    assert number("notes like the one before it", TUNE, context=both) == [1.0]


def test_the_move_from_the_last_note() -> None:
    after = Phrase.of(GRID, [Note(0, 62, 80, 4)])
    assert number("the last note again", after) == [1.0]
    assert number("a step from the last note", after.moved(1)) == [1.0]
    assert number("move from the last note", after.moved(12)) == [1.0]


def test_drums_and_silence_are_compared_too() -> None:
    assert number("notes like the last", GROOVE, context=(GROOVE,)) == [1.0]
    assert number("notes like the last", Phrase(GRID), GROOVE, context=(GROOVE,))[0] == 0.0
    mixed = Phrase.of(GRID, [*TUNE.notes, *GROOVE.notes, Note(0, 36, 80, 16, track=BASS)])
    assert number("tracks alike", TUNE, context=(mixed,)) == [pytest.approx(1 / 3)]


def test_what_is_counted_is_what_there_is() -> None:
    counts = sketch(TUNE).counts
    assert set(counts) == set(HISTOGRAMS)
    assert counts["pitches"].sum() == 8
    assert counts["moves"].sum() == 7
    assert counts["turns"].sum() == 6
