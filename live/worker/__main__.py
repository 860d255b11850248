"""What a model process is started as: an inherited real-time priority is given back before anything slow.

An engine may start one too, and its children inherit its priority; half a second of imports would keep
the clock waiting.
"""

import sys

from live.timing.clock import lower_priority


def main() -> int:
    """Serve the engine that the environment names; exit status."""
    lower_priority()
    from live.worker.serve import main as serve  # noqa: PLC0415  all that is slow comes after

    return serve()


if __name__ == "__main__":
    sys.exit(main())
