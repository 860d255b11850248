"""Fit: tiny models train end to end in seconds, stop cleanly, resume exactly, and fail in one sentence."""

import json
import math
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from model.playing.load import open_player
from tests.fakes.runs import assert_equal, bare, rows
from tests.fakes.synthetic import TINY, chords, melody, prepare
from trainer.data import edit_pairs
from trainer.errors import OperationError, RequestError, TrainerError
from trainer.run import checkpoints
from trainer.run.progress import RunLog
from trainer.training import checkpointing, fit, loop, validation
from trainer.training.fit import run
from trainer.training.loop import TrainingLoop


def config(tmp_path: Path, codec: str, extra: str = "") -> Path:
    path = tmp_path / f"{codec}.toml"
    path.write_text(TINY[codec] + extra)
    return path


def test_a_folder_too_small_for_a_validation_split_is_learned_from_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = prepare(tmp_path / "data", "melody")
    empty = data / "melody" / "validation"
    np.save(empty / "notes.npy", np.zeros((0, 5), dtype=np.int16))
    np.save(empty / "starts.npy", np.zeros(1, dtype=np.int64))
    np.save(empty / "songs.npy", np.zeros(0, dtype=np.int32))
    path = run(config(tmp_path, "melody"), data, tmp_path / "run", overrides=["fit.interval=0.5"])
    assert path.is_file()
    assert "of the training phrases" in "".join(capsys.readouterr())


@pytest.mark.parametrize("codec", ["melody", "poly"])
def test_a_tiny_model_trains_end_to_end_and_plays(tmp_path: Path, codec: str) -> None:
    data = prepare(tmp_path / "data", codec)
    path = run(config(tmp_path, codec), data, tmp_path / "run", overrides=["fit.interval=0.5"])
    player = open_player(path)
    phrase = (melody if codec == "melody" else chords)(99)
    latent = player.encode(phrase)
    assert latent.z.shape == (player.card.latent_size,)
    assert player.card.runtime == "onnxruntime"
    assert player.decode(latent, turns={}) == player.decode(latent, turns={"density": 0.0})
    for name in ("sample.mid", "sample.wav", "sample.png", "curves.png", "log.jsonl", "resume.state"):
        assert (tmp_path / "run" / name).stat().st_size > 0
    assert rows(tmp_path / "run")[-1]["step"] == 6
    figures = {"kl_bits", "active_units", "elbo", "reconstruction", "step_accuracy", "loss_kl", "loss_edit"}
    assert figures <= rows(tmp_path / "run")[-1].keys()
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))


def test_offsets_are_fed_to_a_model_that_reads_them_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    data, fed = prepare(tmp_path / "data", "poly"), list[set[str]]()
    tensors = TrainingLoop.tensors

    def noted(self: TrainingLoop, arrays: dict[str, Any]) -> dict[str, torch.Tensor]:
        fed.append(set(arrays))
        return tensors(self, arrays)

    monkeypatch.setattr(TrainingLoop, "tensors", noted)
    for timing in (False, True):
        out = tmp_path / str(timing)
        run(config(tmp_path, "poly"), data, out, overrides=[f"model.timing={str(timing).lower()}"])
        assert fed[-1] == ({"roll", "offset"} if timing else {"roll"})
        assert ("loss_offset" in rows(out)[-1]) == timing


def test_the_loss_is_said_between_two_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)
    said: list[str] = []
    monkeypatch.setattr(RunLog, "advance", lambda _self, _share, word: said.append(word))
    monkeypatch.setattr(loop, "SPOKEN", 0.0)
    run(config(tmp_path, "melody"), prepare(tmp_path / "data", "melody"), tmp_path / "run")
    steps = [word for word in said if word.startswith("step ")]
    assert len(steps) == 6
    assert all(float(word.split("loss ")[1]) > 0 for word in steps)
    assert rows(tmp_path / "run")[-1]["loss_total"] == pytest.approx(
        float(steps[-1].split("loss ")[1]), rel=1e-3
    )


