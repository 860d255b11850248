"""Soft takeover: when a hardware control may move a knob that has meanwhile been somewhere else.

All places are in the knob's unit.  A law takes where the hardware is now and where the knob
is now, and says where the knob goes, or None for nowhere.  It compares the knob with what it last
said itself, so what it said has to be applied before the next message.

But for `jump`, no law ever moves the knob farther than the hardware has moved since its last message, or one
step of the hardware where that is more; so the first message of all only tells where the hardware is.

Threads: engine only.  Realtime: yes.
"""

from typing import Literal

Law = Literal["jump", "pickup", "scale"]

NEAR = 1e-9
"""Knob places closer than this are one place."""


class Jump:
    """The knob is where the hardware is."""

    def move(self, place: float, knob: float, *, step: float = 0.0) -> float | None:  # noqa: ARG002 - one signature
        """Return where the knob goes: the hardware's place."""
        return place

    def waiting(self, knob: float) -> float | None:  # noqa: ARG002 - one signature for all laws
        """Return None: nothing ever waits."""
        return None


class Pickup:
    """Nothing moves until the hardware reaches or crosses the knob; then they go together.

    Whatever else moves the knob lets go of it, and it has to be picked up again.  A knob outside
    `low..high` is picked up at the nearer end, which is as near as the hardware can get.
    """

    def __init__(self, low: float, high: float) -> None:
        """Start with the hardware's place unknown; `low..high` is what it can reach."""
        self._low = low
        self._high = high
        self._place: float | None = None
        self._last_sent: float | None = None

    def move(self, place: float, knob: float, *, step: float = 0.0) -> float | None:
        """Return where the knob goes, or None while it is not picked up; `step` is the hardware's there."""
        before, self._place = self._place, place
        if not self._holds(knob):
            self._last_sent = None
            target = min(self._high, max(self._low, knob))
            reached = abs(place - target) <= max(NEAR, step)
            reached = reached or (before is not None and abs(before - target) <= NEAR)
            crossed = before is not None and (before < target) != (place < target)
            if not (reached or crossed):
                return None
        self._last_sent = place
        return place

    def waiting(self, knob: float) -> float | None:
        """Return where the hardware waits for the knob, or None when they go together."""
        return None if self._holds(knob) else self._place

    def _holds(self, knob: float) -> bool:
        """Tell whether the knob is still where this hardware left it."""
        return self._last_sent is not None and abs(knob - self._last_sent) <= NEAR


class Scale:
    """Once the hardware's place is known, the knob goes its way, slower where that lets both meet at the end.

    It never goes faster than the hand: from a place beyond the knob it keeps its distance, and the way back
    brings them together.
    """

    def __init__(self, low: float, high: float) -> None:
        """Start with the hardware's place unknown; `low..high` is what it can reach."""
        self._low = low
        self._high = high
        self._place: float | None = None

    def move(self, place: float, knob: float, *, step: float = 0.0) -> float | None:
        """Return where the knob goes, the way that the hardware goes; None for nowhere."""
        before, self._place = self._place, place
        if before is None:
            return place if abs(place - knob) <= max(NEAR, step) else None
        if abs(before - knob) <= NEAR:
            return place
        way = place - before
        end, room, left = (
            (self._high, self._high - before, self._high - knob)
            if way > 0
            else (self._low, before - self._low, knob - self._low)
        )
        if abs(way) <= NEAR or left <= 0:
            return None
        if left > room:
            return knob + way
        if place == end:
            return end
        # The last clause keeps rounding from carrying the knob past the end.
        target = knob + way * left / room
        return min(target, end) if way > 0 else max(target, end)

    def waiting(self, knob: float) -> float | None:  # noqa: ARG002 - one signature for all laws
        """Return None: nothing ever waits."""
        return None


def takeover(law: Law, low: float, high: float) -> Jump | Pickup | Scale:
    """Return a fresh law for a control that reaches `low..high`."""
    match law:
        case "jump":
            return Jump()
        case "pickup":
            return Pickup(low, high)
        case "scale":
            return Scale(low, high)
