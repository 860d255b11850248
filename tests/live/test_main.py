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
group.run = lambda *_, **__: os.kill(os.getpid(), signal.SIGUSR1) or 0
sys.argv = ["twobar", "ports"]
__main__.main()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signal")
def test_the_signal_that_is_panic_ends_no_other_command() -> None:
    done = subprocess.run([sys.executable, "-c", SIGNALLED], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 0
