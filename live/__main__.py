"""The command line `twobar`: launches what a jam needs first of all, then reads what was asked for."""

import time

START_NANOS = time.monotonic_ns()  # before anything is imported: what `ready` counts from

import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

from live.ipc.launcher import Launcher, has_screen, may_play  # noqa: E402


def main() -> None:
    """Run the console script."""
    if hasattr(signal, "SIGUSR1"):  # panic, of a jam: no other command, and no jam that begins, may end by it
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    # numpy, imported later, writes phrases nine times slower by two threads where one waits for its core
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    launcher = Launcher(quiet=has_screen() and "--headless" not in sys.argv)
    playing = may_play(sys.argv[1:])
    if playing:
        launcher.launch()  # it loads its modules beside ours
    from live.cli.supervision.signals import EndSignals  # noqa: PLC0415

    signals = EndSignals()
    if playing:
        signals.install()  # at once: who ends a jam that begins ends it in order
    try:
        from live.cli.group import Begun, run  # noqa: PLC0415
        from live.command_line import twobar  # noqa: PLC0415
        from model.files import print_any_name  # noqa: PLC0415

        if playing:
            launcher.launch_worker()  # keys wait for ours, so it comes after them
        print_any_name()
        status = run(twobar, begun=Begun(START_NANOS, launcher, signals))
    except KeyboardInterrupt:  # of another command, before it has begun
        status = 1
    finally:
        launcher.close()
    sys.exit(status)


if __name__ == "__main__":
    main()
