"""Lateness: the last few hundred exactly, the whole set to one percent."""

from hypothesis import given
from hypothesis import strategies as st

from live.timing.lateness import LAST, Lateness


def counted(values: list[int]) -> Lateness:
    lateness = Lateness()
    for value in values:
        lateness.add(value)
    return lateness


@given(st.lists(st.integers(-(10**6), 10**9), max_size=LAST))
def test_the_last_ones_are_ranked_exactly(values: list[int]) -> None:
    late = counted(values).recent()
    assert late.number == len(values)
    if values:
        assert late.worst == max(values) / 1e3
        assert late.p50 <= late.p99 <= late.worst
        assert sum(value / 1e3 <= late.p50 for value in values) >= len(values) / 2
        assert sum(value / 1e3 > late.p99 for value in values) <= len(values) * 0.01 + 1


@given(st.lists(st.integers(-(10**6), 10**9), min_size=1, max_size=2000))
def test_the_whole_set_is_ranked_to_one_percent(values: list[int]) -> None:
    late = counted(values).whole()
    ranked = sorted(max(0, value) for value in values)
    assert late.number == len(values)
    assert late.worst == ranked[-1] / 1e3
    for share, found in ((0.5, late.p50), (0.99, late.p99)):
        exact = ranked[min(len(ranked) - 1, int(share * len(ranked)))] / 1e3
        assert abs(found - exact) <= 0.011 * exact + 0.002


def test_the_whole_set_goes_back_farther_than_the_last_ones() -> None:
    late = counted([5_000_000] * 900 + [1_000] * LAST)
    assert late.recent().worst == 1.0
    assert late.whole().worst == 5000.0
    assert late.whole().p50 > 4900


def test_nothing_counted_is_zero() -> None:
    assert counted([]).recent() == counted([]).whole() == (0, 0.0, 0.0, 0.0)
