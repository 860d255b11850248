"""Music that measures what an answer does."""

import numpy as np

from benchmarks.knob_ends import alike

MUSIC = np.array([[1.0, 9.0], [1.01, 1.0], [1.02, 5.0], [5.0, 1.0], [9.0, 1.0]])


def test_each_answer_has_a_phrase_of_its_measure_and_none_twice() -> None:
    answers = np.array([[1.0, 1.0]] * 4 + [[5.0, 1.0]])
    found = [*alike(answers, MUSIC, 0, np.array([1.0, 0.0]))]
    assert found == [(0, 0), (1, 1), (2, 2), (4, 3)]


def test_of_those_the_one_that_is_nearest_in_all_may_be_wanted() -> None:
    assert [*alike(np.array([[1.0, 1.0]]), MUSIC, 0, np.ones(2))] == [(0, 1)]
