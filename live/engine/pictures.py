"""Pictures for whoever watches: at most so many a second, and never just before something is due.

Threads: engine only.
"""

from collections.abc import Callable
from typing import Any

from live.ipc.link import Link
from live.ipc.messages import Snapshot
from live.timing.timeline import Nanos

AHEAD_NANOS = 2_000_000  # a picture takes about one
IDLE_NANOS = 1_000_000_000


class Pictures:
    """Sends snapshots to links; a watcher that does not keep up misses some.

    Args:
        take: makes the snapshot of a moment.
        per_second: 1..15.

    """

    def __init__(self, take: Callable[[Nanos], Snapshot], *, per_second: int) -> None:
        """Start with nobody watching."""
        self.watchers: list[Link[Any]] = []
        self._take = take
        self._period = 1_000_000_000 // per_second
        self._latest = 0

    def show(self, now: Nanos, soonest: int) -> int:
        """Send a picture if it is time for one; what is due at the soonest moment goes before it.

        Returns the moment to come back.
        """
        if not self.watchers:
            return now + IDLE_NANOS
        overdue = now - self._latest - self._period
        if overdue >= 0:
            if soonest - now < AHEAD_NANOS and overdue < self._period:
                return max(now, soonest)  # the turn that does what is due comes back here
            self._latest = now
            shot = self._take(now)
            for watcher in self.watchers:
                watcher.send(shot, droppable=True)
        return self._latest + self._period
