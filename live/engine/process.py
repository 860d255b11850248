"""The engine's process: its priority, its signals, its ending; whatever is thrown becomes an exit status.

Tested in tests/live/engine/test_guard.py.
"""

import contextlib
import gc
import signal
import sys
import threading
from collections.abc import Callable

from live.engine.engine import Engine
from live.engine.guard import CRASHED
from live.engine.preparation import Preparation
from live.engine.turn_limit import TurnLimit
from live.errors import TwobarError
from live.ipc.commands import Panic
from live.ipc.messages import Bye
from live.ipc.snapshot import Notice
from model.files import readable

SWITCH_SECONDS = 0.0001


def on_signals(end: Callable[[], None], panic: Callable[[], None]) -> None:
    """Let SIGTERM and SIGHUP end the engine in order, and SIGUSR1 be panic; SIGINT is the supervisor's."""

    def handler(_number: int, _frame: object) -> None:
        end()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, lambda _number, _frame: panic())
    signal.signal(signal.SIGTERM, handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, handler)


def thread_ended(ended: threading.ExceptHookArgs) -> str:
    """Return the sentence about a thread that an exception has ended."""
    name = ended.thread.name if ended.thread is not None else "nameless"
    return f"the thread '{name}' has ended, the music goes on: {ended.exc_value!r}"


def main(preparation: Preparation) -> int:
    """Run the engine that was prepared; exit status, CRASHED for what is worth another try."""
    engine = None
    text, status = "", 0
    try:
        sys.setswitchinterval(SWITCH_SECONDS)
        options = preparation.options()
        if options is None:
            return 0  # nobody wants to play any more
        engine = Engine(options, priority=preparation.priority, synth=preparation.synth)
        post = engine.arrivals.put
        on_signals(lambda: post(Bye()), lambda: post(Panic(source="signal")))
        threading.excepthook = lambda ended: post(Notice(0, "error", thread_ended(ended)))
        engine.open()
        gc.collect()
        gc.freeze()
        gc.disable()
        with TurnLimit() as limit:
            engine.run(limit.renew)
    except TwobarError as error:
        text, status = f"twobar: {readable(str(error))}\n", error.exit_code
    except Exception as fault:  # noqa: BLE001  told apart from what the user must mend: it is tried again
        text, status = f"twobar: a fault in the engine: {fault!r}\n", CRASHED
    preparation.close()
    if engine is not None:
        engine.close(crashed=status == CRASHED)
        if status == 0 and engine.devices.recording.take_lost:
            status = 1
    with contextlib.suppress(OSError):
        sys.stderr.write(text)  # last: what stands there last is what the dashboard's process shows
    return status
