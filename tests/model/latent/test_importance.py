import numpy as np
import pytest
from numpy.typing import NDArray

from model.latent.importance import FOLDER, ImportanceWeights, importance_weights_in


def tensors(*, nets: int = 1) -> dict[str, NDArray[np.float32]]:
    """Return networks that each say twice the first trait where it is above its mean, 3."""
    found = {
        "mean": np.array([3.0, 0.0], dtype=np.float32),
        "scale": np.array([0.5, 1.0], dtype=np.float32),
        "candidates": np.array([9.0], dtype=np.float32),
    }
    for number in range(nets):
        found[f"{number}.0.weight"] = np.array([[1.0, 0.0]], dtype=np.float32)
        found[f"{number}.0.bias"] = np.zeros(1, dtype=np.float32)
        found[f"{number}.1.weight"] = np.array([[2.0]], dtype=np.float32)
        found[f"{number}.1.bias"] = np.full(1, float(number), dtype=np.float32)
    return found


def test_the_networks_vote_on_standardised_features() -> None:
    features = np.array([[3.5, 9.0], [2.0, 9.0], [1000.0, 9.0]], dtype=np.float32)
    found = ImportanceWeights(tensors()).weigh(features).tolist()
    assert found == [2.0, 0.0, 10.0]  # 1, below, and as far as it goes
    assert ImportanceWeights(tensors(nets=3)).weigh(features).tolist() == [3.0, 1.0, 11.0]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="weighs 2 features, not 5"):
        ImportanceWeights(tensors()).weigh(np.zeros((1, 5), dtype=np.float32))
    broken = tensors()
    del broken["0.1.bias"]
    with pytest.raises(KeyError):
        ImportanceWeights(broken)
    with pytest.raises(ValueError, match="one draw of none"):
        ImportanceWeights({**tensors(), "candidates": np.zeros(1)})
    with pytest.raises(KeyError):
        ImportanceWeights({"mean": np.zeros(2), "scale": np.ones(2)})


def test_a_checkpoint_without_one_has_none() -> None:
    assert importance_weights_in({"prior/mean": np.zeros(3)}) is None
    found = importance_weights_in({f"{FOLDER}{name}": value for name, value in tensors().items()})
    assert found is not None
    assert (found.size, found.candidates) == (2, 9)


def test_of_more_than_sixteen_draws_none_is_kept() -> None:
    assert ImportanceWeights({**tensors(), "candidates": np.array([64.0])}).candidates == 16
