"""The supervisor: starts the engine and the model process, and starts again whichever dies.

It lives in the main process, beside the dashboard or alone (headless).  When the engine dies it opens
the outputs itself and silences every note before it starts the next one.
"""

import collections
import contextlib
import errno
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from live.errors import FailureError, TwobarError
from live.events import silence
from live.link import Address, Link, call
from live.messages import Bye, Command, Snapshot, ToDashboard
from live.options import Options, to_environment
from live.worker_process import spawn_worker

ENGINE_PATIENCE_SECONDS = 10.0
END_PATIENCE_SECONDS = 4.0
RETRY_SECONDS = 0.01
WORKER_PAUSES_SECONDS = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
CALM_SECONDS = 20.0
DEATHS_ALLOWED = 4
ORDERLY = (1, 2)  # exit codes with which an engine has said what the user must mend


class Supervisor:
    """Keeps an engine and a model process alive until told to end.

    Args:
        options: for the engine.
        deliver: gets snapshots and notices, on the link's thread; None when headless.
        told: gets a sentence for the human about what died and came back.

    """

    def __init__(
        self,
        options: Options,
        *,
        deliver: Callable[[ToDashboard], None] | None = None,
        told: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Start nothing yet."""
        self._options, self._deliver, self._told = options, deliver, told
        self._engine: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._link: Link[Any] | None = None
        self._ending = threading.Event()
        self._shown = threading.Event()
        self._deaths: collections.deque[float] = collections.deque(maxlen=DEATHS_ALLOWED)
        self._worker_deaths = 0
        self._worker_started = 0.0
        self._complaints = tempfile.TemporaryFile() if deliver else None  # noqa: SIM115  lives as long as we
        self._lock = threading.Lock()

    # -- start -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start both processes and call the engine.

        Raises:
            TwobarError: the engine ended at once; its sentence, and its exit code.

        """
        self._start_engine()
        self._start_worker()
        self._call_engine()
        threading.Thread(target=self._watch_worker, name="watch-worker", daemon=True).start()

    def _start_engine(self) -> None:
        environment = {**os.environ, **to_environment(self._options)}
        environment.setdefault("JACK_NO_START_SERVER", "1")
        self._engine = subprocess.Popen(
            [sys.executable, "-m", "live.engine_process"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if self._deliver else None,
            stderr=self._complaints,
            start_new_session=True,
        )

    def _start_worker(self) -> None:
        self._worker_started = time.monotonic()
        self._worker = spawn_worker(self._options.address, self._options.config.jam.model)

    def _call_engine(self) -> None:
        assert self._engine is not None
        end = time.monotonic() + ENGINE_PATIENCE_SECONDS
        while self._link is None:
            status = self._engine.poll()
            if status is not None:
                raise self._ended(status)
            if time.monotonic() > end:
                raise FailureError("the engine did not start in time")
            try:
                self._link = call(self._options.address, "supervisor", ToDashboard)
            except OSError:
                time.sleep(RETRY_SECONDS)
        if self._deliver is not None:
            threading.Thread(target=self._read, args=(self._link,), name="read", daemon=True).start()

    def _ended(self, status: int) -> "EngineEndedError":
        """Return the engine's last line as an error; empty where it stood on our own standard error."""
        text = "" if status in ORDERLY else f"the engine ended at once with status {status}"
        if self._complaints is not None:
            self._complaints.seek(0)
            lines = self._complaints.read().decode(errors="replace").strip().splitlines()
            text = lines[-1].removeprefix("twobar: ") if lines else text
        return EngineEndedError(text, status if status in ORDERLY else 1)

    def _read(self, link: "Link[Any]") -> None:
        assert self._deliver is not None
        while (message := link.receive()) is not None:
            if isinstance(message, Snapshot):
                self._shown.set()
            self._deliver(message)

    def wait_shown(self) -> None:
        """Wait until the engine has its ports open and has sent its first picture.

        Raises:
            TwobarError: it ended before that.

        """
        assert self._engine is not None
        while not self._shown.wait(0.02):
            status = self._engine.poll()
            if status is not None:
                raise self._ended(status)

    # -- while it plays --------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Give the engine a command; lost while it is being started again."""
        link = self._link
        if link is not None:
            link.send(command)

    def wait(self) -> int:
        """Block until the engine ends in order or is told to; a crashed one is started again."""
        while True:
            assert self._engine is not None
            status = self._engine.wait()
            if status == 0 or self._ending.is_set():
                return self._finish(max(status, 0))
            if status in ORDERLY:
                return self._finish(status)
            if not self._revive():
                self._told("the engine keeps dying: giving up")
                return self._finish(1)

    def _revive(self) -> bool:
        now = time.monotonic()
        self._deaths.append(now)
        silenced = silence_outputs(self._options)
        self._told(f"the engine died; {silenced}; it is started again")
        if len(self._deaths) == DEATHS_ALLOWED and now - self._deaths[0] < CALM_SECONDS:
            return False
        with self._lock:
            if self._ending.is_set():
                return True
            self._link = None
            self._start_engine()
            try:
                self._call_engine()
            except TwobarError as error:
                self._told(str(error))
                return False
        return True

    def _watch_worker(self) -> None:
        while not self._ending.is_set():
            assert self._worker is not None
            self._worker.wait()
            if self._ending.is_set():
                return
            if time.monotonic() - self._worker_started > CALM_SECONDS:
                self._worker_deaths = 0
            pause = WORKER_PAUSES_SECONDS[min(self._worker_deaths, len(WORKER_PAUSES_SECONDS) - 1)]
            self._worker_deaths += 1
            if self._ending.wait(pause):
                return
            with self._lock:
                if not self._ending.is_set():
                    self._start_worker()

    # -- end -------------------------------------------------------------------------------------

    def end(self) -> None:
        """Ask everything to end; `wait` returns when it has.  Threads: any; signal handlers too."""
        self._ending.set()
        link = self._link
        if link is not None:
            link.send(Bye())
        elif self._engine is not None:
            self._engine.terminate()

    def _finish(self, status: int) -> int:
        self._ending.set()
        with self._lock:
            for process in (self._engine, self._worker):
                if process is not None:
                    end_process(process)
        return status

    def abandon(self) -> None:
        """Leave nothing behind after a start that failed."""
        self._finish(1)


class EngineEndedError(TwobarError):
    """The engine's own sentence and exit code."""

    def __init__(self, text: str, code: int) -> None:
        """Take the sentence and the code."""
        super().__init__(text)
        self.exit_code = code


def end_process(process: "subprocess.Popen[bytes]") -> None:
    """End a process in order, or, if it does not heed, at once."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def silence_outputs(options: Options) -> str:
    """Open the named outputs and end every note on them; returns what was done, in words."""
    named = [name for name in options.config.midi.outputs if name not in ("virtual", "fluidsynth", "none")]
    if not named:
        return "its own ports and synth fell silent with it"
    from live.ports import open_output  # noqa: PLC0415  only a broken night pays for this import

    done = []
    for name in named:
        with contextlib.suppress(TwobarError):
            port = open_output(name, api=options.config.midi.api)
            for data in silence():
                port.send(data)
            time.sleep(0.05)
            port.close()
            done.append(name)
    return f"every note on {', '.join(done)} was ended" if done else "its outputs could not be reached"


# -- the session's file, by which `twobar attach` finds an engine ------------------------------------


class Session(msgspec.Struct, frozen=True):
    """A running engine: where it listens, and the process that started it."""

    address: Address
    pid: int


def session_folder() -> Path:
    """Return the folder of session files, private to the user."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(runtime) / "twobar" if runtime else Path(tempfile.gettempdir()) / f"twobar-{user}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "is another user's", str(folder))
    return folder


def write_session(address: Address) -> str:
    """Leave word where the engine listens; returns the file's path, "" when that cannot be done."""
    try:
        path = session_folder() / f"session-{os.getpid()}.json"
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(Session(address, os.getpid())))
    except OSError:
        return ""
    return str(path)


def sessions() -> list[Session]:
    """Return the engines that can be reached, newest first; files of dead ones are removed."""
    found = []
    try:
        paths = list(session_folder().glob("session-*.json"))
    except OSError:
        return []
    for path in paths:
        try:
            born = path.stat().st_mtime
            session = msgspec.json.decode(path.read_bytes(), type=Session)
            session.address.connect().close()
        except (OSError, ValueError):
            path.unlink(missing_ok=True)
        else:
            found.append((born, session))
    return [session for _, session in sorted(found, key=lambda entry: entry[0], reverse=True)]


def on_end_signals(end: Callable[[], None]) -> None:
    """Let SIGINT, SIGTERM and SIGHUP end the jam in order."""

    def handler(_number: int, _frame: object) -> None:
        end()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handler)
