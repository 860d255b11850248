"""The supervisor: an end that is asked for at any moment is orderly, and nothing is left behind."""

import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from live.cli import supervisor
from live.cli.supervisor import EngineEndedError, Supervisor, orderly_status
from live.errors import PortError
from live.ipc.link import Address, new_address
from live.ipc.memory import AnchorMemory, BaseMemory, JamMemory, TimelineMemory
from live.ipc.messages import Between, Moved, Point
from live.ipc.options import Options
from live.ipc.snapshot import Notice
from live.settings.config import Config, with_options
from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick
from model.music.grid import Grid
from model.music.phrase import Note, Phrase

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
from live.ipc.memory import JamMemory
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
    elif isinstance(item, JamMemory):
        link.send(Notice(0, "info", "the same" if item == MEMORY else repr(item)))
    elif isinstance(item, Bye):
        ending.set()
board = Switchboard(options.address, Hello | JamMemory | Bye, arrived)
ending.wait(60)
"""
MEMORY = JamMemory(
    knobs={"density": 0.25},
    mode="hold",
    frozen=True,
    thru=False,
    muted=[2],
    conditions={"key": "D minor"},
    model="lead",
    model_ident="lead-1",
    metre="3/4",
    lines=BarLines(Grid(2, 3, 4), Tick(3840), 2, 2, 32),
    base=BaseMemory(
        Moved(Point([0.5, -1.0]), cell=3, stray=0.5, number=1, drifting=False, seed=7),
        "played",
        1,
        Phrase.of(Grid(2, 3, 4), [Note(0, 60, 90, 2)]),
    ),
    anchors={"A": AnchorMemory(Between(Point([1.0]), Point([0.0]), 0.5), Phrase(Grid()), (0.25, -0.5))},
    timeline=TimelineMemory(1920, 10**12, 120.0),
    started=True,
    demo=False,
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
