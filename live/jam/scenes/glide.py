"""A glide: the way from the present state to a scene over some bars, a sixteenth at a time.

Knobs go straight; the base goes the arc between two places of one model; all else changes on arrival.
Whatever the performer moves meanwhile is the performer's and glides no more.
Owns: how far the way has been gone.  Threads: engine only.
Tested in tests/live/jam/scenes/test_scenes.py.
"""

from collections.abc import Callable, Container
from typing import NamedTuple

from live.ipc.jam_memory import Base
from live.ipc.places import Between
from live.jam.jam import Jam
from live.jam.scenes.jam_state import Slots, StateSlots
from live.timing.timeline import Nanos, Tick


class Target(NamedTuple):
    """Where a glide ends.

    Attributes:
        knobs: by name.
        base: None where it stays until the end.
        slots: all that will have changed.
        arrive: sets all else at the end, and these of the knobs.
    """

    knobs: dict[str, float]
    base: Base | None
    slots: Slots
    arrive: Callable[[Container[str], Nanos], None]


class Glide:
    """A way that is being gone.  `bars`: length of the way."""

    def __init__(self, jam: Jam, slots: StateSlots, target: Target, bars: int, now: Nanos) -> None:
        self.target = target
        self._jam, self._slots = jam, slots
        self._from = {name: jam.knobs[name] for name in target.knobs}
        self._last = dict(self._from)
        single = target.base is not None and len(jam.history.state.bases) == 1
        self._base = self._last_base = jam.history.state.base if single else None
        self._start, self._run = jam.sent_to(now), jam.run
        self._end = Tick(self._start + bars * jam.plan.grid.ticks_per_bar)
        self._next = self._start

    def next_tick(self) -> Tick:
        """Return when to go on."""
        return self._next

    def advance(self, tick: Tick, now: Nanos) -> bool:
        """Go as far as it is time for; False when the end is reached, or the transport began anew."""
        jam = self._jam
        if tick < self._next and jam.run == self._run:
            return True
        for name, last in list(self._last.items()):
            if jam.knobs[name] != last:
                del self._last[name]
        if tick >= self._end or jam.run != self._run:
            self.target.arrive(self._last, now)
            return False
        share = (tick - self._start) / (self._end - self._start)
        ways = {name: (self._from[name], self.target.knobs[name]) for name in self._last}
        self._slots.set_knobs({name: a + share * (b - a) for name, (a, b) in ways.items()}, now)
        self._last = {name: jam.knobs[name] for name in self._last}
        self._move_base(share, tick)
        self._next = Tick(min(self._end, tick + jam.plan.grid.ticks_per_step))
        return True

    def _move_base(self, share: float, tick: Tick) -> None:
        jam, target = self._jam, self.target.base
        if self._base is None or target is None or jam.history.state.base is not self._last_base:
            self._base = None
            return
        place = Between(self._base.place, target.place, share)
        jam.places.put_bases((Base(place, "recall", None, self._base.number),), jam.places.ident, tick)
        self._last_base = jam.history.state.base
