"""A tiny GAN and a tiny VAE with a critic train end to end, resume exactly and play."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from model.codecs.sampling import Sampling
from model.playing.load import open_player
from tests.fakes.synthetic import melody, prepare
from trainer.errors import RequestError
from trainer.training import loop
from trainer.training.fit import run
from trainer.training.loop import TrainingLoop

GAN = """
[model]
name = "tiny-gan"
codec = "melody"
encoder = { kind = "patch", width = 16, depth = 1, heads = 2 }
bottleneck = { kind = "beats", law = "noise", size = 16 }
decoder = { kind = "tracks", width = 16, depth = 1, heads = 2, conductor_width = 8 }
[fit]
objective = "adversarial"
batch = 6
steps = 4
warmup = 2
validation = 8
precision = "float32"
critic = { steps = 2, width = 8, depth = 1 }
"""

VAE_GAN = """
[model]
name = "tiny-vae-gan"
codec = "melody"
knobs = ["density"]
encoder = { kind = "patch", width = 16, depth = 1, heads = 2 }
bottleneck = { kind = "beats", size = 16 }
decoder = { kind = "patch", width = 16, depth = 1, heads = 2 }
[fit]
batch = 6
steps = 4
warmup = 2
edits = 6
validation = 8
precision = "float32"
critic = { weight = 1.0, start = 0.5, steps = 1, width = 8, depth = 1 }
"""

STEPS_GAN = VAE_GAN.replace('decoder = { kind = "patch"', 'decoder = { kind = "gru"')

TINY = {"gan": GAN, "vae-gan": VAE_GAN, "steps-gan": STEPS_GAN}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return prepare(tmp_path / "data", "melody", train=24)


def config(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"{kind}.toml"
    path.write_text(TINY[kind])
    return path


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("kind", "logged"),
    [
        ("gan", {"loss_wasserstein", "loss_penalty", "loss_generator", "loss_invert"}),
        ("vae-gan", {"loss_wasserstein", "loss_penalty", "loss_critic", "loss_kl", "loss_edit"}),
        ("steps-gan", {"loss_wasserstein", "loss_penalty", "loss_critic", "loss_kl", "loss_edit"}),
    ],
)
def test_it_trains_end_to_end_and_plays(tmp_path: Path, data: Path, kind: str, logged: set[str]) -> None:
    path = run(config(tmp_path, kind), data, tmp_path / "run")
    assert logged <= rows(tmp_path / "run")[-1].keys()
    player = open_player(path)
    assert player.card.latent_size == 16
    assert player.card.runtime == "onnxruntime"
    latent = player.encode(melody(99))
    assert player.decode(latent, turns={}) == player.decode(latent, turns={})
    hot = [player.decode(latent, turns={}, sampling=Sampling(1.0, seed=seed)) for seed in range(4)]
    assert len(set(hot)) > 1
    assert hot[0] == player.decode(latent, turns={}, sampling=Sampling(1.0, seed=0))


@pytest.mark.parametrize("kind", ["gan", "vae-gan"])
def test_a_resumed_run_goes_on_exactly(
    tmp_path: Path, data: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "write_samples", lambda *_: None)  # it renders sound, which is nothing to this
    chosen = config(tmp_path, kind)
    run(chosen, data, tmp_path / "whole")
    taken = TrainingLoop.step

    def step(self: TrainingLoop) -> Any:
        if self.progress.step == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return taken(self)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingLoop, "step", step)
        run(chosen, data, tmp_path / "half")
    assert rows(tmp_path / "half")[-1]["step"] == 2
    run(chosen, data, tmp_path / "half", resume=True)
    whole, half = (load_file(tmp_path / name / "resume.state") for name in ("whole", "half"))
    assert whole.keys() == half.keys()
    assert any(name.startswith("critic/net/") for name in whole)
    assert any(name.startswith("critic/optimiser/") for name in whole)
    for name, value in whole.items():
        np.testing.assert_array_equal(value, half[name], err_msg=name)


def test_half_precision_takes_a_scaler_that_is_saved(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "write_samples", lambda *_: None)
    chosen = config(tmp_path, "gan")
    run(chosen, data, tmp_path / "run", overrides=["fit.precision=float16", "fit.steps=2"])
    from safetensors import safe_open  # noqa: PLC0415 - of this test alone

    with safe_open(tmp_path / "run" / "resume.state", framework="np") as file:
        facts = json.loads(file.metadata()["facts"])
    assert facts["scalers"].keys() == {"model", "critic"}
    for scaler in facts["scalers"].values():
        assert scaler["scale"] > 0
    row = rows(tmp_path / "run")[-1]
    assert np.isfinite([row["loss_penalty"], row["loss_generator"]]).all()
    run(chosen, data, tmp_path / "run", resume=True, overrides=["fit.precision=float16", "fit.steps=3"])
    assert rows(tmp_path / "run")[-1]["step"] == 3


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("gan", "model.bottleneck.law=gaussian", "must be 'noise'"),
        ("gan", "fit.critic.kind=rythm", "did you mean 'rhythm'"),
        ("gan", "fit.critic.width=10", "width 10 is no multiple of 4"),
        ("gan", "model.decoder.kind=trakcs", "did you mean 'tracks'"),
        ("vae-gan", "fit.critic.steps=0", "steps"),
    ],
)
def test_a_wrong_setting_is_reported_in_one_sentence(
    tmp_path: Path, data: Path, kind: str, change: str, sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence) as caught:
        run(config(tmp_path, kind), data, tmp_path / "run", overrides=[change])
    assert "\n" not in str(caught.value)
