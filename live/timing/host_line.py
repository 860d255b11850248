"""Host time on a device's counter: JACK's frames, a sequencer's ticks.

A device tells its counter when the system lets it: late, never early.  So the line lies below what was
observed, and touches it: the edge of the lower convex hull that lies under the middle of the observations
(Moon, Skelly and Towsley, "Estimation and removal of clock skew from network delay measurements", 1999).
Once there are many that are all a little late, it goes through them by least squares, which a single one
moves less.
It moves a little with each look all the same.  What lies evenly in host time must lie evenly on the counter,
so the line that is used stays while the other is near, and else glides to it, by some millionths of its rate:
after two minutes the rate is known to a tenth of a millionth, and the line stays for minutes.
Pure.  Threads: `observe` one; `count` and `nanos` any.  Realtime: yes, 1 us; each half second 120 us.
"""

from collections import deque
from collections.abc import Sequence

from live.timing.timeline import Nanos

BUCKET_NANOS = 500_000_000  # of which the least late observation counts
MANY, BUCKETS = 32, 240  # that a line goes through instead of below; that are remembered
FEWEST, FEWEST_COARSE = 3, 16  # buckets from which a rate is taken
STEP_NANOS, HOP_NANOS = 2_000_000, 150_000
STEPS, STEPS_NANOS = 6, 10_000_000  # so many in a row, for so long, are late by more than a step,
HOPS, HOPS_NANOS = 64, 100_000_000  # or a hop, only where the counter was stopped, or its cycles were lost
NEAR_NANOS = 60_000  # so near to the line, observations count for a new one
HOLD_NANOS, STEADY_HOLD_NANOS = 10_000, 50_000  # so near, a line stays; so near, with a full memory
MET_NANOS = 2_000  # so near, a glide is over
GLIDE_NANOS, MOST_GLIDE_NANOS = 4_000_000_000, 1_000_000  # how fast it glides, and from how far at most
MOST_DRIFT = 0.01  # of a rate

Point = tuple[int, int]
"""(count, nanos)."""