def test_a_run_that_cannot_be_compiled_says_so_and_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare(monkeypatch)

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch.nn.Module, "compile", refuse)
    chosen, data = config(tmp_path, "melody"), prepare(tmp_path / "data", "melody")
    run(chosen, data, tmp_path / "run", overrides=["fit.compile=true"])
    assert rows(tmp_path / "run")[-1]["step"] == 6
    assert "it cannot be compiled here and goes on without: no compiler" in "".join(capsys.readouterr())


def test_more_steps_fit_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)
    data = prepare(tmp_path / "data", "melody")
    chosen = config(tmp_path, "melody")
    run(chosen, data, tmp_path / "run", overrides=["fit.steps=150", "fit.learning_rate=0.01"])
    run(chosen, data, tmp_path / "short", overrides=["fit.steps=2"])
    long, short = (rows(tmp_path / name)[-1] for name in ("run", "short"))
    assert long["loss_state"] + long["loss_pitch"] < 0.6 * (short["loss_state"] + short["loss_pitch"])


def test_a_resumed_run_goes_on_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepare(tmp_path / "data", "poly")
    chosen = config(tmp_path, "poly")
    # by steps, so that both runs see the same learning rates
    bare(monkeypatch)
    run(chosen, data, tmp_path / "whole")
    stopped = subprocess.run(
        [sys.executable, "-c", STOP_AFTER_THREE, str(chosen), str(data), str(tmp_path / "half")],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=100,
    )
    assert stopped.returncode == 0, stopped.stderr
    assert rows(tmp_path / "half")[-1]["step"] == 3
    run(chosen, data, tmp_path / "half", resume=True)
    assert_equal(tmp_path / "whole", tmp_path / "half")


def test_the_best_checkpoint_is_kept_beside_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepare(tmp_path / "data", "melody")
    monkeypatch.setattr(loop, "write_samples", lambda *_: None)
    measured, held = validation.score, []
    for step, reconstruction in enumerate((40.0, 50.0, 30.0), start=1):
        worth = {"reconstruction": reconstruction}
        monkeypatch.setattr(loop, "score", lambda *args, w=worth: (measured(*args)[0] | w, {}))
        steps = [f"fit.steps={step}"]
        last = run(config(tmp_path, "melody"), data, tmp_path / "run", resume=step > 1, overrides=steps)
        held.append((last.read_bytes(), (tmp_path / "run" / "best" / last.name).read_bytes()))
    (first, best), (second, still), (third, newest) = held
    assert first == best == still != second
    assert newest == third


def written(path: Path, **figures: float) -> bytes:
    """Write a file that says such figures of itself; returns its bytes."""
    save_file({"weights/a": np.zeros(1)}, path, {"facts": json.dumps({"figures": figures})})
    return path.read_bytes()


def test_a_checkpoint_whose_loss_is_no_number_is_not_the_best(tmp_path: Path) -> None:
    last, best = tmp_path / "m.safetensors", tmp_path / "best" / "m.safetensors"
    written(last, step=1)
    checkpointing.keep_best(last)
    assert not best.parent.exists()
    good = written(last, step=2, validation_loss=40.0)
    checkpointing.keep_best(last)
    written(last, step=3)
    checkpointing.keep_best(last)
    written(last, step=4, validation_loss=math.nan)
    checkpointing.keep_best(last)
    assert best.read_bytes() == good


def test_a_look_that_was_logged_and_never_written_hides_no_better_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = prepare(tmp_path / "data", "melody")
    chosen = config(tmp_path, "melody")
    monkeypatch.setattr(loop, "write_samples", lambda *_: None)
    measured, write = validation.score, checkpointing.write_checkpoint

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    kept = []
    for step, reconstruction in enumerate((50.0, 30.0, 40.0), start=1):
        worth = {"reconstruction": reconstruction}
        monkeypatch.setattr(loop, "score", lambda *args, w=worth: (measured(*args)[0] | w, {}))
        monkeypatch.setattr(loop, "write_checkpoint", killed if step == 2 else write)
        with suppress(KeyboardInterrupt):
            run(chosen, data, tmp_path / "run", resume=step > 1, overrides=[f"fit.steps={step}"])
        kept.append(checkpoints.validation_loss_of(next((tmp_path / "run" / "best").iterdir())))
    assert kept[0] == kept[1] > kept[2]


