"""A ramp of the tempo: from the present one to another over some bars, evenly, a sixteenth at a time.

Whoever turns the tempo meanwhile, or leads, ends it.
Owns: how far the way has been gone.  Threads: engine only.
"""

from typing import Protocol

from live.timing.timeline import Nanos, Tick
from live.timing.transport import Transport

STEP_TICKS = 120


class Ramped(Protocol):
    """What has a tempo: a jam."""

    transport: Transport

    @property
    def run(self) -> int:
        """Count the starts of the transport."""

    def sent_to(self, now: Nanos) -> Tick:
        """Return the tick up to which messages have left."""

    def ramp_tempo(self, tempo_bpm: float, now: Nanos) -> bool:
        """Go on at another tempo; False where that is not the performer's to say."""


class TempoRamp:
    """A way that is being gone.

    Args:
        jam: whose tempo.
        tempo_bpm: at the end.
        ticks: length of the way.
        now: the present moment.

    """

    def __init__(self, jam: Ramped, tempo_bpm: float, ticks: int, now: Nanos) -> None:
        """Set out from the present tempo."""
        self._jam, self._to = jam, tempo_bpm
        self._from = self._last = jam.transport.tempo_bpm
        self._start, self._run = jam.sent_to(now), jam.run
        self._end = Tick(self._start + ticks)
        self._next = Tick(self._start + STEP_TICKS)

    def next_tick(self) -> Tick:
        """Return when to go on."""
        return self._next

    def advance(self, tick: Tick, now: Nanos) -> bool:
        """Go as far as it is time for; False when the end is reached, or somebody else has the tempo."""
        jam = self._jam
        if jam.run != self._run or jam.transport.tempo_bpm != self._last:
            return False
        if tick < self._next:
            return True
        share = min(1.0, (tick - self._start) / (self._end - self._start))
        tempo_bpm = self._to if share == 1.0 else self._from + share * (self._to - self._from)
        if not jam.ramp_tempo(tempo_bpm, now):
            return False
        self._last = jam.transport.tempo_bpm
        self._next = Tick(min(self._end, tick + STEP_TICKS))
        return share < 1.0
