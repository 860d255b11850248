"""What a name says of a port."""

import pytest

from live.devices.names import hardware, keyboards, match, plain_name, spoken_name, unique

DAW_PORTS = [
    "Minilab3:Minilab3 MCU/HUI 24:2",
    "Launchkey MK3 49:Launchkey MK3 49 DAW Port 28:1",
    "Launchkey Mini LK Mini InControl 20:1",
    "KeyLab mkII 61:KeyLab mkII 61 DAW 32:1",
    "Komplete Kontrol DAW - 1",
    "Oxygen Pro 49:Oxygen Pro 49 Mackie/HUI 36:2",
]
KEYBOARDS = ["Minilab3:Minilab3 MIDI 24:0", "Dawson Organ 40:0", "Shui Piano 44:0", "Maniac:keys 48:0"]


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("nanoPAD2:nanoPAD2 MIDI 1 28:0", "nanoPAD2:nanoPAD2 MIDI 1"),
        ("a2j:Keystation 49 [20] (capture): MIDI 1", "a2j:Keystation 49 (capture): MIDI 1"),
        ("Keystation 49", "Keystation 49"),
        ("Keys #2", "Keys"),
    ],
)
def test_what_is_numbered_anew_is_no_part_of_the_plain_name(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_equal_names_are_told_apart() -> None:
    assert unique(["Keys", "Pads", "Keys", "", "", "Keys"]) == ["Keys", "Pads", "Keys #2", "", "", "Keys #3"]


def test_a_port_that_is_open_already_is_not_meant() -> None:
    found = ["KeyStep 24:0", "KeyStep 28:0"]
    assert match("keystep", found, taken=found[:1]) == found[1]
    assert match("keystep", found, taken=found) is None


def test_a_part_of_a_name_means_the_keys_before_the_port_for_a_daw() -> None:
    ports = ["Launchkey DAW 28:1", "Launchkey MIDI 28:0"]
    assert match("launchkey", ports) == ports[1]
    assert match("launchkey daw", ports) == ports[0]


def test_a_loopback_is_no_keyboard_however_it_is_bridged() -> None:
    loops = [
        "a2j:Midi Through [14] (capture): Midi Through Port-0",
        "Midi-Bridge:Midi Through:(capture_0) Midi Through Port-0",
        "Midi Through:Midi Through Port-0 14:0",
        "a2j:twobar-out [129] (capture): notes",
    ]
    assert hardware([*loops, *KEYBOARDS]) == KEYBOARDS


def test_the_other_end_of_a_loopback_that_is_played_to_is_no_keyboard() -> None:
    found = ["loopMIDI Port", "IAC Driver Bus 1", "JUNO-DS"]
    assert keyboards(found) == found
    assert keyboards(found, ["loopMIDI Port", "JUNO-DS"]) == found[1:]
    assert keyboards(found, ["IAC Driver Bus 1"]) == ["loopMIDI Port", "JUNO-DS"]


def test_a_port_for_a_daw_is_no_keyboard() -> None:
    assert keyboards([*DAW_PORTS, *KEYBOARDS]) == KEYBOARDS


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("MPK mini 3:MPK mini 3 MIDI 1 20:0", "MPK mini 3 MIDI 1"),
        ("a2j:MPK mini 3 [20] (capture): MPK mini 3 MIDI 1", "MPK mini 3 MIDI 1"),
        ("a2j:Keystation 49 [20] (capture): MIDI 1", "Keystation 49"),
        ("Midi-Bridge:MPK mini 3:(capture_0) MPK mini 3 MIDI 1", "MPK mini 3 MIDI 1"),
        ("alsa_midi:A-PRO 1 (out)", "A-PRO 1"),
        ("Virtual Keyboard:output", "Virtual Keyboard"),
        ("system:midi_capture_1", "system:midi_capture_1"),
        ("Launchpad X LPX MIDI In", "Launchpad X LPX MIDI In"),
        ("out", "out"),
    ],
)
def test_a_port_is_named_as_a_human_says_it(name: str, spoken: str) -> None:
    assert spoken_name(name) == spoken
    assert spoken in name  # a mapping that is written for it matches
