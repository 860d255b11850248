"""Musical time and host time: the units Tick and Nanos, and the only place that converts them."""

from dataclasses import dataclass
from typing import NewType

from model.music.grid import TICKS_PER_BEAT, Grid, Step

Tick = NewType("Tick", int)
Nanos = NewType("Nanos", int)

NANOS_PER_MINUTE = 60_000_000_000
SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0


def whole_nanos_per_beat(tempo_bpm: float) -> int:
    """Return the length of a beat, rounded so that a tick is a whole number of nanoseconds.

    A whole number makes Tick -> Nanos exact, so that the way back always finds the same tick; the
    tempo it stands for differs from the asked one by less than 1 part in 10 000 up to 400 bpm.

    Raises:
        ValueError: the tempo is not in 20..400 bpm.
    """
    if not SLOWEST_BPM <= tempo_bpm <= FASTEST_BPM:
        msg = f"tempo must be in {SLOWEST_BPM:g}..{FASTEST_BPM:g} bpm, not {tempo_bpm:g}"
        raise ValueError(msg)
    return round(NANOS_PER_MINUTE / tempo_bpm / TICKS_PER_BEAT) * TICKS_PER_BEAT


@dataclass(frozen=True, slots=True)
class Timeline:
    """A bijection between Tick and Nanos at one tempo.

    Attributes:
        origin_tick: a tick whose moment is known.
        origin_nanos: that moment, on `time.monotonic_ns()`'s scale.
        tempo_bpm: 20..400.
    """

    origin_tick: Tick
    origin_nanos: Nanos
    tempo_bpm: float

    @property
    def nanos_per_tick(self) -> int:
        """Length of a tick in whole nanoseconds."""
        return whole_nanos_per_beat(self.tempo_bpm) // TICKS_PER_BEAT

    def nanos(self, tick: Tick) -> Nanos:
        """Return the moment of a tick."""
        return Nanos(self.origin_nanos + (tick - self.origin_tick) * self.nanos_per_tick)

    def tick(self, nanos: Nanos) -> Tick:
        """Return the last tick at or before a moment (negative before the origin, never mirrored)."""
        return Tick(self.origin_tick + (nanos - self.origin_nanos) // self.nanos_per_tick)

    def at_tempo(self, tempo_bpm: float, tick: Tick) -> "Timeline":
        """Return the timeline that goes on at another tempo, continuous at the tick."""
        return Timeline(tick, self.nanos(tick), tempo_bpm)


def nearest_step(grid: Grid, tick: Tick | int) -> tuple[Step, float]:
    """Return the step nearest to a tick, and how far the tick lies from it in steps, -0.5..0.5."""
    size = grid.ticks_per_step
    step = (tick + size // 2) // size
    return Step(step), (tick - step * size) / size
