"""Trouble while a model is fitted: one sentence, and nothing that was good is lost."""

import errno
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import model.checkpoint
from model.errors import SoundError
from tests.fakes.runs import bare, rows, state
from tests.fakes.synthetic import TINY, prepare
from trainer.errors import EmptyCorpusError, OperationError, RequestError, TrainerError
from trainer.run import progress as run_log
from trainer.training import loop, preview
from trainer.training.fit import EDITS, run
from trainer.training.objectives.elbo import Elbo

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    # pictures and sound take longer than all the rest
    monkeypatch.setattr(run_log.RunLog, "curves", lambda _: None)
    monkeypatch.setattr(preview, "draw", lambda *_: None)
    monkeypatch.setattr(preview, "render", lambda *_: None)


@pytest.fixture
def chosen(tmp_path: Path) -> Path:
    prepare(tmp_path / "data", "melody", train=12)
    path = tmp_path / "tiny.toml"
    path.write_text(TINY["melody"].replace("edits = 12", "edits = 0"))
    return path


def spoiled(step: int, mark_stale: Callable[[Elbo, Any], Any]) -> Callable[..., Any]:
    """Return a loss that is spoiled at a step."""
    loss = Elbo.loss

    def at(self: Elbo, role: str, batch: Any, moment: Any) -> Any:
        made = loss(self, role, batch, moment)
        return mark_stale(self, made) if moment.step == step else made

    return at


