"""What is a touch: pots that flicker by one step are not turned, and one press of a switch is one press.

Owns: what each control sent last.  Threads: engine only.  Realtime: yes.
"""

from typing import Literal

from live.control.curves import pot_step

SwitchKind = Literal["momentary", "toggle", "trigger"]
"""Tells its release; tells each press with the other value; tells presses only."""

SAME_PRESS_NANOS = 150_000_000
"""A switch that never tells its release and repeats its value sooner than this is still pressed."""


class Hysteresis:
    """Tells a hand from a pot's flicker.

    One step against the way it was going is no touch; one step on is.  The ends and the centre always count,
    so that a hand can come to rest there.

    Attributes:
        number: the last one that was a touch, None before the first.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._way = 0

    def feed(self, number: int, top: int) -> bool:
        """Take a number, 0..top; tell whether it was a touch."""
        before = self.number
        if before is None:
            self.number = number
            return True
        change = number - before
        way = (change > 0) - (change < 0)
        if abs(change) <= pot_step(top) and way != self._way and number not in (0, top, (top + 1) // 2):
            return False
        if not change:
            return False
        self.number, self._way = number, way
        return True


class Switch:
    """Tells presses from repeats.

    Args:
        kind: what the switch tells; None is found out: one that has ever told a release is momentary.
    """

    def __init__(self, kind: SwitchKind | None = None) -> None:
        self._kind = kind
        self._down: bool | None = None
        self._number = -1
        self._nanos = 0
        self._tells_release = kind == "momentary"

    def feed(self, number: int, top: int, nanos: int) -> bool:
        """Take a number, 0..top, above the middle when pressed; tell whether this is one more press."""
        down, before, same = number > top // 2, self._down, number == self._number
        quick = nanos - self._nanos < SAME_PRESS_NANOS
        self._down, self._number, self._nanos = down, number, nanos
        if self._kind == "toggle":
            return down != before
        self._tells_release = self._tells_release or (not down and self._kind is None)
        if not down or not before:
            return down
        return same and not quick and not self._tells_release
