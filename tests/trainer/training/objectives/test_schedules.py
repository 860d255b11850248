"""What moves in the course of a run, and how."""

import numpy as np
import pytest

from trainer.settings import FitConfig
from trainer.training.objectives.schedules import beta, rate, true_share


@pytest.mark.parametrize(
    ("fit", "share", "weight"),
    [
        (FitConfig(beta=0.2, beta_start=0.1, ramp=0.5), 0.25, 0.15),
        (FitConfig(beta=0.2, beta_start=0.1, ramp=0.5), 0.75, 0.2),
        (FitConfig(beta=0.2, ramp=0.0), 0.0, 0.2),
        (FitConfig(beta=0.2, ramp=0.5, anneal="sigmoid"), 0.0, 0.0),
        (FitConfig(beta=0.2, ramp=0.5, anneal="sigmoid"), 0.25, 0.1),
        (FitConfig(beta=0.2, ramp=0.5, anneal="sigmoid"), 0.5, 0.2),
        (FitConfig(beta=0.2, ramp=0.5, anneal="cyclical", cycles=4), 0.0625, 0.1),
        (FitConfig(beta=0.2, ramp=0.5, anneal="cyclical", cycles=4), 0.2, 0.2),
        (FitConfig(beta=0.2, ramp=0.5, anneal="cyclical", cycles=4), 0.5, 0.0),
        (FitConfig(beta=0.2, ramp=0.5, anneal="cyclical", cycles=4), 1.0, 0.2),
    ],
)
def test_beta_rises_as_the_settings_say(fit: FitConfig, share: float, weight: float) -> None:
    assert beta(fit, share) == pytest.approx(weight)


@pytest.mark.parametrize("kind", ["linear", "sigmoid"])
def test_beta_never_falls_within_its_ramp(kind: str) -> None:
    fit = FitConfig(beta=0.3, beta_start=0.1, ramp=0.7, anneal=kind)
    weights = [beta(fit, share) for share in np.linspace(0, 1, 101)]
    assert weights == sorted(weights)
    assert weights[0] == pytest.approx(0.1)
    assert weights[-1] == pytest.approx(0.3)


def test_scheduled_sampling_is_the_inverse_sigmoid() -> None:
    assert true_share(FitConfig(), 10**9) == 1.0
    fit = FitConfig(scheduled_sampling=1000)
    assert true_share(fit, 0) == pytest.approx(1000 / 1001)
    # half of the steps are true where exp(step / k) = k
    assert true_share(fit, round(1000 * np.log(1000))) == pytest.approx(0.5, abs=1e-3)
    assert true_share(fit, 10**9) == 0.0


def test_the_rate_warms_up_and_falls_to_a_fiftieth() -> None:
    fit = FitConfig(warmup=10)
    assert rate(fit, 0, 0.0) == pytest.approx(0.1)
    assert rate(fit, 10, 0.0) == pytest.approx(1.0)
    assert rate(fit, 10, 1.0) == pytest.approx(0.02)
    assert rate(fit, 10, 7.0) == pytest.approx(0.02)
