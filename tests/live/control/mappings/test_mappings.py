"""The shipped mappings: each controller is played through its file, and its lights are read."""

from pathlib import Path
from typing import Any

import platformdirs
import pytest

from live.control import lights
from live.control.lights import LitState
from live.control.mapper import Mapper
from live.control.mappings import library
from live.control.mappings.mapping_file import Control, message, read
from live.ipc.commands import Command, action
from live.settings.knobs import KNOBS
from live.timing.midi_bytes import control, note_off, note_on, program
from tests.fakes.commands import words
from tests.live.control.test_lights import REST
from tests.root import ROOT

NAMES = sorted(path.stem for path in (ROOT / "mappings").glob("*.toml"))
ALL_BOUND = {"akai-apc-key-25-mk2", "arturia-beatstep", "footswitch"}
"""On their ports no keyboard plays, or not by itself: all that they send may be bound."""

WITHOUT_KNOBS = {
    "arturia-keystep", "footswitch", "novation-launchpad-mini-mk3", "novation-launchpad-x", "stage-piano",
}  # fmt: skip
PEDALS_ONLY = {"arturia-keystep", "footswitch", "stage-piano"}
LIT = {
    "ableton-push-2", "akai-apc-key-25", "akai-apc-key-25-mk2", "akai-apc-mini-mk2", "behringer-x-touch-mini",
    "faderfox-ec4", "korg-nanokontrol2", "midi-fighter-twister", "novation-launchpad-mini-mk3",
    "novation-launchpad-x",
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mappings of the user's own."""
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / name))


class Hands:
    """A controller's mapper, with the knobs that it moves."""

    def __init__(self, name: str) -> None:
        self.knobs = {spec.name: spec.rest for spec in KNOBS.values()}
        self.mapping = library.find(name)
        self.mapper = Mapper(self.mapping, self.knobs.__getitem__)
        self.nanos = 0

    def send(self, *messages: bytes) -> list[Command]:
        asked = []
        for data in messages:
            self.nanos += 200_000_000
            assert self.mapper.consumes(data) or data[0] & 0xF0 == 0x80
            for command in self.mapper.feed(data, self.nanos):
                name, argument, value = words(command)
                if name == "knob":
                    self.knobs[argument] = value
                asked.append(command)
        return asked

    def play(self, one: Control) -> list[Command]:
        """Turn a knob through its whole travel and back to its lower end, or press a switch."""
        kind, number = one.source
        channel = one.channel or 1
        if kind == "note":
            return self.send(note_on(channel, number, 90), note_off(channel, number))
        if kind == "program":
            return self.send(program(channel, number))
        assert kind == "cc"
        if one.encoder is not None:
            return self.send(*[control(channel, number, 1)] * 300, *[control(channel, number, 127)] * 300)
        if one.action is not None:
            return self.send(control(channel, number, 127), control(channel, number, 0))
        there = [control(channel, number, value) for value in range(128)]
        return self.send(*there, *there[::-1])


@pytest.mark.parametrize("name", NAMES)
def test_each_control_does_what_its_file_says(name: str) -> None:
    hands = Hands(name)
    for one in hands.mapping.control:
        asked = hands.play(one)
        if one.knob is not None:
            spec = KNOBS[one.knob]
            values = [words(command).value for command in asked]
            assert {words(command)[:2] for command in asked} == {("knob", one.knob)}
            assert (min(values), max(values)) == (spec.low, spec.high)
        else:
            verb, _, argument = (one.action or "").partition(" ")
            assert asked == [action(verb, argument, source="midi")]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_player_needs_is_bound_and_what_keys_send_is_not(name: str) -> None:
    mapping = library.find(name)
    bound = {one.knob for one in mapping.control}
    actions = {one.action for one in mapping.control}
    eight = ("morph", "vary", "density", "complexity", "register", "range", "dynamics", "temperature")
    assert name in WITHOUT_KNOBS or bound.issuperset(eight)
    anchors = ("capture A", "capture B", "capture C", "capture D", "freeze", "undo", "panic")
    assert name in PEDALS_ONLY or actions.issuperset(anchors)
    if name in ALL_BOUND:
        return
    mapper = Mapper(mapping, lambda name: KNOBS[name].rest)
    pedals = () if name == "stage-piano" else (66, 67)
    keys = mapping.controller.keys
    for channel in [1] if keys is None else keys:
        passing = (
            *(control(channel, number, 64) for number in (1, 6, 7, 11, 64, *pedals, 123)),
            *(note_on(channel, pitch, 64) for pitch in range(128)),
            bytes((0xE0 | channel - 1, 0, 64)),
            bytes((0xD0 | channel - 1, 64)),
        )
        for data in passing:
            assert not mapper.consumes(data), f"{name} takes {data.hex(' ')} from the keyboard"
            assert mapper.feed(data) == []
    if keys == []:
        loud = [note_on(channel, 99, 64) for channel in range(1, 17)]
        assert all(map(mapper.consumes, [*loud, control(1, 64, 127), bytes((0xE0, 0, 64))]))


def states(action: str) -> list[LitState]:
    """States that light whatever an action shows."""
    argument = action.partition(" ")[2]
    lit: dict[str, Any] = {
        "anchors": frozenset("ABCD"),
        "frozen": True,
        "key_locked": True,
        "muted": frozenset([argument]),
        "scenes": frozenset(range(1, 10)),
        "on_beat": True,
    }
    if action.startswith("mode"):
        lit["mode"] = argument
    return [REST._replace(**lit, transport=transport) for transport in ("playing", "stopped")]


