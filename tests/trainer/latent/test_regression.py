import numpy as np
import pytest

from model.latent.directions import KNOTS
from trainer.latent.regression import along_pattern, along_weights, calibrated, orthogonal, regress

RNG = np.random.default_rng(0)


def linear(count: int = 400, size: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two attributes that overlap: weights, z and values."""
    weights = np.array([[1.0, 1.0, 0, 0, 0, 0], [0, 1.0, 1.0, 0, 0, 0]])[:, :size]
    z = RNG.standard_normal((count, size))
    z[:, 3] += 0.9 * z[:, 0]  # dimensions that move together
    return weights, z, z @ weights.T + 0.05 * RNG.standard_normal((count, 2))


def test_a_regression_finds_the_lines_and_says_how_well() -> None:
    weights, z, values = linear()
    found = regress(z, values)
    np.testing.assert_allclose(found.weights, weights, atol=0.05)
    assert (found.fits > 0.99).all()
    noise = regress(z, RNG.standard_normal((len(z), 1)))
    assert noise.fits[0] < 0.1


def test_each_candidate_moves_its_regression_by_one_and_the_orthogonal_ones_no_other() -> None:
    _, z, values = linear()
    found = regress(z, values)
    for made in (along_weights(found), along_pattern(found)):
        np.testing.assert_allclose(np.diag(made @ found.weights.T), 1.0, atol=1e-6)
        assert abs((made @ found.weights.T)[0, 1]) > 0.2
    for likely in (False, True):
        seen = orthogonal(found, likely=likely, ridge=1e-9) @ found.weights.T
        np.testing.assert_allclose(seen, np.eye(2), atol=1e-5)


def test_the_likely_step_goes_along_with_what_moves_together() -> None:
    _, z, values = linear()
    found = regress(z, values)
    assert abs(along_weights(found)[0, 3]) < 0.1 < along_pattern(found)[0, 3]


def test_calibration_makes_equal_turns_equal_changes() -> None:
    lengths = np.linspace(-2, 2, 13)
    changes = np.sign(lengths) * lengths**2 / 2  # slow at first, then quick
    mapped = calibrated(lengths, changes)
    assert mapped is not None
    even, ways = mapped
    assert len(even) == len(ways) == KNOTS
    assert (even[0], even[-1]) == pytest.approx((-2.0, 2.0))
    assert even[KNOTS // 2] == ways[KNOTS // 2] == 0.0
    np.testing.assert_allclose(np.sign(ways) * ways**2 / 2, even, atol=0.06)


def test_what_falls_again_or_never_rises_is_not_on_the_map() -> None:
    lengths = np.linspace(-3, 3, 7)
    hill = calibrated(lengths, np.array([-1.0, -2, -1, 0, 1, 2, 1]))
    assert hill is not None
    assert max(abs(hill[1])) < 3
    assert calibrated(lengths, np.zeros(7)) is None
    assert calibrated(lengths, -lengths) is None
    up = calibrated(lengths, np.maximum(lengths, 0.0))
    assert up is not None
    assert up[0][0] == 0.0
