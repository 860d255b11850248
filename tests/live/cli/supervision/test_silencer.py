"""Silence past an engine: on what has a name or is connected to its virtual port, and for so long only."""

import os
import sys

import pytest

from live.cli.supervision import silencer, silencer_process
from live.cli.supervision.silencer_process import BY_THEMSELVES, UNREACHED, silenced
from live.errors import PortError
from live.ipc.link import Address
from live.ipc.options import Options
from live.settings.config import with_options
from live.settings.schema import Config


class Output:
    """An output that may refuse."""

    closed: list[str]

    def __init__(self, name: str) -> None:
        self.name = name

    def send(self, _data: bytes) -> None:
        if self.name == "broken":
            raise PortError("the MIDI output 'broken' failed")

    def close(self) -> None:
        Output.closed.append(self.name)


@pytest.fixture(autouse=True)
def outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    Output.closed = []
    monkeypatch.setattr("live.devices.ports.open_output", lambda name, api: Output(name))
    monkeypatch.setattr(silencer, "SENDING_SECONDS", 0.0)


def playing_to(*names: str) -> Options:
    return Options(config=with_options(Config(), output=[*names]), address=Address("", ""))


def test_a_port_that_refuses_to_be_silenced_is_closed_all_the_same() -> None:
    assert silencer.silence_outputs(playing_to("broken", "whole")) == "every note on whole was ended"
    assert Output.closed == ["broken", "whole"]
    assert silencer.silence_outputs(playing_to("broken")) == UNREACHED


def test_what_was_connected_to_the_virtual_port_is_silenced() -> None:
    options = playing_to("virtual", "fluidsynth", "b")
    said = silencer.silence_outputs(options, peers=["synth:in", "b"])
    assert said == "every note on b, synth:in was ended"
    assert silencer.silence_outputs(playing_to("virtual", "none")) == BY_THEMSELVES


def test_a_system_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silencer_process, "SILENCER", ("-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(silencer_process, "PATIENCE_SECONDS", 0.1)
    assert silenced(playing_to("synth"), os.environ, peers=[]) == UNREACHED


def test_no_process_is_needed_where_nothing_sounds_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")
    assert silenced(playing_to("virtual", "none"), os.environ, peers=[]) == BY_THEMSELVES


def test_the_process_says_what_it_did_and_goes_before_ordinary_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried: list[int] = []
    monkeypatch.setattr(silencer_process, "hurry", hurried.append)
    monkeypatch.setattr(silencer_process, "SILENCER", ("-c", "import sys; print('ended on', sys.argv[1])"))
    assert silenced(playing_to("virtual"), os.environ, peers=["synth:in"]) == "ended on synth:in"
    assert len(hurried) == 1
