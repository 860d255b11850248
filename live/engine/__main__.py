"""What an engine is started as: numpy is loaded after her keys sound, not before.

Loading it costs about as much as all the rest of the engine's start; nothing needs it until the model
is there.
"""

import contextlib
import importlib.util
import sys

CRASHED = 70


def defer(name: str) -> None:
    """Let a module be loaded when something of it is first used; nothing when it is there already."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None or name in sys.modules:
        return
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)


def main() -> int:
    """Run the engine that the environment describes; exit status."""
    try:
        defer("numpy")
        from live.engine.engine import main as run  # noqa: PLC0415  what is deferred must be deferred before

        return run()
    except Exception as fault:  # noqa: BLE001  Python's own status 1 would mean: the user must mend it
        with contextlib.suppress(OSError):
            sys.stderr.write(f"twobar: a fault in the engine: {fault!r}\n")
        return CRASHED


if __name__ == "__main__":
    sys.exit(main())
