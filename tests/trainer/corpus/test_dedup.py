"""Numbers that were met before, in buckets on disk."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer.corpus.dedup import TURN, Buckets, bits_for, new_windows, shared

MOST = 2**64 - 1
SOME = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 1)), max_size=30
)  # turn, shape, which of the shape's windows


def kept_one_by_one(windows: list[tuple[int, int, int]]) -> set[int]:
    """Go through the splits in their turns, as a reader would."""
    exact: set[tuple[int, int]] = set()
    shapes: dict[int, int] = {}
    kept = set()
    for turn in range(3):
        for number, (side, shape, which) in enumerate(windows):
            if side == turn and (shape, which) not in exact and shapes.get(shape, turn) == turn:
                exact.add((shape, which))
                shapes[shape] = turn
                kept.add(number)
    return kept


def put(met: Buckets, windows: list[tuple[int, int, int]], first: int = 0) -> None:
    turn, shape, which = np.array(windows, dtype=np.int64).reshape(-1, 3).T
    number = (shape * (MOST // 3)).astype(np.uint64)
    met.add(number, number + which.astype(np.uint64), turn << TURN | np.arange(first, first + len(turn)))


@given(SOME)
def test_of_the_same_windows_one_is_kept_and_no_shape_on_two_sides(
    tmp_path_factory: object, windows: list[tuple[int, int, int]]
) -> None:
    met = Buckets(tmp_path_factory.mktemp("met") / "met")  # type: ignore[attr-defined]
    put(met, windows)
    kept = np.zeros(len(windows), dtype=bool)
    new_windows(met, kept)
    assert set(np.flatnonzero(kept).tolist()) == kept_one_by_one(windows)


@given(SOME, SOME)
def test_what_comes_later_takes_nothing_from_what_is_there(
    tmp_path_factory: object, before: list[tuple[int, int, int]], later: list[tuple[int, int, int]]
) -> None:
    met = Buckets(tmp_path_factory.mktemp("met") / "met")  # type: ignore[attr-defined]
    put(met, before)
    kept = np.zeros(len(before), dtype=bool)
    new_windows(met, kept)
    put(met, later, first=len(before))
    added = np.zeros(len(later), dtype=bool)
    new_windows(met, added, first=len(before))
    every = [*(before[n] for n in np.flatnonzero(kept)), *(later[n] for n in np.flatnonzero(added))]
    assert len({window[1:] for window in every}) == len(every)
    sides: dict[int, set[int]] = {}
    for side, shape, _ in every:
        sides.setdefault(shape, set()).add(side)
    assert all(len(found) == 1 for found in sides.values())
    assert {window[1:] for window in every} >= {window[1:] for window in before if window[0] == 0}


@given(
    st.lists(st.frozensets(st.integers(0, 12).map(lambda n: MOST - n * 2**60)), max_size=8), st.integers(0, 4)
)
def test_what_places_share_is_counted(
    tmp_path_factory: object, places: list[frozenset[int]], first: int
) -> None:
    met = Buckets(tmp_path_factory.mktemp("met") / "met")  # type: ignore[attr-defined]
    for place, numbers in enumerate(places):
        held = np.array(sorted(numbers), dtype=np.uint64)
        met.add(held, np.zeros_like(held), np.full(len(held), place))
    some = [
        pair
        for part in shared(met, 3, first=first)
        for pair in zip(*map(np.ndarray.tolist, part), strict=True)
    ]
    found = {(a, b): n for a, b, n in some}
    assert len(found) == len(some)
    rare = {n for numbers in places for n in numbers if sum(n in other for other in places) <= 3}
    assert found == {
        (a, b): n
        for a in range(len(places))
        for b in range(a + 1, len(places))
        if b >= first and (n := len(places[a] & places[b] & rare))
    }


def test_what_is_there_stays(tmp_path: Path) -> None:
    before = Buckets(tmp_path)
    before.add(np.array([5], dtype=np.uint64), np.array([1], dtype=np.uint64), np.array([3]))
    before.flush()
    assert [rows["place"].tolist() for rows in Buckets(tmp_path)] == [[3]]


def test_beside_what_came_since_lies_only_what_has_its_numbers(tmp_path: Path) -> None:
    before = Buckets(tmp_path)
    numbers = np.array([5, 6, MOST], dtype=np.uint64)
    before.add(numbers, np.zeros_like(numbers), np.array([0, 1, 2]))
    before.flush()
    later = Buckets(tmp_path)
    later.add(numbers[:1], np.zeros_like(numbers[:1]), np.array([3]))
    assert [sorted(rows["place"].tolist()) for rows in later.beside(3)] == [[0, 3]]


def test_few_files_lie_in_few_buckets_and_very_many_in_a_thousand(tmp_path: Path) -> None:
    assert [bits_for(files) for files in (10, 7_000, 100_000, 1_000_000, 10**9)] == [0, 3, 7, 10, 10]
    few = Buckets(tmp_path, 1)
    numbers = np.array([0, MOST // 2, MOST // 2 + 1, MOST], dtype=np.uint64)
    few.add(numbers, np.zeros_like(numbers), np.arange(4))
    assert [rows["place"].tolist() for rows in few] == [[0, 1], [2, 3]]