@pytest.mark.parametrize("name", NAMES)
def test_each_light_is_lit_dark_and_cleared(name: str) -> None:
    mapping = library.find(name)
    assert mapping.has_lights == (name in LIT)
    cleared = lights.dark(mapping)
    rest = REST._replace(mode="-")
    assert lights.lamps(mapping, rest).keys() == cleared.keys()
    assert all(data[2] == 0 for data in cleared.values())
    for one in mapping.control:
        if one.light is None:
            continue
        lamp = lights._lamp(one, one.light)
        if one.knob is not None:
            spec = KNOBS[one.knob]
            ends = [REST._replace(knobs={**REST.knobs, one.knob: value}) for value in (spec.low, spec.high)]
            assert [lights.lamps(mapping, end)[lamp][2] for end in ends] == (one.light.ring or [0, 127])
            continue
        shown = {lights.lamps(mapping, state)[lamp][2] for state in (rest, *states(one.action or ""))}
        assert (127 if one.light.on is None else one.light.on) in shown
    for text in (*mapping.controller.hello, *mapping.controller.goodbye):
        assert message(text) is not None


@pytest.mark.parametrize(
    ("name", "state", "data"),
    [
        ("novation-launchpad-x", {"anchors": frozenset("B")}, "90 0C 15"),
        ("novation-launchpad-mini-mk3", {"scenes": frozenset([3]), "scene": 3}, "92 21 35"),
        ("akai-apc-mini-mk2", {"mode": "hold"}, "96 0A 0D"),
        ("akai-apc-key-25", {"muted": frozenset(["bass"])}, "90 1A 03"),
        ("akai-apc-key-25", {"scene": 2, "scenes": frozenset([2])}, "90 11 02"),
        ("akai-apc-key-25-mk2", {"scene": 2, "scenes": frozenset([2])}, "9A 11 35"),
        ("ableton-push-2", {"scene": 2, "scenes": frozenset([2]), "on_beat": True}, "90 35 7A"),
        ("ableton-push-2", {"scene": 2, "scenes": frozenset([2]), "on_beat": False}, "90 35 00"),
        ("korg-nanokontrol2", {"muted": frozenset(["drums"])}, "B0 43 7F"),
        ("behringer-x-touch-mini", {"knobs": {**REST.knobs, "density": 0.0}}, "B0 0B 07"),
        ("behringer-x-touch-mini", {"scene": 2, "scenes": frozenset([2])}, "90 09 02"),
        ("midi-fighter-twister", {"knobs": {**REST.knobs, "vary": 1.0}}, "B0 01 7F"),
        ("midi-fighter-twister", {"anchors": frozenset("A")}, "B1 00 2B"),
        ("faderfox-ec4", {"knobs": {**REST.knobs, "morph": 0.5}}, "BF 10 40"),
        ("korg-nanokontrol2", {"transport": "playing"}, "B0 29 7F"),
        ("ableton-push-2", {"key_locked": True}, "90 32 7A"),
        ("ableton-push-2", {"cells": (frozenset([2]), frozenset(), frozenset(), frozenset())}, "90 5E 7D"),
    ],
)
def test_lights_as_the_makers_charts_have_them(name: str, state: dict[str, Any], data: str) -> None:
    assert bytes.fromhex(data) in lights.lamps(library.find(name), REST._replace(**state)).values()


@pytest.mark.parametrize(
    ("port", "name"),
    [
        ("MPK mini 3:MPK mini 3 MIDI 1 20:0", "Akai MPK mini mk3"),
        ("nanoKONTROL2:nanoKONTROL2 MIDI 1 28:0", "Korg nanoKONTROL2"),
        ("Launchkey Mini MK3 MIDI Port", "Novation Launchkey Mini MK3"),
        ("Minilab3:Minilab3 MIDI 24:0", "Arturia MiniLab 3"),
        ("Launchpad X:Launchpad X LPX MIDI In 20:1", "Novation Launchpad X"),
        ("APC mini mk2 Control", "Akai APC mini mk2"),
        ("APC Key 25 MIDI 1", "Akai APC Key 25"),
        ("APC Key 25 mk2:APC Key 25 mk2 Contr 24:1", "Akai APC Key 25 mk2"),
        ("MIDIIN2 (Ableton Push 2)", "Ableton Push 2"),
        ("Launchkey Mini MK4 25 MIDI", "Novation Launchkey Mini MK4"),
        ("X-TOUCH MINI:X-TOUCH MINI MIDI 1 24:0", "Behringer X-Touch Mini"),
        (
            "a2j:Midi Fighter Twister [24] (capture): Midi Fighter Twister MIDI 1",
            "DJ TechTools Midi Fighter Twister",
        ),
        ("Arturia KeyStep 32", "Arturia KeyStep"),
        ("nanoKEY Studio KEYBOARD/CTRL", "Korg nanoKEY Studio"),
        ("alsa_midi:A-PRO 1 (out)", "Roland A-PRO"),
        ("Midi Through Port-0", None),
    ],
)
def test_a_port_finds_its_mapping(port: str, name: str | None) -> None:
    found = library.Library().file_for(port)
    assert (read(found).controller.name if found else None) == name
    assert library.choose("auto", ["Midi Through", port]).controller.name == (name or "Any controller")


def test_every_file_names_what_its_facts_were_checked_against_and_the_docs_list_it() -> None:
    table = (ROOT / "docs" / "controllers.md").read_text(encoding="utf-8")
    for name in NAMES:
        text = (ROOT / "mappings" / f"{name}.toml").read_text(encoding="utf-8")
        head = text.partition("[controller]")[0]
        if name not in ("default", "footswitch"):
            assert any(word in head for word in ("Checked against", "not found", "were found", "standard"))
            assert f"| `{name}` |" in table
