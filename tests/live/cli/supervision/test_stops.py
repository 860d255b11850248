"""What the system has stopped is known at once, of children and of others; what goes on is left alone."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from live.cli.supervision import stops
from live.cli.supervision.guardian import Adopted
from live.cli.supervision.stops import watch_stops
from live.ipc.model_process import Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells of a stop")

PATIENCE_S = 20.0
SLEEPS = "import time; time.sleep(60)"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "{SLEEPS}"])
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
child.wait()
"""


@pytest.fixture(params=["a child", "another's child"])
def process(request: pytest.FixtureRequest) -> Iterator[Process]:
    words = [sys.executable, "-c", SLEEPS if request.param == "a child" else PARENT]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        if request.param == "a child":
            yield started
            started.kill()
        else:
            assert started.stdout is not None
            yield Adopted(int(started.stdout.readline()))


def test_what_was_stopped_stands_and_is_told_once_where_it_is_ended_then(process: Process) -> None:
    told = threading.Semaphore(0)

    def stands() -> None:
        process.kill()
        told.release()

    watch_stops(process, stands, threading.Event())
    os.kill(process.pid, signal.SIGSTOP)
    assert told.acquire(timeout=PATIENCE_S)
    process.wait(PATIENCE_S)
    for thread in threading.enumerate():
        if thread.name == "stops":
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
    assert not told.acquire(blocking=False)


def test_what_goes_on_at_once_does_not_stand(process: Process) -> None:
    told: list[str] = []
    over = Waits(process)
    watch_stops(process, lambda: told.append("stands"), over)
    os.kill(process.pid, signal.SIGSTOP)
    assert over.gone_on.wait(PATIENCE_S)
    process.kill()
    process.wait(PATIENCE_S)
    over.set()
    assert told == []


class Waits(threading.Event):
    """An end, for which one waits no longer than a process needs to go on again."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process, self.gone_on = process, threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        if timeout == stops.STOPPED_SECONDS:
            os.kill(self._process.pid, signal.SIGCONT)
            self.gone_on.set()
            return self.is_set()
        return super().wait(timeout)
