"""64-bit hashes of many sets of numbers at once."""

import numpy as np

from trainer.corpus.hashing import mixed, set_hashes


def test_sets_of_the_same_rows_have_one_hash_in_any_order_and_others_another() -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 128, (40, 3))
    again = rng.permutation(rows)
    more = np.concatenate((rows, rows[:1]))
    other = rows + np.eye(40, 3, dtype=np.int64)
    columns = np.concatenate((rows, again, more, other)).T
    first, second, third, fourth = set_hashes(tuple(columns), np.array([40, 40, 41, 40])).tolist()
    assert first == second
    assert len({first, third, fourth}) == 3


def test_an_empty_set_has_a_hash_too_and_negative_numbers_stay_apart() -> None:
    found = set_hashes((np.array([-1, 1]), np.array([0, 0])), np.array([0, 1, 1]))
    assert len(set(found.tolist())) == 3


def test_the_numbers_are_the_same_on_every_machine() -> None:
    assert mixed(np.array([0, 1], dtype=np.uint64)).tolist() == [0xE220A8397B1DCDAF, 0x910A2DEC89025CC1]
