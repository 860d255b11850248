"""Where another thread leaves what the engine shows, and the screen finds only the newest of it."""

import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from live.ipc.messages import Bye
from live.ipc.snapshot import Notice, Snapshot, ToDashboard, Update, applied

MOST_NOTICES = 100


class Delivery(NamedTuple):
    """All that came since the last look: the newest snapshot, notices, whether the engine said goodbye."""

    snapshot: Snapshot | None
    notices: tuple[Notice, ...]
    bye: bool


class Inbox:
    """One slot for a Snapshot, which updates and newer ones replace, and a bounded queue of Notices.

    Threads: any may put; the screen's takes.  Realtime: no.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None
        self._snapshot: Snapshot | None = None  # the latest, until it is taken
        self._notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self._bye = False
        self._wake: Callable[[], None] | None = None
        self._woken = False

    def connect(self, wake: Callable[[], None] | None) -> None:
        """Name what is called, at most once per `take`, when something has come; None disconnects."""
        with self._lock:
            self._wake = wake
            self._woken = False
            full = self._snapshot is not None or bool(self._notices) or self._bye
        if full:
            self._ring()

    def put(self, message: ToDashboard) -> None:
        """Leave a message; cheap, never blocks on the screen."""
        with self._lock:
            if isinstance(message, Snapshot):
                self._latest = self._snapshot = message
            elif isinstance(message, Update):
                if self._latest is not None:
                    self._latest = self._snapshot = applied(message, self._latest)
            elif isinstance(message, Notice):
                self._notices.append(message)
            elif isinstance(message, Bye):
                self._bye = True
        self._ring()

    def take(self) -> Delivery:
        """Return all that came since the last take, and be ready to wake again."""
        with self._lock:
            post = Delivery(self._snapshot, tuple(self._notices), self._bye)
            self._snapshot = None
            self._notices.clear()
            self._bye = False
            self._woken = False
        return post

    def _ring(self) -> None:
        """Wake the screen unless it has been woken and has not looked yet."""
        with self._lock:
            if self._wake is None or self._woken:
                return
            self._woken = True
            wake = self._wake
        wake()
