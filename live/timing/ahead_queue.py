"""What was given ahead of its time: messages for now, and messages for later, on their way to a driver.

What ends sounds now also takes back what would begin them later, so nothing sounds after panic or stop; the
ends of notes are never taken back.
Owns: what a driver has not taken yet.  Threads: one gives, one takes; no lock, for each step is one call of
the interpreter.  Realtime: yes, about 1 us for a message.
"""

import heapq
import itertools
from collections import deque
from typing import NamedTuple

from live.timing.midi_bytes import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    CLOCK,
    CONTINUE,
    CONTROL,
    START,
    STOP,
    is_note_off,
    is_note_on,
)
from live.timing.timeline import Nanos

_CLOCKS = frozenset((CLOCK, START, CONTINUE))


class Planned(NamedTuple):
    """A message for later; tuples compare in the order in which they leave."""

    due: Nanos
    number: int
    data: bytes


class AheadQueue:
    """Messages on their way to a driver."""

    def __init__(self) -> None:
        self._now: deque[bytes] = deque()
        self._later: list[Planned] = []
        self._numbers = itertools.count()
        self._void: dict[tuple[int, int], int] = {}  # what begins with less than the number was taken back

    def __len__(self) -> int:
        """Count what waits."""
        return len(self._now) + len(self._later)

    def now(self, data: bytes) -> None:
        """Give a message that leaves as soon as can be."""
        ended = ended_by(data)
        if ended is not None:
            self._void[ended] = next(self._numbers)
        self._now.append(data)

    def later(self, data: bytes, due: Nanos) -> None:
        """Give a message that leaves at a moment."""
        heapq.heappush(self._later, Planned(due, next(self._numbers), data))

    def take_now(self) -> bytes | None:
        """Take the next message that leaves at once."""
        try:
            return self._now.popleft()
        except IndexError:
            return None

    def take_due(self, before: int) -> Planned | None:
        """Take the next message that is due before a moment."""
        later = self._later
        while later and later[0].due < before:
            planned = heapq.heappop(later)  # that one, or one that was given since and is due before it
            if not self._taken_back(planned):
                return planned
        return None

    def put_back(self, planned: Planned) -> None:
        """Let a message that could not leave leave with the next ones."""
        heapq.heappush(self._later, planned)

    def put_first(self, data: bytes) -> None:
        """Let a message that could not leave at once be the next one."""
        self._now.appendleft(data)

    def next_due(self) -> Nanos | None:
        """Return when the next one is due."""
        later = self._later
        return later[0].due if later else None

    def _taken_back(self, planned: Planned) -> bool:
        begun, void = begun_by(planned.data), self._void
        return begun is not None and planned.number < max(void.get(begun, -1), void.get((begun[0], -1), -1))


def begun_by(data: bytes) -> tuple[int, int] | None:
    """Return what a message begins, which its end takes back: as `ended_by`; None where there is no such."""
    if is_note_on(data):
        return data[0] & 0x0F, data[1]
    return (STOP, -1) if data[0] in _CLOCKS else None


def ended_by(data: bytes) -> tuple[int, int] | None:
    """Return what a message ends: (channel 0..15, key), (channel, -1): all its keys, (STOP, -1): a clock."""
    if is_note_off(data):
        return data[0] & 0x0F, data[1]
    if data[0] & 0xF0 == CONTROL and data[1] in (ALL_SOUND_OFF, ALL_NOTES_OFF):
        return data[0] & 0x0F, -1
    return (STOP, -1) if data[0] == STOP else None


def ends(ended: tuple[int, int], begun: tuple[int, int]) -> bool:
    """Tell whether what a message ends is what another one begins, or all of its channel."""
    return ended in (begun, (begun[0], -1))