def test_batches_made_on_the_device_teach_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepare(tmp_path / "data", "poly")
    bare(monkeypatch)
    run(config(tmp_path, "poly"), data, tmp_path / "processor")
    run(config(tmp_path, "poly"), data, tmp_path / "device", overrides=["fit.batches='device'"])
    assert_equal(tmp_path / "processor", tmp_path / "device")


# SIGTERM as it would come from outside, in the middle of the third step
STOP_AFTER_THREE = """
import os, signal, sys
from pathlib import Path
import torch
from trainer.run import checkpoints
from trainer.run.progress import RunLog
from trainer.training import loop
from trainer.training.fit import run
torch.set_num_threads(1)
loop.write_checkpoint = loop.keep_best = loop.write_samples = RunLog.curves = lambda *_, **__: None
ahead = loop.Prefetch
loop.Prefetch = lambda feed, depth: ahead(feed, 2)  # as on a card; the other half draws as on a processor
drawn = loop.TrainingLoop.draw
def draw(self):
    if self.progress.step == 2:
        os.kill(os.getpid(), signal.SIGTERM)
    return drawn(self)
loop.TrainingLoop.draw = draw
config, data, out = map(Path, sys.argv[1:])
run(config, data, out)
"""


def test_no_number_in_the_loss_stops_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    data = prepare(tmp_path / "data", "melody")
    chosen = config(tmp_path, "melody")
    path = run(chosen, data, tmp_path / "run")
    before = path.read_bytes()
    state = tmp_path / "run" / "resume.state"
    state_before = state.read_bytes()
    with pytest.raises(OperationError, match="the loss is no number at step"):
        run(chosen, data, tmp_path / "run", resume=True, overrides=["fit.steps=60", "fit.learning_rate=1e30"])
    assert path.read_bytes() == before
    assert state.read_bytes() == state_before


def test_a_run_of_minutes_ends_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)
    data = prepare(tmp_path / "data", "melody")
    run(config(tmp_path, "melody"), data, tmp_path / "run", max_minutes=1e-9)
    assert rows(tmp_path / "run")[-1]["step"] <= 1


