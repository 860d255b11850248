"""When nothing is begun that an answer would have to wait for.

What is written ahead goes a note at a time, and a note cannot be broken off: a request that comes meanwhile
waits, for tens of milliseconds where the computer is busy.  So the worker rests while a phrase closes whose
answer must be there half a step later: from as long before as the longest of the last steps took, until it is
answered.
Owns: when the next phrase closes, and what steps took.  Threads: the model process's only.
"""

import time
from collections.abc import Callable

MARGIN_NANOS = 2_000_000
GRACE_NANOS = 80_000_000  # after which nobody asks: nothing was played
NEAR_NANOS = 120_000_000
FADING = 31 / 32  # by which a step that took long is forgotten with each other one


class Pause:
    """Knows when to rest."""

    def __init__(self, nanos: Callable[[], int] = time.monotonic_ns) -> None:
        self._nanos = nanos
        self._closes: int | None = None
        self._longest = 0.0

    def expect(self, in_nanos: int) -> None:
        """Pause while a phrase closes, so many nanoseconds from now."""
        self._closes = self._nanos() + in_nanos

    def took(self, nanos: int) -> None:
        """Learn what a step took."""
        self._longest = max(nanos, self._longest * FADING)

    def answered(self) -> None:
        """Go on, if it was the phrase which closed that was answered."""
        if self._closes is not None and self._nanos() >= self._closes:
            self._closes = None

    @property
    def near(self) -> bool:
        """Whether a phrase closes so soon that a step which is begun now may not be interrupted by others."""
        return self._closes is not None and 0 <= self._closes - self._nanos() < NEAR_NANOS

    def seconds(self) -> float:
        """Return for how long nothing may be begun unless a request comes; 0 where something may."""
        if self._closes is None:
            return 0.0
        now = self._nanos()
        if now > self._closes + GRACE_NANOS:
            self._closes = None
        if self._closes is None or now + self._longest + MARGIN_NANOS < self._closes:
            return 0.0
        return (self._closes + GRACE_NANOS - now) / 1e9 + 0.001
