"""Resuming: a run that is stopped at any step and goes on is, to the bit, the run that was not."""

import json
import shutil
import threading
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from model.codecs.registry import build
from model.music.grid import Grid
from model.networks.vae import VAE
from model.version import VERSION
from tests.fakes.runs import LANGUAGE, STEPWISE, assert_equal, bare, state, stopped
from tests.fakes.synthetic import TINY, prepare
from trainer.data import edit_pairs
from trainer.data.dataset import load
from trainer.errors import OperationError, RequestError
from trainer.settings import FitConfig
from trainer.training import loop
from trainer.training.fit import run
from trainer.training.loop import TrainingLoop
from trainer.training.objectives.base import MODEL, Batch, Loss, Moment, Objective
from trainer.training.objectives.elbo import Elbo
from trainer.training.resume import origin_in
from trainer.training.role import TrainedRole
from trainer.training.step_timer import StepTimer

STEPS = "fit.steps=20"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)


def both(tmp_path: Path, text: str, codec: str, overrides: list[str]) -> tuple[Path, Path]:
    """Run 20 steps, and 11 and 9; return the two folders."""
    data = prepare(tmp_path / "data", codec, train=20)
    chosen = tmp_path / "tiny.toml"
    chosen.write_text(text)
    run(chosen, data, tmp_path / "whole", overrides=[STEPS, *overrides])
    with pytest.MonkeyPatch.context() as patch:
        stopped(patch, 11)
        run(chosen, data, tmp_path / "parts", overrides=[STEPS, *overrides])
    assert facts(tmp_path / "parts")["step"] == 11
    run(chosen, data, tmp_path / "parts", resume=True, overrides=[STEPS, *overrides])
    return tmp_path / "whole", tmp_path / "parts"


def facts(folder: Path) -> dict[str, object]:
    with safe_open(folder / "resume.state", framework="numpy") as file:
        found: dict[str, object] = json.loads(file.metadata()["facts"])
    return found


@pytest.mark.parametrize(
    ("text", "codec", "overrides"),
    [
        (TINY["poly"], "poly", []),
        (TINY["melody"], "melody", ["fit.accumulate=3", "fit.batch=4", "fit.rotate=0.3"]),
        (STEPWISE, "melody", []),
        (LANGUAGE, "melody", ["fit.word_dropout=0.1"]),
        (TINY["melody"], "melody", ["fit.precision=float16"]),
    ],
    ids=["elbo", "accumulate", "step by step", "language", "gradient scaler"],
)
def test_eleven_steps_and_nine_are_twenty(
    tmp_path: Path, text: str, codec: str, overrides: list[str]
) -> None:
    whole, parts = both(tmp_path, text, codec, overrides)
    assert_equal(whole, parts)
    apart = ("seconds", "origin")  # the one holds a date
    assert {k: v for k, v in facts(whole).items() if k not in apart} == {
        k: v for k, v in facts(parts).items() if k not in apart
    }
    assert origin_in(whole).data == origin_in(parts).data != ""


def test_the_scalers_scale_is_saved(tmp_path: Path) -> None:
    whole, _ = both(tmp_path, TINY["melody"], "melody", ["fit.precision=float16"])
    scaler = facts(whole)["scalers"]
    assert isinstance(scaler, dict)
    assert scaler[MODEL]["_growth_tracker"] > 0


