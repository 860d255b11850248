"""Commands by the words that takes, mapping files and OSC have for them."""

from collections.abc import Sequence
from typing import NamedTuple

from live.ipc import commands
from live.ipc.commands import Command, action
from live.settings.knobs import ACTIONS


def command(
    name: str, argument: str = "", value: float = 0.0, *, values: Sequence[float] = (), source: str = ""
) -> Command:
    """Return "knob", "nudge", "note on", ... with its argument and value, or an action by its name."""
    match name:
        case "knob":
            return commands.Turn(argument, value, source=source)
        case "nudge":
            return commands.Nudge(argument, value, source=source)
        case "note":
            velocity = 0 if argument == "off" else round(values[0]) if values else 96
            return commands.PlayKey(round(value), velocity, source=source)
        case "latent":
            return commands.GoTo([*values], source=source)
        case "model":
            return commands.ChooseModel(argument, source=source)
        case "metre":
            return commands.SetMetre(argument, source=source)
        case "condition":
            first, _, text = argument.partition(" ")
            return commands.SetCondition(first, text, source=source)
        case "thru":
            return commands.SwitchThru(source=source)
        case "quit":
            return commands.Quit(source=source)
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
        case commands.Turn(knob, value):
            return Words("knob", knob, value)
        case commands.Nudge(knob, share):
            return Words("nudge", knob, share)
        case commands.PlayKey(pitch, velocity):
            return Words("note", "on" if velocity else "off", pitch)
        case commands.SwitchThru():
            return Words("thru", "", 0.0)
        case commands.Learn(target):
            return Words("learn", target, 0.0)
        case commands.StopLearning():
            return Words("learn no more", "", 0.0)
        case commands.ChooseMapping(mapping, port):
            return Words("mapping", f"{mapping} for {port}", 0.0)
        case commands.Quit():
            return Words("quit", "", 0.0)
        case commands.Say(text):
            return Words("say", text, 0.0)
        case commands.CallScene(number, bars) if number > 9 or bars:
            return Words("scene", f"{number} over {bars} bars" if bars else str(number), 0.0)
        case commands.RampTempo(tempo_bpm, bars):
            return Words("tempo", f"{tempo_bpm:g} over {bars} bars", 0.0)
    for name, allowed in ACTIONS.items():
        for argument in allowed or ("",):
            if action(name, argument, source=asked.source) == asked:
                return Words(name, argument, 0.0)
    raise AssertionError(asked)
