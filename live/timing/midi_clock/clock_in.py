"""MIDI clock in: what one master's clock, start, stop, continue and song position mean for the transport.

The first clock after a start is beat 0, the first after a continue is where the song position says.
Pure: fed with messages and moments.  Threads: one.  Realtime: yes.
"""

from typing import Literal, NamedTuple

from live.timing import midi_bytes
from live.timing.midi_bytes import CLOCKS_PER_BEAT
from live.timing.midi_clock.clock_fit import ClockFit
from live.timing.midi_clock.clock_out import CLOCK_TICKS
from live.timing.timeline import Nanos, Tick, Timeline

LOST_NANOS, LOST_CLOCKS = 300_000_000, 12  # whichever is longer: then the clock has gone
CLOCKS_PER_SIXTEENTH = CLOCKS_PER_BEAT // 4


class Move(NamedTuple):
    """What the transport is to do.

    Attributes:
        kind: begin at the timeline's origin, follow it, or stop.
        timeline: None to stop.
    """

    kind: Literal["begin", "follow", "stop"]
    timeline: Timeline | None = None


class ClockIn:
    """Follows one master.

    Args:
        tempo_bpm: until its clock tells another.

    Attributes:
        playing: whether the master plays, as far as is known.
    """

    def __init__(self, tempo_bpm: float) -> None:
        self.playing = False
        self._fit = ClockFit(tempo_bpm)
        self._zero: int | None = None  # number of the clock on tick 0; None while the place is not known
        self._position = 0  # clocks, at which a stopped master will go on
        self._armed = False  # the next clock is the one at the position

    # -- what is known ---------------------------------------------------------------------------

    @property
    def tempo_bpm(self) -> float:
        """Return the tempo of the clocks."""
        return self._fit.tempo_bpm

    @property
    def placed(self) -> bool:
        """Tell whether the place of the master is known, and so its timeline."""
        return self._zero is not None

    @property
    def count(self) -> int:
        """Return the number of the newest clock; -1 before the first."""
        return self._fit.count

    @property
    def timeline(self) -> Timeline:
        """Return where the master is and how fast it goes; only where it is `placed`."""
        assert self._zero is not None
        return self._timeline_at(self._fit.count - self._zero)

    def _timeline_at(self, position: int) -> Timeline:
        moment = self._fit.moment(self._fit.count)
        return Timeline(Tick(position * CLOCK_TICKS), moment, self._fit.tempo_bpm)

    @property
    def goes_silent(self) -> Nanos | None:
        """Return the moment from which on the clock is lost if none comes; None before the first."""
        if self._fit.count < 0:
            return None
        return Nanos(self._fit.last + max(LOST_NANOS, round(LOST_CLOCKS * self._fit.period)))

    def lost(self, now: Nanos) -> bool:
        """Tell whether clocks came, and come no more."""
        silent = self.goes_silent
        return silent is not None and now >= silent

    # -- what comes in -----------------------------------------------------------------------------

    def feed(self, data: bytes, nanos: Nanos) -> Move | None:
        """Take a clock, start, continue, stop or song position, received at a moment.

        Returns:
            what it means, if anything.
        """
        match data[0]:
            case midi_bytes.CLOCK:
                return self._clock(nanos)
            case midi_bytes.START:
                self._position, self._armed = 0, True
            case midi_bytes.CONTINUE:
                self._armed = True
            case midi_bytes.STOP:
                return self._stop()
            case midi_bytes.SONG_POSITION if len(data) == 3:
                self._locate((data[1] | data[2] << 7) * CLOCKS_PER_SIXTEENTH)
        return None

    def _clock(self, nanos: Nanos) -> Move | None:
        fit = self._fit
        if self.lost(nanos):
            fit.restart()
            self.lose_place()
        off = abs(nanos - fit.moment(fit.count + 1))
        if self._armed and fit.count >= 0 and off > fit.period / 2:
            fit.restart()  # a master whose clocks begin with its start
        fit.add(nanos)
        if self._armed:
            self._armed, self.playing = False, True
            self._zero = fit.count - self._position
            return Move("begin", self.timeline)
        return Move("follow", self.timeline) if self.playing and self._zero is not None else None

    def _stop(self) -> Move:
        if self._zero is not None and self.playing and not self._armed:
            self._position = max(0, self._fit.count + 1 - self._zero)
        self.playing = self._armed = False
        self._zero = None
        return Move("stop")

    def _locate(self, position: int) -> None:
        """Go on there: with the next clock of a master that plays, unless it only says where it is."""
        if self.playing and not self._armed:
            if self._zero is not None:
                here = self._fit.count + 1 - self._zero
                if abs(position - here) <= CLOCKS_PER_SIXTEENTH:
                    return
            self._armed = True
        self._position = position

    # -- what the transport knows better -------------------------------------------------------------

    def join(self) -> None:
        """Begin at position 0 with the next clock, whatever the master says."""
        self._position, self._armed = 0, True

    def lose_place(self) -> None:
        """Forget where the master is, but not how fast it goes."""
        self._zero = None

    def place(self, transport: Timeline) -> Timeline:
        """Take the newest clock for the one that lies nearest by the transport; returns the new timeline."""
        fit = self._fit
        moment = fit.moment(fit.count)
        position = round(transport.tick(moment) / CLOCK_TICKS)
        self.playing, self._zero = True, fit.count - position
        return self.timeline
