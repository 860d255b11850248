"""An errand to the studio's process: a function of `studio` by its name, and its answer as JSON.

Imports the studio, and with it arrays and models, only there.
Tested in tests/live/page/test_explorer.py.
"""

import contextlib
import os
import signal
import threading
import time

import msgspec

from live.errors import FailureError
from model.errors import ModelError

NICE = 10
WATCH_SECONDS = 2.0


def begin(parent: int) -> None:
    """Prepare the studio's process: modest, deaf to Ctrl-C, and gone when the page's process is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(NICE)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, name="watch", daemon=True).start()


def run(verb: str, model: str, fields: dict[str, object]) -> bytes:
    """Do one thing with a model.

    Raises:
        TwobarError: it cannot be done, in one sentence.
    """
    from live.page import studio  # noqa: PLC0415  see above

    try:
        return msgspec.json.encode(getattr(studio, verb)(model, **fields))
    except ModelError as error:
        raise FailureError(str(error)) from None
