"""The output: sends what the jam decides to the sinks, the model, the log, the take and OSC.

A sink that fails is taken out and named; the others go on.
Owns: which sinks there are, and what is written beside them.  Threads: engine only.  Realtime: yes.
Tested in tests/live/engine/test_devices.py, tests/live/engine/test_closing.py.
"""

from collections.abc import Callable
from typing import Any, Protocol

from live.engine.feedback import Feedback
from live.errors import TwobarError
from live.ipc.link import Link
from live.ipc.messages import ToWorker
from live.record.event_log import EventLog
from live.record.take import Take
from live.timing.clock import Clock
from live.timing.midi_bytes import Sink, Stream
from live.timing.timeline import Nanos, Tick
from model.music.grid import Grid


class Publisher(Protocol):
    """What tells OSC subscribers; its library is loaded after the performer's keys sound.

    Attributes:
        bad_packets: messages that were not understood.
        unsent: messages that were not sent.
        passed_over: values that a newer one replaced before they were read.
        lost: packets for which there was no room.
        echoes: messages of our own that came back.

    """

    bad_packets: int
    unsent: int
    passed_over: int
    lost: int
    echoes: int

    def publish(self, address: str, *arguments: float | str) -> None:
        """Tell the subscribers, soon and without waiting."""

    def close(self) -> None:
        """Stop, and free the port."""


class EngineOutput:
    """Everything that a jam writes to.

    Attributes:
        sinks: where MIDI goes; a message goes to each in turn.
        worker: the link to the model process, None while there is none.
        take, event_log, osc: None where they are not wanted.
        sink_lost: called with a sink that failed and the reason.
        complain: gets each warning and error where no dashboard shows them.
        feedback: takes note of what leaves.
        takes_setup: tells whether a sink is set up: given programs, and levels that nobody has turned.

    """

    def __init__(self, clock: Clock) -> None:
        """Start with nowhere to send to."""
        self._clock = clock
        self.sinks: list[Sink] = []
        self.worker: Link[Any] | None = None
        self.take: Take | None = None
        self.event_log: EventLog | None = None
        self.osc: Publisher | None = None
        self.complain: Callable[[str], None] | None = None
        self.feedback: Feedback | None = None
        self.takes_setup: Callable[[Sink], bool] = lambda _sink: True
        self.sink_lost: Callable[[Sink, str], None] = lambda _sink, _reason: None

    def send(self, data: bytes, *, tick: Tick, due: Nanos, voice: Stream) -> Nanos:
        """Send to the sinks at the due moment, then log and record; returns the moment just before."""
        moment = self._clock.now()
        if moment < due:  # made ready a little ahead, see Engine
            self._clock.watch(due)
            moment = self._clock.now()
        for sink in tuple(self.sinks):
            if voice is Stream.SETUP and not self.takes_setup(sink):
                continue
            try:
                sink.send(data)
            except TwobarError as reason:
                self.sinks.remove(sink)
                self.sink_lost(sink, str(reason))
        if self.feedback is not None:
            self.feedback.sent(data, moment)
        if self.event_log is not None:
            self.event_log.write("sent", nanos=moment, due_nanos=due, tick=tick, data=list(data), voice=voice)
        if self.take is not None and voice is Stream.INSTRUMENT:
            self.take.instrument(tick, data)
        return moment

    def ask(self, message: ToWorker) -> bool:
        """Give the model process a request."""
        return self.worker is not None and self.worker.send(message)

    def log(self, kind: str, **fields: object) -> None:
        """Write a line of the event log."""
        if self.complain is not None and kind == "notice" and fields["level"] != "info":
            self.complain(f"{fields['text']}")
        if self.event_log is not None:
            self.event_log.write(kind, **{"nanos": self._clock.now(), **fields})

    def left_out(self) -> dict[str, int]:
        """Count OSC messages that were left out, each kind apart, and records that the log dropped."""
        counts: dict[str, int] = {}
        if self.osc is not None:
            counts |= {"bad_packets": self.osc.bad_packets, "unsent": self.osc.unsent}
            counts |= {"osc_passed_over": self.osc.passed_over, "osc_lost": self.osc.lost}
            counts["osc_echoes"] = self.osc.echoes
        if self.event_log is not None:
            counts["unlogged"] = self.event_log.dropped
        return counts

    def played(self, tick: Tick, data: bytes) -> None:
        """Record what the performer played."""
        if self.take is not None:
            self.take.performer(tick, data)

    def knob(self, tick: Tick, name: str, value: float) -> None:
        """Record a knob's move."""
        if self.take is not None:
            self.take.knob(tick, name, value)

    def marker(self, tick: Tick, text: str) -> None:
        """Record a gesture."""
        if self.take is not None:
            self.take.marker(tick, text)

    def tempo(self, tick: Tick, tempo_bpm: float) -> None:
        """Record a change of tempo."""
        if self.take is not None:
            self.take.tempo(tick, tempo_bpm)

    def metre(self, tick: Tick, grid: Grid) -> None:
        """Record that a metre holds from a bar line on."""
        if self.take is not None:
            self.take.metre(tick, grid)

    def publish(self, topic: str, *values: float | str) -> None:
        """Tell whoever subscribed by OSC."""
        if self.osc is not None:
            self.osc.publish(f"/twobar/{topic}", *values)
