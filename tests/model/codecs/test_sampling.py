"""Sampling: what top-k and top-p leave is the same before a codec and inside a network; shares are drawn."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.codecs.sampling import Sampling, gumbel_max, restricted
from model.networks.heads.base import Chance, flip, pick

RULES = st.builds(Sampling, temperature=st.floats(0.3, 2), top_k=st.integers(0, 6), top_p=st.floats(0.05, 1))


def drawn(logits: np.ndarray, rules: Sampling, draw: object) -> np.ndarray:
    """Return what a network draws of logits [C] in many tries, [tries, ...]."""
    noise = torch.rand(3000, len(logits), generator=torch.Generator().manual_seed(0))
    many = torch.from_numpy(logits).expand(3000, -1)
    found: torch.Tensor = draw(many, Chance.of(rules, noise))  # type: ignore[operator]
    return found.numpy()


@given(st.lists(st.floats(-2, 2, width=32), min_size=2, max_size=6, unique=True), RULES)
def test_classes_that_a_network_draws_are_those_that_are_left(values: list[float], rules: Sampling) -> None:
    logits = np.array(values, dtype=np.float32)
    left = restricted({"pitch": logits}, rules)["pitch"]
    assert set(drawn(logits, rules, pick).tolist()) <= set(np.flatnonzero(left == logits).tolist())


@given(st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=6), RULES)
def test_switches_that_a_network_leaves_to_chance_are_those_that_are_left(
    values: list[float], rules: Sampling
) -> None:
    logits = np.array([value or 0.1 for value in values], dtype=np.float32)
    left = restricted({"hit": logits}, rules)["hit"]
    found = drawn(logits, rules, flip)
    for column, value in enumerate(left):
        if value != logits[column]:
            assert set(found[:, column].tolist()) == {bool(value > 0)}


def test_classes_are_drawn_by_their_share() -> None:
    logits = np.log(np.tile(np.array([1.0, 2.0, 7.0]), (20_000, 1))).astype(np.float32)
    shares = np.bincount(gumbel_max(logits, np.random.default_rng(0))) / 20_000
    assert shares.tolist() == pytest.approx([0.1, 0.2, 0.7], abs=0.015)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"temperature": -1.0}, "temperature is a number from 0 up, not -1"),
        ({"top_k": -1}, "top_k is a whole number"),
        ({"top_p": 0.0}, "top_p lies above 0"),
    ],
)
def test_numbers_out_of_range_are_refused(rules: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Sampling(**rules)  # type: ignore[arg-type]
