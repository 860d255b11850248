"""The first note: armed, the transport starts with the next key that the performer plays, on the one.

Owns: whether it is armed.  Threads: engine only.
"""

from collections.abc import Callable

from live.timing.timeline import Nanos


class FirstNote:
    """Waits for the performer's first key.

    Args:
        begin: starts the transport so that tick 0 lies on this moment.

    Attributes:
        armed: whether it waits.
    """

    def __init__(self, begin: Callable[[Nanos, Nanos], None]) -> None:
        self.armed = False
        self._begin = begin

    def played(self, nanos: Nanos, now: Nanos) -> None:
        """Take a key that was pressed: its moment and the present one."""
        if self.armed:
            self.armed = False
            self._begin(nanos, now)
