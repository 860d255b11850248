"""The places of a bar: sixteenths and triplets, and what is asked about each."""

import pytest

from live.worker.listening.metrical_positions import (
    FIRST,
    FOUR_FOUR,
    OTHER,
    PARTS,
    SINCE,
    WITHIN,
    ahead,
    in_nearest,
    kind_of,
    near,
    number_of,
    places_of,
    quarters,
    share_of,
    since_of,
)
from model.music.metre import METRES


def test_a_beat_has_six_places_that_are_counted_through_the_bar() -> None:
    parts = [part for part in range(4 * PARTS) if part % PARTS in WITHIN]
    assert [number_of(part) for part in parts] == list(range(places_of(FOUR_FOUR)))


def test_a_distance_or_a_time_is_of_one_kind() -> None:
    assert [kind_of(parts) for parts in (0, 3, 4, 12, 13)] == [FIRST, 1, 5, 4, OTHER]
    kinds = [since_of(parts) for parts in range(1, 200)]
    assert kinds == sorted(kinds)
    assert set(kinds) == set(range(SINCE))


def test_a_share_is_told_only_from_onsets_enough() -> None:
    assert [share_of(*pair) for pair in ((0, 5), (0, 6), (1, 20), (4, 20), (10, 20))] == [0, 1, 2, 3, 4]


def test_the_places_ahead_end_with_the_first_far_enough() -> None:
    assert ahead(0, 7) == (3, 4, 6, 8)
    assert ahead(9, 3) == (3,)
    assert ahead(4, 1) == (2,)


def test_the_places_near_a_moment_lie_on_both_sides() -> None:
    assert near(0, 6) == (3, 4, 6, 8, 9)
    assert near(0, 2) == (3, 4, 6)


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("2/4", [0, 12]),
        ("3/4", [0, 12, 24]),
        ("4/4", [0, 12, 24, 36]),
        ("5/4", [0, 12, 12, 12, 36]),
        ("6/8", [0, 12, 24]),
        ("12/8", [0, 12, 24, 0, 12, 24]),
    ],
)
def test_quarters_of_another_bar_are_like_those_of_the_nearest(name: str, like: list[int]) -> None:
    metre = METRES[name]
    assert [in_nearest(quarter * PARTS, metre) for quarter in range(quarters(metre))] == like
