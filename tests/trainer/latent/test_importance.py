import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.checkpoint import read, write
from model.codecs.registry import build
from model.latent.importance import ImportanceWeights
from model.latent.note_transformer import note_transformer_in
from model.music.grid import Grid
from model.playing.load import open_player
from tests.fakes.runs import WITH_PRIOR
from tests.fakes.synthetic import prepare
from trainer.data.dataset import load
from trainer.latent.importance import fit_importance_weights, learn
from trainer.latent.prior import fit_prior
from trainer.run.progress import RunLog
from trainer.settings import PriorConfig
from trainer.settings import read as settings
from trainer.training.fit import run, shares

Made = tuple[Path, Path]  # the checkpoint, the prepared folder


def test_the_odds_that_are_learned_are_those_of_the_densities() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((4000, 3)).astype(np.float32)
    real = (rng.standard_normal((6000, 3)) + np.eye(3)[0]).astype(np.float32)
    fitted = learn(drawn, real, seed=1)
    assert fitted.auc == pytest.approx(0.76, abs=0.04)  # of two normals, one deviation apart
    assert fitted.effective == pytest.approx(np.exp(-1.0), abs=0.12)
    points = np.array([[-0.5, 0, 0], [0.5, 0, 0], [1.5, 0, 0]], dtype=np.float32)
    assert ImportanceWeights(fitted.tensors).weigh(points).tolist() == pytest.approx(
        [-1.0, 0.0, 1.0], abs=0.3
    )


def test_of_what_is_alike_nothing_is_learned() -> None:
    rng = np.random.default_rng(0)
    drawn, real = (rng.standard_normal((1500, 3)).astype(np.float32) for _ in range(2))
    fitted = learn(drawn, real, seed=1)
    assert fitted.auc == pytest.approx(0.5, abs=0.08)
    assert fitted.effective > 0.9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("weighed")
    (folder / "config.toml").write_text(WITH_PRIOR)
    prepared = prepare(folder / "data", "melody")
    return run(folder / "config.toml", prepared, folder / "run"), prepared


def test_fit_puts_it_into_the_checkpoint_and_draws_are_chosen_by_it(made: Made) -> None:
    path, _ = made
    checkpoint = read(path)
    assert 0.0 <= checkpoint.figures["weigher_auc"] <= 1.0
    player = open_player(path)
    writer = note_transformer_in(checkpoint.extras, player.card.grid)
    assert writer is not None
    each = int(checkpoint.extras["weigher/candidates"][0])
    assert 4 <= each <= 64
    written = writer.draw(3 * each, np.random.default_rng(3))
    candidates = np.stack([player.encode(phrase).z for phrase in written]).reshape(3, each, 16)
    drawn = np.stack([latent.z for latent in player.prior(3, seed=3)])
    for choices, draw in zip(candidates, drawn, strict=True):
        assert (choices == draw).all(1).any(), "a draw is one of its candidates"
    assert not np.array_equal(candidates[:, 0], drawn), "and not simply the first"
    np.testing.assert_array_equal(drawn, np.stack([latent.z for latent in player.prior(3, seed=3)]))
    assert player.prior(0) == []


def test_ended_early_it_leaves_the_checkpoint_as_it_was(made: Made) -> None:
    path, prepared = made
    stop = threading.Event()
    stop.set()
    codec, phrases = build("melody", Grid()), load(prepared, "melody", "train")
    before = path.read_bytes()
    with RunLog(path.parent, resume=True, quiet=True) as run_log:
        fit_importance_weights(codec, phrases, path, draws=40, seed=2, run_log=run_log, stop=stop)
    assert path.read_bytes() == before
    assert any(name.startswith("weigher/") for name in read(path).extras)


@pytest.mark.parametrize(("weighed", "how"), [(True, "weighed as before"), (False, "not weighed")])
def test_without_time_nothing_is_learned(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, weighed: bool, how: str
) -> None:
    trained, prepared = made
    checkpoint, path = read(trained), tmp_path / trained.name
    extras = {n: value for n, value in checkpoint.extras.items() if weighed or not n.startswith("weigher/")}
    write(replace(checkpoint, extras=extras), path)
    codec, phrases = build("melody", Grid()), load(prepared, "melody", "train")
    before = path.read_bytes()
    with RunLog(tmp_path) as run_log:
        fit_importance_weights(
            codec, phrases, path, draws=40, seed=1, run_log=run_log, stop=threading.Event(), seconds=0
        )
    assert f"are {how}: there was no time" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_new_prior_has_no_weights_of_the_old_one(made: Made, tmp_path: Path) -> None:
    path, prepared = made
    copy = Path(shutil.copy(path, tmp_path))
    codec, phrases = build("melody", Grid()), load(prepared, "melody", "train")
    config = PriorConfig(minutes=1, steps=1, width=8, depth=1, heads=2)
    with RunLog(tmp_path, quiet=True) as run_log:
        fit_prior(codec, phrases, phrases, copy, config, seed=5, run_log=run_log, stop=threading.Event())
    extras = read(copy).extras
    assert any(name.startswith("prior/") for name in extras)
    assert not any(name.startswith("weigher/") for name in extras)


def test_a_limit_for_all_is_divided_as_the_configuration_divides_its_minutes(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR.replace("[fit]", "[fit]\nminutes = 3"))
    configuration = settings(path, [])
    assert shares(configuration, None) == (3, None)
    assert shares(configuration, 80.0) == (60.0, 20.0)
    assert shares(configuration, 8.0) == pytest.approx((7.2, 0.8))  # a tenth of a short run at most
    path.write_text(WITH_PRIOR)
    assert shares(settings(path, []), 80.0) == (40.0, 40.0)
    path.write_text(WITH_PRIOR.replace("minutes = 1", "minutes = 0"))
    assert shares(settings(path, []), 8.0) == (8.0, None)


def test_a_limited_run_ends_with_a_prior_in_the_time_it_had(made: Made, tmp_path: Path) -> None:
    _, prepared = made
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    extras = read(run(path, prepared, tmp_path / "run", max_minutes=0.001)).extras
    assert any(name.startswith("prior/") for name in extras)
    assert not any(name.startswith("weigher/") for name in extras)