class Clock:
    """A clock on which every look at it takes a second."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        self.seconds += 1.0
        return self.seconds


def test_edit_pairs_take_a_quarter_of_the_minutes_at_most_and_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare(monkeypatch)
    monkeypatch.setattr(fit, "time", Clock())
    limits: list[tuple[int, float]] = []

    def train(self: TrainingLoop, *, minutes: float, stop: threading.Event) -> Path:
        assert self.edits is not None
        assert not stop.is_set()
        limits.append((len(self.edits), minutes))
        return tmp_path

    monkeypatch.setattr(TrainingLoop, "run", train)
    data = prepare(tmp_path / "data", "melody", train=8)
    chosen = config(tmp_path, "melody")
    # looked at after each 64 pairs, a second each: the fifth of 20 ends it
    run(chosen, data, tmp_path / "run", overrides=["fit.edits=1000"], max_minutes=20 / 60)
    assert "320 edit pairs must do: a quarter of the time is over\n" in "".join(capsys.readouterr())
    saved = edit_pairs.load(tmp_path / "run" / "edits.npz")
    assert saved is not None
    assert len(saved) == 320  # a resumed run goes on with the same
    run(chosen, data, tmp_path / "all", overrides=["fit.edits=300"], max_minutes=60 / 60)
    assert "must do" not in "".join(capsys.readouterr())
    assert (tmp_path / "all" / "edits.npz").exists()
    run(chosen, data, tmp_path / "late", overrides=["fit.edits=300"], max_minutes=1e-9)
    assert limits == [
        (320, pytest.approx((20 - 6) / 60)),
        (300, pytest.approx((60 - 5) / 60)),
        (64, 1e-9),  # a step is taken all the same
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("fit.btach=3", r"unknown key 'btach' in \[fit\].*did you mean 'batch'"),
        ("model.encoder.dept=3", r"unknown key 'dept' in \[model.encoder\].*did you mean 'depth'"),
        ("model.encoder.kind=petch", "unknown kind 'petch'.*did you mean 'patch'"),
        ("model.codec=plly", "unknown codec 'plly'.*did you mean 'poly'"),
        ("model.bottleneck.size=33", "33 is no multiple"),
        ("model.knobs=['densitty']", "no attribute 'densitty'"),
        ("fit.batch=0", "batch"),
        ("fit.precision=int8", "precision cannot be 'int8'; there is: auto, bfloat16, float16, float32"),
        ("fit.batches=card", "batches cannot be 'card'; there is: auto, device, processor"),
        ("fit.batch", "section.key=value"),
        ("model.grid.steps_per_beat=7", "must divide 480"),
    ],
)
def test_a_wrong_setting_is_reported_in_one_sentence(tmp_path: Path, change: str, sentence: str) -> None:
    data = prepare(tmp_path / "data", "melody", train=4)
    with pytest.raises(RequestError, match=sentence) as caught:
        run(config(tmp_path, "melody"), data, tmp_path / "run", overrides=[change])
    assert "\n" not in str(caught.value)


def test_missing_or_damaged_data_is_reported_in_one_sentence(tmp_path: Path) -> None:
    chosen = config(tmp_path, "melody")
    with pytest.raises(TrainerError, match="is missing: run twobar-train prepare"):
        run(chosen, tmp_path / "nothing", tmp_path / "run")
    data = prepare(tmp_path / "data", "melody")
    notes = data / "melody" / "train" / "notes.npy"
    notes.write_bytes(notes.read_bytes()[:200])
    with pytest.raises(TrainerError, match="run twobar-train prepare"):
        run(chosen, data, tmp_path / "run")


def test_a_folder_with_a_run_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)
    data = prepare(tmp_path / "data", "melody")
    chosen = config(tmp_path, "melody")
    run(chosen, data, tmp_path / "run")
    with pytest.raises(RequestError, match="--resume"):
        run(chosen, data, tmp_path / "run")
    with pytest.raises(OperationError, match="another model"):
        run(chosen, data, tmp_path / "run", resume=True, overrides=["model.decoder.depth=2"])
    with pytest.raises(OperationError, match="nothing to resume"):
        run(chosen, data, tmp_path / "other", resume=True)
    assert not (tmp_path / "other").exists()  # said before edit pairs are made


@pytest.mark.parametrize("held", ["tiny-lead.safetensors", "log.jsonl"])
def test_what_is_left_of_a_run_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    bare(monkeypatch)
    data = prepare(tmp_path / "data", "melody", train=8)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / held).write_text("{}\n")
    with pytest.raises(RequestError, match=rf"run holds {held} .*resume\.state is gone.*another --out"):
        run(config(tmp_path, "melody"), data, tmp_path / "run")
    assert [(path.name, path.read_text()) for path in (tmp_path / "run").iterdir()] == [(held, "{}\n")]


def test_a_folder_of_other_things_and_of_a_run_that_logged_nothing_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    data = prepare(tmp_path / "data", "melody", train=8)
    (tmp_path / "run").mkdir()
    for name in ("other.safetensors", "notes.txt", "log.jsonl"):
        (tmp_path / "run" / name).write_text("" if name == "log.jsonl" else name)
    run(config(tmp_path, "melody"), data, tmp_path / "run", overrides=["fit.steps=1"])
    assert rows(tmp_path / "run")[-1]["step"] == 1
    assert (tmp_path / "run" / "other.safetensors").read_text() == "other.safetensors"
