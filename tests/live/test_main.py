"""The console script, before any command runs."""

import signal
import subprocess
import sys

import pytest

from tests.root import ROOT

SIGNALLED = """
import os, signal, sys
from live import __main__
from live.cli import group
group.run = lambda *_, **__: os.kill(os.getpid(), {number}) or 0
sys.argv = ["twobar", "{command}"]
__main__.Launcher.launch = __main__.Launcher.launch_worker = lambda self: None
__main__.main()
"""


def signalled(command: str, name: str) -> subprocess.CompletedProcess[str]:
    """Send a command its signal before it has read its options."""
    if not hasattr(signal, name):
        pytest.skip("this system has no such signal")
    code = SIGNALLED.format(number=int(getattr(signal, name)), command=command)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("command", ["ports", "jam"])
def test_the_signal_that_is_panic_ends_no_command(command: str) -> None:
    assert signalled(command, "SIGUSR1").returncode == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_jam_that_is_ended_before_it_has_begun_ends_in_order(name: str) -> None:
    done = signalled("jam", name)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_command_that_is_interrupted_so_early_shows_no_traceback() -> None:
    done = signalled("ports", "SIGINT")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(("chosen", "threads"), [(None, "1"), ("3", "3")])
def test_arrays_are_multiplied_on_one_thread_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, chosen: str | None, threads: str
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if chosen is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", chosen)
    code = """
import os, sys
from live import __main__
from live.cli import group
group.run = lambda *_, **__: print(os.environ["OMP_NUM_THREADS"], "numpy" in sys.modules) or 0
sys.argv = ["twobar", "ports"]
__main__.main()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [threads, "False"]  # set before numpy, which reads it once, is there
