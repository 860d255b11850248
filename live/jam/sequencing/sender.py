"""What leaves on its tick: the scheduler's notes, the clock that others follow, the metronome's clicks.

Owns: up to which tick messages have left, what has sounded, how late, and what was dropped.
Threads: engine only.  Realtime: yes.
Tested in tests/live/jam/test_jam.py, tests/live/engine/test_output.py.
"""

from collections import deque
from collections.abc import Callable

from live.jam.protocols import Output
from live.jam.sequencing.metronome import Metronome
from live.jam.sequencing.plan import Plan
from live.jam.sequencing.scheduler import QueuedNote, Scheduler
from live.settings.schema import Config
from live.timing.lateness import Lateness
from live.timing.midi_bytes import Rank, Stream
from live.timing.midi_clock.clock_out import CLOCK_BYTE, START_BYTE, ClockOut
from live.timing.timeline import Nanos, Tick
from live.timing.transport import Transport
from model.music.phrase import Note

START_AHEAD_NANOS = 20_000_000
STANDSTILL_NANOS = 200_000_000  # clock bytes missed for so long are no tempo: followers find their place anew
MOST_SOUNDED = 2048


class Sender:
    """Sends what is due.

    Attributes:
        clock_out: which clock byte is next.
        metronome: which click is next.
        lateness: of the instrument's note-ons.
        dropped_notes: that were too late to be sent.
        sounded: the last note-ons that left: (tick, tick of the off, pitch, velocity, track).
        latency_nanos: so long before they are to be heard messages are due, for the slowest output.
        lookahead_nanos: so long before they are due messages leave, for outputs that keep the moment.
    """

    def __init__(
        self, scheduler: Scheduler, plan: Plan, transport: Transport, *, output: Output, config: Config
    ) -> None:
        self.clock_out = ClockOut(wanted=config.midi.clock_out)
        self.metronome = Metronome(plan, channel=config.midi.click_on, on=config.jam.metronome)
        self.lateness = Lateness()
        self.dropped_notes = 0
        self.sounded: deque[tuple[Tick, Tick, int, int, int]] = deque(maxlen=MOST_SOUNDED)
        self.latency_nanos = round(config.midi.most_latency_ms * 1e6)
        self.lookahead_nanos = 0
        self._scheduler, self._plan, self._transport, self._output = scheduler, plan, transport, output
        self._late_nanos = round(config.midi.late_bound_ms * 1e6)
        self._settings = config.jam
        self._sent_tick: Tick | None = None
        self._last_due = Nanos(0)

    def restart(self) -> None:
        """Start anew from bar 0."""
        self.metronome.begin(Tick(0))
        self.sounded.clear()
        self._sent_tick, self._last_due = None, Nanos(0)

    # -- as musical time goes by -----------------------------------------------------------------

    def sent_to(self, now: Nanos) -> Tick:
        """Return the tick up to which messages have left: ahead of the present by latency and lookahead.

        It never goes back while the transport runs, also where a slower tempo makes the latency fewer ticks.
        """
        tick = self._transport.tick(Nanos(now + self.latency_nanos + self.lookahead_nanos))
        if not self._transport.running:
            return tick
        self._sent_tick = tick if self._sent_tick is None else max(tick, self._sent_tick)
        return self._sent_tick

    def moment(self, tick: Tick) -> Nanos:
        """Return when the messages of a tick are due."""
        return Nanos(self._transport.timeline.nanos(tick) - self.latency_nanos)

    def next_tick(self) -> Tick | None:
        """Return the tick of the next message; None where nothing is to come."""
        queued = (self._scheduler.next_tick(), self.clock_out.next_tick, self.metronome.next_tick())
        return min((tick for tick in queued if tick is not None), default=None)

    def send_due(self, tick: Tick, now: Nanos) -> None:
        """Send all that is due up to a tick, but notes that come too late."""
        left: list[tuple[QueuedNote, Tick, int]] = []
        bound = now - self._late_nanos

        def too_late(due: Tick) -> bool:
            return self.moment(due) < bound

        for event, note in self._scheduler.due(tick, too_late=too_late):
            self._send_beat(event.tick, too_late)
            if not event.data:
                self.dropped_notes += 1
                continue
            voice = Stream.CLOCK if event.rank is Rank.TRANSPORT else Stream.INSTRUMENT
            sent, due = self._send_planned(event.data, event.tick, voice)
            if note is not None:
                left.append((note, event.tick, sent - due))
        self._send_beat(tick, too_late)
        for note, when, late in left:  # a chord's next note does not wait for this
            self._note_sent(note, when, late)

    def _send_planned(self, data: bytes, tick: Tick, voice: Stream) -> tuple[Nanos, Nanos]:
        """Send a message of a tick; returns when it leaves and when it is due.

        After a change of tempo none is due before those that have left already: their order is their ticks'.
        """
        self._last_due = due = max(self._last_due, self.moment(tick))
        return self._output.send(data, tick=tick, due=due, voice=voice, planned=True), due

    def _note_sent(self, note: QueuedNote, tick: Tick, late_nanos: int) -> None:
        self.lateness.add(late_nanos)
        length = max(1, round((note.end - note.tick) / self._plan.grid.ticks_per_step))
        self._plan.sent(
            note.step, Note(0, note.pitch, note.velocity, length, note.offset, note.track, note.displacement)
        )
        self.sounded.append((tick, note.end, note.pitch, note.velocity, note.track))
        self._output.publish("note", note.pitch, note.velocity)

    # -- the clock that others follow ------------------------------------------------------------

    def start_clock(self, tick: Tick, now: Nanos) -> None:
        """Begin on bar 0; from a tick before it, with the clicks of the count-in until then."""
        self.clock_out.start()
        self.metronome.begin(max(tick, Tick(-self.lead_in)))
        if tick < 0:
            self._start_on_the_one()
        elif self.clock_out.wanted:
            self._output.send(START_BYTE, tick=Tick(0), due=now, voice=Stream.CLOCK)

    def resume_clock(self, tick: Tick, now: Nanos) -> None:
        """Let whoever follows our clock find its place again."""
        if tick < 0:  # all is still to come
            self.start_clock(tick, now)
            return
        self.metronome.begin(tick)
        at_once, again, data = self.clock_out.resume(tick)
        self.send_now(at_once, now, stream=Stream.CLOCK)
        if data:
            self._scheduler.message(again, data)

    def catch_up(self, tick: Tick, now: Nanos) -> None:
        """Where the clock has stood still for long, send none of what it missed."""
        coming = self.clock_out.next_tick
        if coming is not None and now - self.moment(coming) > STANDSTILL_NANOS:
            self._scheduler.drop_transport()
            self.resume_clock(tick, now)

    @property
    def lead_in(self) -> int:
        """Ticks of the count-in before a start."""
        return self._settings.count_in(metronome=self.metronome.on) * self._plan.grid.ticks_per_bar

    def _start_on_the_one(self) -> None:
        """Let followers start when the count-in is over."""
        if self.clock_out.wanted:
            begin = self._transport.timeline.nanos(Tick(0)) - START_AHEAD_NANOS
            self._scheduler.message(self._transport.timeline.tick(Nanos(begin)), START_BYTE)

    def _send_beat(self, tick: Tick, too_late: Callable[[Tick], bool]) -> None:
        """Send clock bytes and clicks up to a tick, on one tick in this order."""
        for when, data in self.metronome.due(tick, too_late=too_late):
            self._send_clock(when)
            self._send_planned(data, when, Stream.CLICK)
        self._send_clock(tick)

    def _send_clock(self, tick: Tick) -> None:
        for clock_tick in self.clock_out.due(tick):
            self._send_planned(CLOCK_BYTE, clock_tick, Stream.CLOCK)

    # -- at once ---------------------------------------------------------------------------------

    def silence(self, now: Nanos, *, keep_transport: bool = False) -> None:
        """End every note of the instrument and forget those to come; see `Scheduler.silence`."""
        self.send_now(self._scheduler.silence(keep_transport=keep_transport), now)
        self.send_now(self.metronome.silence(), now, stream=Stream.CLICK)

    def stopped(self, now: Nanos) -> None:
        """Take that the transport has stopped: followers stop, too."""
        self._sent_tick = None
        self.send_now(self.clock_out.stop(self._transport.tick(now)), now, stream=Stream.CLOCK)

    def send_now(self, messages: list[bytes], now: Nanos, *, stream: Stream = Stream.INSTRUMENT) -> None:
        """Send messages that were not planned, after all that has left."""
        present = self._transport.tick(now)
        tick = max(present, self._sent_tick or present)  # what ends a note comes after it
        for data in messages:
            self._output.send(data, tick=tick, due=now, voice=stream)
