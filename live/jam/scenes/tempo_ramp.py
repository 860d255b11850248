"""A ramp of the tempo: from the present one to another over some bars, evenly, a sixteenth at a time.

Whoever turns the tempo meanwhile, or leads, ends it.
Owns: how far the way has been gone.  Threads: engine only.
"""

from live.jam.jam import Jam
from live.settings.knobs import KNOBS
from live.timing.timeline import Nanos, Tick

STEP_TICKS = 120


class TempoRamp:
    """A way that is being gone.  `tempo_bpm`: at the end; `bars`: length of the way."""

    def __init__(self, jam: Jam, tempo_bpm: float, bars: int, now: Nanos) -> None:
        self._jam, self._to = jam, tempo_bpm
        self._from = self._last = jam.transport.tempo_bpm
        self._start, self._run = jam.sent_to(now), jam.run
        self._end = Tick(self._start + bars * jam.plan.grid.ticks_per_bar)
        self._next = Tick(self._start + STEP_TICKS)

    def next_tick(self) -> Tick:
        """Return when to go on."""
        return self._next

    def advance(self, tick: Tick, now: Nanos) -> bool:
        """Go as far as it is time for; False when the end is reached, or somebody else has the tempo."""
        jam = self._jam
        if jam.run == self._run and jam.transport.tempo_bpm == self._last:
            if tick < self._next:
                return True
            share = min(1.0, (tick - self._start) / (self._end - self._start))
            tempo_bpm = self._to if share == 1.0 else self._from + share * (self._to - self._from)
            if set_tempo(jam, tempo_bpm, now):
                self._last = jam.transport.tempo_bpm
                self._next = Tick(min(self._end, tick + STEP_TICKS))
                if share < 1.0:
                    return True
        jam.record_knob("tempo", jam.knobs["tempo"], "ramp", now)
        return False


def set_tempo(jam: Jam, tempo_bpm: float, now: Nanos) -> bool:
    """Go on at another tempo, and let its knob say so; False where it is not the performer's to say."""
    if not (jam.leader or jam).set_tempo(tempo_bpm, now):
        return False
    jam.knobs["tempo"] = KNOBS["tempo"].clip(tempo_bpm)
    return True
