"""MIDI time code in: which second of the code it is, and how fast it runs.

Eight quarter frames, two frames long, tell the time at the first of them (MIDI 1.0 Detailed Specification
4.2, "MIDI Time Code"); in between the quarter frames are counted, by the line through their moments.
Time code has no start and no stop: it runs, or it does not.  A full frame says where it stands, or goes on.
Pure: fed with messages and moments.  Threads: one.  Realtime: yes.
"""

import re
from collections import deque
from statistics import median
from typing import NamedTuple

from live.timing.midi_bytes import CLOCKS_PER_BEAT, QUARTER_FRAME, is_full_frame
from live.timing.midi_clock.clock_fit import ClockFit
from live.timing.timeline import Nanos
from model.errors import ConfigError

LOST_NANOS = 150_000_000  # without a quarter frame: then the code stands still, or has gone
PIECES = 8  # quarter frames that tell a time
QUARTERS = 4  # in a frame
FEW = 4  # pieces on, no more than so many were lost; more, it may also have jumped
BACKWARDS = 3  # quarter frames in falling order: then it is being wound back
SLOWEST, FASTEST = 0.5, 1.3  # of its own speed: what goes by at another is being wound
SURE = 2  # times told in a row that say so
PULL_DOWN = 1.001  # 23.976 and 29.97 frames a second, without dropped numbers, are sent as 24 and 30:
PULL_NANOS, PULL_SURE = 10_000_000_000, 2e-4  # how long that is listened for, and crystals differ by less
SPEEDS = 15  # whose median is the speed: a delay bends the line for less long
SAME_SPEED = 0.002  # so near to its own speed it has it: crystals differ by less
NANOS = 1e9


class TimeOfCode(NamedTuple):
    """A time as the code has it: the hour 0..23, the minute and second 0..59, the frame 0..29."""

    hour: int
    minute: int
    second: int
    frame: int

    @property
    def text(self) -> str:
        """Return it as people write it, "01:00:00:00"."""
        return ":".join(f"{part:02}" for part in self)


START_OF_CODE = TimeOfCode(0, 0, 0, 0)


