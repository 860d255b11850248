"""The event log: JSON Lines, soon on disk, and never in anyone's way."""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from live.errors import FailureError
from live.record import event_log
from live.record.event_log import EventLog


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def begun(path: Path) -> None:
    session = event_log.begin(path)
    if session is not None:
        session.close()


def test_each_record_is_a_line_with_kind_and_nanos(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log.jsonl", nanos=lambda: 42)
    log.write("sent", nanos=7, due_nanos=5, data=[144, 60, 100], tick=0)
    log.write("notice", text="é", place=Path("x"), nothing=None)
    log.close()
    log.close()
    assert lines(log.path) == [
        {"kind": "sent", "nanos": 7, "due_nanos": 5, "data": [144, 60, 100], "tick": 0},
        {"kind": "notice", "nanos": 42, "text": "é", "place": "x", "nothing": None},
    ]


def test_names_that_are_no_utf_8_are_logged_readably(tmp_path: Path) -> None:
    log = EventLog(tmp_path / os.fsdecode(b"caf\xe9.jsonl"))
    log.write("notice", text="wrote", path="caf\udce9.mid")
    log.close()
    assert [line["path"] for line in lines(log.path)] == ["caf?.mid"]


def test_many_records_keep_their_order(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log.jsonl")
    for index in range(1000):
        log.write("received", index=index)
    log.close()
    assert [line["index"] for line in lines(log.path)] == list(range(1000))


def test_records_reach_the_disk_while_the_log_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "PERIOD_S", 0.01)
    written = threading.Event()
    log = EventLog(tmp_path / "log.jsonl")
    real = log._write_all

    def write(data: bytes) -> None:
        real(data)
        written.set()

    monkeypatch.setattr(log, "_write_all", write)
    log.write("knob", name="density")
    assert written.wait(10)
    assert lines(log.path)[0]["name"] == "density"
    log.close()


def test_a_full_disk_is_reported_once_and_the_music_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[str] = []
    log = EventLog(tmp_path / "log.jsonl", on_fault=faults.append)

    def full(_data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log, "_write_all", full)
    log.write("knob", name="density")
    log.flush()
    log.write("knob", name="density")
    log.flush()
    assert faults == [f"the log '{log.path}' has ended: No space left on device"]
    assert log.dropped == 1
    log.close()


def test_a_flood_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "CAPACITY", 10)
    monkeypatch.setattr(event_log, "PERIOD_S", 1000.0)
    log = EventLog(tmp_path / "log.jsonl")
    for _ in range(15):
        log.write("received")
    assert log.dropped == 5
    log.close()
    assert len(lines(log.path)) == 10


def test_the_engine_after_a_crash_goes_on_with_the_log(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"kind":"sent","nanos":1}\n{"kind":"rece')  # killed in the middle of a line
    log = EventLog(path, nanos=lambda: 2)
    log.write("knob")
    log.close()
    assert lines(path) == [{"kind": "sent", "nanos": 1}, {"kind": "knob", "nanos": 2}]


@pytest.mark.parametrize(
    ("left", "whole"), [(b"", b""), (b"{}\n", b"{}\n"), (b"{", b""), (b"{}\n{}", b"{}\n")]
)
def test_only_a_broken_last_line_is_taken_away(tmp_path: Path, left: bytes, whole: bytes) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(left)
    event_log.cut_broken_line(path)
    assert path.read_bytes() == whole


def test_a_session_begins_an_empty_log(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    begun(path)
    assert path.read_bytes() == b""
    path.write_text("an evening before")
    begun(path)
    assert path.read_bytes() == b""


def test_a_log_that_no_session_can_begin_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailureError, match=r"the log '.*' cannot be written: "):
        event_log.begin(tmp_path / "file" / "log.jsonl")


def test_a_log_s_folder_is_made(tmp_path: Path) -> None:
    begun(tmp_path / "new" / "log.jsonl")
    assert (tmp_path / "new" / "log.jsonl").read_bytes() == b""


def test_a_log_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FailureError, match=r"the log '.*' cannot be written: Is a directory"):
        EventLog(tmp_path)


def test_a_record_that_is_none_costs_only_its_batch(tmp_path: Path) -> None:
    class Wordless:
        def __str__(self) -> str:
            raise ValueError("no words")

    said: list[str] = []
    log = EventLog(tmp_path / "log.jsonl", on_fault=said.append)
    log.write("knob", value=Wordless())
    log.flush()
    log.write("knob", value=1)
    log.close()
    assert [line["value"] for line in lines(log.path)] == [1]
    assert log.dropped == 1
    assert len(said) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="files are not reserved there")
def test_two_instruments_never_write_one_log(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    session = event_log.begin(path)
    log = EventLog(path)
    log.write("knob", name="density")
    log.flush()
    with pytest.raises(FailureError, match="is written by another twobar"):
        event_log.begin(path)
    assert session is not None
    session.close()  # the screen's process was killed, its engine plays on
    with pytest.raises(FailureError, match="is written by another twobar"):
        event_log.begin(path)
    assert len(lines(path)) == 1
    log.close()
    again = event_log.begin(path)
    assert again is not None
    again.close()
    assert path.read_bytes() == b""
