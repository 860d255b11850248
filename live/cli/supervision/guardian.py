"""What an engine starts when its supervisor has died: watches over it, and over those that follow it."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from live.cli.supervision.signals import EndSignals
from live.cli.supervision.supervisor import Supervisor
from live.errors import TwobarError
from live.ipc.options import received
from live.ipc.runtime_folder import alive, state_of
from live.session.keeper import SessionKeeper
from live.timing.clock import lower_priority

LOOK_SECONDS = 0.1
KILLED = -9


class Adopted:
    """A process that is no child of ours; how it ended is not known.

    On Linux a descriptor stands for it, so that never another is meant that has got its number since.

    Attributes:
        pid: its number.
        gone: whether it went before the descriptor was had, as who knows it better says.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.gone = False
        self._descriptor = -1
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # it has gone already, or the kernel is older than 5.3
                self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return None while it lives, then what a killed child returns."""
        if self.gone:
            return KILLED
        if self._descriptor >= 0:
            return KILLED if select.select([self._descriptor], [], [], 0)[0] else None
        return None if alive(self.pid) and state_of(self.pid) != "Z" else KILLED

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has gone; raises subprocess.TimeoutExpired."""
        end = time.monotonic() + timeout if timeout is not None else None
        while (status := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("engine", timeout or 0.0)
            time.sleep(LOOK_SECONDS)
        return status

    def terminate(self) -> None:
        """Tell it to end."""
        self._signal("SIGTERM")

    def kill(self) -> None:
        """End it at once."""
        self._signal("SIGKILL")

    def _signal(self, name: str) -> None:
        number = getattr(signal, name)
        if self.gone:
            return
        with contextlib.suppress(OSError):
            if sys.platform == "linux" and self._descriptor >= 0:
                signal.pidfd_send_signal(self._descriptor, number)
            else:
                os.kill(self.pid, number)


def main() -> int:
    """Guard the engine whose number is the argument; exit status."""
    lower_priority()
    engine, options = Adopted(int(sys.argv[1])), received()
    if options is None:
        return 1
    engine.gone = os.getppid() != engine.pid  # whose child this is
    signals = EndSignals().install()
    keeper = None
    if options.saves:
        keeper = SessionKeeper(
            Path(options.saves), seed=options.config.jam.seed, spare=False, say=lambda _text: None
        )
        keeper.start()
    supervisor = Supervisor(options, keeper=keeper)
    signals.lead_to(supervisor.end, supervisor.panic)
    try:
        supervisor.adopt(engine)
    except (TwobarError, OSError):
        return 1
    status = supervisor.wait()
    if options.instance:
        Path(options.instance).unlink(missing_ok=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
