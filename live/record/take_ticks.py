"""Where in a take something lies: the transport's ticks, laid end to end over starts and stops.

The transport counts from 0 at every start and stands still when stopped; a take does neither.
"""

from live.timing.timeline import FASTEST_BPM, SLOWEST_BPM
from model.music.grid import TICKS_PER_BEAT

_STANDING_NANOS = 20_000_000  # longer than any tick: the same tick after that is a stopped transport
_JUMP_TICKS = 2 * TICKS_PER_BEAT
_FARTHEST_AHEAD_TICKS = 8 * TICKS_PER_BEAT  # of what is told before it sounds, on a late output too


class TakeTicks:
    """Lays each run of the transport on the next bar line of the take, and stopped time as it went by.

    Args:
        tempo_bpm: before the first call of `tempo`.
        ticks_per_bar: where runs may begin.

    Threads: one.
    """

    def __init__(self, *, tempo_bpm: float, ticks_per_bar: int) -> None:
        self._nanos_per_tick = 60e9 / tempo_bpm / TICKS_PER_BEAT
        self._ticks_per_bar = ticks_per_bar
        self._line = 0  # take tick of a bar line, from which bars are counted on
        self._run_line = 0  # transport tick of the same, in the run that it was told in
        self._base = 0  # take tick of the transport's tick 0 in this run
        self._furthest = 0
        self._last: tuple[int, int] | None = None  # (transport tick, host nanos) of the latest record
        self._stopped: tuple[int, int, int] | None = None  # (transport tick, host nanos, take tick)
        self._seen_start = False

    def of(self, tick: int, nanos: int) -> int:
        """Return the take tick, >= 0, of something at a transport tick and a host time."""
        last, self._last = self._last, (tick, nanos)
        if last is None and not self._seen_start:
            self._go_on(tick)  # begun in the middle of a run: from its bar on
        elif last is None:
            self._begin_run(tick)
        elif self._stopped is not None:
            if tick == self._stopped[0]:
                return self._reach(self._stopped[2] + self._ticks(nanos - self._stopped[1]))
            self._go_on(tick)
        elif tick < last[0] - _JUMP_TICKS:
            self._go_on(tick)
        else:
            gone_by, counted = self._ticks(nanos - last[1]), tick - last[0]
            if counted - gone_by > _JUMP_TICKS:  # the transport of an engine before this one goes on
                self._go_on(tick)
                return self._reach(self._base + tick)
            if (counted == 0 and nanos - last[1] > _STANDING_NANOS) or gone_by - counted > _JUMP_TICKS:
                place = max(self._base + tick, self._base + last[0] + gone_by)
                self._stopped = (tick, nanos, place)
                return self._reach(place)
        return self._reach(self._base + tick)

    def tempo(self, tick: int, nanos: int, tempo_bpm: float) -> int:
        """Take a change of tempo (tick 0: the transport starts) and return its take tick."""
        if tick == 0:
            self._seen_start = True
            self._begin_run(0)
            self._last = None  # announced a moment ahead of its tick 0, which is no transport standing still
            place = self._reach(self._base)
        else:
            place = self.of(tick, nanos)
        self._nanos_per_tick = 60e9 / min(FASTEST_BPM, max(SLOWEST_BPM, tempo_bpm)) / TICKS_PER_BEAT
        return place

    def metre(self, tick: int, nanos: int, ticks_per_bar: int) -> int:
        """Let bars be of another size from a bar line on, a moment ahead perhaps; returns its take tick."""
        self._run_line = tick
        last, place = self._last, self._base + tick
        ahead = 0 if last is None else tick - last[0] - self._ticks(nanos - last[1])
        if self._stopped is not None or not -_JUMP_TICKS <= ahead <= _FARTHEST_AHEAD_TICKS:
            place = self.of(tick, nanos)
        elif last is None and tick > 0:
            self._last = tick - 1, nanos  # the run goes on, though nothing has sounded in it yet
        self._line, self._ticks_per_bar = self._reach(place), ticks_per_bar
        return self._line

    def bar_line(self, tick: int) -> None:
        """Take note that a bar of this run begins at a transport tick."""
        self._run_line = tick

    def _go_on(self, tick: int) -> None:
        """Let a run begin in the bar of a tick, where nothing said that the transport starts at bar 0."""
        bars = max(0, (tick - self._run_line) // self._ticks_per_bar)
        self._begin_run(tick, before=self._run_line + bars * self._ticks_per_bar)

    def _begin_run(self, tick: int, *, before: int = 0) -> None:
        """Let a run begin on the take's next bar line, with the one of its own bar lines at a tick."""
        self._stopped = None
        size = self._ticks_per_bar
        lead_in = max(0, -tick)  # a count-in lies before the transport's zero
        bars = -(-(self._furthest + lead_in - self._line) // size)
        self._base = self._line + bars * size - before

    def _reach(self, place: int) -> int:
        self._furthest = max(self._furthest, place)
        return max(0, place)

    def _ticks(self, nanos: int) -> int:
        return max(0, round(nanos / self._nanos_per_tick))
