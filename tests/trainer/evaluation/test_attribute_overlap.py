"""How near a model's music lies to a performer's, attribute by attribute."""

import numpy as np
import pytest

from tests.fakes.players import Memory
from tests.fakes.synthetic import melody
from trainer.evaluation.attribute_overlap import drawn, overlap, overlaps

OLD = [melody(seed) for seed in range(24)]


PERFORMED = [melody(seed).moved(-5) for seed in range(100, 108)]


def test_overlap_is_one_for_the_same_and_none_for_what_is_apart() -> None:
    values = np.random.default_rng(0).standard_normal(200)
    assert overlap(values, values, least=0.1) == pytest.approx(1.0)
    assert overlap(values, values + 50, least=0.1) < 0.01
    near, far = (overlap(values, values + step, least=0.1) for step in (0.5, 2.0))
    assert 1 > near > far > 0
    assert overlaps(OLD, OLD, "melody")["mean"] == pytest.approx(1.0)
    assert overlaps(OLD, [p.moved(24) for p in OLD], "melody")["register"] < 0.1


def test_what_a_model_plays_is_drawn_from_its_prior_and_around_the_performer() -> None:
    found = drawn(Memory(), PERFORMED, 0, count=5)
    assert {name: len(phrases) for name, phrases in found.items()} == {"prior": 5, "drift": 5}
