"""What the engine does in quiet moments: garbage is collected, and the next engine's memory is sent.

Owns: when each was done last.  Threads: engine only.
Tested in tests/live/engine/test_engine.py, tests/live/engine/test_resume.py.
"""

import gc
from collections.abc import Callable

TIDY_NANOS, QUIET_NANOS = 10_000_000_000, 10_000_000
MEMORY_NANOS, MEMORY_OVERDUE_NANOS, MEMORY_TAKES_NANOS = 500_000_000, 2_000_000_000, 2_000_000


class Upkeep:
    """Does one thing at a time, where nothing is due soon.

    Args:
        send_memory: lets the supervisor know what the next engine would need.

    Attributes:
        memory_nanos: when that was done last.
    """

    def __init__(self, send_memory: Callable[[], None]) -> None:
        self._send_memory = send_memory
        self.memory_nanos = self._tidied_nanos = 0

    def do(self, now: int, coming: int) -> None:
        """Do what is due, if `coming` is far enough; all garbage, for the collector itself is off.

        What was loaded is frozen: .7 ms where 20,000 things are held.
        """
        quiet = coming - now > QUIET_NANOS
        overdue = now - self.memory_nanos > MEMORY_OVERDUE_NANOS and coming - now > MEMORY_TAKES_NANOS
        if overdue or (quiet and now - self.memory_nanos > MEMORY_NANOS):
            self.memory_nanos = now
            self._send_memory()
        elif quiet and now - self._tidied_nanos > TIDY_NANOS:
            self._tidied_nanos = now
            gc.collect()
