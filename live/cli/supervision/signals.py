"""SIGINT, SIGTERM and SIGHUP end the jam in order, and SIGUSR1 is panic, whenever they come."""

import _thread
import signal
from collections.abc import Callable


def lead_panic_to(panic: Callable[[], object]) -> None:
    """Call this, on a thread of its own, when SIGUSR1 comes, where there is one; on the main thread only."""
    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, lambda *_: _thread.start_new_thread(panic, ()))


class EndSignals:
    """Heeds the signals from the first moment on; one that comes too early is remembered.

    What is called runs on a thread of its own: a handler interrupts the main thread anywhere, also where
    that holds a lock which the ending needs.
    """

    def __init__(self) -> None:
        self._asked = False
        self._end: Callable[[], None] | None = None
        self._panic: Callable[[], None] | None = None

    def install(self) -> "EndSignals":
        """Heed the signals from now on; on the main thread only."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._heed)
        lead_panic_to(self._heed_panic)
        return self

    def _heed(self, _number: int, _frame: object) -> None:
        self._asked = True
        if self._end is not None:
            _thread.start_new_thread(self._end, ())  # takes no lock, unlike threading's

    def _heed_panic(self) -> None:
        if self._panic is not None:  # before there is an engine nothing sounds
            self._panic()

    def lead_to(self, end: Callable[[], None], panic: Callable[[], None]) -> None:
        """Call these when their signals come; the end now if its signal has come already.

        Both must bear to be called twice.
        """
        self._panic, self._end = panic, end
        if self._asked:
            end()
