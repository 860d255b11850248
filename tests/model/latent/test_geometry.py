"""Geometry: arcs and lines between latents, and points along a way."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.latent.geometry import Latent, LatentMismatchError, between, blend, slerp, way_lengths

VECTORS = arrays(np.float32, 4, elements=st.floats(-3, 3, width=32))
SHARES = st.floats(0, 1)


@given(VECTORS, VECTORS, SHARES)
def test_an_arc_ends_in_its_points_and_keeps_between_their_norms(
    a: np.ndarray, b: np.ndarray, t: float
) -> None:
    np.testing.assert_allclose(slerp(a, b, 0.0), a, atol=1e-4)
    np.testing.assert_allclose(slerp(a, b, 1.0), b, atol=1e-4)
    assert np.linalg.norm(slerp(a, b, t)) <= max(np.linalg.norm(a), np.linalg.norm(b)) + 1e-3


def test_a_quarter_turn_goes_through_the_middle() -> None:
    east, north = np.array([2, 0], dtype=np.float32), np.array([0, 2], dtype=np.float32)
    np.testing.assert_allclose(slerp(east, north, 0.5), np.sqrt([2, 2]), atol=1e-6)


def test_attributes_go_linearly_and_the_ends_are_the_latents_themselves() -> None:
    a = Latent("m", np.array([1, 0], dtype=np.float32), {"density": 1.0})
    b = Latent("m", np.array([0, 1], dtype=np.float32), {"density": 3.0})
    assert between(a, b, 0) is a
    assert between(a, b, 1) is b
    assert between(a, b, 0.25).attributes == {"density": 1.5}


def test_latents_of_two_models_are_not_mixed() -> None:
    z = np.zeros(2, dtype=np.float32)
    with pytest.raises(LatentMismatchError):
        blend((Latent("one", z), Latent("other", z)), (0.5, 0.5))


@given(st.lists(st.floats(0, 10), min_size=1, max_size=20))
def test_a_way_rises_from_nothing_to_all(distances: list[float]) -> None:
    way = way_lengths(distances)
    assert len(way) == len(distances) + 1
    assert (way[0], way[-1]) == (0.0, 1.0)
    assert all(b > a for a, b in pairwise(way))
