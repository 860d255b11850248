import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from model.checkpoint import read
from model.play import open_player
from model.prior import Prior
from tests.trainer.runs import WITH_PRIOR
from tests.trainer.synthetic import prepare
from trainer import prior as room
from trainer.errors import FailureError, UsageError
from trainer.fit import run
from trainer.settings import PriorConfig
from trainer.settings import read as settings
from trainer.watch import Watch


def test_a_fitted_flow_draws_what_it_saw(tmp_path: Path) -> None:
    """Two far apart clusters: a normal prior would fill the gap between them."""
    rng = np.random.default_rng(0)
    side = rng.choice((-1.0, 1.0), 2000)[:, None]
    means = np.repeat(3.0 * side, 4, axis=1).astype(np.float16)
    noises = np.full_like(means, 0.2)
    mean, scale = room._standard(means, noises)
    assert scale == pytest.approx(np.hypot(means.std(0, dtype=np.float64), 0.2), rel=1e-3)
    torch.manual_seed(0)
    config = PriorConfig(minutes=1, steps=400, batch=128, learning_rate=3e-3, width=32, depth=2, heads=2)
    flow, kept = (room.Flow(size=4, tokens=2, width=32, depth=2, heads=2) for _ in range(2))
    kept.load_state_dict(flow.state_dict())
    data = tuple(map(torch.from_numpy, (means, noises, mean, scale)))
    with Watch(tmp_path, resume=False, quiet=True) as watch:
        loss = room._walk(flow, kept, data, config, watch=watch, stop=threading.Event())
    drawn = Prior({**kept.tensors(), "mean": mean, "scale": scale}).draw(300, np.random.default_rng(1))
    assert loss < 1.2
    assert (np.abs(drawn.mean(1)) > 2.0).mean() > 0.9
    assert 0.3 < (drawn.mean(1) > 0).mean() < 0.7
    assert drawn.std(1).mean() < 1.0


def still(value: float) -> tuple[torch.Tensor, ...]:
    """Return eight posteriors at one place."""
    return torch.full((8, 4), value), torch.zeros(8, 4), torch.zeros(4), torch.ones(4)


def test_a_signal_ends_it_with_what_it_has(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    flow, kept = (room.Flow(size=4, tokens=1, width=8, depth=1, heads=2) for _ in range(2))
    with Watch(tmp_path, resume=False, quiet=True) as watch:
        loss = room._walk(
            flow, kept, still(0.0), PriorConfig(minutes=5, width=8, heads=2), watch=watch, stop=stop
        )
    assert loss == 2.0


def test_a_loss_that_is_no_number_is_told(tmp_path: Path) -> None:
    flow, kept = (room.Flow(size=4, tokens=1, width=8, depth=1, heads=2) for _ in range(2))
    config = PriorConfig(minutes=5, width=8, heads=2)
    with (
        Watch(tmp_path, resume=False, quiet=True) as watch,
        pytest.raises(FailureError, match="no number at step 0"),
    ):
        room._walk(flow, kept, still(float("nan")), config, watch=watch, stop=threading.Event())


def test_a_prior_that_cannot_be_built_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    with pytest.raises(UsageError, match=r"prior.heads 2 do not divide prior.width 7"):
        settings(path, ["prior.width=7"])


def test_a_prior_without_an_encoder_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    with pytest.raises(UsageError, match=r"prior.minutes needs latents that an encoder finds"):
        settings(path, ["fit.objective=language", "model.decoder.kind=gru", "model.encoder.kind=none"])


def test_fit_puts_it_into_the_checkpoint_and_the_player_draws_from_it(tmp_path: Path) -> None:
    prepared = prepare(tmp_path / "data", "melody")
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    made = run(path, prepared, tmp_path / "run", overrides=["prior.draws=0"])
    checkpoint = read(made)
    assert "prior/enter.weight" in checkpoint.extras
    assert checkpoint.figures["prior_loss"] > 0
    player = open_player(made)
    drawn = player.prior(2, seed=3)
    wanted = Prior({n.removeprefix("prior/"): v for n, v in checkpoint.extras.items()})
    np.testing.assert_array_equal(drawn[0].z, wanted.draw(2, np.random.default_rng(3))[0])
    assert not any(name.startswith("weigher/") for name in checkpoint.extras)
