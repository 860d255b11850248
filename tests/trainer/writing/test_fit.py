import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from model.writing.wish import Kind, Wish
from model.writing.writer import read_writer
from tests.fakes.pieces import write_pieces
from trainer.errors import OperationError, RequestError
from trainer.writing import fit as fitting
from trainer.writing.examples import Examples
from trainer.writing.fit import STATE, WriterConfig, fit_writer

SMALL = WriterConfig(minutes=0.004, width=16, depth=1, heads=2, batch=400)


def test_a_run_learns_writes_a_writer_and_goes_on(tmp_path: Path) -> None:
    write_pieces(tmp_path / "data", songs=1, windows=4)
    said: list[str] = []
    file = fit_writer(tmp_path / "data", tmp_path / "run", SMALL, say=said.append)
    phrase = read_writer(file).write_now(Wish(Kind.BAND), seed=1)
    assert phrase.notes
    assert {tensor.dtype for tensor in load_file(file).values()} == {np.dtype(np.float16)}
    first = json.loads((tmp_path / "run" / "state.json").read_text())
    longer = WriterConfig(minutes=first["seconds"] / 60 + 0.02, width=16, depth=1, heads=2, batch=400)
    fit_writer(tmp_path / "data", tmp_path / "run", longer, resume=True, say=said.append)
    second = json.loads((tmp_path / "run" / "state.json").read_text())
    assert second["step"] > first["step"]
    assert second["seconds"] >= first["seconds"]
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == sorted(row["step"] for row in rows)
    assert set(rows[0]["melody"]) == {"onset", "track", "pitch", "length", "velocity", "offset"}
    assert "tokens/s" in said[-1]


def test_it_learns_on_as_many_threads_as_its_own_steps_are_quickest_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pieces(tmp_path / "data", songs=1, windows=4)
    torch.set_flush_denormal(False)
    torch.set_num_threads(2)
    taken: list[float] = []

    def quickest(step: Callable[[], float]) -> int:
        taken.append(step())
        return 1

    monkeypatch.setattr(fitting, "quickest_threads", quickest)
    fit_writer(tmp_path / "data", tmp_path / "run", SMALL, say=lambda _: None)
    assert taken[0] > 0
    assert torch.get_num_threads() == 1
    assert torch.tensor(1e-39) * 1.0 == 0.0, "numbers next to 0 are 0"


def test_what_cannot_be_resumed_or_learned_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="holds no pieces"):
        fit_writer(tmp_path, tmp_path / "run", SMALL)
    write_pieces(tmp_path / "data", songs=1, windows=3)
    with pytest.raises(RequestError, match="multiple of twice --heads"):
        fit_writer(tmp_path / "data", tmp_path / "run", WriterConfig(width=16, heads=3))
    with pytest.raises(OperationError, match="no run of this size"):
        fit_writer(tmp_path / "data", tmp_path / "run", SMALL, resume=True)
    fit_writer(tmp_path / "data", tmp_path / "run", WriterConfig(0.001, 16, 1, 2, 400), say=lambda _: None)
    assert (tmp_path / "run" / STATE).is_file()
    with pytest.raises(RequestError, match="begun with --width 16 --depth 1 --heads 2: resume"):
        fit_writer(tmp_path / "data", tmp_path / "run", WriterConfig(1, 32, 1, 2, 400), resume=True)


def test_a_run_is_neither_written_over_nor_resumed_on_other_pieces(tmp_path: Path) -> None:
    write_pieces(tmp_path / "data", songs=1, windows=3)
    out, config = tmp_path / "run", WriterConfig(0.001, 16, 1, 2, 400)
    file = fit_writer(tmp_path / "data", out, config, say=lambda _: None)
    before, log = file.read_bytes(), (out / "log.jsonl").read_text()
    with pytest.raises(RequestError, match="holds a run already: give --resume"):
        fit_writer(tmp_path / "data", out, config)
    assert (file.read_bytes(), (out / "log.jsonl").read_text()) == (before, log)
    write_pieces(tmp_path / "others", songs=2, windows=3)
    with pytest.raises(RequestError, match="begun on other pieces: resume it with --data as it was"):
        fit_writer(tmp_path / "others", out, config, resume=True)
    state = json.loads((out / "state.json").read_text())
    del state["data"]  # as runs were written before
    (out / "state.json").write_text(json.dumps(state))
    (out / STATE).rename(out / "state.safetensors")
    file.unlink()
    with pytest.raises(RequestError, match="holds a run already: give --resume"):
        fit_writer(tmp_path / "data", out, config)
    fit_writer(tmp_path / "others", out, config, resume=True, say=lambda _: None)
    assert (out / STATE).is_file()
    assert not (out / "state.safetensors").exists()


def test_a_signal_ends_a_run_with_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pieces(tmp_path / "data", songs=1, windows=3)
    learn = fitting._Run.learn

    def interrupted(self: fitting._Run, batch: Examples, share: float) -> None:
        learn(self, batch, share)
        if self.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(fitting._Run, "learn", interrupted)
    fit_writer(tmp_path / "data", tmp_path / "run", WriterConfig(60.0, 16, 1, 2, 400), say=lambda _: None)
    assert json.loads((tmp_path / "run" / "state.json").read_text())["step"] == 2


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    write_pieces(tmp_path / "data", songs=1, windows=3)
    (tmp_path / "file").write_text("")
    with pytest.raises(OperationError, match=r"cannot be written to '.*file': "):
        fit_writer(tmp_path / "data", tmp_path / "file", SMALL)