class HostLine:
    """Knows at which count a device will be at a moment.

    Args:
        nanos_per_count: by the device's own word.
        coarse_nanos: how far apart the moments are at which the counter goes on.
    """

    def __init__(self, nanos_per_count: float, *, coarse_nanos: int = 0) -> None:
        self._nominal, self._step_nanos = nanos_per_count, coarse_nanos + STEP_NANOS
        self._fewest = FEWEST_COARSE if coarse_nanos else FEWEST
        self._line: tuple[int, float, float] | None = None
        self._points: deque[Point] = deque(maxlen=BUCKETS)
        self._least: Point | None = None
        self._least_late = 0.0
        self._bucket_nanos = 0
        self._steps: list[Point] = []  # observations in a row that are too late for this line
        self._hop_nanos = coarse_nanos + HOP_NANOS
        self._hops: list[Point] = []  # and those that are a little too late
        self._gliding = False

    @property
    def known(self) -> bool:
        """Tell whether anything was observed."""
        return self._line is not None

    def count(self, nanos: int) -> float:
        """Return the count of a moment; only after an observation."""
        assert self._line is not None
        count, at, rate = self._line
        return count + (nanos - at) / rate

    def nanos(self, count: float) -> Nanos:
        """Return the moment of a count; only after an observation."""
        assert self._line is not None
        origin, at, rate = self._line
        return Nanos(round(at + (count - origin) * rate))

    def observe(self, count: int, nanos: int) -> None:
        """Take it that the device was at a count at a moment, or a little before."""
        if self._line is None:
            self._line = count, float(nanos), self._nominal
            self._bucket_nanos = nanos
        origin, at, rate = self._line
        late = nanos - at - (count - origin) * rate
        if late > self._step_nanos:
            self._steps.append((count, nanos))
            if len(self._steps) >= STEPS and nanos - self._steps[0][1] >= STEPS_NANOS:
                self._leap(_under(self._steps, rate))
            return
        self._steps.clear()
        if late > self._hop_nanos and len(self._points) >= self._fewest:  # else it may be the rate
            self._hops.append((count, nanos))
            if len(self._hops) >= HOPS and nanos - self._hops[0][1] >= HOPS_NANOS:
                self._leap(_under(self._hops, rate))
                return
        else:
            self._hops.clear()
        if late < -self._step_nanos:
            self._leap((count, float(nanos), rate))
        elif self._least is None or late < self._least_late:
            self._least, self._least_late = (count, nanos), late
            if late < 0 and len(self._points) < self._fewest:
                self._line, self._least_late = (count, float(nanos), rate), 0.0
        if nanos - self._bucket_nanos >= BUCKET_NANOS:
            self._close(nanos)

    def _leap(self, line: tuple[int, float, float]) -> None:
        """Go on from another place at the same rate; what was observed before tells of the rate still."""
        assert self._line is not None
        origin, at, rate = self._line
        leap = round(line[1] - at - (line[0] - origin) * rate)
        moved = [(count, nanos + leap) for count, nanos in self._points]
        self._points.clear()
        self._points += moved
        self._line, self._least, self._gliding = line, None, False
        self._steps.clear()
        self._hops.clear()
        self._bucket_nanos = round(line[1])

    def _close(self, nanos: int) -> None:
        """End a bucket, and see whether the line still holds."""
        assert self._line is not None
        self._bucket_nanos = nanos
        if self._least is None:
            return
        self._points.append(self._least)
        self._least = None
        if len(self._points) < self._fewest:
            return
        line = _through_near(self._points, self._line) if len(self._points) >= MANY else None
        line = line or _edge(_lower_hull(self._points))
        if abs(line[2] / self._nominal - 1) <= MOST_DRIFT:
            self._approach(line, nanos)

    def _approach(self, line: tuple[int, float, float], nanos: int) -> None:
        """Glide to a line that is not near, or is being glided to; leap to one that is far away."""
        off = self._off(line, nanos)
        far = max(abs(off), abs(self._off(line, nanos + 2 * BUCKET_NANOS)))
        hold = HOLD_NANOS if len(self._points) < BUCKETS else STEADY_HOLD_NANOS
        if far > MOST_GLIDE_NANOS:
            self._line, self._gliding = line, False
        elif far > hold or self._gliding:
            count = self.count(nanos)
            self._gliding = abs(off) > MET_NANOS
            rate = line[2] * (1 + off / GLIDE_NANOS * self._gliding)  # met, it stays beside the line, as even
            self._line = round(count), nanos + (round(count) - count) * rate, rate

    def _off(self, new: tuple[int, float, float], nanos: int) -> float:
        """Return by how many nanoseconds a new line differs at a moment."""
        count = self.count(nanos)
        return new[1] + (count - new[0]) * new[2] - nanos


def _under(points: Sequence[Point], rate: float) -> tuple[int, float, float]:
    """Return the line of a rate that lies under points and touches one."""
    zero = points[0][0]
    count, nanos = min(points, key=lambda point: point[1] - (point[0] - zero) * rate)
    return count, float(nanos), rate


def _lower_hull(points: Sequence[Point]) -> list[Point]:
    """Return the corners of the lower convex hull; points come in the order of their counts."""
    hull: list[Point] = []
    for point in points:
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], point):
            hull.pop()
        if not hull or point[0] > hull[-1][0]:
            hull.append(point)
    return hull


def _turns_right(one: Point, two: Point, three: Point) -> bool:
    """Tell whether the middle one lies on or above the line between the others."""
    return (two[1] - one[1]) * (three[0] - one[0]) >= (three[1] - one[1]) * (two[0] - one[0])


def _edge(hull: Sequence[Point]) -> tuple[int, float, float]:
    """Return the edge of a hull under its middle."""
    middle = (hull[0][0] + hull[-1][0]) / 2
    right = next(place for place in range(1, len(hull)) if hull[place][0] >= middle)
    (count, nanos), (end, end_nanos) = hull[right - 1], hull[right]
    return count, float(nanos), (end_nanos - nanos) / (end - count)


def _through_near(points: Sequence[Point], line: tuple[int, float, float]) -> tuple[int, float, float] | None:
    """Return the least squares' line of the points near a line; None where most are not."""
    origin, at, rate = line
    near = [
        (apart, off)
        for count, nanos in points
        if abs(off := nanos - at - (apart := count - origin) * rate) <= NEAR_NANOS
    ]
    if len(near) * 2 < len(points):
        return None
    middle, off = sum(apart for apart, _ in near) / len(near), sum(off for _, off in near) / len(near)
    squares = sum((apart - middle) ** 2 for apart, _ in near)
    slope = sum((apart - middle) * off for apart, off in near) / squares
    return origin, at + off - middle * slope, rate + slope
