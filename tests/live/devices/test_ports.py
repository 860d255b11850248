"""Names of ports and MIDI systems; no driver is opened."""

import pytest
import rtmidi

from live import errors
from live.devices import ports

ALSA_NAMES = [
    "Midi Through:Midi Through Port-0 14:0",
    "MPK mini 3:MPK mini 3 MIDI 1 24:0",
    "KeyStep 32:KeyStep 32 MIDI 1 28:0",
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("KeyStep 32:KeyStep 32 MIDI 1 28:0", ALSA_NAMES[2]),
        ("keystep 32:keystep 32 midi 1", ALSA_NAMES[2]),
        ("KeyStep 32:KeyStep 32 MIDI 1 99:0", ALSA_NAMES[2]),  # numbered anew since it was written down
        ("mpk", ALSA_NAMES[1]),
        ("midi", ALSA_NAMES[0]),
        ("organ", None),
    ],
)
def test_a_name_means_the_exact_port_else_one_that_holds_it(wanted: str, found: str | None) -> None:
    assert ports.match(wanted, ALSA_NAMES) == found


def test_a_whole_name_wins_over_one_that_holds_it() -> None:
    assert ports.match("keys", ["twobar-in:keys", "Keys"]) == "Keys"


def test_hardware_is_what_is_neither_ours_nor_a_loopback() -> None:
    ours = ["twobar-in:keys", "twobar-out:notes", "twobar-out-01:notes", "twobar-probe"]
    assert ports.hardware([*ours, *ALSA_NAMES]) == ALSA_NAMES[1:]


def test_an_unknown_system_is_named_with_the_nearest() -> None:
    with pytest.raises(errors.UsageError, match=r"unknown MIDI system 'jakc'.*did you mean 'jack'\?"):
        ports.resolve_api("jakc")


def test_a_system_that_is_not_built_in_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [rtmidi.API_LINUX_ALSA, rtmidi.API_UNIX_JACK])
    with pytest.raises(
        errors.UsageError, match="'winmm' is not built into python-rtmidi here; there is: alsa, jack"
    ):
        ports.resolve_api("winmm")


def test_auto_takes_the_first_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [rtmidi.API_LINUX_ALSA, rtmidi.API_UNIX_JACK])
    monkeypatch.setattr(ports, "answers", lambda api: api == "jack")
    assert ports.resolve_api("auto") == "jack"


def test_when_nothing_answers_each_way_out_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [rtmidi.API_LINUX_ALSA, rtmidi.API_UNIX_JACK])
    monkeypatch.setattr(ports, "answers", lambda _api: False)
    with pytest.raises(
        errors.PortError, match=r"no MIDI system answers: .*modprobe snd-seq; no JACK server runs"
    ):
        ports.inputs()


def test_windows_has_no_virtual_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [rtmidi.API_WINDOWS_MM])
    with pytest.raises(errors.UsageError, match="Windows has no virtual MIDI ports"):
        ports.open_output("virtual", api="winmm")


def test_no_input_is_no_port() -> None:
    assert ports.open_inputs("none", deliver=lambda _received: None) == []
