"""The file by which `twobar attach` finds an engine: private, gone with its engine, never in the way."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from live.ipc.commands import FromDashboard
from live.ipc.instances import Instance, instances, write_instance
from live.ipc.link import Address, Switchboard, new_address
from live.ipc.runtime_folder import folders, private, runtime_folder


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def board() -> Iterator[Switchboard]:
    made = Switchboard(Address("127.0.0.1:0", "secret"), FromDashboard, lambda _link, _message: None)
    yield made
    made.close()


@pytest.fixture(scope="module")
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leave(name: str, address: Address, *, pid: int = 1, age_s: int = 0) -> Path:
    """Leave another process's instance file."""
    path = runtime_folder() / f"instance-{name}.json"
    path.write_bytes(msgspec.json.encode(Instance(address, pid)))
    moment = path.stat().st_mtime - age_s
    os.utime(path, (moment, moment))
    return path


def test_a_running_engine_is_found(board: Switchboard) -> None:
    path = Path(write_instance(board.address))
    assert instances() == [Instance(board.address, os.getpid())]
    assert path.exists()


def test_the_file_and_its_folder_are_private(board: Switchboard, runtime: Path) -> None:
    path = Path(write_instance(board.address))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.is_relative_to(runtime)


def test_without_a_runtime_folder_it_lies_in_a_temporary_one_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert runtime_folder().parent == tmp_path
    assert str(os.getuid()) in runtime_folder().name
    assert stat.S_IMODE(runtime_folder().stat().st_mode) == 0o700


def test_the_newest_comes_first(board: Switchboard) -> None:
    other = Switchboard(Address("127.0.0.1:0", "secret"), FromDashboard, lambda _link, _message: None)
    leave("1", other.address, age_s=60)
    leave("2", board.address)
    assert [instance.address for instance in instances()] == [board.address, other.address]
    other.close()


def crowd(address: Address, callers: contextlib.ExitStack) -> None:
    """Call until nobody else can."""
    with contextlib.suppress(BlockingIOError, TimeoutError):
        while True:
            callers.enter_context(address.connect(0.05))


def killed(place: Path | str) -> Path:
    """Leave the socket of a killed engine."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))
    return Path(place)


def test_files_of_dead_engines_are_removed_and_their_sockets(board: Switchboard, dead_pid: int) -> None:
    left = new_address()
    place = killed(left.place)
    dead = leave("1", left, pid=dead_pid)
    live = leave("2", board.address, pid=dead_pid)  # its supervisor was killed, it plays on
    assert len(instances()) == 1
    assert not dead.exists()
    assert not place.exists()
    assert live.exists()


def test_the_file_of_an_engine_that_is_started_again_stays() -> None:
    path = leave("1", new_address(), pid=os.getpid())
    assert instances() == []
    assert path.exists()


def test_what_a_killed_instrument_left_is_removed_when_the_next_one_starts(
    board: Switchboard, dead_pid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as short:
        monkeypatch.setattr("tempfile.tempdir", short)
        folder = private(folders()[1])
        playing = Address(str(folder / f"engine-{dead_pid}-2.sock"), "secret")
        plays_on = Switchboard(playing, FromDashboard, lambda _link, _message: None)
        left = [
            killed(folder / f"engine-{dead_pid}-1.sock"),
            leave(str(dead_pid), Address("127.0.0.1:1", ""), pid=dead_pid),
            runtime_folder() / f".instance-{dead_pid}-draft",
        ]
        left[2].touch()
        stays = [
            Path(playing.place),
            killed(folder / f"engine-{os.getpid()}-3.sock"),  # which is to be listened on in a moment
            runtime_folder() / "notes.txt",
        ]
        stays[2].touch()
        stays.append(Path(write_instance(board.address)))
        assert [path.exists() for path in left] == [False] * 3
        assert [path.exists() for path in stays] == [True] * 4
        plays_on.close()


def test_an_engine_that_stands_still_keeps_nobody_waiting(dead_pid: int) -> None:
    with socket.socket() as standing, contextlib.ExitStack() as callers:
        standing.bind(("127.0.0.1", 0))
        standing.listen(0)
        address = Address("{}:{}".format(*standing.getsockname()), "secret")
        crowd(address, callers)
        path = leave("1", address, pid=dead_pid)
        assert [instance.address for instance in instances()] == [address]
        write_instance(address)
        assert path.exists()


def test_a_socket_of_an_engine_that_stands_still_stays(dead_pid: int) -> None:
    with tempfile.TemporaryDirectory() as short, contextlib.ExitStack() as callers:
        place = str(Path(short) / f"engine-{dead_pid}-1.sock")
        standing = callers.enter_context(socket.socket(socket.AF_UNIX))
        standing.bind(place)
        standing.listen(0)
        crowd(Address(place, ""), callers)
        assert Address(place, "").answers()


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_others_may_look_into_gets_no_file(
    runtime: Path, board: Switchboard, mode: int
) -> None:
    (runtime / "twobar").mkdir()
    (runtime / "twobar").chmod(mode)
    assert write_instance(board.address) == ""
    assert list((runtime / "twobar").iterdir()) == []


def test_a_folder_behind_a_link_gets_no_file(runtime: Path, board: Switchboard) -> None:
    (runtime / "elsewhere").mkdir(mode=0o700)
    (runtime / "twobar").symlink_to(runtime / "elsewhere")
    assert write_instance(board.address) == ""


def test_a_link_in_the_place_of_the_file_is_not_followed(runtime: Path, board: Switchboard) -> None:
    precious = runtime / "precious"
    precious.write_text("precious")
    (runtime_folder() / f"instance-{os.getpid()}.json").symlink_to(precious)
    path = Path(write_instance(board.address))
    assert precious.read_text() == "precious"
    assert not path.is_symlink()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"address": 5}', '{"address": {"place": "x"}, "pid": 1}'])
def test_a_broken_file_is_removed(text: str) -> None:
    path = runtime_folder() / "instance-9.json"
    path.write_text(text)
    assert instances() == []
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_no_reason_not_to_play(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, board: Switchboard
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    assert write_instance(board.address) == ""


def test_nothing_runs_where_nothing_was_left() -> None:
    assert instances() == []
