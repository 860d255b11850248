"""The clock: tells and waits for Nanos; knows no tempo.  Injected, so tests run on a fake one."""

import contextlib
import ctypes
import os
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

from live.timing.timeline import Nanos

LONGEST_WAIT_NANOS = 1_000_000_000
PR_SET_TIMERSLACK = 29
FIFO_PRIORITY = 20
ANSWERING_PRIORITY = 1  # of a model process that answers: above all that is ordinary, below the clock
ORDINARY_VARIABLE = "TWOBAR_NO_REALTIME"  # set it to play, or to measure, without the priority


class Clock(Protocol):
    """Host time, and waiting for it."""

    def now(self) -> Nanos:
        """Return the present moment on `time.monotonic_ns()`'s scale.  Threads: any."""

    def wait_until(self, moment: Nanos) -> None:
        """Return at the moment, or earlier when woken.  Threads: engine only."""

    def watch(self, moment: Nanos) -> None:
        """Return at the moment, woken or not; for fractions of a millisecond.  Threads: engine only."""

    def wake(self) -> None:
        """End the present wait, or the next one if none is under way.  Threads: any."""


class MonotonicClock:
    """The real clock.  A lock with a timeout sleeps on the kernel's monotonic clock, without polling."""

    def __init__(self) -> None:
        self._bell = threading.Lock()
        self._bell.acquire()

    def now(self) -> Nanos:
        """Return `time.monotonic_ns()`."""
        return Nanos(time.monotonic_ns())

    def wait_until(self, moment: Nanos) -> None:
        """Sleep until the moment or until woken."""
        left = min(moment - time.monotonic_ns(), LONGEST_WAIT_NANOS)
        # timeout 0 would be a try without sleeping: it still has to take a bell that was rung
        self._bell.acquire(timeout=max(left, 0) / 1e9)

    def watch(self, moment: Nanos) -> None:
        """Stay awake until the moment."""
        while time.monotonic_ns() < moment:
            pass

    def wake(self) -> None:
        """Ring; ringing twice before it is heard is one ring."""
        try:
            self._bell.release()
        except RuntimeError:
            return  # it rings already


def raise_priority() -> str:
    """Ask the system for punctual wake-ups for this process and all threads it will start.

    Returns "realtime", or why it is not.  Call it before any other thread starts: they inherit it, so
    that no helper that holds the interpreter can be pushed aside by an ordinary process.
    """
    if sys.platform != "linux":
        return "ordinary priority: real-time priority is asked for on Linux only"
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_TIMERSLACK, 1_000, 0, 0, 0)
    if os.environ.get(ORDINARY_VARIABLE):
        return f"ordinary priority: {ORDINARY_VARIABLE} is set"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except PermissionError:
        return (
            "ordinary priority: allow it with an rtprio line in /etc/security/limits.d (see `twobar doctor`)"
        )
    except OSError as error:
        return f"ordinary priority: {error.strerror}"
    return "realtime"


def hurry(pid: int) -> None:
    """Let a process that was launched just now begin before all ordinary ones, where the system allows it."""
    if sys.platform == "linux" and not os.environ.get(ORDINARY_VARIABLE):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(ANSWERING_PRIORITY))


def raise_thread(priority: int = FIFO_PRIORITY) -> None:
    """Give the calling thread, which a library has made, the priority that `raise_priority` asks for.

    Args:
        priority: another one, of a thread that the clock does not wait for.
    """
    if sys.platform != "linux" or os.environ.get(ORDINARY_VARIABLE):
        return
    with contextlib.suppress(OSError):
        if os.sched_getscheduler(0) == os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))


def raise_threads() -> None:
    """Give every thread of this process the priority of its first one.

    Libraries start threads of ordinary priority, as libjack does on a server that has no other: one that
    comes late in a cycle costs the server that cycle, and every note on it.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):
        if os.sched_getscheduler(os.getpid()) != os.SCHED_FIFO:
            return
        for thread in (int(task.name) for task in Path("/proc/self/task").iterdir()):
            with contextlib.suppress(OSError):  # it has ended
                if os.sched_getscheduler(thread) == os.SCHED_OTHER:
                    os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))


def lower_priority() -> None:
    """Give back a real-time priority: an inherited one, or that of a thread which answered.

    Where all of twobar was started in idle time the system may refuse to let it out; then it stays there.
    """
    if sys.platform == "linux" and os.sched_getscheduler(0) != os.SCHED_OTHER:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
