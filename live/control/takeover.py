"""Soft takeover: when a hardware control may move a knob that has meanwhile been somewhere else.

All places are in the knob's unit.  A law takes where the hardware is now and where the knob
is now, and says where the knob goes, or None for nowhere.  It compares the knob with what it last
said itself, so what it said has to be applied before the next message.

Threads: engine only.  Realtime: yes.
"""

from typing import Literal

Law = Literal["jump", "pickup", "scale"]

NEAR = 1e-9
"""Knob places closer than this are one place."""


class Jump:
    """The knob is where the hardware is."""

    def move(self, place: float, knob: float) -> float | None:  # noqa: ARG002 - one signature for all laws
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

    def move(self, place: float, knob: float) -> float | None:
        """Return where the knob goes, or None while it is not picked up."""
        before, self._place = self._place, place
        if not self._holds(knob):
            self._last_sent = None
            target = min(self._high, max(self._low, knob))
            reached = abs(place - target) <= NEAR or (before is not None and abs(before - target) <= NEAR)
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
    """The knob moves at once, at the rate that lets both arrive at the end of the travel together.

    At first contact the hardware is taken to have been in step with the knob.
    """

    def __init__(self, low: float, high: float) -> None:
        """Start with the hardware's place unknown; `low..high` is what it can reach."""
        self._low = low
        self._high = high
        self._place: float | None = None

    def move(self, place: float, knob: float) -> float | None:
        """Return where the knob goes; always the way that the hardware goes, and never by a jump."""
        before, self._place = self._place, place
        if before is None or abs(before - knob) <= NEAR:
            return place
        if place > before:
            end, room, left = self._high, self._high - before, self._high - knob
        else:
            end, room, left = self._low, before - self._low, knob - self._low
        if place == before or left <= 0:
            return knob
        if place == end:
            return end
        # The last clause keeps rounding from carrying the knob past the end.
        target = knob + (place - before) * left / room
        return min(target, end) if place > before else max(target, end)

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
