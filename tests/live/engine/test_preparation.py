"""What is prepared while the engine's modules are loaded."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from live.engine import preparation
from live.engine.preparation import Preparation
from live.errors import SynthError
from live.ipc.link import Address
from live.ipc.options import Options
from live.settings.schema import Config, MidiSettings, SynthSettings


class Synth:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "raise_priority", lambda: "ordinary")


def options(output: str) -> Options:
    config = msgspec.structs.replace(Config(), midi=MidiSettings(output=output))
    return Options(config=config, address=Address("", ""))


def opening(made: list[Synth]) -> Callable[[SynthSettings], Any]:
    def open_synth(_chosen: SynthSettings) -> Any:
        made.append(Synth())
        return made[-1], []

    return open_synth


def test_the_synth_is_opened_once_and_is_the_engines() -> None:
    made: list[Synth] = []
    wanted = options("fluidsynth")
    preparation = Preparation(lambda: wanted, opening(made))
    assert preparation.options() is wanted
    taken: list[Any] = [preparation.synth(wanted.config.synth)[0]]
    assert taken == made
    preparation.close()
    assert [synth.closed for synth in made] == [False]


def test_a_synth_that_no_engine_took_is_closed() -> None:
    made: list[Synth] = []
    Preparation(lambda: options("fluidsynth"), opening(made)).close()
    assert [synth.closed for synth in made] == [True]


@pytest.mark.parametrize("wanted", [None, options("none")])
def test_without_a_wish_for_a_synth_none_is_opened(wanted: Options | None) -> None:
    made: list[Synth] = []
    preparation = Preparation(lambda: wanted, opening(made))
    assert preparation.options() is wanted
    preparation.close()
    assert made == []


def test_what_is_wrong_with_the_synth_is_said_where_it_is_taken() -> None:
    tries: list[SynthSettings] = []

    def broken(chosen: SynthSettings) -> Any:
        tries.append(chosen)
        raise SynthError("no audio device answers")

    preparation = Preparation(lambda: options("fluidsynth"), broken)
    with pytest.raises(SynthError, match="no audio device"):
        preparation.synth(SynthSettings())
    preparation.close()
    assert len(tries) == 1
