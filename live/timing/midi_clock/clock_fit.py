"""A line through the moments of received MIDI clocks: filters their jitter and follows what they mean.

Least squares over the last so many clocks, over as many as agree: the longest window whose confidence
interval at the newest clock meets those of all shorter ones (the rule of intersecting confidence intervals;
Goldenshluger and Nemirovski, "On spatially adaptive estimation of nonparametric regression", 1997).  A steady
tempo is thus averaged over beats, a change of tempo is followed by the few clocks after it.
Pure.  Threads: one.  Realtime: yes, tens of microseconds for a clock.
"""

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from live.timing.midi_bytes import CLOCKS_PER_BEAT
from live.timing.timeline import FASTEST_BPM, NANOS_PER_MINUTE, SLOWEST_BPM, Nanos

WINDOWS = (3, 5, 8, 12, 20, 32, 48, 96, 192)
"""Numbers of clocks, shortest first."""

CONFIDENCE = 2.5  # half of an interval, in standard deviations
NOISE_WINDOW = 12  # clocks whose scatter about their own line is the jitter
NOISE_RATE, NOISE_STEP = 1 / 48, 4.0  # jitter is learned slowly: a change of tempo looks like it at first
FIRST_NOISE, LEAST_NOISE = 5e5, 1e5  # nanoseconds
OUTLIER = 0.5  # of a clock: what lies so far off the line is explained before it is taken
DOUBT = 6.0  # standard deviations of the jitter: what lies so far off is not believed by itself
EVEN = 0.3  # of a clock: outliers that differ by less lie off alike,
SURELY = 4.5  # or by less than so many standard deviations of the jitter
LEARNING = 96  # clocks before any is called an outlier
REGULAR, REGULAR_WITHIN = 3, 2  # gaps between clocks that seem lost, and by how many they differ
TOGETHER_NANOS = 300_000  # clocks that come closer were sent in one buffer: no cable carries them so close
BUNCHED_NOISE = 0.3  # of a clock: the deviation of what lies anywhere in a buffer of one clock's length
QUESTIONED = 4  # outliers in a row that are asked what they are
QUESTIONED_OF_JITTER = 12  # where jitter alone makes outliers
QUICKEST, SLOWEST = (NANOS_PER_MINUTE / bpm / CLOCKS_PER_BEAT for bpm in (FASTEST_BPM, SLOWEST_BPM))


class _Sums(NamedTuple):
    """Sums over all clocks so far, exact: differences of two are sums over a window."""

    n: int
    x: int
    y: int
    xx: int
    xy: int
    yy: int


class _FitLine(NamedTuple):
    """A line through a window: its mean, its slope, its sum of squared deviations, and how wide it is."""

    n: int
    mean_x: float
    mean_y: float
    slope: float
    rss: float
    sxx: float


