"""Which files are one song, and which side of the split a song lies on."""

import numpy as np
import pytest

from trainer.corpus.splits import (
    TEST_SIDE,
    TRAIN_SIDE,
    VALIDATION_SIDE,
    Unions,
    alike,
    fill_sides,
    place_of,
    side_of,
    split_songs,
)


@pytest.mark.parametrize("seed", range(20))
def test_every_codec_has_a_song_on_every_side_where_three_hold_it(seed: int) -> None:
    places = np.array([place_of(f"song {song}", seed) for song in range(30)])
    rare = np.zeros(30, dtype=bool)
    rare[[4, 9, 17]] = True
    sides = split_songs(places)
    assert set(sides.tolist()) == {TRAIN_SIDE, VALIDATION_SIDE, TEST_SIDE}
    fill_sides(sides, places, rare)
    assert set(sides[rare].tolist()) == {TRAIN_SIDE, VALIDATION_SIDE, TEST_SIDE}


def test_a_song_that_comes_later_lies_where_it_would_have_among_many() -> None:
    places = np.array([place_of(f"song {song}", 0) for song in range(500)])
    assert split_songs(places).tolist() == [side_of(place) for place in places]
    some = places.copy()
    some[::2] = np.nan  # the manifest says their sides
    assert split_songs(some)[1::2].tolist() == split_songs(places[1::2]).tolist()


def test_files_that_are_joined_are_one_song_numbered_by_its_first() -> None:
    joined = Unions(6)
    joined.join([(4, 1), (5, 4), (2, 3)])
    assert joined.songs().tolist() == [0, 1, 2, 2, 1, 1]


def test_a_quarter_of_the_shorter_melody_is_enough_and_less_is_not() -> None:
    one, other, count = np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([10, 9, 2])
    assert alike(one, other, count, np.array([100, 40, 37])) == [(0, 1)]
    assert alike(one[2:], other[2:], count[2:], np.array([0, 2, 5])) == [(1, 2)]  # all of what there is
