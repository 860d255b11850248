"""Stages whose jam is led, by MIDI clock say, and the masters that lead it."""

from collections.abc import Sequence

from live.jam.leaders.midi_clock import MidiClock
from live.timing.midi_bytes import CLOCK, Received
from live.timing.timeline import Nanos
from tests.fakes.stage import Stage, configured

MS = 1_000_000
SECOND = 1_000_000_000
CLOCK_120 = 20_833_333


class LedStage:
    """A jam on a fake clock that somebody leads."""

    def __init__(self, **options: object) -> None:
        self.stage = Stage(config=configured(**options))
        self.jam = self.stage.jam

    @property
    def now(self) -> Nanos:
        return Nanos(self.stage.nanos)

    def running(self) -> bool:
        return self.jam.transport.running

    def notices(self) -> list[str]:
        return [str(fields["text"]) for kind, fields in self.stage.logged if kind == "notice"]


class ClockedStage(LedStage):
    """One with the model there, that waits for a master."""

    def __init__(self, *, wanted: str = "auto", **options: object) -> None:
        super().__init__(**options)
        self.midi_clock = MidiClock(self.jam, wanted=wanted)
        self.jam.leader = self.midi_clock
        self.jam.from_worker(self.stage.model.ready(), Nanos(0))

    def say(self, moment: int, data: bytes, *, port: str = "box") -> None:
        """Let a message come in at a moment."""
        received = Received(Nanos(moment), data, port)
        self.stage.at(moment, lambda: self.midi_clock.received(received, Nanos(self.stage.nanos)))

    def clocks(self, first: int, count: int, *, gap: int = CLOCK_120, port: str = "box") -> int:
        """Let clocks come in from a moment on; returns the moment at which the next one would."""
        for number in range(count):
            self.say(first + number * gap, bytes((CLOCK,)), port=port)
        return first + count * gap

    def at_moments(self, moments: Sequence[int], *, port: str = "box") -> None:
        for moment in moments:
            self.say(moment, bytes((CLOCK,)), port=port)

    def late_ms(self, moment: int, tick: int) -> float:
        """Return by how much the transport is behind a tick that is due at a moment."""
        line = self.jam.transport.timeline
        place = line.origin_tick + (moment - line.origin_nanos) / line.nanos_per_tick
        return (tick - place) * line.nanos_per_tick / MS
