"""Where a clock that comes in over JACK lay: in its cycle, not at the moment when we were called for it.

All messages of a cycle are handed over together, whenever the system lets JACK's thread run: on a busy
machine a millisecond late on the mean.  The cycle's frame is exact, and its host time is known within tens of
microseconds (`live.timing.host_line`); where in the cycle a message lay python-rtmidi does not say, so
its middle is taken, which is right on the mean.
Where an output of ours is on the same server its line is taken: it sees every cycle, and what it plays then
lies on the frames that the clock lay on.
Owns: the line from frames to host time that the clocks themselves have shown.
Threads: JACK's only, which calls for one input.  Realtime: yes, a few us.
"""

import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from live.timing.host_line import HostLine
from live.timing.timeline import Nanos

_FRAMES = 1 << 32  # after which JACK counts from 0 again


class Frames(Protocol):
    """What knows JACK's frames: a `JackProbe`.

    Attributes:
        alive: whether the server is.
        sample_rate: frames a second.
    """

    alive: bool
    sample_rate: int

    @property
    def period_frames(self) -> int:
        """Frames of a cycle."""

    def frame(self) -> int:
        """Return the frame at which the present cycle began, of 32 bits; 0 where that is not known."""

    def close(self) -> None:
        """Leave."""


@runtime_checkable
class FrameTimes(Protocol):
    """What sees every cycle: a `JackOutput`."""

    def moment(self, frame: float) -> Nanos | None:
        """Return when a frame of 32 bits near the present one is; None before the first cycle."""


class JackCycles:
    """Tells when the present cycle is.

    Args:
        frames: knows JACK's; goes with the input that it is for.
        output: finds an output on the same server; None where there is none.
    """

    def __init__(
        self,
        frames: Frames,
        nanos: Callable[[], int] = time.monotonic_ns,
        output: Callable[[], FrameTimes | None] = lambda: None,
    ) -> None:
        self.frames, self._nanos, self._output = frames, nanos, output
        self._line = HostLine(1e9 / frames.sample_rate)
        self._last = 0

    def middle(self) -> Nanos:
        """Return the moment of the present cycle's middle, by the line; now where that is not known."""
        frame = self.frames.frame()  # before the moment: a cycle is seen late, never early
        now = self._nanos()
        if not frame:
            return Nanos(now)
        output, middle = self._output(), self.frames.period_frames / 2
        seen = output.moment(frame + middle) if output is not None else None
        if seen is not None:
            return seen
        self._last += (frame - self._last) % _FRAMES
        self._line.observe(self._last, now)
        return self._line.nanos(self._last + middle)
