"""What an engine is started as: a fault while it is imported is told apart from what the user must mend.

One that is a spare waits with everything loaded for what it is to play, and takes its priority only then.
"""

import contextlib
import gc
import importlib
import io
import sys

from live.engine.guard import CRASHED
from live.ipc.launcher import SPARE

LOADED_LATER = ("live.devices.jack.input", "live.devices.jack.output", "live.control.osc.server")


def main() -> int:
    """Run the engine that standard input describes; exit status."""
    gc.disable()  # nothing of what is loaded becomes garbage; see `live.engine.process`
    try:
        if SPARE in sys.argv[1:]:
            _wait()
        from live.engine.preparation import Preparation  # noqa: PLC0415  a fault in it must be caught here

        preparation = Preparation()
        from live.engine.process import main as run  # noqa: PLC0415  while that goes on

        return run(preparation)
    except Exception as fault:  # noqa: BLE001  Python's own status 1 would mean: the user must mend it
        with contextlib.suppress(OSError):
            sys.stderr.write(f"twobar: a fault in the engine: {fault!r}\n")
        return CRASHED


def _wait() -> None:
    """Load whatever may be needed, and wait until standard input has something to read or is at its end."""
    for module in ("live.engine.process", *LOADED_LATER):
        with contextlib.suppress(ImportError):  # of an extra
            importlib.import_module(module)
    stream = sys.stdin.buffer
    assert isinstance(stream, io.BufferedReader)
    stream.peek()


if __name__ == "__main__":
    sys.exit(main())
