"""Holds the far end (far_end.py) by its stdin and stdout."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.instrument import ROOT


class FarEnd:
    """A JACK client in a process of its own; its ports are `{name}:out` and `{name}:in`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.name = str(self._answer()["name"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the far end of the cable has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ask(self, **command: Any) -> None:  # noqa: ANN401  any JSON
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def connect(self, source: str, destination: str) -> None:
        """Connect two ports by their full names."""
        self._ask(connect=[source, destination])
        self._answer()

    def play(self, messages: list[tuple[int, bytes]]) -> None:
        """Play (frames from now, message) pairs."""
        self._ask(play=[(frames, data.hex()) for frames, data in messages])

    def tell(self) -> dict[str, Any]:
        """Return `trips` (frames, by channel as text), `heard`, `sounding` and `rate`; see far_end.py."""
        self._ask(tell=True)
        return self._answer()


@contextmanager
def far_end(name: str = "far") -> Iterator[FarEnd]:
    """Run a far end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.far_end", name],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield FarEnd(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def plug_in(far: FarEnd, inputs: str = "twobar-in:keys", outputs: str = "twobar-out:notes") -> None:
    """Connect the far end to an instrument's ports; they must be there."""
    far.connect(f"{far.name}:out", inputs)
    far.connect(outputs, f"{far.name}:in")


def rest(seconds: float) -> None:
    """Let time go by."""
    time.sleep(seconds)
