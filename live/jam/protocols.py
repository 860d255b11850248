"""What a jam needs around it: where its decisions go, and what a controller's bytes mean.

Tested in tests/live/jam/test_jam.py.
"""

from collections.abc import Mapping
from typing import Protocol

from live.ipc.commands import Command
from live.ipc.jam_memory import SetPlace
from live.ipc.messages import ToWorker
from live.ipc.snapshot import SceneView, SongView
from live.timing.midi_bytes import Received, Stream
from live.timing.timeline import Nanos, Tick
from model.music.grid import Grid


class Output(Protocol):
    """Where the jam's decisions go: sinks, the model, the log, the take, OSC."""

    def send(self, data: bytes, *, tick: Tick, due: Nanos, voice: Stream, planned: bool = False) -> Nanos:
        """Send one message, now or, one that was planned, when it is due; returns when it leaves."""

    def ask(self, message: ToWorker) -> bool:
        """Give the model a request; False when it is not there."""

    def log(self, kind: str, **fields: object) -> None:
        """Write a line of the event log."""

    def played(self, tick: Tick, data: bytes) -> None:
        """Record what the performer played."""

    def knob(self, tick: Tick, name: str, value: float) -> None:
        """Record a knob's move."""

    def marker(self, tick: Tick, text: str) -> None:
        """Record a gesture."""

    def tempo(self, tick: Tick, tempo_bpm: float) -> None:
        """Record a change of tempo."""

    def metre(self, tick: Tick, grid: Grid) -> None:
        """Record that a metre holds from a bar line on."""

    def publish(self, topic: str, *values: float | str) -> None:
        """Tell whoever subscribed by OSC."""


class Bindings(Protocol):
    """What controllers' messages mean: commands of their mapping files."""

    def feed(self, received: Received) -> list[Command]:
        """Return the commands that a message means."""

    def consumes(self, received: Received) -> bool:
        """Tell whether a message is bound, and so not played thru."""

    def waiting(self) -> dict[str, float]:
        """Return where hardware waits to be picked up, by knob."""


class Mappings(Protocol):
    """Which mapping each controller has."""

    def chosen(self) -> dict[str, str]:
        """Return the names of the mappings by the spoken names of the ports that are there."""

    def choose(self, names: Mapping[str, str]) -> None:
        """Let ports have other mappings; what cannot be had is said, and stays as it is."""

    def pick(self, name: str, port: str) -> None:
        """Let one controller, or with port "" each of them, have another mapping.

        Raises:
            UsageError: there is no such mapping or controller.
        """


class Scenery(Protocol):
    """What changes the jam's state by itself as musical time goes by: scenes and songs.

    Attributes:
        called: number of the scene that was called or stored last, 0 for none.
    """

    called: int

    def advance(self, tick: Tick, now: Nanos) -> None:
        """Do all that is due."""

    def next_tick(self, tick: Tick) -> Tick | None:
        """Return when to come back; None where nothing is to come."""

    @property
    def place(self) -> SetPlace:
        """The place in the set of songs."""

    def song(self, tick: Tick) -> SongView | None:
        """Return the song that is played as dashboards show it; None where there is no set."""

    def go_on(self, called: int, place: SetPlace) -> None:
        """Take up the scene that was called last, and the place in the set."""

    def views(self) -> list[SceneView]:
        """Return every scene as dashboards show it, by rising number."""


class Leader(Protocol):
    """Whose beat the jam keeps, where it is not its own."""

    def advance(self, now: Nanos) -> Nanos | None:
        """Do what is due, and return when to come back (None: when something arrives)."""

    def begin_by_itself(self, now: Nanos) -> None:
        """Begin because the model is there, if the leader leaves that to the jam."""

    def start(self, now: Nanos) -> None:
        """Start, as far as that is the performer's to say."""

    def stop(self, now: Nanos) -> None:
        """Stop, as far as that is the performer's to say."""

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> bool:
        """Go on at another tempo; False where that is not the performer's to say."""

    def shown(self, now: Nanos) -> str:
        """Return what the dashboard says of the clock."""

    def close(self) -> None:
        """Take leave of whoever leads; safe to call twice."""
