"""A running `twobar jam` under measurement: its screen, its event log as it is written, its processes."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 40.0
BYTECODE = str(Path(tempfile.gettempdir()) / "twobar-bench-bytecode")


def compiled() -> dict[str, str]:
    """Return the environment of a program that is compiled as it runs, as an installed one has been."""
    environment = {"PYTHONPYCACHEPREFIX": BYTECODE, **os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


class Instrument:
    """The instrument as its users start it, from an empty folder of its own.

    The event log goes into a pipe that is read here, so that an hour of it fills no disk.

    Args:
        folder: an empty folder to run in.
        options: of `twobar jam`.
        env: variables beside those of this process.
        screen: (columns, rows) of a terminal for the dashboard; None is headless.
        keep: kinds of log lines to keep; others are passed over.

    Attributes:
        lines: log lines of these kinds, in order.
        started: `time.monotonic()` of the start.
        ready: seconds from the start to each ready line, seen from outside.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        env: Mapping[str, str] | None = None,
        screen: tuple[int, int] | None = (120, 40),
        keep: tuple[str, ...] = ("sent",),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._keep = {*keep, "ready", "summary", "fault"}
        self.lines: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.ready: dict[str, float] = {}
        self._news = threading.Condition()
        log = folder / "log.pipe"
        os.mkfifo(log)
        self._log: int | None = os.open(log, os.O_RDWR)  # it is read on from one engine to the next
        threading.Thread(target=self._read_log, args=(log,), daemon=True).start()
        command = [sys.executable, "-m", "live", "jam", "--log", str(log), *options]
        # where nobody's `twobar attach` finds it, and what is measured finds nobody's
        environment = {**compiled(), "TERM": "xterm-256color", "XDG_RUNTIME_DIR": str(folder), **(env or {})}
        self.started = time.monotonic()
        if screen is None:
            self.process = subprocess.Popen(
                [*command, "--headless"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert self.process.stdout is not None
            threading.Thread(target=self._read_ready, args=(self.process.stdout,), daemon=True).start()
        else:
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", screen[1], screen[0], 0, 0))
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
            )
            os.close(theirs)
            threading.Thread(target=drain, args=(ours,), daemon=True).start()

    def _read_ready(self, stream: Any) -> None:  # noqa: ANN401  a pipe of bytes
        for line in stream:
            with self._news:
                self.ready.setdefault(json.loads(line)["ready"], time.monotonic() - self.started)
                self._news.notify_all()

    def _read_log(self, log: Path) -> None:
        with log.open("rb") as stream:
            for line in stream:
                kind = line[9 : line.index(b'"', 9)].decode()  # every line begins {"kind":"...
                if kind not in self._keep:
                    continue
                with self._news:
                    self.lines[kind].append(json.loads(line))
                    self._news.notify_all()

    def wait_for(
        self, kind: str, count: int = 1, *, seconds: float = PATIENCE_SECONDS, **fields: object
    ) -> None:
        """Wait until so many lines of a kind, with these fields, have come.

        Raises:
            TimeoutError: they have not.
        """

        def complete() -> bool:
            found = [
                line
                for line in self.lines[kind]
                if all(line.get(name) == value for name, value in fields.items())
            ]
            return len(found) >= count

        with self._news:
            self._news.wait_for(lambda: complete() or self.process.poll() is not None, seconds)
            if not complete():
                ended = self.process.poll()
                state = f"it ended with status {ended}" if ended is not None else "it runs"
                raise TimeoutError(
                    f"the instrument has logged no '{kind}' {fields} within {seconds:g} s; {state}"
                )

    def wait_ready(self, what: str) -> None:
        """Wait for "thru" or "model"."""
        self.wait_for("ready", what=what)

    def take(self, kind: str) -> list[dict[str, Any]]:
        """Return the lines of a kind so far and forget them."""
        with self._news:
            return self.lines.pop(kind, [])

    def processes(self) -> dict[str, int]:
        """Return process ids: of `main`, of `live.engine` and `live.worker` as `python -m` names them.

        And of `spare`, which is an engine, too, and younger than the one that plays.
        """
        found = {"main": self.process.pid}
        for child in _children(self.process.pid):
            with suppress(OSError):
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if b"-m" in words:
                    name = words[words.index(b"-m") + 1].decode()
                    found["spare" if name in found else name] = child
        return found

    def end(self) -> int:
        """End it as a user's Ctrl-C does, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self._log is not None:
                os.close(self._log)
                self._log = None
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()


def drain(terminal: int) -> None:
    """Read what a terminal shows, and forget it, until nobody writes any more."""
    with suppress(OSError):
        while os.read(terminal, 65536):
            pass
    os.close(terminal)


def _children(pid: int) -> list[int]:
    """Return the children of all threads of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            found += [int(word) for word in (task / "children").read_text().split()]
    return sorted(found)


@contextmanager
def playing(folder: Path, *options: str, **more: Any) -> Iterator[Instrument]:  # noqa: ANN401  as above
    """Run an instrument until its model is ready; it is ended whatever happens."""
    instrument = Instrument(folder, *options, **more)
    try:
        instrument.wait_ready("model")
        yield instrument
    finally:
        instrument.end()


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
