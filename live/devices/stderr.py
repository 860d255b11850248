"""Keeps what C libraries write to stderr off a full-screen terminal."""

import contextlib
import ctypes
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

_STDERR = threading.RLock()  # the descriptor belongs to the whole process: one catcher at a time
_SWAPPING = threading.Lock()  # held for an instant
_aside: list[int] = []  # while descriptor 2 is diverted: what it was, and what it was before that


def copy_of_stderr() -> int:
    """Return a descriptor of the caller's own for standard error, also while another thread diverts it.

    Raises:
        OSError: there is none.
    """
    with _SWAPPING:
        return os.dup(_aside[0] if _aside else 2)


@contextlib.contextmanager
def stderr_diverted() -> Iterator[list[str]]:
    """Catch what is written to file descriptor 2 meanwhile; the list holds its lines afterwards.

    The redirection holds for the whole process, so keep what is inside short.
    """
    lines: list[str] = []
    with _STDERR:
        yield from _caught(lines)


def _caught(lines: list[str]) -> Iterator[list[str]]:
    try:
        saved = os.dup(2)
    except OSError:  # no stderr at all, as under some daemons
        yield lines
        return
    with tempfile.TemporaryFile() as file:
        with _SWAPPING:
            os.dup2(file.fileno(), 2)
            _aside.append(saved)
        try:
            yield lines
        finally:
            with _SWAPPING:
                os.dup2(_aside.pop(), 2)
                os.close(saved)
            file.seek(0)
            text = file.read().decode(errors="replace")
            lines += [line.strip() for line in text.splitlines() if line.strip()]


def silence_jack() -> None:
    """Stop the messages of every libjack in this process (python-rtmidi brings one of its own).

    JACK's threads otherwise report a server's death on stderr.  Where the loaded libraries
    cannot be listed (not Linux), nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError):
        maps = Path("/proc/self/maps").read_text(errors="replace")
        heedless = ctypes.CDLL(None).strlen  # takes the text, does nothing with it, needs no interpreter
        for path in {line.split(maxsplit=5)[-1] for line in maps.splitlines() if "/libjack" in line}:
            library = ctypes.CDLL(path)
            library.jack_set_error_function(heedless)
            library.jack_set_info_function(heedless)
