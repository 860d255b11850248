import numpy as np
import pytest

from model.latent.directions import KNOTS, Directions, directions_in


def directions(size: int = 4) -> Directions:
    knots = np.linspace(-1, 1, KNOTS, dtype=np.float32)
    vectors = np.eye(2, size, dtype=np.float32)
    return Directions(
        ("density", "range"), vectors, np.stack((knots, knots)), np.stack((2 * knots, 3 * knots))
    )


def test_a_latent_moves_by_the_calibrated_way_and_no_further() -> None:
    found, z = directions(), np.ones(4, dtype=np.float32)
    np.testing.assert_allclose(found.moved(z, {"density": 0.5}), [2, 1, 1, 1])
    np.testing.assert_allclose(found.moved(z, {"density": -0.5, "range": 9.0}), [0, 4, 1, 1])
    np.testing.assert_array_equal(found.moved(z, {"register": 1.0, "range": 0.0}), z)
    np.testing.assert_array_equal(z, 1)


def test_directions_go_through_tensors_and_what_does_not_fit_is_refused() -> None:
    found = directions()
    tensors = found.tensors()
    again = directions_in(tensors | {"prior/x": np.zeros(1)}, 4)
    assert again is not None
    assert again.names == found.names
    np.testing.assert_array_equal(again.ways, found.ways)
    assert directions_in({}, 4) is None
    with pytest.raises(ValueError, match="do not fit a latent of 5"):
        directions_in(tensors, 5)
    del tensors["directions/ways"]
    with pytest.raises(ValueError, match="incomplete"):
        directions_in(tensors, 4)
