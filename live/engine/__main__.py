"""What an engine is started as: a fault while it is imported is told apart from what the user must mend."""

import contextlib
import gc
import sys

from live.engine.guard import CRASHED


def main() -> int:
    """Run the engine that standard input describes; exit status."""
    gc.disable()  # nothing of what is loaded becomes garbage; see `live.engine.process`
    try:
        from live.engine.preparation import Preparation  # noqa: PLC0415  a fault in it must be caught here

        preparation = Preparation()
        from live.engine.process import main as run  # noqa: PLC0415  while that goes on

        return run(preparation)
    except Exception as fault:  # noqa: BLE001  Python's own status 1 would mean: the user must mend it
        with contextlib.suppress(OSError):
            sys.stderr.write(f"twobar: a fault in the engine: {fault!r}\n")
        return CRASHED


if __name__ == "__main__":
    sys.exit(main())
