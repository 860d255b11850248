"""SIGINT and SIGTERM, whenever they come."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from live.cli.supervision.signals import EndSignals

PATIENCE_S = 20.0


@pytest.fixture
def signals() -> Iterator[EndSignals]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers]
    yield EndSignals().install()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_may_come_while_the_main_thread_holds_what_the_end_needs(
    signals: EndSignals, number: int
) -> None:
    lock, ended = threading.Lock(), threading.Event()

    def end() -> None:
        with lock:
            ended.set()

    signals.lead_to(end, end)
    with lock:
        signal.raise_signal(number)
    assert ended.wait(PATIENCE_S)


def test_a_signal_that_comes_too_early_is_not_lost(signals: EndSignals) -> None:
    ended: list[int] = []
    signal.raise_signal(signal.SIGTERM)
    signals.lead_to(lambda: ended.append(1), lambda: ended.append(2))
    assert ended == [1]


def environment(folder: Path) -> dict[str, str]:
    (folder / "run").mkdir(mode=0o700)
    (folder / "tmp").mkdir()
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    more = {"PYTHONPATH": path, "XDG_RUNTIME_DIR": str(folder / "run"), "TMPDIR": str(folder / "tmp")}
    return {**os.environ, "JACK_NO_START_SERVER": "1", **more}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_jam_that_is_ended_while_it_starts(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "live", "jam", "--headless", "--in", "none", "--out", "none"]
    jam = subprocess.Popen(
        [*command, "--osc-port", "0"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    pause = threading.Event()
    while jam.poll() is None and not list((tmp_path / "run").glob("twobar/instance-*.json")):
        pause.wait(0.001)
    jam.send_signal(number)
    out, err = jam.communicate(timeout=PATIENCE_S)
    assert (jam.returncode, err) == (0, b""), out
    assert list((tmp_path / "tmp").glob("twobar-*")) == []