class ClockFit:
    """Knows when each clock is, or will be.

    Args:
        tempo_bpm: to begin with.

    Attributes:
        count: number of the newest clock, counting those that must have been lost; -1 before the first.
        last: when it was received.
        period: nanoseconds from clock to clock, within 20..400 bpm.
        noise: standard deviation of the clocks about the line, nanoseconds.
    """

    def __init__(self, tempo_bpm: float) -> None:
        self.count = -1
        self.last = Nanos(0)
        self.period = NANOS_PER_MINUTE / tempo_bpm / CLOCKS_PER_BEAT
        self.noise = FIRST_NOISE
        self._bunches = False  # they come in buffers about as long as a clock: none is lost or doubled
        self._corrections: deque[tuple[int, int]] = deque(maxlen=REGULAR)
        self._at = 0.0  # the line at `count`, from `_origin` on
        self._origin = 0
        self._prior: float | None = self.period
        self._sums: deque[_Sums] = deque(maxlen=WINDOWS[-1] + 1)
        self._received: deque[int] = deque(maxlen=WINDOWS[-1])  # moments of what the sums are of
        self._questioned: list[tuple[int, int]] = []
        self.restart()

    @property
    def tempo_bpm(self) -> float:
        """Return the tempo of the line."""
        return min(FASTEST_BPM, max(SLOWEST_BPM, NANOS_PER_MINUTE / self.period / CLOCKS_PER_BEAT))

    def moment(self, count: int) -> Nanos:
        """Return when a clock is by the line."""
        return Nanos(self._origin + round(self._at + (count - self.count) * self.period))

    def restart(self, *, keep_tempo: bool = True) -> None:
        """Let the next clock lie anywhere; the count goes on, so does the tempo until another is clear."""
        self._sums.clear()
        self._received.clear()
        self._sums.append(_Sums(0, 0, 0, 0, 0, 0))
        self._questioned.clear()
        self._prior = self.period if keep_tempo else None

    def add(self, nanos: Nanos, *, lost: int = 0) -> int:
        """Take a received clock; returns by how many the count has been corrected, 0 almost always.

        Args:
            nanos: when it was received.
            lost: how many are known to have been lost just before it.
        """
        together, self.last = nanos - self.last < TOGETHER_NANOS, nanos
        self.count += 1 + lost
        if len(self._sums) == 1:
            self._origin, self._at = nanos, 0.0
            self._take(self.count, nanos)
            return 0
        self._at += (1 + lost) * self.period
        off = nanos - self._origin - self._at
        doubtful = min(OUTLIER * self.period, DOUBT * self.noise) if not self._bunches else 2 * self.period
        settled = self.count > LEARNING and len(self._sums) > NOISE_WINDOW
        if settled and off < -OUTLIER * self.period and together:
            self._go_by_bunches([nanos], undone=0)
            return 0
        if settled and abs(off) > doubtful:
            self._questioned.append((self.count, nanos))
            return self._answer()
        if self._bunched:
            self._take_questioned()
        self._questioned.clear()  # a delay is over, and tells nothing of the tempo
        self._take(self.count, nanos)
        self._fit()
        return 0

    @property
    def _bunched(self) -> bool:
        """Tell whether jitter alone makes outliers."""
        return self.noise > OUTLIER / 3 * self.period

    def _answer(self) -> int:
        """Take outliers in a row as what they are, once that is clear.

        Lying off more and more they are a new tempo, all alike they say that clocks were lost or doubled;
        coming back to the line they were delayed.
        """
        questioned = [*self._questioned]
        offs = [
            (moment - self._origin - self._at) / self.period - (count - self.count)
            for count, moment in questioned
        ]
        if len(offs) > 1 and max(map(abs, offs)) < OUTLIER:
            self._take_questioned()
            self._fit()
            return 0
        alike = max(EVEN, SURELY * self.noise / self.period)
        drifts = abs(offs[-1]) - abs(offs[0]) > alike and offs[0] * offs[-1] > 0
        patience = QUESTIONED_OF_JITTER if self._bunched or abs(offs[-1] - offs[0]) > alike else QUESTIONED
        if len(offs) < patience and not drifts:
            return 0
        mean = sum(offs) / len(offs)
        lost = 0 if drifts else round(offs[-1])
        if drifts or max(offs) - min(offs) > alike or abs(mean - lost) > EVEN:
            self._restart_questioned(keep_tempo=not drifts)
        elif undone := self._regular(lost):  # no cable loses them so: they come in bunches
            self._go_by_bunches([moment for _, moment in questioned], undone=undone)
            return -undone
        else:
            self._corrections.append((self.count, lost))
            self._at += lost * self.period
        self.count += lost
        self._take_questioned(lost)
        self._fit()
        return lost

    def _go_by_bunches(self, newest: Sequence[int], *, undone: int) -> None:
        """Take it that clocks come as buffers are written: evenly on the mean, and none was lost or doubled.

        Args:
            newest: moments that were not taken yet, the last of them that of `count`.
            undone: the sum of corrections that were none.
        """
        self._bunches, self.count = True, self.count - undone
        received = [*self._received, *newest]
        self._corrections.clear()
        self.restart()
        self._origin, first = received[0], self.count + 1 - len(received)
        for number, moment in enumerate(received):
            self._take(first + number, moment)
        self._fit()

    def _restart_questioned(self, *, keep_tempo: bool) -> None:
        """Let the line begin with the outliers."""
        questioned = [*self._questioned]
        self.restart(keep_tempo=keep_tempo)
        self._questioned = questioned
        self._origin, self._at = questioned[0][1], float(questioned[-1][1] - questioned[0][1])

    def _take_questioned(self, lost: int = 0) -> None:
        for count, moment in self._questioned:
            self._take(count + lost, moment)
        self._questioned.clear()

    def _regular(self, lost: int) -> int:
        """Return the sum of the last corrections where they came as regularly as bunches do, else 0."""
        last = [*self._corrections, (self.count, lost)]
        gaps = [later[0] - sooner[0] for sooner, later in pairwise(last)]
        regular = len(gaps) == REGULAR and max(gaps) - min(gaps) <= REGULAR_WITHIN
        return sum(one for _, one in self._corrections) if regular else 0

    def _take(self, count: int, nanos: int) -> None:
        self._received.append(nanos)
        x, y, last = count, nanos - self._origin, self._sums[-1]
        self._sums.append(
            _Sums(last.n + 1, last.x + x, last.y + y, last.xx + x * x, last.xy + x * y, last.yy + y * y)
        )

    def _line(self, n: int) -> _FitLine:
        """Return the line through the last n clocks, n >= 2."""
        a, b = self._sums[-1 - n], self._sums[-1]
        x, y = b.x - a.x, b.y - a.y
        sxx = ((b.xx - a.xx) * n - x * x) / n
        sxy = ((b.xy - a.xy) * n - x * y) / n
        syy = ((b.yy - a.yy) * n - y * y) / n
        slope = sxy / sxx
        return _FitLine(n, x / n, y / n, slope, max(0.0, syy - slope * sxy), sxx)

    def _learn_noise(self) -> None:
        known = self.noise**2
        variance = min(self._line(NOISE_WINDOW).rss / (NOISE_WINDOW - 2), NOISE_STEP * known)
        least = BUNCHED_NOISE * self.period if self._bunches else LEAST_NOISE
        self.noise = max(least, math.sqrt(known + NOISE_RATE * (variance - known)))

    def _fit(self) -> None:
        """Choose the window, and take its line."""
        size = len(self._sums) - 1
        if size >= NOISE_WINDOW:
            self._learn_noise()
        lowest, highest, chosen = -math.inf, math.inf, None
        noise = CONFIDENCE * self.noise
        for n in WINDOWS if size >= WINDOWS[0] else (2,):
            if n > size:
                break
            line = self._line(n)
            reach = self.count - line.mean_x
            at = line.mean_y + reach * line.slope
            half = noise * math.sqrt(1 / n + reach * reach / line.sxx)
            lowest, highest = max(lowest, at - half), min(highest, at + half)
            if lowest > highest:
                break
            chosen = line
        assert chosen is not None  # the shortest agrees with itself
        slope = chosen.slope
        if self._prior is not None:
            known = size > CLOCKS_PER_BEAT or chosen.n < size > NOISE_WINDOW
            if known or abs(slope - self._prior) > noise / math.sqrt(chosen.sxx):
                self._prior = None
            else:
                slope = self._prior
        if QUICKEST <= slope <= SLOWEST:
            self.period = slope
        self._at = chosen.mean_y + (self.count - chosen.mean_x) * self.period
