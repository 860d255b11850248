"""From a controller's numbers to a knob's value: ranges, curves, relative encoders, 14-bit pairs."""

import math
from collections.abc import Callable
from typing import Literal

CurveName = Literal["linear", "exp", "log", "s"]
EncoderKind = Literal[
    "twos_complement", "sign_magnitude", "binary_offset", "offset_16", "up_down", "increment"
]
"""Of a cc, but for `increment`: an NRPN that is stepped by the controllers 96 and 97."""

TOP7, TOP14 = 127, 16383
STEEPNESS = 16.0
"""Of exp and log: half of the travel makes a fifth of the way with exp, about four fifths with log."""

CURVES: dict[str, Callable[[float], float]] = {
    "linear": lambda way: way,
    "exp": lambda way: (STEEPNESS**way - 1.0) / (STEEPNESS - 1.0),
    "log": lambda way: math.log1p(way * (STEEPNESS - 1.0)) / math.log(STEEPNESS),
    "s": lambda way: way * way * (3.0 - 2.0 * way),
}
"""Each 0..1 -> 0..1, rising, through both ends."""


def value_at(number: int, top: int, low: float, high: float, curve: Callable[[float], float]) -> float:
    """Return the knob's value for a controller's number.

    A range that spans zero has its zero at the controller's centre (64 of 127, 8192 of 16383), and its
    curve runs from there to both sides; the two ends are always met exactly.

    Args:
        number: 0..top.
        top: 127 or 16383.
        low: value at 0.
        high: value at top.
        curve: one of `CURVES`.
    """
    if low < 0.0 < high:
        centre = (top + 1) // 2
        if number >= centre:
            return high * curve((number - centre) / (top - centre))
        return low * curve((centre - number) / centre)
    return high if number == top else low + (high - low) * curve(number / top)


def step_at(number: int, top: int, low: float, high: float, curve: Callable[[float], float]) -> float:
    """Return the larger of the ways to a pot's neighbouring numbers, in the knob's unit; see `value_at`.

    A pot with 14 bits is taken to resolve ten of them, as its converter does.
    """
    size = pot_step(top)
    here = value_at(number, top, low, high, curve)
    beside = (max(0, number - size), min(top, number + size))
    return max(abs(value_at(other, top, low, high, curve) - here) for other in beside)


def pot_step(top: int) -> int:
    """Return what a pot that nobody touches may flicker by, in its numbers 0..top."""
    return 1 if top <= TOP7 else 16


def detents(number: int, encoder: EncoderKind) -> int:
    """Return how many detents a relative encoder was turned, by its number 0..127; positive is clockwise."""
    match encoder:
        case "offset_16":
            return number - 16
        case "up_down" | "increment":
            return 1 if number >= 64 else -1
        case "twos_complement":
            return number if number < 64 else number - 128
        case "sign_magnitude":
            return number if number < 64 else 64 - number
        case "binary_offset":
            return number - 64


class Pair:
    """Puts the halves of a 14-bit controller together, whichever its maker sends first.

    The first complete pair tells the order; from then on the second half completes a value, also
    alone (senders may leave the first half away when it has not changed).  A sender that never
    sends the lower half is read as a 7-bit one, from its second number on.

    Threads: engine only.  Realtime: yes.
    """

    def __init__(self) -> None:
        self._upper: int | None = None
        self._lower: int | None = None
        self._upper_first: bool | None = None
        self._coarse = False

    def feed(self, number: int, *, upper: bool) -> tuple[int, int] | None:
        """Take one half, 0..127.

        Returns:
            The whole number and its top (16383, or 127 where only the upper half is sent), or None
            while a half is awaited.
        """
        alone = upper and self._upper is not None and self._lower is None
        if upper:
            self._upper = number
        else:
            self._lower = number
        if self._upper is not None and self._lower is not None:
            if self._upper_first is None:
                self._upper_first = not upper
                self._coarse = False
            return (self._upper << 7 | self._lower, TOP14) if upper != self._upper_first else None
        self._coarse = self._coarse or alone
        return (number, TOP7) if upper and self._coarse else None

    def flush(self) -> tuple[int, int] | None:
        """Return an upper half whose lower one will not come any more, as `feed` does."""
        if self._upper is None or self._lower is not None or self._coarse:
            return None
        self._coarse = True
        return self._upper, TOP7
