"""Mutes: a solo lies over what is muted by hand, and gives it back exactly."""

from hypothesis import given
from hypothesis import strategies as st

from live.jam.parts.mutes import Mutes, mutes_of

TRACK = st.integers(0, 3)
MUTED = st.frozensets(TRACK)


@given(MUTED, st.lists(TRACK, min_size=1))
def test_a_solo_that_ends_brings_back_what_played_before_it(muted: frozenset[int], parts: list[int]) -> None:
    mutes = Mutes(muted)
    for part in parts:
        mutes = mutes.soloed(part)
        assert mutes.alone is None or mutes.left_out == {0, 1, 2, 3} - {mutes.alone}
    if mutes.alone is not None:
        mutes = mutes.soloed(mutes.alone)
    assert mutes == Mutes(muted)


@given(MUTED, TRACK, TRACK)
def test_a_part_that_is_brought_in_beside_a_solo_plays_and_no_other(
    muted: frozenset[int], alone: int, part: int
) -> None:
    before = Mutes(muted).soloed(alone)
    after = before.toggled(part)
    assert after.alone is None
    assert after.left_out ^ before.left_out == {part}


@given(MUTED, st.none() | TRACK)
def test_mutes_are_remembered_as_they_are(muted: frozenset[int], alone: int | None) -> None:
    mutes = Mutes(muted, alone)
    assert mutes_of(sorted(mutes.muted), mutes.solo) == mutes


def test_a_part_that_nobody_knows_plays_alone_nowhere() -> None:
    assert mutes_of([1], "tuba") == Mutes(frozenset((1,)))
