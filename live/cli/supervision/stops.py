"""Whether the system has stopped a process (SIGSTOP), known as it happens.  On Linux only."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable

from live.ipc.model_process import Process
from live.ipc.runtime_folder import state_of

AGAIN_SECONDS = 0.1  # between two looks at what is no child of ours
STOPPED_SECONDS = 0.05  # one that goes on at once was not meant to stand


def watch_stops(process: Process, stands: Callable[[], None], over: threading.Event) -> None:
    """Watch on a thread of its own, which ends with the process or as it is `over`.

    Args:
        process: a child, or a stranger, which is looked at again and again.
        stands: called when it has been stopped and does not go on.
        over: set when nobody wants to know any more.
    """

    def watch() -> None:
        while not over.is_set() and _wait(process, over):
            if not over.wait(STOPPED_SECONDS) and state_of(process.pid) == "T":
                stands()

    if sys.platform == "linux":
        threading.Thread(target=watch, name="stops", daemon=True).start()


def _wait(process: Process, over: threading.Event) -> bool:
    """Wait until it is stopped; False when there is nothing more to wait for."""
    with contextlib.suppress(ChildProcessError):  # it has been waited for already, or its parent has died
        state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return state is not None and state.si_code == os.CLD_STOPPED
    while process.poll() is None and not over.wait(AGAIN_SECONDS):
        if state_of(process.pid) == "T":
            return True
    return False
