"""A morph's way: decoded at even places, cut by what is audible."""

import numpy as np

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.playing.warp import WARP_STEPS, audible_lengths, decoded_way, even_places

GRID = Grid()


def late(place: float) -> Phrase:
    """Return four notes that move to other keys in the last quarter of the way."""
    moved = sum(place >= 0.75 + 0.06 * index for index in range(4))
    return Phrase.of(GRID, [Note(4 * i, 60 + i + (12 if i < moved else 0), 2, 80) for i in range(4)])


def test_a_way_is_decoded_at_even_places_a_turn_each() -> None:
    asked: list[float] = []

    def decode(place: float) -> Phrase:
        asked.append(place)
        return late(place)

    way = decoded_way(decode)
    assert asked == []
    assert next(way) == late(0.0)
    assert asked == [0.0]
    assert len([*way]) == WARP_STEPS
    assert asked == [step / WARP_STEPS for step in range(WARP_STEPS + 1)]


def test_steps_gather_where_something_is_heard() -> None:
    lengths = audible_lengths([*decoded_way(late)])
    assert len(lengths) == WARP_STEPS + 1
    assert (lengths[0], lengths[-1]) == (0.0, 1.0)
    places = even_places(lengths, 5)
    assert (places[0], places[-1]) == (0.0, 1.0)
    assert np.all(np.diff(places) > 0)
    assert places[1] > 0.5
