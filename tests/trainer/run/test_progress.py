"""Logs: what is written is what TensorBoard and any reader of JSON Lines find; pieces are left aside."""

import sys
from pathlib import Path

import pytest
from rich.console import Console

from trainer.run.progress import RunLog
from trainer.run.tensorboard import Board

ROW = {
    "step": 7,
    "seconds": 60.0,
    "share": 0.25,
    "speed": 12.0,
    "note_f1": 0.5,
    "kl_bits": 9.0,
    "active_units": 4.0,
}


def test_tensorboard_reads_its_log(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415

    with Board(tmp_path) as board:
        board.add({"kl_bits": 12.5, "loss_melody.state": 3.0}, 10)
        board.add({"kl_bits": 13.5}, 20)
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert set(found.Tags()["scalars"]) == {"kl_bits", "loss_melody.state"}
    assert [(event.step, event.value) for event in found.Scalars("kl_bits")] == [(10, 12.5), (20, 13.5)]


def test_a_log_in_pieces_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"step": 2, "sec}\nnull\n{"step": 3}\n{"st')
    with RunLog(tmp_path, resume=True) as run_log:
        assert [row["step"] for row in run_log.rows] == [1, 3]


def test_a_look_says_speed_and_time_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunLog(tmp_path) as run_log:
        run_log.record(ROW)
        run_log.curves()
    said = "".join(capsys.readouterr())
    # a quarter of the run in a minute: three minutes are left
    assert "step 7  12 phrases/s  3.0 min left  note_f1 0.5000  KL 9 bits  active 4" in said
    assert (tmp_path / "curves.png").stat().st_size > 0


def test_without_matplotlib_a_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with RunLog(tmp_path) as run_log:
        run_log.record(ROW)
        run_log.curves()
        run_log.curves()
    assert "".join(capsys.readouterr()).count("matplotlib is not installed: curves.png is not drawn") == 1
    assert not (tmp_path / "curves.png").exists()


def test_a_language_model_says_its_likelihood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunLog(tmp_path) as run_log:
        run_log.record({"step": 7, "seconds": 60.0, "share": 0.5, "speed": 12.0, "nll": 81.25})
    assert "1.0 min left  81.2 nats a phrase" in "".join(capsys.readouterr())


def test_a_quiet_one_neither_says_nor_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunLog(tmp_path, quiet=True) as run_log:
        run_log.say("something")
        run_log.record(ROW)
        run_log.curves()
    assert "".join(capsys.readouterr()) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_has_a_bar_with_speed_and_time_left(tmp_path: Path) -> None:
    console = Console(force_terminal=True, width=100, record=True, file=(tmp_path / "shown").open("w"))
    with RunLog(tmp_path, console=console) as run_log:
        run_log.advance(0.5, "step 50, 363 phrases/s")
    assert "50%" in console.export_text(clear=False)
    assert "step 50, 363 phrases/s" in console.export_text()
    console.file.close()
