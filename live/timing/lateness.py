"""How late messages leave: the last few hundred exactly, and the whole set in classes of one percent.

Threads: one.  Realtime: yes.
"""

import math
from collections import Counter, deque
from collections.abc import Sequence
from typing import NamedTuple

LAST = 512
PER_OCTAVE = 64  # classes; neighbours lie 1.1 % apart


class Percentiles(NamedTuple):
    """How many there are, and the p50, the p99 and the worst of it in microseconds."""

    number: int
    p50: float
    p99: float
    worst: float


class Lateness:
    """Counts latenesses in nanoseconds; what leaves early counts as on time."""

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=LAST)
        self._classes: Counter[int] = Counter()
        self._worst = 0

    def add(self, nanos: int) -> None:
        """Count one."""
        self._last.append(nanos)
        self._classes[round(math.log2(nanos) * PER_OCTAVE) if nanos > 0 else 0] += 1
        self._worst = max(self._worst, nanos)

    def recent(self) -> Percentiles:
        """Return the percentiles of the last few hundred."""
        ranked = sorted(self._last)
        return Percentiles(
            len(ranked), _at(ranked, 0.5), _at(ranked, 0.99), ranked[-1] / 1e3 if ranked else 0.0
        )

    def whole(self) -> Percentiles:
        """Return the percentiles of all that were counted, exact to one percent; the worst is exact."""
        count = self._classes.total()
        p50, p99 = (self._of_class(int(share * count)) for share in (0.5, 0.99))
        return Percentiles(count, p50, p99, self._worst / 1e3)

    def _of_class(self, rank: int) -> float:
        """Return the lateness, in microseconds, of the one with a rank, 0 the least."""
        for place in sorted(self._classes):
            rank -= self._classes[place]
            if rank < 0:
                return min(2.0 ** (place / PER_OCTAVE), self._worst) / 1e3 if place else 0.0
        return self._worst / 1e3


def _at(ranked: Sequence[int], share: float) -> float:
    """Return the value, in microseconds, at a share, 0..1, of ranked nanoseconds."""
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] / 1e3 if ranked else 0.0