class Judged(Elbo):
    """An ELBO with a network of its own beside it, and a running mean."""

    uses_edits: ClassVar[bool] = False

    def __init__(self, net: VAE, fit: FitConfig) -> None:
        super().__init__(net, fit)
        self.networks = nn.ModuleDict({"judge": nn.Linear(net.config.latent_size, 1)})
        self.mean = torch.zeros(())

    def optimiser(self, role: str) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.networks[role].parameters(), lr=1e-2)

    def rounds(self, moment: Moment) -> tuple[str, ...]:
        return ("judge", "judge", MODEL)

    def loss(self, role: str, batch: Batch, moment: Moment) -> Loss:
        if role == MODEL:
            assert not any(p.requires_grad for p in self.networks["judge"].parameters())
            return super().loss(role, batch, moment)
        assert not any(p.requires_grad for p in self.net.parameters())
        score: Tensor = self.networks["judge"](self.net.encode(batch.arrays)[0]).square().mean()
        self.mean = 0.9 * self.mean + 0.1 * score.detach()
        return Loss(score, {"judge": score})

    def state(self) -> dict[str, Tensor]:
        return {"mean": self.mean.reshape(1)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.mean = state["mean"].reshape(())


def test_an_objectives_networks_and_state_are_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(net: VAE, fit: FitConfig) -> Objective:
        return Judged(net, fit)

    monkeypatch.setattr(loop, "build", judged)
    whole, parts = both(tmp_path, TINY["melody"], "melody", [])
    assert_equal(whole, parts)
    assert {"judge/net/weight", "judge/optimiser/0/exp_avg", "objective/mean"} <= state(whole).keys()


def test_a_look_in_between_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOOKS", 0.0)
    data = prepare(tmp_path / "data", "melody", train=20)
    chosen = tmp_path / "tiny.toml"
    chosen.write_text(STEPWISE)
    run(chosen, data, tmp_path / "rare", overrides=["fit.steps=6"])
    run(chosen, data, tmp_path / "often", overrides=["fit.steps=6", "fit.interval=1e-9"])
    assert_equal(tmp_path / "rare", tmp_path / "often")
    assert len((tmp_path / "often" / "log.jsonl").read_text().splitlines()) > 3


def test_a_state_that_does_not_fit_is_refused_in_one_sentence(tmp_path: Path) -> None:
    data = prepare(tmp_path / "data", "melody", train=8)
    chosen = tmp_path / "tiny.toml"
    chosen.write_text(STEPWISE)
    run(chosen, data, tmp_path / "run", overrides=["fit.steps=1"])
    other = tmp_path / "other.toml"
    other.write_text(LANGUAGE)
    with pytest.raises(OperationError, match=r"another model; resume with the same \[model\]"):
        run(other, data, tmp_path / "run", resume=True)
    state = (tmp_path / "run" / "resume.state").read_bytes()
    for cut in (0, 100, len(state) // 2):
        (tmp_path / "run" / "resume.state").write_bytes(state[:cut])
        with pytest.raises(OperationError, match="is damaged"):
            run(chosen, data, tmp_path / "run", resume=True)


def test_a_run_of_another_objective_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepare(tmp_path / "data", "melody", train=8)
    chosen = tmp_path / "tiny.toml"
    chosen.write_text(STEPWISE)
    run(chosen, data, tmp_path / "run", overrides=["fit.steps=1"])
    monkeypatch.setattr("trainer.settings._contradictions", lambda _settings: iter(()))
    with pytest.raises(RequestError, match=r"objective 'elbo', not 'language'"):
        run(chosen, data, tmp_path / "run", resume=True, overrides=["fit.objective=language"])


def test_a_precision_that_was_chosen_by_its_speed_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.run.device._multiplies_bfloat16_fast", lambda: True)
    seconds = {torch.float32: 2.0, torch.bfloat16: 1.0}
    monkeypatch.setattr(TrainedRole, "timed", lambda _self, _batch, _moment, kind: seconds[kind])
    data = prepare(tmp_path / "data", "melody", train=8)
    chosen = tmp_path / "tiny.toml"
    chosen.write_text(STEPWISE.replace('"float32"', '"auto"'))
    run(chosen, data, tmp_path / "run", overrides=["fit.steps=1"])
    assert facts(tmp_path / "run")["kind"] == "bfloat16"
    seconds[torch.bfloat16] = 3.0  # the machine is busy with something else by now
    run(chosen, data, tmp_path / "run", resume=True, overrides=["fit.steps=2"])
    assert facts(tmp_path / "run")["kind"] == "bfloat16"
    run(chosen, data, tmp_path / "other", overrides=["fit.steps=1"])
    assert facts(tmp_path / "other")["kind"] == "float32"


def test_timing_a_precision_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepare(tmp_path / "data", "melody", train=8)
    chosen = tmp_path / "tiny.toml"
    chosen.write_text(STEPWISE)
    run(chosen, data, tmp_path / "chosen", overrides=["fit.steps=3"])
    monkeypatch.setattr("trainer.run.device._multiplies_bfloat16_fast", lambda: True)
    timed = StepTimer.precision
    monkeypatch.setattr(StepTimer, "precision", lambda self: (timed(self), "float32")[1])
    run(chosen, data, tmp_path / "timed", overrides=["fit.steps=3", "fit.precision=auto"])
    assert_equal(tmp_path / "chosen", tmp_path / "timed")


def test_what_a_resumed_run_waits_for_phrases_is_a_share_of_its_own_sitting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = prepare(tmp_path / "data", "melody", train=8)
    chosen, out = tmp_path / "tiny.toml", tmp_path / "run"
    chosen.write_text(TINY["melody"])
    run(chosen, data, out, overrides=["fit.steps=2"])
    begun: list[tuple[float, float]] = []

    def train(self: TrainingLoop, *, minutes: float | None, stop: threading.Event) -> Path:
        begun.append((self.measured, self.progress.seconds))
        return out

    monkeypatch.setattr(TrainingLoop, "run", train)
    run(chosen, data, out, resume=True, overrides=["fit.steps=4"])
    ((measured, seconds),) = begun
    assert measured == seconds > 0


@pytest.mark.parametrize("phrases", [15, 30])
def test_a_run_is_not_resumed_on_other_phrases(
    tmp_path: Path, phrases: int, capsys: pytest.CaptureFixture[str]
) -> None:
    data, chosen, out = tmp_path / "data", tmp_path / "tiny.toml", tmp_path / "run"
    prepare(data, "melody", train=20)
    chosen.write_text(TINY["melody"])
    run(chosen, data, out, overrides=["fit.steps=3"])
    shutil.rmtree(data)
    prepare(data, "melody", train=phrases)
    before = state(out)
    with pytest.raises(
        RequestError, match=r"was begun on .* phrases of 'data', and these are .*, other ones"
    ):
        run(chosen, data, out, resume=True, overrides=["fit.steps=6"])
    assert state(out).keys() == before.keys()
    assert "edit pairs" not in capsys.readouterr().err.partition("begun")[2]


def test_other_settings_are_taken_up_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, chosen, out = (
        prepare(tmp_path / "data", "melody", train=20),
        tmp_path / "tiny.toml",
        tmp_path / "run",
    )
    chosen.write_text(TINY["melody"])
    run(chosen, data, out, overrides=["fit.steps=3", "fit.batch=4", "fit.beta=0.1"])
    begun = origin_in(out)
    assert begun.settings["fit.batch"] == 4
    assert begun.version == VERSION
    capsys.readouterr()
    run(chosen, data, out, resume=True, overrides=["fit.steps=4", "fit.batch=4", "fit.beta=0.1"])
    assert "from here on with" not in "".join(capsys.readouterr()), "nothing has changed"
    run(chosen, data, out, resume=True, overrides=["fit.steps=5", "fit.batch=5", "fit.beta=0.2"])
    said = "".join(capsys.readouterr())
    assert "from here on with fit.batch 5 (it was 4), fit.beta 0.2 (it was 0.1)" in " ".join(said.split())
    assert origin_in(out).date == begun.date


def test_the_edit_pairs_of_other_phrases_are_made_again(tmp_path: Path) -> None:
    data, codec = prepare(tmp_path / "data", "melody", train=20), build("melody", Grid())
    pairs = edit_pairs.make(
        load(data, "melody", "train"),
        codec,
        knobs=("density",),
        spread=np.ones(1, np.float32),
        count=8,
        seed=0,
    )
    path = tmp_path / "edits.npz"
    edit_pairs.save(pairs, path, data="these")
    assert edit_pairs.load(path, data="these", phrases=20) is not None
    assert edit_pairs.load(path, data="those", phrases=20) is None
    assert edit_pairs.load(path, phrases=int(pairs.source.max())) is None


def test_the_edit_pairs_of_other_knobs_are_made_again(tmp_path: Path) -> None:
    data, codec = prepare(tmp_path / "data", "melody", train=20), build("melody", Grid())
    knobs = ("density", "range")
    pairs = edit_pairs.make(
        load(data, "melody", "train"), codec, knobs=knobs, spread=np.ones(2, np.float32), count=4, seed=0
    )
    path = tmp_path / "edits.npz"
    edit_pairs.save(pairs, path, knobs=knobs)
    assert edit_pairs.load(path, knobs=knobs) is not None
    assert edit_pairs.load(path, knobs=("density", "register")) is None
    assert edit_pairs.load(path, knobs=("range", "density")) is None
    edit_pairs.save(pairs, path)
    older = dict(np.load(path))
    del older["knobs"]
    np.savez(path, **older)
    assert edit_pairs.load(path, knobs=knobs) is not None
    assert edit_pairs.load(path, knobs=("density",)) is None
