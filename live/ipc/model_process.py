"""The model process, seen from outside: started, and started again when it dies.

Imports nothing that is slow, so that the engine may do it too.
"""

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from live.ipc.launcher import launch_worker, tell
from live.ipc.link import Address

PAUSES_SECONDS = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
CALM_SECONDS = 20.0
GOODBYE_SECONDS = 2.0
END_PATIENCE_SECONDS = 4.0


def spawn_worker(address: Address) -> "subprocess.Popen[bytes]":
    """Start a model process for the engine at an address; the engine tells it what to load."""
    worker = launch_worker()
    tell(worker, msgspec.json.encode(address))
    return worker


def pause_seconds(deaths: int, status: int | None) -> float:
    """Return how long to wait before the next start.

    Args:
        deaths: how many came before this one without a calm while between them.
        status: the exit status; 0 is a goodbye (the engine ends, or has another model process), None a
            start that failed.
    """
    pause = PAUSES_SECONDS[min(deaths, len(PAUSES_SECONDS) - 1)]
    return pause if status else max(pause, GOODBYE_SECONDS)


class WorkerKeeper:
    """Keeps a model process alive, with longer and longer pauses if it keeps dying.

    Args:
        needed: asked before each start after the first; when it says no, the keeping is over.

    Threads: any; waiting, and all but a first start at once, on a thread of its own.
    """

    def __init__(
        self, spawn: "Callable[[], subprocess.Popen[bytes]]", *, needed: Callable[[], bool] = lambda: True
    ) -> None:
        self._spawn, self._needed = spawn, needed
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, *, at_once: bool = False) -> None:
        """Start one and keep it; nothing while one is kept already.

        At once: from this thread, whose child it is then; takes some milliseconds.
        """
        with self._lock:
            if self._ending.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            if at_once:
                self._begin()
            self._thread = threading.Thread(
                target=self._keep, args=(at_once,), name="keep-worker", daemon=True
            )
            self._thread.start()

    def _begin(self) -> None:
        self._process = None
        with contextlib.suppress(OSError):  # no memory for one more process: later, perhaps
            self._process = self._spawn()

    def _keep(self, begun_already: bool) -> None:
        deaths = 0
        while True:
            begun = time.monotonic()
            with self._lock:
                if self._ending.is_set():
                    return
                if not begun_already:
                    self._begin()
                begun_already, process = False, self._process
            status = process.wait() if process is not None else None
            if time.monotonic() - begun > CALM_SECONDS:
                deaths = 0
            if self._ending.wait(pause_seconds(deaths, status)) or not self._needed():
                return
            deaths += 1

    def renew(self) -> None:
        """Start one where none is kept; end one that does not heed, at once, and another follows."""
        if self._thread is None or not self._thread.is_alive():
            self.start()
            return
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    def end(self) -> None:
        """End it, and start none again; safe to call twice."""
        self._ending.set()
        with self._lock:
            if self._process is not None:
                end_process(self._process)


class Process(Protocol):
    """What can be ended: a `subprocess.Popen`, or what stands for one."""

    pid: int

    def poll(self) -> int | None:
        """Return its status; None while it lives."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its status; raises subprocess.TimeoutExpired."""

    def terminate(self) -> None:
        """Tell it to end."""

    def kill(self) -> None:
        """End it at once."""


def end_process(process: Process) -> None:
    """End a process in order, or, if it does not heed, at once."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
