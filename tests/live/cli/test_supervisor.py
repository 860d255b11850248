"""The supervisor: an end that is asked for at any moment is orderly, and nothing is left behind."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from live.cli import jam as jam_command
from live.cli import supervisor
from live.cli.jam import attach
from live.cli.signals import EndSignals
from live.cli.supervisor import EngineEndedError, Supervisor, orderly_status
from live.errors import FailureError, PortError, UsageError
from live.ipc.commands import FromDashboard, Quit
from live.ipc.link import Address, Switchboard, new_address
from live.ipc.memory import AnchorMemory, BaseMemory, Memory, TimelineMemory
from live.ipc.messages import Between, Bye, Moved, Point
from live.ipc.options import Options
from live.ipc.session import write_session
from live.ipc.snapshot import Notice
from live.record.line_writer import LineWriter
from live.settings.config import Config, with_options

PATIENCE_S = 20.0
DEAF = "import time; time.sleep(60)"
LISTENS = """
import sys
from live.ipc.commands import FromDashboard
from live.ipc.link import Switchboard
from live.ipc.messages import Bye, Hello
from live.ipc.options import from_environment
import threading
ending = threading.Event()
address = from_environment().address
board = Switchboard(address, FromDashboard, lambda _, item: ending.set() if isinstance(item, Bye) else None)
ending.wait(60)
"""
REMEMBERS = """
import threading
from live.ipc.link import Switchboard
from live.ipc.memory import Memory
from live.ipc.messages import Bye, Hello
from live.ipc.options import from_environment
from live.ipc.snapshot import Notice
from tests.live.cli.test_supervisor import MEMORY
ending = threading.Event()
options = from_environment()
def arrived(link, item):
    if isinstance(item, Hello) and not options.revived:
        link.send(MEMORY)
        link.send(Notice(0, "info", "remembered"))
    elif isinstance(item, Memory):
        link.send(Notice(0, "info", "the same" if item == MEMORY else repr(item)))
    elif isinstance(item, Bye):
        ending.set()
