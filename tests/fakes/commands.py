"""Commands by the words that takes, mapping files and OSC have for them."""

from collections.abc import Sequence
from typing import NamedTuple

from live.ipc.commands import (
    ChooseMapping,
    ChooseModel,
    Command,
    GoTo,
    Learn,
    Nudge,
    PlayKey,
    Quit,
    Say,
    SetCondition,
    SetMetre,
    StopLearning,
    SwitchThru,
    Turn,
    action,
)
from live.settings.knobs import ACTIONS


def command(
    name: str, argument: str = "", value: float = 0.0, *, values: Sequence[float] = (), source: str = ""
) -> Command:
    """Return "knob", "nudge", "note on", ... with its argument and value, or an action by its name."""
    match name:
        case "knob":
            return Turn(argument, value, source=source)
        case "nudge":
            return Nudge(argument, value, source=source)
        case "note":
            velocity = 0 if argument == "off" else round(values[0]) if values else 96
            return PlayKey(round(value), velocity, source=source)
        case "latent":
            return GoTo([*values], source=source)
        case "model":
            return ChooseModel(argument, source=source)
        case "metre":
            return SetMetre(argument, source=source)
        case "condition":
            first, _, text = argument.partition(" ")
            return SetCondition(first, text, source=source)
        case "thru":
            return SwitchThru(source=source)
        case "quit":
            return Quit(source=source)
        case _:
            return action(name, argument, source=source)


class Words(NamedTuple):
    """A command in the words that `command` takes."""

    name: str
    argument: str
    value: float


def words(asked: Command) -> Words:
    """Return the words of a command."""
    match asked:
        case Turn(knob, value):
            return Words("knob", knob, value)
        case Nudge(knob, share):
            return Words("nudge", knob, share)
        case PlayKey(pitch, velocity):
            return Words("note", "on" if velocity else "off", pitch)
        case SwitchThru():
            return Words("thru", "", 0.0)
        case Learn(target):
            return Words("learn", target, 0.0)
        case StopLearning():
            return Words("learn no more", "", 0.0)
        case ChooseMapping(mapping, port):
            return Words("mapping", f"{mapping} for {port}", 0.0)
        case Quit():
            return Words("quit", "", 0.0)
        case Say(text):
            return Words("say", text, 0.0)
    for name, allowed in ACTIONS.items():
        for argument in allowed or ("",):
            if action(name, argument, source=asked.source) == asked:
                return Words(name, argument, 0.0)
    raise AssertionError(asked)
