"""Where in a take something lies: the transport's ticks, laid end to end over starts and stops.

The transport counts from 0 at every start and stands still when stopped; a take does neither.
"""

from live.timing.timeline import FASTEST_BPM, SLOWEST_BPM
from model.music.grid import TICKS_PER_BEAT

_STANDING_NANOS = 20_000_000  # longer than any tick: the same tick after that is a stopped transport
_JUMP_TICKS = 2 * TICKS_PER_BEAT


class TakeTicks:
    """Lays each run of the transport on the next bar line of the take, and stopped time as it went by.

    Args:
        tempo_bpm: before the first call of `tempo`.
        ticks_per_bar: where runs may begin.

    Threads: one.
    """

    def __init__(self, *, tempo_bpm: float, ticks_per_bar: int) -> None:
        """Start at 0, with nothing played."""
        self._nanos_per_tick = 60e9 / tempo_bpm / TICKS_PER_BEAT
        self._ticks_per_bar = ticks_per_bar
        self._base = 0  # take tick of the transport's tick 0 in this run
        self._furthest = 0
        self._last: tuple[int, int] | None = None  # (transport tick, host nanos) of the latest record
        self._stopped: tuple[int, int, int] | None = None  # (transport tick, host nanos, take tick)

    def of(self, tick: int, nanos: int) -> int:
        """Return the take tick, >= 0, of something at a transport tick and a host time."""
        last, self._last = self._last, (tick, nanos)
        if last is None:
            self._begin_run(tick)
        elif self._stopped is not None:
            if tick == self._stopped[0]:
                return self._reach(self._stopped[2] + self._ticks(nanos - self._stopped[1]))
            self._begin_run(tick, bars=max(0, tick) // self._ticks_per_bar)  # it may have found its beat late
        elif tick < last[0] - _JUMP_TICKS:
            self._begin_run(tick)
        else:
            gone_by, counted = self._ticks(nanos - last[1]), tick - last[0]
            if counted - gone_by > _JUMP_TICKS:  # the transport of an engine before this one goes on
                self._begin_run(tick, bars=tick // self._ticks_per_bar)
                return self._reach(self._base + tick)
            if (counted == 0 and nanos - last[1] > _STANDING_NANOS) or gone_by - counted > _JUMP_TICKS:
                place = max(self._base + tick, self._base + last[0] + gone_by)
                self._stopped = (tick, nanos, place)
                return self._reach(place)
        return self._reach(self._base + tick)

    def tempo(self, tick: int, nanos: int, tempo_bpm: float) -> int:
        """Take a change of tempo (tick 0: the transport starts) and return its take tick."""
        if tick == 0:
            self._begin_run(0)
            self._last = None  # announced a moment ahead of its tick 0, which is no transport standing still
            place = self._reach(self._base)
        else:
            place = self.of(tick, nanos)
        self._nanos_per_tick = 60e9 / min(FASTEST_BPM, max(SLOWEST_BPM, tempo_bpm)) / TICKS_PER_BEAT
        return place

    def _begin_run(self, tick: int, *, bars: int = 0) -> None:
        """Let a run begin on the take's next bar line, with its bar of this number."""
        self._stopped = None
        size = self._ticks_per_bar
        lead_in = max(0, -tick)  # a count-in lies before the transport's zero
        self._base = (-(-(self._furthest + lead_in) // size) - bars) * size

    def _reach(self, place: int) -> int:
        self._furthest = max(self._furthest, place)
        return max(0, place)

    def _ticks(self, nanos: int) -> int:
        return max(0, round(nanos / self._nanos_per_tick))
