"""Commands by the names that mapping files and OSC have for them."""

from typing import get_args

import pytest

from live.errors import UsageError
from live.ipc import commands as ask
from live.ipc.commands import Command, action
from live.settings.knobs import ACTIONS


@pytest.mark.parametrize(
    ("name", "argument", "command"),
    [
        ("capture", "A", ask.StoreAnchor("A", source="midi")),
        ("recall", "D", ask.RecallAnchor("D", source="midi")),
        ("mode", "hold", ask.SetMode("hold", source="midi")),
        ("mute", "drums", ask.MutePart("drums", source="midi")),
        ("scene", "9", ask.CallScene(9, source="midi")),
        ("scene", "12", ask.CallScene(12, source="midi")),
        ("scene", "2 over 4 bars", ask.CallScene(2, 4, source="midi")),
        ("scene", "2 over 1 bar", ask.CallScene(2, 1, source="midi")),
        ("store", "3", ask.StoreScene(3, source="midi")),
        ("redo", "", ask.Redo(source="midi")),
        ("freeze", "", ask.Freeze(source="midi")),
        ("undo", "", ask.Undo(source="midi")),
        ("tap", "", ask.TapTempo(source="midi")),
        ("start", "", ask.Start(source="midi")),
        ("stop", "", ask.Stop(source="midi")),
        ("panic", "", ask.Panic(source="midi")),
    ],
)
def test_an_action_is_a_command(name: str, argument: str, command: Command) -> None:
    assert action(name, argument, source="midi") == command
    assert type(action(name, argument)) is type(command)


def test_every_action_with_every_argument_is_a_command_of_its_kind() -> None:
    commands = [action(name, argument) for name, allowed in ACTIONS.items() for argument in allowed or ("",)]
    assert len(set(commands)) == len(commands)
    assert all(type(command) in get_args(Command) for command in commands)


@pytest.mark.parametrize(
    ("name", "argument", "sentence"),
    [
        ("pnic", "", "did you mean 'panic'"),
        ("knob", "density", "unknown action 'knob'"),
        ("capture", "", "A, B, C, D"),
        ("capture", "E", "unknown capture 'E'"),
        ("mode", "holt", "did you mean 'hold'"),
        ("scene", "0", "unknown scene '0'"),
        ("panic", "now", "panic takes no argument, and 'now' is one"),
    ],
)
def test_what_is_no_action_is_refused_in_one_sentence(name: str, argument: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        action(name, argument)
    assert sentence in str(caught.value)
