"""Endings: a phrase that comes to rest is worth more than one that runs into the bar line."""

from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.writing.line_endings import closes
from model.writing.wish import GRID


def ending(onset: int, length: int) -> Phrase:
    return Phrase.of(GRID, [Note(0, 67, 80, 2), Note(onset, 60, 80, length)])


def test_what_comes_to_rest_is_worth_more() -> None:
    running, long, resting = ending(30, 2), ending(22, 10), ending(22, 4)
    assert closes(running) < 0 < closes(long) < closes(resting)


def test_of_what_has_no_line_nothing_is_said() -> None:
    assert closes(Phrase.of(GRID, [Note(0, 36, 90, 1, track=DRUMS)])) == 0.0
    assert closes(Phrase(GRID)) == 0.0
