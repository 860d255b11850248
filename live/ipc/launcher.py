"""Engine and model process launched before it is known what to play, which they read when they are told.

Imports nothing that is slow: on a command line it runs before all else.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO

ENGINE, WORKER = ("-m", "live.engine"), ("-m", "live.worker")
SPARE = "spare"  # argument of an engine that loads all it may need and has no priority before it plays
SPOKEN = "twobar: "


def has_screen() -> bool:
    """Tell whether a dashboard can be shown: Textual reads one stream and draws on the other."""
    return sys.stdout.isatty() and sys.stderr.isatty()


def may_play(words: Sequence[str]) -> bool:
    """Tell whether a command line may begin a jam, as far as one can see without reading it."""
    begins = not words or words[0] == "jam" or words[0].startswith("-")
    return begins and not {"-h", "--help", "--version"} & set(words)


def environment() -> dict[str, str]:
    """Return the variables of an engine's process: it does not start a JACK server that is not there."""
    return {"JACK_NO_START_SERVER": "1", **os.environ}


def tell(process: "subprocess.Popen[bytes]", text: bytes) -> None:
    """Give a process that was launched what it reads from its standard input, all of it."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it has died, which is seen soon enough
        process.stdin.write(text)
    with contextlib.suppress(OSError):
        process.stdin.close()


def launch_worker() -> "subprocess.Popen[bytes]":
    """Launch a model process, which loads its modules and then reads the address of its engine."""
    return subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, *WORKER],
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class Launcher:
    """Launches engines, each of which waits for what it is to play, and model processes.

    Args:
        quiet: whether what engines say is collected, because a dashboard has the terminal.

    Threads: engines any, the rest one.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._waiting: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._lock, self._closed = threading.Lock(), False

    def launch(self) -> "subprocess.Popen[bytes]":
        """Launch one that waits, unless one does already; returns its process."""
        with self._lock:
            return self._launch()

    def keep_spare(self) -> None:
        """Have one wait for the case that the one that plays dies; nothing where none can be."""
        with self._lock, contextlib.suppress(OSError):  # no memory for one more process: later, perhaps
            if not self._closed:
                self._launch(SPARE)

    def _launch(self, *words: str) -> "subprocess.Popen[bytes]":
        if self._waiting is not None and self._waiting.poll() is None:
            return self._waiting
        if self.quiet and self._said is None:
            from tempfile import TemporaryFile  # noqa: PLC0415  without a screen no engine waits for it

            self._said = TemporaryFile()  # noqa: SIM115  it lives as long as this
        self._waiting = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, *ENGINE, *words],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if self.quiet else None,
            stderr=self._said,
            start_new_session=True,
        )
        return self._waiting

    def start(self, options: bytes) -> "subprocess.Popen[bytes]":
        """Let an engine play, the one that waits or another; returns its process."""
        with self._lock:
            engine, self._waiting = self._launch(), None
        tell(engine, options)
        return engine

    def launch_worker(self) -> None:
        """Launch a model process that waits; nothing while one does already, or where none can be."""
        with contextlib.suppress(OSError):  # no memory for one more process: later, perhaps
            self._worker = self._worker or launch_worker()

    def start_worker(self, address: bytes) -> "subprocess.Popen[bytes]":
        """Let a model process serve the engine at an address, the one that waits or another; returns it."""
        worker, self._worker = self._worker or launch_worker(), None
        tell(worker, address)
        return worker

    def said(self) -> list[str]:
        """Return what the engines have said to a human, as far as it was collected."""
        if self._said is None:
            return []
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").splitlines()
        return [line for line in lines if line.startswith(SPOKEN)]

    def close(self) -> None:
        """End those that still wait."""
        with self._lock:
            self._closed = True
            waiting, self._waiting, self._worker = (self._waiting, self._worker), None, None
        for process in waiting:
            if process is not None:
                process.kill()
                process.communicate()
