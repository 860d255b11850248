"""An engine that spins is ended by the kernel: once its loop's thread has run for so long without a new turn.

No other process has to notice it, and what waits, or is kept from the processor by others, comes to no limit.
On Linux only.
"""

import ctypes
import signal
import sys
from typing import Self

LIMIT_SECONDS = 0.15  # to begin with; longest turn of a healthy one, under 4,000 notes a second: .023
ROOM, MOST_NANOS = 10, 500_000_000  # so many times the longest turn so far, on a slow machine, up to this
_GIGA = 1_000_000_000
CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL = 3, 0


class _Expiry(ctypes.Structure):
    """`struct sigevent`."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("number", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * 48),
    )


class _TimerSpec(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanos", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanos", ctypes.c_long),
    )


class TurnLimit:
    """Inside `with`, ends this process by SIGVTALRM when that thread has run for too long since `renew`.

    Args:
        seconds: of its own time on the processor; more, once turns take long that end well.

    Threads: the one that entered it.  Realtime: yes, 2 us.
    """

    def __init__(self, seconds: float = LIMIT_SECONDS) -> None:
        self._nanos = round(seconds * _GIGA)
        self._limit, self._left = _TimerSpec(0, 0, *divmod(self._nanos, _GIGA)), _TimerSpec()
        self._limit_place, self._left_place = ctypes.byref(self._limit), ctypes.byref(self._left)
        self._timer = ctypes.c_void_p()
        self._libc: ctypes.CDLL | None = None

    def __enter__(self) -> Self:
        """Make the timer; where there is none, nothing is limited."""
        if sys.platform == "linux":
            libc = ctypes.CDLL(None)
            event = _Expiry(None, signal.SIGVTALRM, SIGEV_SIGNAL)
            made = (CLOCK_THREAD_CPUTIME_ID, ctypes.byref(event), ctypes.byref(self._timer))
            if hasattr(libc, "timer_create") and libc.timer_create(*made) == 0:
                self._libc = libc
        return self

    def renew(self) -> None:
        """Count from here on, as the turn before has ended."""
        if self._libc is None:
            return
        limit, left = self._limit, self._left
        self._libc.timer_settime(self._timer, 0, self._limit_place, self._left_place)
        remained = left.seconds * _GIGA + left.nanos  # 0 of a timer that was not set
        wanted = (self._nanos - remained) * ROOM
        if remained and wanted > self._nanos < MOST_NANOS:
            self._nanos = min(wanted, MOST_NANOS)
            limit.seconds, limit.nanos = divmod(self._nanos, _GIGA)
            self._libc.timer_settime(self._timer, 0, self._limit_place, None)

    def __exit__(self, *_ended: object) -> None:
        """Limit nothing any more: a long take may be written."""
        if self._libc is not None:
            self._libc.timer_delete(self._timer)
