import threading
from pathlib import Path

import numpy as np
import pytest

from model.checkpoint import read
from model.codecs.base import build
from model.grid import Grid
from model.play import open_player
from model.prior import held
from model.weigher import Weigher
from tests.trainer.synthetic import prepare
from trainer.dataset import load
from trainer.fit import run
from trainer.watch import Watch
from trainer.weigher import fit_weigher, learn

CONFIG = """
[model]
name = "tiny"
codec = "melody"
encoder = { kind = "patch", width = 8, depth = 1, heads = 2 }
bottleneck = { kind = "beats", size = 16 }
decoder = { kind = "patch", width = 8, depth = 1, heads = 2 }
[fit]
batch = 4
steps = 2
validation = 4
[prior]
minutes = 1
steps = 3
width = 8
heads = 2
depth = 1
draws = 40
"""


def test_the_odds_that_are_learned_are_those_of_the_densities() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((4000, 3)).astype(np.float32)
    real = (rng.standard_normal((6000, 3)) + np.eye(3)[0]).astype(np.float32)
    fitted = learn(drawn, real, seed=1)
    assert fitted.auc == pytest.approx(0.76, abs=0.04)  # of two normals, one deviation apart
    assert fitted.kept == pytest.approx(np.exp(-1.0), abs=0.12)
    points = np.array([[-0.5, 0, 0], [0.5, 0, 0], [1.5, 0, 0]], dtype=np.float32)
    assert Weigher(fitted.tensors).weigh(points).tolist() == pytest.approx([-1.0, 0.0, 1.0], abs=0.3)


def test_of_what_is_alike_nothing_is_learned() -> None:
    rng = np.random.default_rng(0)
    drawn, real = (rng.standard_normal((1500, 3)).astype(np.float32) for _ in range(2))
    fitted = learn(drawn, real, seed=1)
    assert fitted.auc == pytest.approx(0.5, abs=0.08)
    assert fitted.kept > 0.9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("weighed")
    (folder / "config.toml").write_text(CONFIG)
    prepared = prepare(folder / "data", "melody")
    return run(folder / "config.toml", prepared, folder / "run"), prepared


def test_fit_puts_it_into_the_checkpoint_and_draws_are_chosen_by_it(made: tuple[Path, Path]) -> None:
    path, _ = made
    checkpoint = read(path)
    assert 0.0 <= checkpoint.figures["weigher_auc"] <= 1.0
    flow = held(checkpoint.extras, 16)
    assert flow is not None
    each = int(checkpoint.extras["weigher/candidates"][0])
    assert 4 <= each <= 64
    candidates = flow.draw(3 * each, np.random.default_rng(3)).reshape(3, each, 16)
    player = open_player(path)
    drawn = np.stack([latent.z for latent in player.prior(3, seed=3)])
    for own, kept in zip(candidates, drawn, strict=True):
        assert (own == kept).all(1).any(), "a draw is one of its candidates"
    assert not np.array_equal(candidates[:, 0], drawn), "and not simply the first"
    np.testing.assert_array_equal(drawn, np.stack([latent.z for latent in player.prior(3, seed=3)]))
    assert player.prior(0) == []


def test_ended_early_it_leaves_the_checkpoint_playable_without(made: tuple[Path, Path]) -> None:
    path, prepared = made
    stop = threading.Event()
    stop.set()
    codec, phrases = build("melody", Grid()), load(prepared, "melody", "train")
    with Watch(path.parent, resume=True, quiet=True) as watch:
        fit_weigher(codec, phrases, path, draws=40, seed=1, watch=watch, stop=stop)
    assert not any(name.startswith("weigher/") for name in read(path).extras)
    assert len(open_player(path).prior(2)) == 2
