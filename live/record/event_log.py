"""The event log: what came in, what left and when, what was planned and why, one JSON line each.

Every line has `kind` and `nanos` (host time); docs/on-stage.md lists the kinds and their other fields.
"""

import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from live.errors import FailureError
from model.files import all_readable

CAPACITY = 65_536
PERIOD_S = 0.1
BATCH = 32
LONGEST_LINE = 1 << 20


class EventLog:
    """Takes records at once and writes them a little later, so that a kill loses well under a second.

    Attributes:
        path: the file; what an engine before this one has written stays.
        dropped: records that found the queue full.
        fault: one sentence when the disk refused; the log is over then, the music is not.

    Threads: `write` any; it appends to a bounded queue and never waits.  Realtime: yes, about 1 us.
    """

    def __init__(
        self,
        path: Path,
        *,
        nanos: Callable[[], int] = time.monotonic_ns,
        on_fault: Callable[[str], object] = lambda _sentence: None,
    ) -> None:
        """Open the file and start to write.

        Raises:
            FailureError: the file cannot be written.
        """
        self.path = path
        self.dropped = 0
        self.fault = ""
        self._nanos = nanos
        self._on_fault = on_fault
        self._closed = self._reported = False
        self._queue: deque[dict[str, object]] = deque()
        self._encoder = msgspec.json.Encoder(enc_hook=str)
        try:
            self._file: IO[bytes] = path.open("ab", buffering=0)
        except (OSError, ValueError) as reason:
            raise refusal(path, reason) from None
        reserve(self._file, alone=False)
        cut_broken_line(path)
        self._ending = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
        self._thread.start()

    def write(self, kind: str, **fields: object) -> None:
        """Queue one record; `nanos` is now unless it is among the fields."""
        if len(self._queue) >= CAPACITY or self._closed:
            self.dropped += 1
            return
        if "nanos" not in fields:
            fields["nanos"] = self._nanos()
        self._queue.append({"kind": kind, **fields})

    def _run(self) -> None:
        while not self._ending.wait(PERIOD_S):
            self.flush()

    def flush(self) -> None:
        """Write down what is queued, in small batches between which others may run."""
        with self._writing:
            while self._queue and not self._closed:
                count = min(BATCH, len(self._queue))
                records = [self._queue.popleft() for _ in range(count)]
                try:
                    self._write_all(self._encoded(records))
                except OSError as reason:
                    self.fault = f"the log '{self.path}' has ended: {reason.strerror or reason}"
                    self._closed = True
                    self._on_fault(self.fault)
                except Exception as fault:  # noqa: BLE001  a record of ours that is none: the others go on
                    self.dropped += count
                    self._tell(f"{count} records of the log could not be written: {fault!r}")
                time.sleep(0)

    def _encoded(self, records: list[dict[str, object]]) -> bytes:
        try:
            return self._encoder.encode_lines(records)
        except UnicodeEncodeError:  # the name of a file in them is no UTF-8
            return self._encoder.encode_lines(all_readable(records))

    def _tell(self, sentence: str) -> None:
        """Tell of the first fault that does not end the log."""
        if not self._reported:
            self._reported = True
            self._on_fault(sentence)

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:  # unbuffered: the system may take a part
            view = view[self._file.write(view) :]

    def close(self) -> None:
        """Write the rest down and close; safe to call twice."""
        if self._ending.is_set():
            return
        self._ending.set()
        self._thread.join(5)
        self.flush()
        with self._writing, contextlib.suppress(OSError):
            self._file.close()
            self._closed = True


def refusal(path: Path, reason: OSError | ValueError) -> FailureError:
    """Return the sentence for a log that cannot be written."""
    text = reason.strerror or reason if isinstance(reason, OSError) else reason
    return FailureError(f"the log '{path}' cannot be written: {text}")


def begin(path: Path) -> IO[bytes] | None:
    """Empty the file of an evening before: once per session, since engines after a crash go on with it.

    Returns:
        What reserves it while it is open; None where that cannot be.

    Raises:
        FailureError: the file cannot be written, or another instrument writes it.
    """
    if path.exists() and not path.is_file():
        return None  # a pipe, say; whether it takes lines is seen when it is opened
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
        if not reserve(file, alone=True):
            file.close()
            raise FailureError(f"the log '{path}' is written by another twobar; name another file with --log")
        file.truncate(0)
        reserve(file, alone=False)
    except (OSError, ValueError) as reason:
        raise refusal(path, reason) from None
    return file


def reserve(file: IO[bytes], *, alone: bool) -> bool:
    """Reserve a log, alone or beside the engine of the same session; False where another one has it.

    Held until the file is closed; where the system knows no such thing, nobody has it.
    """
    if sys.platform == "win32":
        return True
    import fcntl  # noqa: PLC0415  Windows has none

    try:
        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def cut_broken_line(path: Path) -> None:
    """Take away the half line at the end that a killed engine may have left."""
    if not path.is_file():
        return
    with contextlib.suppress(OSError), path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - LONGEST_LINE)
        file.seek(start)
        whole = file.read().rfind(b"\n") + 1
        if start + whole < size and (whole or not start):
            file.truncate(start + whole)
