"""The file by which `twobar attach` finds an engine: private, gone with its engine, never in the way."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from live.link import Address, Switchboard, new_address
from live.messages import FromDashboard
from live.session_file import Session, session_folder, sessions, write_session


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def board() -> Iterator[Switchboard]:
    made = Switchboard(new_address(), FromDashboard, lambda _link, _message: None)
    yield made
    made.close()


def leave(name: str, address: Address, *, age_s: int = 0) -> Path:
    """Leave another process's session file."""
    path = session_folder() / f"session-{name}.json"
    path.write_bytes(msgspec.json.encode(Session(address, 1)))
    moment = path.stat().st_mtime - age_s
    os.utime(path, (moment, moment))
    return path


def test_a_running_engine_is_found(board: Switchboard) -> None:
    path = Path(write_session(board.address))
    assert sessions() == [Session(board.address, os.getpid())]
    assert path.exists()


def test_the_file_and_its_folder_are_private(board: Switchboard, runtime: Path) -> None:
    path = Path(write_session(board.address))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.is_relative_to(runtime)


def test_without_a_runtime_folder_it_lies_in_the_user_s_own_temporary_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert session_folder().parent == tmp_path
    assert str(os.getuid()) in session_folder().name
    assert stat.S_IMODE(session_folder().stat().st_mode) == 0o700


def test_the_newest_comes_first(board: Switchboard) -> None:
    other = Switchboard(new_address(), FromDashboard, lambda _link, _message: None)
    leave("1", other.address, age_s=60)
    leave("2", board.address)
    assert [session.address for session in sessions()] == [board.address, other.address]
    other.close()


def test_files_of_dead_engines_are_removed(board: Switchboard) -> None:
    dead = leave("1", Address("/nowhere/engine.sock", "t"))
    live = leave("2", board.address)
    assert len(sessions()) == 1
    assert not dead.exists()
    assert live.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"address": 5}', '{"address": {"place": "x"}, "pid": 1}'])
def test_a_broken_file_is_removed(text: str) -> None:
    path = session_folder() / "session-9.json"
    path.write_text(text)
    assert sessions() == []
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_no_reason_not_to_play(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, board: Switchboard
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    assert write_session(board.address) == ""


def test_nothing_runs_where_nothing_was_left() -> None:
    assert sessions() == []
