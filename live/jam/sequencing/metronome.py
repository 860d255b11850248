"""The metronome: a click on every beat, before bar 0 as the count-in, after it while it is on.

It lays nothing ahead: each click is found when it is due, on the bar lines of that moment.
Owns: whether it is on, up to where it has clicked, and the click that still sounds.  Threads: engine only.
"""

from collections.abc import Callable, Iterator

from live.jam.sequencing.plan import Plan
from live.timing.clicks import click, click_end
from live.timing.timeline import Tick


class Metronome:
    """Clicks on the beats of a plan.

    Args:
        channel: 1..16, on which it clicks.
        on: whether it does after the count-in.

    Attributes:
        on: as above; see `switch`.
    """

    def __init__(self, plan: Plan, *, channel: int, on: bool) -> None:
        self.on = on
        self._plan, self._channel = plan, channel
        self._done = self._rest_until = Tick(0)
        self._end: tuple[Tick, bytes] | None = None

    def begin(self, tick: Tick) -> None:
        """Click from a tick on, and on it; from before bar 0 on, that is the count-in."""
        self._done, self._rest_until = Tick(tick - 1), tick

    def switch(self, now: Tick, *, on: bool) -> None:
        """Click from the next beat on, or no more; what sounds ends by itself."""
        self.on = on
        self._done = max(self._done, now)

    def rest(self, until: Tick) -> None:
        """Be silent up to a tick."""
        self._rest_until = until

    def silence(self) -> list[bytes]:
        """Return what ends the click that sounds."""
        ending, self._end = self._end, None
        return [ending[1]] if ending is not None else []

    def next_tick(self) -> Tick | None:
        """Return the tick of the next message; None where none is to come."""
        coming = [tick for tick in (self._next_click(), self._end and self._end[0]) if tick is not None]
        return min(coming, default=None)

    def due(self, tick: Tick, *, too_late: Callable[[Tick], bool]) -> Iterator[tuple[Tick, bytes]]:
        """Yield what is due at or before a tick, in order; clicks that are too late are left out."""
        while (coming := self.next_tick()) is not None and coming <= tick:
            if self._end is not None and self._end[0] <= coming:
                ending, self._end = self._end, None
                yield ending
                continue
            self._done = coming
            if not too_late(coming):
                first = self._plan.lines.beat_of(coming)[1] == 0
                ending_tick, data = click_end(self._channel, coming, first=first)
                self._end = ending_tick, data
                yield coming, click(self._channel, first=first)

    def _next_click(self) -> Tick | None:
        beat = self._plan.lines.next_beat(max(self._done, self._rest_until - 1))
        return beat if self.on or beat < 0 else None
