"""What has arrived for the engine, from any thread, until its loop takes it.

Keys, commands, answers and goodbyes are never dropped.  In a storm, controllers and knobs are coalesced: a
newer value takes the place of one that still waits; MIDI clock and the like are dropped, its starts and
stops are not.  Both are counted.
Owns: what waits, and how much was lost.  Threads: `put` any, the rest the engine's only.  Realtime: yes.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from live.ipc.commands import Turn
from live.ipc.link import Link
from live.timing.midi_bytes import (
    CHANNEL_PRESSURE,
    CONTINUE,
    CONTROL,
    KEY_PRESSURE,
    PITCH_BEND,
    SONG_POSITION,
    START,
    STOP,
    SYSTEM_EXCLUSIVE,
    Received,
)

STORM = 256
"""So many waiting are no longer what one performer does: from here on values are coalesced."""

LOST_NANOS = 5_000_000_000  # what is lost is told so often

_WITH_NUMBER = (CONTROL, KEY_PRESSURE)
_WITHOUT_NUMBER = (CHANNEL_PRESSURE, PITCH_BEND)
_IN_ORDER = (
    (0, 6, *range(32, 64), 96, 97, 98, 99, 100, 101),  # banks, halves of 14 bits, RPN and NRPN
    range(64, 70),  # pedals: an up and a down are no values of which the newer is enough
    range(120, 128),  # all notes off and the like
)

_SAID_ONCE = (START, CONTINUE, STOP, SONG_POSITION, SYSTEM_EXCLUSIVE)  # by who leads: none comes again


class _Value(NamedTuple):
    """Which controller or knob a message sets."""

    source: str
    kind: object
    number: int


Arrival = tuple["Link[Any] | None", object]
"""The link it came over, None for our own threads, and what has arrived.  A bare tuple: a key makes one."""


class Arrivals:
    """First in, first out.

    Args:
        ring: called after each.

    Attributes:
        replaceable: tells whether a newer one makes a controller's message worthless; called on any thread.
        coalesced: values that a newer one has replaced before they were taken.
        dropped: messages that were left out.
    """

    def __init__(self, ring: Callable[[], object] = lambda: None) -> None:
        self._ring = ring
        self._waiting: deque[Arrival | _Value] = deque()
        self._newest: dict[_Value, Arrival] = {}
        self._lock = threading.Lock()
        self.replaceable: Callable[[Received], bool] = lambda _received: True
        self.coalesced = 0
        self.dropped = 0
        self._lost = self._lost_nanos = 0  # as far as it was told, and when

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def put(self, item: object, link: "Link[Any] | None" = None) -> None:
        """Let something wait, and ring."""
        # no lock, for keys come this way: what comes from one source comes from one thread, in its order
        if not self._newest and len(self._waiting) < STORM:
            self._waiting.append((link, item))
        else:
            self._coalesce((link, item))
        self._ring()

    def _coalesce(self, arrival: Arrival) -> None:
        """Let something wait in a storm."""
        item = arrival[1]
        with self._lock:
            # while any value waits by its name, so do the others: else an older one could be taken after it
            value = self._value_of(item)
            if value is not None:
                if value in self._newest:
                    self.coalesced += 1
                else:
                    self._waiting.append(value)
                self._newest[value] = arrival
            elif isinstance(item, Received) and item.data[:1] >= b"\xf0" and item.data[0] not in _SAID_ONCE:
                self.dropped += 1
            else:
                self._waiting.append(arrival)

    def take(self) -> Arrival | None:
        """Return what has waited longest; None when nothing waits."""
        if not self._waiting:
            return None
        first = self._waiting.popleft()
        if not isinstance(first, _Value):
            return first
        with self._lock:
            return self._newest.pop(first)

    def newly_lost(self, now: int) -> int:
        """Return how much was coalesced or dropped since this was told last; 0 for a while after that."""
        lost = self.coalesced + self.dropped - self._lost
        if not lost or now - self._lost_nanos <= LOST_NANOS:
            return 0
        self._lost, self._lost_nanos = self._lost + lost, now
        return lost

    def _value_of(self, item: object) -> _Value | None:
        """Return what a message sets, where a newer message about it makes it worthless; else None."""
        if isinstance(item, Turn):
            return _Value(item.source, item.knob, 0)
        if not isinstance(item, Received) or len(item.data) < 2 or not self.replaceable(item):
            return None
        status, number = item.data[0], item.data[1]
        if status & 0xF0 in _WITHOUT_NUMBER:
            return _Value(item.port, status, 0)
        if status & 0xF0 not in _WITH_NUMBER:
            return None
        if status & 0xF0 == CONTROL and any(number in each for each in _IN_ORDER):
            return None
        return _Value(item.port, status, number)
