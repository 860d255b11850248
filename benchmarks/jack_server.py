"""A JACK server without a sound card, for as long as something is measured on it."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.jack_harness import PERIOD, JackServer

DEFAULT_PERIOD = 1024  # JACK's own
MOST = 8  # servers that JACK has room for


@contextmanager
def serving(folder: Path, *, period: int = PERIOD, sync: bool = True) -> Iterator[bool]:
    """Run a server of our own, named in the environment; yields whether there is one.

    Args:
        folder: for its log.
        period: frames of a cycle.
        sync: whether it waits for every client, and then five seconds for one that is killed.
    """
    if shutil.which("jackd") is None:
        yield False
        return
    with contextlib.ExitStack() as until:
        name = until.enter_context(_free_name())
        until.enter_context(_environment(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1"))
        server = JackServer(name, folder / f"{name}.log", period=period, sync=sync)
        server.start()
        until.callback(server.stop)
        yield True


@contextmanager
def _free_name() -> Iterator[str]:
    """Yield a name that no other run has, of the same few: JACK keeps a dead server's place for it."""
    for number in range(1, MOST + 1):
        name = f"twobar-bench-{number}"
        with Path(tempfile.gettempdir(), f"{name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield name
            return
    raise RuntimeError(f"{MOST} measurements run already")


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables of this process's environment meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
