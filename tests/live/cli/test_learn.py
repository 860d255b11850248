"""The command `learn`: one thing after another, from whatever is plugged in, into a file."""

import queue
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from live.cli import learn
from live.cli.group import run
from live.command_line import twobar
from live.control.desk import Desk
from live.control.mappings.mapping_file import read
from live.errors import FailureError
from live.settings.knobs import KNOBS, bindable
from live.timing.midi_bytes import Received, control
from live.timing.timeline import Nanos

PORT = "Old keys 20:0"
MS = 1_000_000


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / name))
    return tmp_path / "twobar" / "mappings"


class Port:
    """A controller whose hand turns a knob when it is opened."""

    name = PORT

    def __init__(self, deliver: Callable[[Received], object], number: int) -> None:
        numbers = (*range(50, 76, 2), *range(76, 40, -2))
        for step, value in enumerate(numbers):
            deliver(Received(Nanos((1 + 20 * step) * MS), control(1, number, value), self.name))
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_a_knob_is_learned_and_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Port] = []

    def open_inputs(_name: str, *, api: str, deliver: Callable[[Received], object]) -> list[Port]:
        opened.append(Port(deliver, 74))
        return opened

    monkeypatch.setattr("live.devices.ports.open_inputs", open_inputs)
    said: list[str] = []
    learn.learn(["density"], source="auto", api="auto", mapping="auto", say=said.append)
    assert said[0] == "density: turn a knob to the right and back"
    assert said[1] == f"Old keys · CC 74 on channel 1 is density: {home / 'old-keys.toml'}"
    assert [one.cc for one in read(home / "old-keys.toml").control if one.knob == "density"] == [22, 74]
    assert opened[0].closed


def test_nothing_plugged_in_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.devices.ports.open_inputs", lambda *_names, **_more: [])
    with pytest.raises(FailureError, match="no controller is plugged in"):
        learn.learn(["density"], source="auto", api="auto", mapping="auto", say=lambda _text: None)


@pytest.mark.parametrize(("data", "words"), [(None, "nothing came"), (control(1, 101, 0), "cannot be bound")])
def test_what_sends_nothing_known_is_said_after_a_while(data: bytes | None, words: str) -> None:
    arrivals: queue.SimpleQueue[Received] = queue.SimpleQueue()
    desk = Desk({name: spec.rest for name, spec in KNOBS.items()}.__getitem__)
    if data is not None:
        arrivals.put(Received(Nanos(1), data, PORT))
    ticks = iter(range(0, 10**12, 10 * 10**9))
    with pytest.raises(FailureError, match=words):
        learn.learn_one(desk, "density", arrivals, lambda _text: None, clock=lambda: next(ticks))


def test_names_are_asked_for_and_slips_told() -> None:
    said: list[str] = []
    answers = iter(["densty\n", "density\n", "capture  A\n", "\n"])
    assert [*learn.asked(said.append, lambda: next(answers))] == ["density", "capture A"]
    assert "did you mean 'density'" in said[1]


def test_the_command_lists_all_and_refuses_a_slip(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(twobar, ["learn", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(bindable())
    assert run(twobar, ["learn", "densty"]) == 2
    assert "did you mean 'density'" in capsys.readouterr().err
