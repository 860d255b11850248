"""Turns of the engine's loop that failed: reported, and given up on where none succeeds any more.

Threads: engine only.
Tested in tests/live/engine/test_engine.py.
"""

from live.engine.output import EngineOutput
from live.jam.notices import Notices

FAULTS_REPORTED = 5
FAULTS_IN_A_ROW = 8  # turns that all fail: this engine will not recover, the next one may
FAULT_PAUSE_NANOS = 1_000_000


class BrokenEngineError(RuntimeError):
    """One turn after another has failed: the supervisor is to start another engine."""


class Faults:
    """Counts them.

    Attributes:
        count: all of them.
    """

    def __init__(self, notices: Notices, output: EngineOutput) -> None:
        self._notices, self._output = notices, output
        self.count = self._in_a_row = 0

    def none(self) -> None:
        """Take that a turn went well."""
        self._in_a_row = 0

    def add(self, fault: Exception, now: int) -> int:
        """Report a fault; returns when to go on.

        Raises:
            BrokenEngineError: several turns in a row have failed.
        """
        self.count += 1
        self._in_a_row += 1
        if self.count <= FAULTS_REPORTED:
            self._notices.add(
                "error", f"a fault in the engine, the music goes on: {type(fault).__name__}: {fault}"
            )
            self._output.log("fault", text=repr(fault))
        if self._in_a_row >= FAULTS_IN_A_ROW:
            raise BrokenEngineError(f"{FAULTS_IN_A_ROW} turns in a row failed: {fault!r}") from fault
        return now + FAULT_PAUSE_NANOS
