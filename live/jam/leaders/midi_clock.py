"""MIDI clock leads the jam: one source's clock, start, stop and song position; the others are named.

Owns: which source is followed, and when the jam comes back to a clock that was lost.
Threads: engine only.  Realtime: yes.
"""

from live.jam.jam import Jam
from live.jam.leaders.sources import ANY, Sources
from live.jam.leaders.timeline_follower import FOLLOW_BEATS, TimelineFollower
from live.timing.midi_bytes import CLOCK, CONTINUE, SONG_POSITION, START, STOP, Received
from live.timing.midi_clock.clock_in import ClockIn, Move
from live.timing.timeline import Nanos, Tick
from model.music.grid import TICKS_PER_BEAT

NOTICES = "MIDI clock"  # what they are about
SURE_CLOCKS = 6  # of a clock that is back, before the jam goes by it


class MidiClock:
    """A `Leader`: lets a jam be led by MIDI clock.

    Args:
        wanted: a part of the name of the port to follow; "auto" is the first whose clock comes.
    """

    heeds = frozenset((CLOCK, START, CONTINUE, STOP, SONG_POSITION))

    def __init__(self, jam: Jam, *, wanted: str = ANY) -> None:
        self._jam = jam
        self._follower = TimelineFollower(jam)
        self._sources = Sources(jam.notices, NOTICES, lambda: ClockIn(jam.transport.tempo_bpm), wanted=wanted)
        self._silent = False  # the clock that is followed has gone while the jam went by it
        self._again: Tick | None = None  # bar line on which the jam goes by the clock again
        self._again_count = 0  # number of the clock that makes sure of it
        self._straighten_nanos: Nanos | None = None

    @property
    def _clock(self) -> ClockIn | None:
        return self._sources.chosen

    # -- what comes in -----------------------------------------------------------------------------

    def received(self, received: Received, now: Nanos) -> None:
        """Take a message that it `heeds`, of whichever port."""
        data, port = received.data, received.port
        clock = self._sources.of(port)
        if clock is None:
            return
        move = clock.feed(data, received.nanos)
        if data[0] == CLOCK and self._sources.choose(port, now):
            clock.lose_place()  # the jam is where the other one was
            self._silent, self._straighten_nanos, self._again = False, None, None
        if clock is not self._clock:
            return
        if data[0] == CLOCK:
            self._clock_came(clock, move, now)
        if move is not None:
            self._make(move, now)

    def _make(self, move: Move, now: Nanos) -> None:
        jam = self._jam
        if move.timeline is None:
            self._again = None
            jam.stop(now)
        elif move.kind == "begin":
            self._again = None
            self._follower.begin(move.timeline, now)
        elif jam.transport.running:
            self._follower.follow(move.timeline, now)

    # -- a clock that was lost -----------------------------------------------------------------------

    def _clock_came(self, clock: ClockIn, move: Move | None, now: Nanos) -> None:
        """Take the tempo of a clock whose place is not known; go by it from the next bar line on."""
        jam = self._jam
        if self._silent:
            self._silent, self._straighten_nanos = False, None
            self._again = None
            since = " again from the next bar line on" if move is None and jam.transport.running else ""
            jam.notices.end(NOTICES, f"MIDI clock of {self._sources.port} is back: it leads{since}")
        if move is not None:
            return
        if not jam.transport.running:
            self._follower.set_tempo(clock.tempo_bpm, now)
            return
        tick = jam.tick(now)
        if self._again is None:
            lines = jam.plan.lines
            self._again = lines.tick_of_bar(lines.bar_of(tick) + 1)
            self._again_count = clock.count + SURE_CLOCKS
        elif tick >= self._again and clock.count >= self._again_count:
            self._again = None
            self._follower.follow(clock.place(jam.transport.timeline), now)

    def advance(self, now: Nanos) -> Nanos | None:
        """Notice that the clock has gone, and go on at its tempo; returns when to look again."""
        clock = self._clock
        if clock is None:
            return None
        if not clock.lost(now):
            return clock.goes_silent
        if not self._jam.transport.running:  # many masters send clocks only while they play
            return None
        if not self._silent:
            self._silent = True
            self._jam.notices.add(
                "warning", f"MIDI clock of {self._sources.port} is lost: the tempo stays", about=NOTICES
            )
            self._straighten_nanos = now
        if self._straighten_nanos is None or not clock.placed:
            return None
        if now >= self._straighten_nanos:
            line = clock.timeline
            self._follower.follow(line, now)
            self._straighten_nanos = Nanos(now + round(FOLLOW_BEATS * TICKS_PER_BEAT) * line.nanos_per_tick)
        return self._straighten_nanos

    # -- what the performer wants --------------------------------------------------------------------

    def begin_by_itself(self, _now: Nanos) -> None:
        """Wait for the master's start."""
        if self._clock is None:
            self._jam.notices.add(
                "info", "it starts when MIDI clock comes in and its master starts", about=NOTICES
            )

    def start(self, now: Nanos) -> None:
        """Begin on the next clock, for a master that sends no start."""
        clock = self._clock
        if clock is None or clock.lost(now):
            self._jam.notices.add(
                "warning", "no MIDI clock comes in: start what leads, or leave out --clock", about=NOTICES
            )
            return
        clock.join()

    def stop(self, now: Nanos) -> None:
        """Stop until the master starts again."""
        self._jam.stop(now)

    def set_tempo(self, _tempo_bpm: float, _now: Nanos) -> bool:
        """Refuse: the tempo is the master's."""
        self._jam.notices.add("info", "MIDI clock leads: set the tempo where it comes from")
        return False

    def shown(self, now: Nanos) -> str:
        """Return what the dashboard says of the clock."""
        clock = self._clock
        if clock is None:
            return "no MIDI clock yet"
        lost = clock.lost(now) and self._jam.transport.running
        return f"MIDI clock {'LOST ' if lost else ''}{self._sources.port}"

    def close(self) -> None:
        """Do nothing: nobody knows that the clock was followed."""
