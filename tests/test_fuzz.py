"""A few thousand inputs that nobody would write into every reader; `python -m scripts.fuzz` feeds more."""

import threading
import time
from pathlib import Path

import pytest

import scripts.fuzz
from live.control.osc.messages import BadPacketError
from scripts.fuzz import TARGETS, HangError, Target, at_most, run

INPUTS = {"midi-bytes": 1000, "osc": 2000, "toml": 250, "mapping": 200, "checkpoint": 250, "midi-file": 250}


@pytest.mark.parametrize("name", TARGETS)
def test_no_reader_breaks(name: str, tmp_path: Path) -> None:
    outcome = run(TARGETS[name](tmp_path), seconds=60, seed=5, most=INPUTS[name])
    assert {kind: text for kind, (_, text) in outcome.faults.items()} == {}
    assert outcome.inputs == INPUTS[name]


def test_what_breaks_a_reader_is_found_once_of_each_kind() -> None:
    def feed(data: bytes) -> None:
        if len(data) > 3:
            raise KeyError(data)
        if len(data) > 2:
            raise BadPacketError

    outcome = run(Target([b"abc"], [b"!"], feed), seconds=60, seed=1, most=200)
    assert 0 < outcome.refused < outcome.inputs == 200
    (data, text), = outcome.faults.values()  # fmt: skip
    assert len(data) > 3
    assert "KeyError" in text


def test_what_takes_too_long_is_broken_off() -> None:
    def forever() -> None:
        while True:
            time.monotonic()

    with pytest.raises(HangError), at_most(0.02):
        forever()


def test_what_waits_for_ever_is_broken_off_too() -> None:
    with pytest.raises(HangError), at_most(0.01):
        threading.Event().wait(60)


def test_each_input_that_hangs_is_broken_off_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(data: bytes) -> None:
        if data == b"b":
            threading.Event().wait(60)

    inputs = iter([b"a", b"b", b"a", b"b", b"a"])
    monkeypatch.setattr(scripts.fuzz, "SECONDS_AN_INPUT", 0.01)
    monkeypatch.setattr(scripts.fuzz, "mutated", lambda *_: next(inputs))
    outcome = run(Target([b"a"], [b"b"], feed), seconds=60, seed=1, most=5)
    assert outcome.inputs == 5
    assert [data for data, _ in outcome.faults.values()] == [b"b"]


def test_to_wait_for_a_processor_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    monkeypatch.setattr(scripts.fuzz, "_waited_s", lambda: min(0.05, time.monotonic() - began))
    with pytest.raises(HangError), at_most(0.02):
        threading.Event().wait(60)
    assert time.monotonic() - began >= 0.065
