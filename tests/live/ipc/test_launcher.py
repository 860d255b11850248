"""Engine and model process are launched before it is known what to play."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from live.ipc.launcher import ENGINE, SPARE, WORKER, Launcher, may_play

PATIENCE_S = 20.0
SAYS = "import sys; sys.stderr.write('twobar: ' + sys.stdin.read() + '\\nchatter\\n')"


@pytest.mark.parametrize("words", [[], ["jam"], ["jam", "--bpm", "90"], ["--bpm", "90"]])
def test_what_may_be_a_jam(words: list[str]) -> None:
    assert may_play(words)


@pytest.mark.parametrize("words", [["ports"], ["--help"], ["jam", "--help"], ["-h"], ["--version"], ["gam"]])
def test_what_is_no_jam(words: list[str]) -> None:
    assert not may_play(words)


def test_the_engine_that_waits_is_the_one_that_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.ipc.launcher.ENGINE", ("-c", SAYS))
    launcher = Launcher(quiet=True)
    launcher.launch()
    waiting = launcher._waiting
    engines = [launcher.start(b"one"), launcher.start(b"two")]
    assert engines[0] is waiting
    for engine in engines:
        assert engine.wait(PATIENCE_S) == 0
    assert sorted(launcher.said()) == ["twobar: one", "twobar: two"]
    launcher.close()
    assert launcher._said is not None
    launcher._said.close()


def test_an_engine_that_is_not_needed_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.ipc.launcher.ENGINE", ("-c", SAYS))
    launcher = Launcher(quiet=False)
    launcher.launch()
    waiting = launcher._waiting
    assert waiting is not None
    launcher.close()
    assert waiting.returncode != 0


def test_the_model_process_that_waits_is_the_one_that_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.ipc.launcher.WORKER", ("-c", "import sys; sys.exit(len(sys.stdin.read()))"))
    launcher = Launcher(quiet=False)
    launcher.launch_worker()
    waiting = launcher._worker
    workers = [launcher.start_worker(b"one"), launcher.start_worker(b"three")]
    assert workers[0] is waiting
    assert [worker.wait(PATIENCE_S) for worker in workers] == [3, 5]
    launcher.launch_worker()
    idle = launcher._worker
    assert idle is not None
    launcher.close()
    assert idle.returncode != 0


def spare(launcher: Launcher) -> "subprocess.Popen[bytes] | None":
    launcher.keep_spare()
    return launcher._waiting


def test_a_spare_plays_when_it_is_needed_and_one_that_has_died_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    says = "import sys; sys.stderr.write(f'twobar: {sys.argv[1:]} ' + sys.stdin.read())"
    monkeypatch.setattr("live.ipc.launcher.ENGINE", ("-c", says))
    launcher = Launcher(quiet=True)
    first = spare(launcher)
    assert first is not None
    assert spare(launcher) is first
    first.kill()
    first.communicate()
    second = spare(launcher)
    assert second is not None
    assert second is not first
    assert launcher.start(b"one") is second
    assert second.wait(PATIENCE_S) == 0
    assert launcher.said() == [f"twobar: ['{SPARE}'] one"]
    third = spare(launcher)
    assert third is not None
    launcher.close()
    assert third.returncode != 0
    assert spare(launcher) is None
    assert launcher._said is not None
    launcher._said.close()


@pytest.mark.parametrize("process", [ENGINE, (*ENGINE, SPARE), WORKER])
def test_a_process_whose_command_has_gone_ends_without_a_word(process: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, *process],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "TWOBAR_NO_REALTIME": "1"},
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
