import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.prior import FOLDER, Prior, held
from trainer.prior import Flow

SIZE, TOKENS = 12, 3


def tensors(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    torch.manual_seed(seed)
    flow = Flow(size=SIZE, tokens=TOKENS, width=8, depth=2, heads=2)
    torch.nn.init.normal_(flow.head.weight, std=0.3)
    place = {"mean": np.full(SIZE, 5.0, dtype=np.float32), "scale": np.full(SIZE, 0.5, dtype=np.float32)}
    return {**flow.tensors(), **place}


def test_numpy_solves_what_torch_was_fitted_to() -> None:
    torch.manual_seed(0)
    flow = Flow(size=SIZE, tokens=TOKENS, width=8, depth=2, heads=2)
    torch.nn.init.normal_(flow.head.weight, std=0.3)
    for weight in flow.parameters():
        weight.data = weight.data.half().float()  # as they are kept
    prior = Prior(tensors())
    x = np.random.default_rng(0).standard_normal((5, SIZE)).astype(np.float32)
    for t in (0.0, 0.37, 1.0):
        with torch.no_grad():
            wanted = flow(torch.from_numpy(x), torch.full((5,), t)).numpy()
        np.testing.assert_allclose(prior.velocity(x, t), wanted, rtol=1e-3, atol=1e-4)
        assert np.abs(wanted).max() > 0.05


def test_a_draw_depends_on_its_seed_alone() -> None:
    prior = Prior(tensors())
    first = prior.draw(3, np.random.default_rng(7))
    assert first.shape == (3, SIZE)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, prior.draw(3, np.random.default_rng(7)))
    assert not np.array_equal(first, prior.draw(3, np.random.default_rng(8)))
    assert prior.draw(0, np.random.default_rng(0)).shape == (0, SIZE)


def test_without_a_velocity_the_draws_are_normal_with_the_latents_mean_and_scale() -> None:
    still = tensors()
    for name in ("head.weight", "head.bias"):
        still[name] = np.zeros_like(still[name])
    drawn = Prior(still).draw(400, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(5.0, abs=0.05)
    assert drawn.std() == pytest.approx(0.5, abs=0.05)


def test_a_checkpoint_without_a_prior_has_none() -> None:
    assert held({"directions/mean": np.zeros(3)}, SIZE) is None


def test_a_prior_that_does_not_fit_is_told() -> None:
    extras = {f"{FOLDER}{name}": value for name, value in tensors().items()}
    assert held(extras, SIZE) is not None
    with pytest.raises(ValueError, match=f"draws latents of {SIZE}, the model has 5"):
        held(extras, 5)
    with pytest.raises(KeyError, match="enter"):
        held({name: value for name, value in extras.items() if "enter" not in name}, SIZE)
