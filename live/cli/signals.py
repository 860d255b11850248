"""SIGINT, SIGTERM and SIGHUP end the jam in order, whenever they come."""

import _thread
import signal
from collections.abc import Callable


class EndSignals:
    """Heeds the signals from the first moment on; one that comes too early is remembered.

    What is called runs on a thread of its own: a handler interrupts the main thread anywhere, also where
    that holds a lock which the ending needs.
    """

    def __init__(self) -> None:
        """Heed nothing yet."""
        self._asked = False
        self._end: Callable[[], None] | None = None

    def install(self) -> "EndSignals":
        """Heed the signals from now on; on the main thread only."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._heed)
        return self

    def _heed(self, _number: int, _frame: object) -> None:
        self._asked = True
        if self._end is not None:
            _thread.start_new_thread(self._end, ())  # takes no lock, unlike threading's

    def lead_to(self, end: Callable[[], None]) -> None:
        """Call this when a signal comes, or now if one has come already; it must bear to be called twice."""
        self._end = end
        if self._asked:
            end()
