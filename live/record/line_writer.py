"""Lines for whoever reads our standard output and error, in nobody's way."""

import contextlib
import os
import queue
import threading

from live.devices.stderr import copy_of_stderr

STDERR = 2
CLOSE_PATIENCE_S = 0.5


class LineWriter:
    """Writes lines to a file descriptor from a thread of its own: a full or closed pipe stops nobody.

    Args:
        descriptor: 1 or 2, or any that is open for writing.
        prefix: before each line.

    Threads: any.  Realtime: yes.
    """

    def __init__(self, descriptor: int, *, prefix: str = "") -> None:
        self._descriptor, self._prefix = -1, prefix
        with contextlib.suppress(OSError):  # closed: there is nobody to write to
            # a copy: the descriptor itself is turned away now and then, to catch what C libraries write
            self._descriptor = copy_of_stderr() if descriptor == STDERR else os.dup(descriptor)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"lines-{descriptor}", daemon=True)
        self._thread.start()

    def __call__(self, line: str) -> None:
        """Write one line soon."""
        self._lines.put(line)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            data = f"{self._prefix}{line}\n".encode(errors="replace")
            with contextlib.suppress(OSError):  # nobody reads any more
                while data:
                    data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Give what was said a moment to be written; safe to call twice."""
        self._lines.put(None)
        self._thread.join(CLOSE_PATIENCE_S)
        if not self._thread.is_alive() and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
