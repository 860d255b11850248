"""The limit of a turn, on processes of their own: what spins is ended; waiting and new turns are not."""

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit is on Linux only")

TURNS = """
import time
from live.engine.turn_limit import TurnLimit

def run(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass

with TurnLimit(0.05) as limit:
    limit.renew()
    {turns}
{after}
"""


def status(turns: str, after: str = "pass") -> int:
    """Return how a process ends that does this under a limit of .05 s, and this after it."""
    command = [sys.executable, "-c", TURNS.format(turns=turns, after=after)]
    return subprocess.run(command, timeout=60, check=False).returncode


def test_a_thread_that_spins_ends_its_process() -> None:
    assert status("run(60)") == -signal.SIGVTALRM


def test_new_turns_have_as_long_each() -> None:
    assert status("[(limit.renew(), run(0.02)) for _ in range(5)]") == 0


def test_a_machine_on_which_turns_take_long_has_ten_times_as_long_for_each() -> None:
    assert status("[(limit.renew(), run(seconds)) for seconds in (0.02, 0.12)]") == 0


@pytest.mark.parametrize(("seconds", "ends"), [(0.4, 0), (0.6, -signal.SIGVTALRM)])
def test_but_no_longer_than_half_a_second(seconds: float, ends: int) -> None:
    assert status(f"[(limit.renew(), run(seconds)) for seconds in (0.04, 0.3, 0.3, {seconds})]") == ends


def test_what_waits_or_others_do_meanwhile_does_not_count() -> None:
    others = "import threading; other = threading.Thread(target=run, args=(0.2,)); other.start()"
    assert status(f"{others}; time.sleep(0.2); other.join()") == 0


def test_after_it_nothing_is_limited() -> None:
    assert status("pass", "run(0.2)") == 0
