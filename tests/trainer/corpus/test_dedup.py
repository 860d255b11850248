"""Numbers that were met before, kept on disk."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.corpus.dedup import HashIndex, disk_errors

MOST = 2**64 - 1


def test_the_lowest_place_counts(tmp_path: Path) -> None:
    with HashIndex(tmp_path / "seen") as seen:
        assert seen.first(5) is None
        seen.add([5, MOST, 0, 2**63], 3)
        seen.add([5, 5], 1)
        assert [seen.first(number) for number in (5, MOST, 0, 2**63, 2**63 - 1)] == [1, 3, 3, 3, None]
    assert not list(tmp_path.iterdir())


@given(st.lists(st.frozensets(st.integers(0, 12).map(lambda n: MOST - n * 2**60)), max_size=8))
def test_what_places_share_is_counted(
    tmp_path_factory: pytest.TempPathFactory, places: list[frozenset[int]]
) -> None:
    with HashIndex(tmp_path_factory.mktemp("seen") / "seen") as seen:
        for place, given in enumerate(places):
            seen.add(given, place)
        found = {(one, other): count for one, other, count in seen.shared(3)}
    rare = {n for given in places for n in given if sum(n in other for other in places) <= 3}
    assert found == {
        (one, other): count
        for one in range(len(places))
        for other in range(one + 1, len(places))
        if (count := len(places[one] & places[other] & rare))
    }


def test_what_is_left_of_a_killed_run_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "seen").write_bytes(b"no database at all")
    with HashIndex(tmp_path / "seen") as seen:
        assert seen.first(1) is None


def test_a_full_disk_is_the_systems_fault(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file|unable to open"):
        HashIndex(tmp_path / "none" / "seen")
    with pytest.raises(OSError, match="disk is full") as caught, disk_errors():
        raise sqlite3.OperationalError("database or disk is full")
    assert caught.value.errno == 28
