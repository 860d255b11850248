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

    def __init__(self, folder: Path, program: tuple[str, ...] = ("-m", "live")) -> None:
        self.master, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = ["setsid", "--ctty", "--wait", sys.executable, *program, "jam"]
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

    def seen(self, text: bytes, timeout: float) -> bool:
        """Read for a while; tell whether a text came."""
        end = time.monotonic() + timeout
        while text not in self.screen and (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self.screen += os.read(self.master, 65536)
        return text in self.screen

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
def terminal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    opened = Terminal(tmp_path, getattr(request, "param", ("-m", "live")))
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


BREAKS = """
from live.__main__ import main
from live.dashboard.app import Dashboard
Dashboard.action_nudge = lambda _self, _steps: 1 / 0
main()
"""


@pytest.mark.parametrize("terminal", [("-c", BREAKS)], indirect=True)
def test_an_exception_behind_a_key_opens_another_screen_and_then_leaves_the_music_alone(
    terminal: Terminal,
) -> None:
    terminal.read_until(b"FOLLOW")
    terminal.press(b"\x1b[A")
    terminal.read_until(b"opened again")
    gone = b"the screen keeps failing (ZeroDivisionError: division by zero); the music goes on"
    for _ in range(40):  # a screen that is just being opened takes no key
        os.write(terminal.master, b"\x1b[A")
        if terminal.seen(gone, 0.5):
            break
    assert gone in terminal.screen
    assert terminal.process.poll() is None
    terminal.press(b"\x03")
    assert terminal.drain() == 0
    assert b"Traceback" not in terminal.screen


def test_closing_the_terminal_ends_it(terminal: Terminal, tmp_path: Path) -> None:
    terminal.read_until(b"FOLLOW")
    assert list((tmp_path / "twobar").glob("instance-*.json"))
    terminal.hang_up()
    terminal.process.wait(20)
    assert list((tmp_path / "twobar").glob("instance-*.json")) == []