def test_a_part_of_the_loss_that_is_no_number_is_named(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    run(chosen, tmp_path / "data", tmp_path / "run", overrides=["fit.steps=3"])
    before = (tmp_path / "run" / "resume.state").read_bytes()

    def nothing(self: Elbo, made: Any) -> Any:
        return type(made)(made.total * math.nan, {**made.parts, "pitch": made.parts["pitch"] * math.nan})

    monkeypatch.setattr(Elbo, "loss", spoiled(4, nothing))
    with pytest.raises(OperationError) as caught:
        run(chosen, tmp_path / "data", tmp_path / "run", resume=True, overrides=["fit.steps=9"])
    said = str(caught.value)
    assert "the loss is no number at step 4: its part 'pitch' is nan" in said
    assert "go on with --resume" in said
    assert "\n" not in said
    assert caught.value.exit_code == 1
    assert (tmp_path / "run" / "resume.state").read_bytes() == before


def test_a_gradient_that_is_no_number_is_named_and_changes_nothing(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)

    def steep(self: Elbo, made: Any) -> Any:
        # finite itself, its slope at 0 is not
        weight = self.net.get_parameter("decoder.head.weight")
        return type(made)(made.total + (weight - weight.detach()).abs().sqrt().sum(), made.parts)

    monkeypatch.setattr(Elbo, "loss", spoiled(2, steep))
    with pytest.raises(
        OperationError, match=r"at step 2: the gradient of '.*decoder.head.weight' is not finite"
    ):
        run(chosen, tmp_path / "data", tmp_path / "run")
    assert not (tmp_path / "run" / "resume.state").exists()


def test_before_the_first_look_it_says_that_nothing_was_saved(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    monkeypatch.setattr(
        Elbo, "loss", spoiled(0, lambda _, made: type(made)(made.total * math.inf, made.parts))
    )
    with pytest.raises(OperationError, match="nothing was saved before"):
        run(chosen, tmp_path / "data", tmp_path / "run")


def test_a_weight_that_is_no_number_is_never_saved(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run(chosen, tmp_path / "data", tmp_path / "run", overrides=["fit.steps=2"])
    before, state_before = path.read_bytes(), (tmp_path / "run" / "resume.state").read_bytes()
    step = loop.TrainingLoop.step

    def broken(self: loop.TrainingLoop) -> dict[str, Tensor]:
        parts = step(self)
        with torch.no_grad():
            self.net.bottleneck.out.bias[0] = math.nan
        return parts

    monkeypatch.setattr(loop.TrainingLoop, "step", broken)
    with pytest.raises(OperationError, match=r"the weight 'bottleneck.out.bias' is no number after step 3"):
        run(chosen, tmp_path / "data", tmp_path / "run", resume=True, overrides=["fit.steps=3"])
    assert path.read_bytes() == before
    assert (tmp_path / "run" / "resume.state").read_bytes() == state_before


def test_a_scaler_halves_its_scale_before_it_gives_up(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    loss = Elbo.loss

    def huge(self: Elbo, role: str, batch: Any, moment: Any) -> Any:
        made = loss(self, role, batch, moment)
        slope = self.net.get_parameter("decoder.head.bias")
        # a gradient of 1e34: beyond float32 at a scale of 65536, and below it after twelve halvings
        return type(made)(made.total + (slope - slope.detach()).sum() * 1e34, made.parts)

    monkeypatch.setattr(Elbo, "loss", huge)
    overrides = ["fit.precision=float16", "fit.steps=8", "fit.clip=1"]
    run(chosen, tmp_path / "data", tmp_path / "run", overrides=overrides)
    assert rows(tmp_path / "run")[-1]["step"] == 8

    def endless(self: Elbo, role: str, batch: Any, moment: Any) -> Any:
        made = loss(self, role, batch, moment)
        return type(made)(made.total * 1e37 * 1e30, made.parts)

    monkeypatch.setattr(Elbo, "loss", endless)
    with pytest.raises(OperationError, match="the loss is no number at step 23: the gradient of"):
        run(
            chosen, tmp_path / "data", tmp_path / "other", overrides=["fit.precision=float16", "fit.steps=99"]
        )


def full(path_part: str) -> Callable[..., Any]:
    """Return an `os.replace` of a disk that is full for one file."""
    replace = Path.replace

    def move(self: Path, target: Path) -> Path:
        if path_part in str(target):
            raise FULL
        return replace(self, target)

    return move


@pytest.mark.parametrize("file", ["resume.state", "tiny-lead.safetensors"])
def test_on_a_full_disk_the_old_files_survive(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    run(chosen, tmp_path / "data", tmp_path / "run", overrides=["fit.steps=2"])
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    monkeypatch.setattr(Path, "replace", full(file))
    with pytest.raises(TrainerError, match=rf"{file} cannot be written: No space left on device") as caught:
        run(chosen, tmp_path / "data", tmp_path / "run", resume=True, overrides=["fit.steps=4"])
    assert caught.value.exit_code == 1
    assert (tmp_path / "run" / file).read_bytes() == before[file]
    assert not list((tmp_path / "run").glob(".*part"))
    monkeypatch.undo()
    model.checkpoint.read(tmp_path / "run" / "tiny-lead.safetensors")
    run(chosen, tmp_path / "data", tmp_path / "run", resume=True, overrides=["fit.steps=5"])


def test_a_disk_full_of_edit_pairs_is_reported(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "replace", full(EDITS))
    with pytest.raises(OperationError, match=f"{EDITS} cannot be written: No space left on device"):
        run(chosen, tmp_path / "data", tmp_path / "run", overrides=["fit.edits=4"])
    assert not list((tmp_path / "run").glob("*edits*"))


def test_damaged_edit_pairs_are_reported(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    overrides = ["fit.edits=4", "fit.steps=1"]
    run(chosen, tmp_path / "data", tmp_path / "run", overrides=overrides)
    edits = tmp_path / "run" / EDITS
    edits.write_bytes(edits.read_bytes()[:300])
    with pytest.raises(OperationError, match="is damaged: delete it"):
        run(chosen, tmp_path / "data", tmp_path / "run", resume=True, overrides=overrides)


class BrokenBoard:
    """A TensorBoard log on a full disk."""

    def __init__(self, *_: object) -> None:
        pass

    def add(self, *_: object) -> None:
        raise FULL

    def close(self) -> None:
        pass


def test_logs_that_cannot_be_written_end_nothing(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = Path.open
    whole = {"now": False}

    def open_(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if self.name == "log.jsonl" and "a" in mode and not whole["now"]:
            raise FULL
        return opened(self, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", open_)
    monkeypatch.setattr(run_log, "Board", BrokenBoard)
    monkeypatch.setattr(preview, "draw", lambda *_: (_ for _ in ()).throw(FULL))
    monkeypatch.setattr(preview, "render", lambda *_: (_ for _ in ()).throw(SoundError("no library")))
    step = loop.TrainingLoop.step

    def space_again(self: loop.TrainingLoop) -> dict[str, Tensor]:
        whole["now"] = self.progress.step >= 4
        return step(self)

    monkeypatch.setattr(loop.TrainingLoop, "step", space_again)
    monkeypatch.setattr(loop, "LOOKS", 0.0)  # after every step
    path = run(chosen, tmp_path / "data", tmp_path / "run", overrides=["fit.interval=1e-9"])
    assert model.checkpoint.read(path).figures["step"] == 6
    assert state(tmp_path / "run")
    said = "".join(capsys.readouterr())
    assert said.count("log.jsonl is not written: No space left on device; training goes on") == 1
    assert said.count("TensorBoard's log is not written: No space left on device") == 1
    assert said.count("no sample.wav is written: no library") == 1
    assert said.count("the samples are not drawn") == 1
    # what was kept back is written as soon as there is space
    assert [row["step"] for row in rows(tmp_path / "run")] == sorted(
        row["step"] for row in rows(tmp_path / "run")
    )
    assert len(rows(tmp_path / "run")) >= 3


def test_too_little_memory_is_reported_with_what_helps(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    run(chosen, tmp_path / "data", tmp_path / "run", overrides=["fit.steps=1"])

    def exhausted(_: object, __: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore lines")

    monkeypatch.setattr(Elbo, "loss", spoiled(1, exhausted))
    with pytest.raises(OperationError) as caught:
        run(chosen, tmp_path / "data", tmp_path / "run", resume=True, overrides=["fit.steps=3"])
    assert "fit.batch 8: halve it and double fit.accumulate" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_faults_are_not_dressed_up(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)

    def fault(_: object, __: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Elbo, "loss", spoiled(0, fault))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        run(chosen, tmp_path / "data", tmp_path / "run")


def described(folder: Path, **changes: Any) -> None:
    """Write what `prepare` says of a folder."""
    meta = {
        "grid": {"bars": 2, "beats_per_bar": 4, "steps_per_beat": 4},
        "phrases": {"melody": {"train": 12, "validation": 8}},
    }
    (folder / "meta.json").write_text(json.dumps(meta | changes))


def test_another_grid_is_reported_with_the_command_that_mends_it(tmp_path: Path, chosen: Path) -> None:
    described(tmp_path / "data", grid={"bars": 4, "beats_per_bar": 3, "steps_per_beat": 4})
    with pytest.raises(RequestError) as caught:
        run(chosen, tmp_path / "data", tmp_path / "run")
    said = str(caught.value)
    assert "4 bars of 3 beats with 4 steps each" in said
    assert "2 bars of 4 beats with 4 steps each" in said
    assert "data-2 --bars 2 --beats-per-bar 4 --steps-per-beat 4" in said  # prepare replaces no other grid's
    assert not (tmp_path / "run").exists()


def test_a_codec_that_is_not_in_the_folder_is_reported(tmp_path: Path, chosen: Path) -> None:
    described(tmp_path / "data", phrases={"poly": {"train": 3}})
    with pytest.raises(
        RequestError, match="no phrases for codec 'melody'; there is: poly; prepare again with"
    ):
        run(chosen, tmp_path / "data", tmp_path / "run")


def test_an_empty_corpus_is_reported(tmp_path: Path, chosen: Path) -> None:
    described(tmp_path / "data", phrases={"melody": {"train": 0, "validation": 0}})
    with pytest.raises(EmptyCorpusError, match="no phrase to train codec 'melody' on"):
        run(chosen, tmp_path / "data", tmp_path / "run")
    (tmp_path / "data" / "meta.json").unlink()
    for name, dtype in (("notes", np.int16), ("songs", np.int32)):
        shape = (0, 6) if name == "notes" else (0,)
        np.save(tmp_path / "data" / "melody" / "train" / f"{name}.npy", np.zeros(shape, dtype=dtype))
    np.save(tmp_path / "data" / "melody" / "train" / "starts.npy", np.zeros(1, dtype=np.int64))
    with pytest.raises(TrainerError, match="holds no phrase"):
        run(chosen, tmp_path / "data", tmp_path / "run")


@pytest.mark.parametrize("text", ["{", '{"grid": 3}', '{"grid": {"bars": -1}, "phrases": {}}', "[]"])
def test_a_damaged_description_is_reported(tmp_path: Path, chosen: Path, text: str) -> None:
    (tmp_path / "data" / "meta.json").write_text(text)
    with pytest.raises(OperationError, match=r"meta\.json is damaged"):
        run(chosen, tmp_path / "data", tmp_path / "run")


@pytest.mark.parametrize("name", ["notes", "starts", "songs"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_shard_is_reported(tmp_path: Path, chosen: Path, name: str, share: float) -> None:
    shard = tmp_path / "data" / "melody" / "train" / f"{name}.npy"
    content = shard.read_bytes()
    shard.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(TrainerError, match="run twobar-train prepare") as caught:
        run(chosen, tmp_path / "data", tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_an_lstm_learns_in_float16_on_a_processor_that_has_none_of_it(tmp_path: Path, chosen: Path) -> None:
    lstm = "model.encoder={kind = 'lstm', width = 8, depth = 1, heads = 2}"
    overrides = ["fit.precision=float16", lstm, "model.bottleneck={kind = 'phrase', size = 8}"]
    assert run(chosen, tmp_path / "data", tmp_path / "run", overrides=[*overrides, "fit.steps=2"]).is_file()


def test_bfloat16_learns_what_float32_learns(tmp_path: Path, chosen: Path) -> None:
    last = {}
    for kind in ("float32", "bfloat16"):
        overrides = [f"fit.precision={kind}", "fit.steps=8"]
        run(chosen, tmp_path / "data", tmp_path / kind, overrides=overrides)
        last[kind] = rows(tmp_path / kind)[-1]
    assert last["bfloat16"]["elbo"] == pytest.approx(last["float32"]["elbo"], rel=0.02)
    assert last["bfloat16"]["elbo"] != last["float32"]["elbo"]  # its products are those of another precision


def test_a_look_asks_a_card_for_no_numbers_of_64_bits(
    tmp_path: Path, chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_tensor: Tensor) -> Tensor:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    bare(monkeypatch)
    monkeypatch.setattr(Tensor, "double", refuse)
    run(chosen, tmp_path / "data", tmp_path / "run", overrides=["fit.steps=1"])
    assert rows(tmp_path / "run")[-1]["reconstruction"] > 0
