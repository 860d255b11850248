"""The real program in a real terminal: it draws, it leaves when asked, and when the terminal is closed."""

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("setsid") is None, reason="util-linux's setsid is not installed")


class Terminal:
    """A pseudo-terminal of 80x24 with `twobar jam` in it."""

    def __init__(self, folder: Path) -> None:
        self.master, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = ["setsid", "--ctty", "--wait", sys.executable, "-m", "live", "jam"]
        command += ["--in", "none", "--out", "none", "--osc-port", "0"]
        path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
        environment = {
            **os.environ,
            "PYTHONPATH": path,
            "TERM": "xterm-256color",
            "XDG_RUNTIME_DIR": str(folder),
        }
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=inner, stdout=inner, stderr=inner
        )
        os.close(inner)
        self.screen = b""

    def read_until(self, text: bytes, timeout: float = 40.0) -> None:
        end = time.monotonic() + timeout
        while text not in self.screen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, self.screen[-2000:]
            self.screen += os.read(self.master, 65536)

    def press(self, keys: bytes) -> None:
        self.screen = b""
        os.write(self.master, keys)

    def drain(self, timeout: float = 20.0) -> int:
        """Read what is drawn until the program ends; returns its exit status."""
        end = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    os.read(self.master, 65536)
                except OSError:
                    break
        return self.process.wait(timeout)

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    if opened.process.poll() is None:
        opened.process.kill()
        opened.process.wait()
    if opened.master >= 0:
        os.close(opened.master)


def test_q_asks_and_y_ends_it(terminal: Terminal) -> None:
    terminal.read_until(b"FOLLOW")
    terminal.press(b"q")
    terminal.read_until(b"quit?")
    terminal.press(b"y")
    assert terminal.drain() == 0


def test_closing_the_terminal_ends_it(terminal: Terminal, tmp_path: Path) -> None:
    terminal.read_until(b"FOLLOW")
    assert list((tmp_path / "twobar").glob("session-*.json"))
    terminal.hang_up()
    terminal.process.wait(20)
    assert list((tmp_path / "twobar").glob("session-*.json")) == []
