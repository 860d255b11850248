"""The engine's process, seen from outside: launched before it is known what to play, which it reads.

Imports nothing that is slow: on a command line it runs before all else.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO

ENGINE = ("-m", "live.engine")
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


class Launcher:
    """Launches engines, each of which waits for what it is to play.

    Args:
        quiet: whether what they say is collected, because a dashboard has the terminal.

    """

    def __init__(self, *, quiet: bool) -> None:
        """Launch nothing yet."""
        self.quiet = quiet
        self._waiting: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None

    def launch(self) -> None:
        """Launch one that waits; nothing while one does already."""
        if self._waiting is not None:
            return
        if self.quiet and self._said is None:
            from tempfile import TemporaryFile  # noqa: PLC0415  without a screen no engine waits for it

            self._said = TemporaryFile()  # noqa: SIM115  it lives as long as this
        self._waiting = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, *ENGINE],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if self.quiet else None,
            stderr=self._said,
            start_new_session=True,
        )

    def start(self, options: bytes) -> "subprocess.Popen[bytes]":
        """Let an engine play, the one that waits or another; returns its process."""
        self.launch()
        engine, self._waiting = self._waiting, None
        assert engine is not None
        assert engine.stdin is not None
        with contextlib.suppress(OSError):  # it has died, which is seen soon enough
            engine.stdin.write(options)
        with contextlib.suppress(OSError):
            engine.stdin.close()
        return engine

    def said(self) -> list[str]:
        """Return what the engines have said to a human, as far as it was collected."""
        if self._said is None:
            return []
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").splitlines()
        return [line for line in lines if line.startswith(SPOKEN)]

    def close(self) -> None:
        """End one that still waits."""
        engine, self._waiting = self._waiting, None
        if engine is not None:
            engine.kill()
            engine.communicate()
