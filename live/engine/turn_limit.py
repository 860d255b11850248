"""An engine that spins is ended by the kernel: once its loop's thread has run for so long without a new turn.

No other process has to notice it, and what waits, or is kept from the processor by others, comes to no limit.
On Linux only.
"""

import ctypes
import signal
import sys
from typing import Self

LIMIT_SECONDS = 0.15  # longest turn of a healthy one, under storms of 4,000 notes a second: .023
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
        seconds: of its own time on the processor.

    Threads: the one that entered it.  Realtime: yes, 1.5 us.
    """

    def __init__(self, seconds: float = LIMIT_SECONDS) -> None:
        self._limit = _TimerSpec(0, 0, int(seconds), int(seconds % 1 * 1e9))
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
        """Count from here on."""
        if self._libc is not None:
            self._libc.timer_settime(self._timer, 0, ctypes.byref(self._limit), None)

    def __exit__(self, *_ended: object) -> None:
        """Limit nothing any more: a long take may be written."""
        if self._libc is not None:
            self._libc.timer_delete(self._timer)