board = Switchboard(options.address, Hello | Memory | Bye, arrived)
ending.wait(60)
"""
MEMORY = Memory(
    knobs={"density": 0.25},
    mode="hold",
    frozen=True,
    thru=False,
    muted=[2],
    conditions={"key": "D minor"},
    model="lead",
    model_ident="lead-1",
    grid=(2, 4, 4),
    base=BaseMemory(
        Moved(Point([0.5, -1.0]), cell=3, stray=0.5, number=1, drifting=False, seed=7),
        "played",
        1,
        [(0, 60, 90, 2, 0.0, 0)],
    ),
    anchors={"A": AnchorMemory(Between(Point([1.0]), Point([0.0]), 0.5), [], (0.25, -0.5))},
    timeline=TimelineMemory(1920, 10**12, 120.0),
    started=True,
)
CRASHES = "import sys; sys.exit(70)"
CRASHES_WHEN_CALLED = LISTENS.replace("isinstance(item, Bye)", "isinstance(item, Hello)") + "sys.exit(70)\n"


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Supervisor]]:
    """Make a supervisor whose engine is a script of a few lines, and whose model process only sleeps."""
    made: list[Supervisor] = []

    def sleeper(_address: object) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", DEAF])

    monkeypatch.setattr(supervisor, "spawn_worker", sleeper)

    def make(script: str, **more: Any) -> Supervisor:
        monkeypatch.setattr(supervisor, "ENGINE", ("-c", script))
        made.append(Supervisor(Options(config=Config(), address=new_address(), headless=True), **more))
        return made[-1]

    yield make
    for one in made:
        one.abandon()
        if one._complaints is not None:
            one._complaints.close()


def test_an_end_before_the_engine_listens_is_orderly(play: Callable[..., Supervisor]) -> None:
    one = play(DEAF)
    folder = Path(one._options.address.place).parent
    caught: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def start() -> None:
        try:
            one.start()
        except EngineEndedError as ended:
            caught.put(ended)

    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    one.end()
    ended = caught.get(timeout=PATIENCE_S)
    assert isinstance(ended, EngineEndedError)
    assert (str(ended), ended.exit_code) == ("", 0)
    one.abandon()
    assert not folder.exists()
    assert one._engine is None or one._engine.poll() is not None


def test_an_end_before_anything_was_started_starts_nothing(play: Callable[..., Supervisor]) -> None:
    one = play(DEAF)
    one.end()
    with pytest.raises(EngineEndedError) as caught:
        one.start()
    assert caught.value.exit_code == 0
    assert one._engine is None


def test_an_end_before_the_first_snapshot_is_orderly(play: Callable[..., Supervisor]) -> None:
    one = play(LISTENS, deliver=lambda _message: None)
    one.start()
    one.end()
    with pytest.raises(EngineEndedError) as caught:
        one.wait_shown()
    assert (str(caught.value), caught.value.exit_code) == ("", 0)


def test_an_end_is_heeded_and_leaves_nothing(play: Callable[..., Supervisor]) -> None:
    one = play(LISTENS)
    one.start()
    one.end()
    one.end()
    assert one.wait() == 0
    assert not Path(one._options.address.place).parent.exists()
    assert one._worker._process is not None
    assert one._worker._process.poll() is not None


def test_an_end_while_the_engine_is_started_again_is_orderly(play: Callable[..., Supervisor]) -> None:
    notices: list[str] = []

    def notify(text: str) -> None:
        notices.append(text)
        one.end()  # at the worst moment: the old engine is dead, the new one not there

    one = play(LISTENS, notify=notify)
    one.start()
    assert one._engine is not None
    one._engine.kill()
    assert one.wait() == 0
    assert len(notices) == 1


def test_the_memory_of_an_engine_that_died_is_handed_to_the_next(play: Callable[..., Supervisor]) -> None:
    notices: list[str] = []

    def deliver(message: object) -> None:
        assert isinstance(message, Notice), "the memory is no dashboard's business"
        notices.append(message.text)
        if len(notices) == 1:
            assert one._engine is not None
            one._engine.kill()
        else:
            one.end()

    one = play(REMEMBERS, deliver=deliver)
    one.start()
    assert one.wait() == 0
    assert notices == ["remembered", "the same"]


def test_an_engine_that_keeps_crashing_is_abandoned(play: Callable[..., Supervisor]) -> None:
    notices: list[str] = []
    one = play(CRASHES_WHEN_CALLED, notify=notices.append)
    one.start()
    assert one.wait() == 1
    assert notices[-1] == "the engine keeps dying: giving up"
    assert len(notices) == supervisor.DEATHS_ALLOWED + 1


def test_a_first_engine_that_crashes_is_reported(play: Callable[..., Supervisor]) -> None:
    with pytest.raises(EngineEndedError, match="ended at once with status 70") as caught:
        play(CRASHES).start()
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(("status", "code"), [(0, 0), (-15, 0), (-9, 0), (1, 1), (2, 2), (70, 1)])
def test_the_status_of_a_session_that_was_asked_to_end(status: int, code: int) -> None:
    assert orderly_status(status) == code


# -- signals -------------------------------------------------------------------------------------


@pytest.fixture
def signals() -> Iterator[EndSignals]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield EndSignals().install()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_may_come_while_the_main_thread_holds_what_the_end_needs(
    signals: EndSignals, number: int
) -> None:
    lock, ended = threading.Lock(), threading.Event()

    def end() -> None:
        with lock:
            ended.set()

    signals.lead_to(end)
    with lock:
        signal.raise_signal(number)
    assert ended.wait(PATIENCE_S)


def test_a_signal_that_comes_too_early_is_not_lost(signals: EndSignals) -> None:
    ended: list[int] = []
    signal.raise_signal(signal.SIGTERM)
    signals.lead_to(lambda: ended.append(1))
    assert ended == [1]


def environment(folder: Path) -> dict[str, str]:
    (folder / "run").mkdir(mode=0o700)
    (folder / "tmp").mkdir()
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    more = {"PYTHONPATH": path, "XDG_RUNTIME_DIR": str(folder / "run"), "TMPDIR": str(folder / "tmp")}
    return {**os.environ, "JACK_NO_START_SERVER": "1", **more}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_jam_that_is_ended_while_it_starts(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "live", "jam", "--headless", "--in", "none", "--out", "none"]
    jam = subprocess.Popen(
        [*command, "--osc-port", "0"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    pause = threading.Event()
    while jam.poll() is None and not list((tmp_path / "run").glob("twobar/session-*.json")):
        pause.wait(0.001)
    jam.send_signal(number)
    out, err = jam.communicate(timeout=PATIENCE_S)
    assert (jam.returncode, err) == (0, b""), out
    assert list((tmp_path / "tmp").glob("twobar-*")) == []


# -- lines and attach ----------------------------------------------------------------------------


def test_a_full_pipe_keeps_nobody_waiting() -> None:
    reading, writing = os.pipe()
    lines = LineWriter(writing, prefix="twobar: ")
    for _ in range(100):
        lines("x" * 10_000)
    lines("last")
    with os.fdopen(reading, "rb") as read:
        received = [read.readline() for _ in range(101)]
    assert received[-1] == b"twobar: last\n"
    lines.close()
    os.close(writing)


@pytest.fixture
def deaf_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[queue.SimpleQueue[Any]]:
    """An engine that takes everything and does nothing."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    received: queue.SimpleQueue[Any] = queue.SimpleQueue()
    board = Switchboard(new_address(), FromDashboard, lambda link, item: received.put((link, item)))
    write_session(board.address)
    yield received
    board.close()


def test_an_instrument_that_does_not_end_is_reported(
    deaf_engine: "queue.SimpleQueue[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jam_command, "END_PATIENCE_SECONDS", 0.05)
    with pytest.raises(
        FailureError, match=rf"still runs after 0.05 seconds; end it with: kill {os.getpid()}$"
    ):
        attach(end=True)


def test_an_instrument_has_ended_when_its_process_is_gone(deaf_engine: "queue.SimpleQueue[Any]") -> None:
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=lambda: done.put(attach(end=True)), daemon=True).start()
    deaf_engine.get(timeout=PATIENCE_S)
    link, command = deaf_engine.get(timeout=PATIENCE_S)
    assert command == Quit(source="attach")
    link.send(Bye())  # it says so first, and closes its files then
    assert done.empty()
    link.close()
    assert done.get(timeout=PATIENCE_S) == 0


def test_no_instrument_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(UsageError, match="no instrument is playing"):
        attach(end=True)


def test_a_port_that_refuses_to_be_silenced_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Refusing:
        def __init__(self, name: str) -> None:
            self.name = name

        def send(self, _data: bytes) -> None:
            if self.name == "broken":
                raise PortError("the MIDI output 'broken' failed")

        def close(self) -> None:
            closed.append(self.name)

    monkeypatch.setattr("live.devices.ports.open_output", lambda name, api: Refusing(name))
    monkeypatch.setattr("live.cli.supervisor.time.sleep", lambda _seconds: None)
    config = with_options(Config(), output=["broken", "whole"])
    text = supervisor.silence_outputs(Options(config=config, address=Address("", "")))
    assert closed == ["broken", "whole"]
    assert text == "every note on whole was ended"