class FrameRate(NamedTuple):
    """How frames are counted: so many numbers to a second of the code, so many frames to a real one."""

    numbers: int
    per_second: float
    drops: bool = False

    def frames_before(self, time: TimeOfCode) -> int:
        """Return how many frames lie before a time of the code.

        Where numbers are dropped, those are 0 and 1 of every minute but each tenth (SMPTE 12M).
        """
        minutes = 60 * time.hour + time.minute
        dropped = 2 * (minutes - minutes // 10) if self.drops else 0
        return (60 * minutes + time.second) * self.numbers + time.frame - dropped

    def text(self, frames: int) -> str:
        """Return the time of the code after so many frames, "01:00:00:00"."""
        if self.drops:
            tens, rest = divmod(frames, 17982)
            frames += 18 * tens + 2 * max(0, (rest - 2) // 1798)
        seconds, number = divmod(frames, self.numbers)
        return TimeOfCode(seconds // 3600 % 24, seconds // 60 % 60, seconds % 60, number).text


RATES = (
    FrameRate(24, 24.0),
    FrameRate(25, 25.0),
    FrameRate(30, 30 / PULL_DOWN, drops=True),
    FrameRate(30, 30.0),
)
"""By the two bits that name them."""


_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d):([0-2]\d)")


def read_time(text: str) -> TimeOfCode:
    """Return a time of the code that is written as "01:00:00:00".

    Raises:
        ConfigError: the text is none.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ConfigError(
            f"'{text}' is no time code: hours:minutes:seconds:frames are, from 00:00:00:00 to 23:59:59:29"
        )
    return TimeOfCode(*map(int, found.groups()))


class CodePlace(NamedTuple):
    """Where the code is.

    Attributes:
        moment: the newest quarter frame's, on the host's scale.
        frames: of the code at that moment, since 00:00:00:00; in quarters.
        rate: how they are counted.
        speed: seconds of the code in a second.
    """

    moment: Nanos
    frames: float
    rate: FrameRate
    speed: float

    def seconds(self, now: Nanos) -> float:
        """Return the code's seconds since 00:00:00:00 at a moment."""
        return self.frames / self.rate.per_second + (now - self.moment) / NANOS * self.speed

    def text(self, now: Nanos) -> str:
        """Return the time of the code at a moment, "01:00:00:00"."""
        return self.rate.text(max(0, int(self.seconds(now) * self.rate.per_second)))


class TimeCodeIn:
    """Follows one source.

    Attributes:
        label: the time that came last, and how frames are counted there; None before the first.
    """

    def __init__(self) -> None:
        self.label: tuple[TimeOfCode, FrameRate] | None = None
        self._named = self._rate = RATES[-1]  # by the code, and as it is: pulled down, or not
        self._fit = _fit_of(self._rate)
        self._last: Nanos | None = None  # moment of the newest quarter frame, since it stood
        self._moments: deque[Nanos] = deque(maxlen=PIECES)
        self._pieces: list[int] = []  # of the time that is being told, from its first on
        self._newest = -1  # number of the newest piece
        self._falling = 0  # pieces in a row that came in falling order
        self._wound = 0  # times in a row that were told too fast or too slowly
        self._zero: int | None = None  # number of the quarter frame at 00:00:00:00, where the time is known
        self._speeds: deque[float] = deque(maxlen=SPEEDS)  # by the line, as times were told
        self._evenly: tuple[int, Nanos] | None = None  # a quarter frame since 00:00:00:00, and when it was

    @property
    def goes_silent(self) -> Nanos | None:
        """Return the moment from which on the code stands still if nothing comes; None if it does."""
        return None if self._last is None else Nanos(self._last + LOST_NANOS)

    def lost(self, now: Nanos) -> bool:
        """Tell whether no quarter frames come, or come no more."""
        return self._last is None or now >= self._last + LOST_NANOS

    @property
    def wound(self) -> bool:
        """Tell whether the code runs backwards, or forwards at a speed that nothing is played at."""
        return self._falling >= BACKWARDS or self._wound >= SURE

    @property
    def place(self) -> CodePlace | None:
        """Return where the code is; None until its time was told, and while it is wound."""
        if self._zero is None:
            return None
        fit, rate = self._fit, self._rate
        speed = median(self._speeds) if len(self._speeds) == SPEEDS else 1.0  # until it is sure
        moment = fit.moment(fit.count)
        frames = (fit.count - self._zero) / QUARTERS
        return CodePlace(moment, frames, rate, 1.0 if abs(speed - 1) < SAME_SPEED else speed)

    def feed(self, data: bytes, nanos: Nanos) -> None:
        """Take a quarter frame, or a full frame, received at a moment."""
        if is_full_frame(data):
            self._stand()
            self._read(*data[5:9])
        elif data[0] == QUARTER_FRAME and len(data) == 2:
            self._quarter(data[1] >> 4, data[1] & 0x0F, nanos)

    def _stand(self) -> None:
        """Wait for the next time that is told, wherever it is."""
        self._last = self._zero = None
        self._newest, self._falling, self._wound = -1, 0, 0
        self._moments.clear()
        self._pieces.clear()

    def _quarter(self, piece: int, value: int, nanos: Nanos) -> None:
        if self.lost(nanos):
            self._stand()
        step = (piece - self._newest) % PIECES if self._newest >= 0 else 1
        if step == 0 and self._last is not None and nanos - self._last < self._fit.period / 2:
            return  # it came twice
        self._newest, self._last = piece, nanos
        self._falling = self._falling + 1 if step == PIECES - 1 else 0
        if self.wound:
            self._zero = None
        if self._zero is not None:
            self._fit.add(nanos, lost=self._lost(step, nanos))
        self._moments.append(nanos)
        if piece == 0:
            self._pieces = [value]
        elif step == 1 and len(self._pieces) == piece:
            self._pieces.append(value)
        else:
            self._pieces.clear()
        if len(self._pieces) == PIECES:
            self._place_by(self._pieces)

    def _lost(self, step: int, nanos: Nanos) -> int:
        """Return how many quarter frames were lost: by the numbers of their pieces; many by the time, too."""
        if step <= FEW:
            return max(0, step - 1)
        lost = round((nanos - self._fit.moment(self._fit.count)) / self._fit.period) - 1
        return lost if lost > 0 and (lost + 1 - step) % PIECES == 0 else 0

    def _read(self, high: int, minute: int, second: int, frame: int) -> bool:
        """Take a time that was told; False where it is none.  `high`: the hour, and the rate above it."""
        rate, time = RATES[high >> 5 & 3], TimeOfCode(high & 0x1F, minute, second, frame)
        if not (time.hour < 24 and minute < 60 and second < 60 and frame < rate.numbers):
            return False
        if rate != self._named:
            self._named = self._rate = rate
            self._fit, self._zero = _fit_of(rate), None
        self.label = time, rate
        return True

    def _place_by(self, pieces: list[int]) -> None:
        """Take a time that was told whole: it was so at its first piece."""
        frame, second, minute, high = (a | b << 4 for a, b in zip(pieces[::2], pieces[1::2], strict=True))
        if not self._read(high, minute, second, frame):
            return
        assert self.label is not None
        time, rate = self.label
        lasted = max(1, self._moments[-1] - self._moments[0]) / NANOS * QUARTERS * rate.per_second
        self._wound = 0 if SLOWEST < (PIECES - 1) / lasted < FASTEST else self._wound + 1
        if self._wound:
            return
        first = QUARTERS * rate.frames_before(time) + PIECES - 1
        known = self._zero
        if known is None or abs(self._fit.count - first - known) > PIECES:
            self._begin_line()
        self._zero = self._fit.count - first
        self._speeds.append(NANOS / self._rate.per_second / QUARTERS / self._fit.period)
        if self._zero != known:
            self._evenly = None
        self._listen_for_pull_down()

    def _begin_line(self) -> None:
        """Begin the line with the eight quarter frames that came last, at the code's own speed."""
        self._fit.period = NANOS / self._rate.per_second / QUARTERS
        self._fit.restart()
        self._speeds.clear()
        for moment in self._moments:
            self._fit.add(moment)

    def _listen_for_pull_down(self) -> None:
        """Tell frames that all last a thousandth longer than they are named for; by ten seconds each time."""
        named = self._named
        if self._zero is None or named.drops or named.numbers == RATES[1].numbers:
            return
        quarter, moment = self._fit.count - self._zero, self._fit.moment(self._fit.count)
        if self._evenly is None:
            self._evenly = quarter, moment
            return
        before, since = self._evenly
        if moment - since < PULL_NANOS:
            return
        self._evenly = quarter, moment
        lasts = (moment - since) / (quarter - before) / (NANOS / QUARTERS / named.per_second)
        if abs(lasts - PULL_DOWN) < PULL_SURE:
            self._rate = named._replace(per_second=named.per_second / PULL_DOWN)
        elif abs(lasts - 1) < PULL_SURE:
            self._rate = named


def _fit_of(rate: FrameRate) -> ClockFit:
    """Return a line for quarter frames: to it they are clocks of some tempo."""
    return ClockFit(QUARTERS * rate.per_second * 60 / CLOCKS_PER_BEAT)
