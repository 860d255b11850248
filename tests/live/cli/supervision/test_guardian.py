"""A guardian: it watches over an engine that is not its child, and the engines after it are."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from live.cli.supervision import guardian
from live.cli.supervision.guardian import KILLED, Adopted
from live.cli.supervision.silencer_process import BY_THEMSELVES
from live.cli.supervision.supervisor import EngineEndedError, Supervisor
from live.ipc.link import is_left, remove_place
from live.ipc.options import encoded
from live.ipc.snapshot import Notice
from tests.live.cli.supervision.test_supervisor import BEATS, DEAF, play  # noqa: F401  a fixture

PATIENCE_S = 20.0


def _no_descriptor(_pid: int) -> int:
    raise OSError("an old kernel")


@pytest.mark.parametrize("by", ["a descriptor", "its number"])
def test_a_process_that_is_no_child_is_seen_to_live_and_ended(
    by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "its number":
        monkeypatch.setattr(os, "pidfd_open", _no_descriptor, raising=False)
    process = subprocess.Popen([sys.executable, "-c", DEAF])
    adopted = Adopted(process.pid)
    assert adopted.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        adopted.wait(0.0)
    adopted.kill()
    assert adopted.wait(PATIENCE_S) == KILLED  # nobody has asked for its status yet
    process.wait(PATIENCE_S)
    assert adopted.poll() == KILLED
    adopted.terminate()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a number is all there is")
def test_another_process_that_has_got_its_number_is_not_meant() -> None:
    engine = subprocess.Popen([sys.executable, "-c", DEAF])
    adopted = Adopted(engine.pid)
    engine.kill()
    engine.wait(PATIENCE_S)
    with subprocess.Popen([sys.executable, "-c", DEAF]) as other:
        adopted.pid = other.pid
        assert adopted.poll() == KILLED
        adopted.kill()
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.05)
        other.kill()


@pytest.fixture
def adopting(
    play: Callable[..., Supervisor],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> "tuple[Supervisor, subprocess.Popen[bytes], list[str]]":
    """Return a supervisor without an engine, an engine of somebody else, and what is said."""
    monkeypatch.setattr(guardian, "LOOK_SECONDS", 0.01)
    said: list[str] = []
    one = play(BEATS, notify=said.append)
    engine = subprocess.Popen([sys.executable, "-c", BEATS], stdin=subprocess.PIPE)
    assert engine.stdin is not None
    with engine.stdin:
        engine.stdin.write(encoded(one._options))
    return one, engine, said


def test_an_adopted_engine_that_dies_is_followed(
    adopting: "tuple[Supervisor, subprocess.Popen[bytes], list[str]]",
) -> None:
    one, process, said = adopting
    one.adopt(Adopted(process.pid))
    while not one._heart.begun:
        one._over.wait(0.01)
    process.kill()
    process.wait(PATIENCE_S)

    def notify(notice: Notice) -> None:
        said.append(notice.text)
        one.end()

    one._notify = notify
    assert one.wait() == 0
    assert said == [f"the engine died; {BY_THEMSELVES}; it is started again"]


def test_an_engine_that_dies_before_it_is_adopted_is_followed(
    adopting: "tuple[Supervisor, subprocess.Popen[bytes], list[str]]",
) -> None:
    one, process, said = adopting
    while not is_left(one._options.address):
        one._over.wait(0.01)
    process.kill()
    process.wait(PATIENCE_S)

    def notify(notice: Notice) -> None:
        said.append(notice.text)
        one.end()

    one._notify = notify
    one.adopt(Adopted(process.pid))
    assert one.wait() == 0
    assert said == [f"the engine died; {BY_THEMSELVES}; it is started again"]


def test_an_engine_that_has_ended_in_order_before_it_is_adopted_is_not_followed(
    adopting: "tuple[Supervisor, subprocess.Popen[bytes], list[str]]",
) -> None:
    one, process, said = adopting
    process.kill()
    process.wait(PATIENCE_S)
    remove_place(one._options.address)
    adopted = Adopted(process.pid)
    adopted.gone = True
    with pytest.raises(EngineEndedError):
        one.adopt(adopted)
    assert said == []


def test_an_adopted_engine_that_ends_in_order_is_not_followed(
    adopting: "tuple[Supervisor, subprocess.Popen[bytes], list[str]]",
) -> None:
    one, process, said = adopting
    one.adopt(Adopted(process.pid))
    one.end()
    assert one.wait() == 0
    process.wait(PATIENCE_S)
    assert said == []
