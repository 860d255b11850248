"""A guardian for an engine whose supervisor has died: a supervisor without a screen, started from here.

It watches over the engine as the one before did: else nobody would end the notes of an engine that dies, too,
and none would follow it.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable

from live.ipc.options import Options, encoded

GUARDIAN = ("-m", "live.cli.supervision.guardian")
MOST_GUARDIANS = 5


def spawn_guardian(options: Options) -> None:
    """Start a guardian of this process; it calls by itself."""
    with contextlib.suppress(OSError):  # no memory for one more process: it plays on alone
        guardian = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, *GUARDIAN, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert guardian.stdin is not None
        with guardian.stdin:
            guardian.stdin.write(encoded(options))


class Guardians:
    """Starts a guardian when one is needed, and not for ever.

    Args:
        spawn: a test's own.

    Threads: engine only; a process is started on a thread of its own.
    """

    def __init__(self, options: Options, spawn: Callable[[Options], None] = spawn_guardian) -> None:
        self._options, self._spawn = options, spawn
        self._called = 0

    def call(self) -> None:
        """Start one."""
        if self._called < MOST_GUARDIANS and os.name == "posix":  # elsewhere nobody can adopt a process
            self._called += 1
            threading.Thread(target=self._spawn, args=(self._options,), name="guardian", daemon=True).start()
