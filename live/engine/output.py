"""The output: sends what the jam decides to the sinks, the model, the log, the take and OSC.

A sink that fails is taken out and named; the others go on.
Owns: which sinks there are, and what is written beside them.  Threads: engine only.  Realtime: yes.
Tested in tests/live/engine/devices/test_devices.py, tests/live/engine/test_guard.py.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from live.engine.devices.feedback import Feedback
from live.errors import TwobarError
from live.ipc.browser_midi import MidiOut
from live.ipc.link import Link
from live.ipc.messages import ToWorker
from live.record.event_log import EventLog
from live.record.take import Take
from live.timing.ahead_queue import AheadQueue
from live.timing.clock import Clock
from live.timing.midi_bytes import Sink, Stream, is_channel_message
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


class _Route(NamedTuple):
    """How messages get to a sink.

    Attributes:
        sink: it.
        send_at: its own, of a TimedSink; else None, and what is planned waits in
        held: here until its moment.
        observe: its own, where it has to see how far its driver is.
        delay_nanos: by which it sounds sooner than the slowest sink,
        clock_nanos: and by how much later or earlier it gets MIDI clock.
    """

    sink: Sink
    send_at: Callable[[bytes, Nanos], None] | None
    held: AheadQueue
    observe: Callable[[Nanos], None] | None
    delay_nanos: int
    clock_nanos: int


class EngineOutput:
    """Everything that a jam writes to.

    Args:
        delay: tells by how many nanoseconds a sink sounds sooner than the slowest one.
        clock_offset: tells by how many nanoseconds a sink is to get MIDI clock later.
        drum_channel: of the drums, 1..16.

    Attributes:
        sinks: where MIDI goes; a message goes to each in turn.
        worker: the link to the model process, None while there is none.
        listeners: links of pages that play what leaves.
        take, event_log, osc: None where they are not wanted.
        sink_lost: called with a sink that failed and the reason.
        complain: gets each warning and error where no dashboard shows them.
        feedback: takes note of what leaves.
        takes_setup: tells whether a sink is set up: given programs, and levels that nobody has turned.
        takes_click: tells whether a sink gets the clicks of the count-in.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        delay: Callable[[Sink], int] = lambda _sink: 0,
        clock_offset: Callable[[Sink], int] = lambda _sink: 0,
        drum_channel: int = 10,
    ) -> None:
        self._clock, self._delay, self._clock_offset = clock, delay, clock_offset
        self._drum_channel = drum_channel
        self._ways: list[_Route] = []
        self._ways_of: list[Sink] = []
        self._lookahead_nanos = 0
        self._at_once = True
        self.sinks: list[Sink] = []
        self.worker: Link[Any] | None = None
        self.listeners: list[Link[Any]] = []
        self.take: Take | None = None
        self.event_log: EventLog | None = None
        self.osc: Publisher | None = None
        self.complain: Callable[[str], None] | None = None
        self.feedback: Feedback | None = None
        self.takes_setup: Callable[[Sink], bool] = lambda _sink: True
        self.takes_click: Callable[[Sink], bool] = lambda _sink: True
        self.sink_lost: Callable[[Sink, str], None] = lambda _sink, _reason: None

    @property
    def lookahead_nanos(self) -> int:
        """So long before it is due a planned message must be given; 0 where sinks are sent to at once."""
        if self._ways_of != self.sinks:
            self._look()
        return self._lookahead_nanos

    def _look(self) -> None:
        """Find the ways to the sinks anew, where there are others than before."""
        before = {id(way.sink): way.held for way in self._ways}
        self._ways_of, self._ways = list(self.sinks), []
        self._lookahead_nanos = 0
        for sink in self.sinks:
            delay, offset = self._delay(sink), self._clock_offset(sink)
            held = before.get(id(sink)) or AheadQueue()
            self._ways.append(
                _Route(
                    sink, getattr(sink, "send_at", None), held, getattr(sink, "observe", None), delay, offset
                )
            )
            lead = getattr(sink, "lead_nanos", 0) - delay - min(0, offset)
            self._lookahead_nanos = max(self._lookahead_nanos, lead)
        self._at_once = not any(
            way.send_at is not None or way.delay_nanos or way.clock_nanos for way in self._ways
        )

    def send(self, data: bytes, *, tick: Tick, due: Nanos, voice: Stream, planned: bool = False) -> Nanos:
        """Send to the sinks, now or, what was planned, when it is due; then log and record.

        Returns the moment just before it leaves.  Where all sinks are sent to at once, what is planned is due
        within READY_NANOS of the engine, and the moment is waited for.
        """
        if self._ways_of != self.sinks:
            self._look()
        moment = self._clock.now()
        if moment < due and self._at_once:  # made ready a little ahead, see Engine
            self._clock.watch(due)
            moment = self._clock.now()
        for way in self._ways:
            if voice is Stream.SETUP and not self.takes_setup(way.sink):
                continue
            if voice is Stream.CLICK and not self.takes_click(way.sink):
                continue
            try:
                if planned and not self._at_once:
                    self._send_at(way, data, due, voice)
                elif way.held:
                    way.held.now(data)  # takes back what is to come
                    self._send_held(way, moment)
                else:
                    way.sink.send(data)
            except TwobarError as reason:
                self._lose(way.sink, reason)
        if planned:
            moment = max(moment, due)
        for listener in self.listeners:
            self.tell(listener, data, moment, performer=voice is Stream.THRU)
        if self.feedback is not None:
            self.feedback.sent(data, moment)
        if self.event_log is not None:
            self.event_log.write("sent", nanos=moment, due_nanos=due, tick=tick, data=list(data), voice=voice)
        if self.take is not None and voice is Stream.INSTRUMENT:
            self.take.instrument(tick, data)
        return moment

    def tell(self, listener: "Link[Any]", data: bytes, moment: Nanos, *, performer: bool = False) -> None:
        """Let a page know of a message that leaves."""
        drums = is_channel_message(data) and data[0] & 15 == self._drum_channel - 1
        listener.send(MidiOut(data, moment, performer=performer, drums=drums))

    def _send_at(self, way: _Route, data: bytes, due: Nanos, voice: Stream) -> None:
        moment = Nanos(due + way.delay_nanos + (way.clock_nanos if voice is Stream.CLOCK else 0))
        if way.send_at is not None:
            way.send_at(data, moment)
        else:
            way.held.later(data, moment)

    def send_held(self, before: Nanos) -> Nanos | None:
        """Send what is due before a moment to sinks that keep none; returns when the next one is due."""
        coming: Nanos | None = None
        for way in tuple(self._ways):
            if way.observe is not None:
                way.observe(self._clock.now())
            if not way.held:
                continue
            try:
                self._send_held(way, before)
            except TwobarError as reason:
                self._lose(way.sink, reason)
            due = way.held.next_due()
            if due is not None:
                coming = due if coming is None else min(coming, due)
        return coming

    def _send_held(self, way: _Route, before: Nanos) -> None:
        while (data := way.held.take_now()) is not None:
            way.sink.send(data)
        while (planned := way.held.take_due(before)) is not None:
            if self._clock.now() < planned.due:
                self._clock.watch(planned.due)
            way.sink.send(planned.data)

    def _lose(self, sink: Sink, reason: TwobarError) -> None:
        """Take a sink out that has failed; the others go on."""
        self.sinks = [other for other in self.sinks if other is not sink]
        self.sink_lost(sink, str(reason))

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
