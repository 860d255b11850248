"""What a jam needs around it: an outlet for its decisions, and a mapper for a controller's bytes."""

from typing import Protocol

from live.ipc.messages import Command, ToWorker
from live.timing.timeline import Nanos, Tick


class Outlet(Protocol):
    """Where the jam's decisions go: sinks, the model, the log, the take."""

    def send(self, data: bytes, *, tick: Tick, due: Nanos, voice: str) -> Nanos:
        """Send one message now and return that moment; voice is "thru", "instrument" or "clock"."""

    def ask(self, message: ToWorker) -> bool:
        """Give the model a request; False when it is not there."""

    def log(self, kind: str, **fields: object) -> None:
        """Write a line of the event log."""

    def played(self, tick: Tick, data: bytes) -> None:
        """Keep what she played in the take."""

    def knob(self, tick: Tick, name: str, value: float) -> None:
        """Keep a knob's move in the take."""

    def marker(self, tick: Tick, text: str) -> None:
        """Keep a gesture in the take."""

    def tempo(self, tick: Tick, tempo_bpm: float) -> None:
        """Keep a change of tempo in the take."""

    def publish(self, topic: str, *values: float | str) -> None:
        """Tell whoever subscribed by OSC."""


class Mapper(Protocol):
    """What turns a controller's bytes into commands."""

    def feed(self, data: bytes) -> list[Command]:
        """Return the commands that a message means."""

    def consumes(self, data: bytes) -> bool:
        """Tell whether a message is bound, and so not played thru."""

    def waiting(self) -> dict[str, float]:
        """Return where hardware waits to be picked up, by knob."""
