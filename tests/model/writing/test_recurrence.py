"""A bar of before comes back in the next phrase as often as in music, and the other bar is written to it."""

from collections import Counter

import pytest

from model.music.phrase import Note, Phrase
from model.writing.recurrence import RETURNS, with_recurrence
from model.writing.wish import BAR, GRID, STEPS, Kind, Wish

BEFORE = tuple(
    Phrase.of(GRID, [Note(step, 60 + 2 * number, 80, 4) for step in range(0, 32, 4)]) for number in range(5)
)
SEEDS = 4000


def bars(wish: Wish) -> tuple[int, int]:
    """Return which bar is fixed, and of which phrase, from the last one; (-1, 0) where none is."""
    if not wish.fixed.notes:
        return -1, 0
    assert wish.span in ((0, BAR), (BAR, STEPS), (BAR + BAR // 2, STEPS))
    assert not any(wish.span[0] <= note.onset < wish.span[1] for note in wish.fixed.notes)
    return wish.fixed.notes[0].onset // BAR, 5 - (wish.fixed.notes[0].pitch - 60) // 2


@pytest.mark.parametrize("kind", [Kind.MELODY, Kind.KEYBOARD])
def test_bars_come_back_as_often_as_in_music(kind: Kind) -> None:
    found = Counter(bars(with_recurrence(Wish(kind, context=BEFORE), seed)) for seed in range(SEEDS))
    for bar, shares in enumerate(RETURNS[kind]):
        for number, share in enumerate(shares, 1):
            assert found[bar, number] / SEEDS == pytest.approx(share, abs=0.012)
    assert found[-1, 0] / SEEDS == pytest.approx(1 - sum(map(sum, RETURNS[kind])), abs=0.03)


def test_what_comes_back_is_the_bar_alone() -> None:
    tied = Phrase.of(GRID, [Note(0, 60, 80, 8), Note(12, 62, 80, 8), Note(24, 64, 80, 8)])
    wishes = [with_recurrence(Wish(Kind.MELODY, context=(tied,)), seed) for seed in range(200)]
    ways = {wish.span: [(note.onset, note.length) for note in wish.fixed.notes] for wish in wishes}
    assert ways[BAR, STEPS] == [(0, 8), (12, 4)]
    assert ways[BAR + BAR // 2, STEPS] == [(0, 8), (12, 8)], "with the half of the next one"
    assert not any(bars(wish)[0] == 1 for wish in wishes), "one note is no figure"


def test_nothing_comes_back_into_another_scale_nor_where_something_is_fixed_or_nothing_was() -> None:
    strange = Wish(Kind.MELODY, context=BEFORE, scale=frozenset((1, 3, 5)))
    fixed = Wish(Kind.MELODY, context=BEFORE, fixed=BEFORE[0])
    for wish in (strange, fixed, Wish(Kind.MELODY), Wish(Kind.DRUMS, context=BEFORE)):
        assert all(with_recurrence(wish, seed) is wish for seed in range(200))
