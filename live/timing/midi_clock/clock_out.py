"""MIDI clock for those who follow: 24 bytes a beat, start, stop, continue and song position.

A clock byte goes before all else that is due on its tick.  Threads: engine only.
"""

from collections.abc import Iterator

from live.timing.midi_bytes import CLOCK, CLOCKS_PER_BEAT, CONTINUE, SONG_POSITION, START, STOP
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT

CLOCK_TICKS = TICKS_PER_BEAT // CLOCKS_PER_BEAT
SIXTEENTH = TICKS_PER_BEAT // 4
LAST_POSITION = 0x3FFF  # sixteenths, 14 bits: MIDI 1.0, "Song Position Pointer"
CONTINUE_AHEAD = 4  # ticks, before the clock byte that it is for
CLOCK_BYTE, START_BYTE = bytes((CLOCK,)), bytes((START,))


class ClockOut:
    """Knows which clock byte is next.  `wanted`: whether anything is sent at all."""

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted
        self._next = Tick(0)

    @property
    def next_tick(self) -> Tick | None:
        """The tick of the next clock byte; None where none is wanted."""
        return self._next if self.wanted else None

    def start(self) -> None:
        """Begin at tick 0 again."""
        self._next = Tick(0)

    def due(self, tick: Tick) -> Iterator[Tick]:
        """Yield the tick of each clock byte that is due, once."""
        while self.wanted and self._next <= tick:
            yield self._next
            self._next = Tick(self._next + CLOCK_TICKS)

    def stop(self, tick: Tick) -> list[bytes]:
        """Return what stops followers at a tick, and tells them where."""
        return _stop(max(0, tick) // SIXTEENTH) if self.wanted else []

    def resume(self, tick: Tick) -> tuple[list[bytes], Tick, bytes]:
        """Go on from the next sixteenth but one after a tick, for followers that have lost their place.

        Returns:
            What is sent now, and the tick and bytes with which they continue; no bytes where none are wanted.
        """
        sixteenth = tick // SIXTEENTH + 2
        self._next = Tick(sixteenth * SIXTEENTH)
        again = Tick(self._next - CONTINUE_AHEAD)
        return (_stop(sixteenth), again, bytes((CONTINUE,))) if self.wanted else ([], again, b"")


def _stop(sixteenth: int) -> list[bytes]:
    place = min(LAST_POSITION, sixteenth)
    return [bytes((STOP,)), bytes((SONG_POSITION, place & 0x7F, place >> 7))]
