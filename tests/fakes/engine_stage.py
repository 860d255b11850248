"""An engine on a fake clock, with a jam and a sink and nothing else open."""

from typing import Any

from live.engine.engine import Engine
from live.engine.links.guardians import Guardians
from live.ipc.commands import Command
from live.ipc.link import Link, new_address
from live.ipc.messages import Hello
from live.ipc.options import Options
from live.timing.midi_bytes import Received
from live.timing.timeline import Nanos
from tests.fakes.sounding import sounding
from tests.fakes.stage import configured

SECOND = 1_000_000_000


class FakeClock:
    """Goes by only when someone waits; knows the engines that were built on it."""

    def __init__(self) -> None:
        self.nanos = 10 * SECOND
        self.engines: list[Engine] = []

    def now(self) -> Nanos:
        return Nanos(self.nanos)

    def wait_until(self, moment: Nanos) -> None:
        self.nanos = max(self.nanos + 1, moment)

    def watch(self, moment: Nanos) -> None:
        self.nanos = max(self.nanos, moment)

    def wake(self) -> None: ...


class Pad:
    """Bindings that take one key for an action."""

    def feed(self, received: Received) -> list[Command]:
        return []

    def consumes(self, received: Received) -> bool:
        return received.data[1] == 36

    def waiting(self) -> dict[str, float]:
        return {}


class Ear:
    """A sink that holds on to what it is sent."""

    name = "ear"

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.closed = False

    def send(self, data: bytes) -> None:
        self.received.append(data)

    def close(self) -> None:
        self.closed = True

    def note_ons(self) -> list[int]:
        return [data[1] for data in self.received if data[0] & 0xF0 == 0x90 and data[2]]

    def sounding(self) -> set[tuple[int, int]]:
        return sounding(self.received)


class Wire(Link[Any]):
    """A link to nobody."""

    def __init__(self) -> None:
        self.open, self.sent = True, list[object]()

    def send(self, message: object, *, droppable: bool = False) -> bool:
        self.sent.append(message)
        return True

    def close(self) -> None:
        self.open = False


class Ended:
    """Something to close."""

    fault, saved = "", False
    bad_packets, unsent, dropped = 3, 1, 2
    passed_over, lost, echoes = 5, 4, 6

    def __init__(self, *, breaks: bool = False) -> None:
        self.closed, self._breaks = False, breaks

    def close(self) -> None:
        self.closed = True
        if self._breaks:
            raise OSError("No space left on device")

    def write(self, kind: str, **fields: object) -> None: ...


def built(clock: FakeClock, **options: Any) -> Engine:
    """Return an engine with a jam and an ear, and nothing else open."""
    config = configured(input=["none"], output=["none"], bpm=120.0)
    filled = {"config": config, "headless": True, "start_nanos": clock.nanos, **options}
    made = Engine(Options(address=new_address(), **filled), priority="ordinary", clock=clock)
    made.guardians = Guardians(made.options, lambda _options: None)
    made.output.sinks.append(Ear())
    clock.engines.append(made)
    return made


def run_to(engine: Engine, clock: FakeClock, moment: int) -> None:
    """Take turns as the loop would, up to a moment."""
    while True:
        coming = min(engine._turn(clock.now()))
        if clock.nanos >= moment:
            return
        clock.nanos = min(moment, max(clock.nanos + 1, coming))


def hello(role: str = "worker", *, pid: int = 0) -> Hello:
    return Hello(role=role, token="", pid=pid)  # type: ignore[arg-type]
