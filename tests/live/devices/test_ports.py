"""Names of ports and MIDI systems; no driver is opened."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import rtmidi

from live import errors
from live.devices import ports, systems
from live.devices.alsa.sequencer import no_queue
from live.devices.names import hardware, match
from tests.fakes.coremidi import KNOWN, Framework

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
    assert match(wanted, ALSA_NAMES) == found


def test_a_whole_name_wins_over_one_that_holds_it() -> None:
    assert match("keys", ["twobar-in:keys", "Keys"]) == "Keys"


def test_hardware_is_what_is_neither_ours_nor_a_loopback() -> None:
    ours = ["twobar-in:keys", "twobar-out:notes", "twobar-out-01:notes", "twobar-probe"]
    assert hardware([*ours, *ALSA_NAMES]) == ALSA_NAMES[1:]


class Midi:
    """Stands for python-rtmidi's object; `listing` is shared by all, and each open may change it."""

    def __init__(self, listing: list[bytes], opened: list[int]) -> None:
        self._listing, self._opened = listing, opened
        self.closed = self.deleted = False
        self.at_opening: Callable[[], object] = lambda: None

    def get_port_count(self) -> int:
        return len(self._listing)

    def get_port_name(self, index: int, encoding: str | None = "auto") -> str | bytes:
        name = self._listing[index]
        return name if encoding is None else name.decode("utf-8")

    def open_port(self, index: int, _name: str) -> None:
        self.at_opening()
        if index >= len(self._listing):
            raise rtmidi.InvalidPortError("no such port")
        self._opened.append(index)

    def open_virtual_port(self, _name: str) -> None:
        self.at_opening()

    def close_port(self) -> None:
        self.closed = True
        self._opened.pop()

    def delete(self) -> None:
        self.deleted = True

    def ignore_types(self, **_kinds: bool) -> None: ...

    def set_callback(self, _callback: object) -> None: ...


@dataclass
class System:
    """A MIDI system of the test's own."""

    listing: list[bytes]
    opened: list[int] = field(default_factory=list)
    at_opening: Callable[[], object] = lambda: None

    def client(self, _direction: str, _api: str, _name: str) -> Midi:
        midi = Midi(self.listing, self.opened)
        midi.at_opening = self.at_opening
        return midi


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    made = System([])
    monkeypatch.setattr(systems, "resolve_api", lambda _api: "coremidi")
    monkeypatch.setattr(systems, "client", made.client)
    return made


def opened(wanted: str, **options: Any) -> list[str]:
    return [port.name for port in ports.open_inputs(wanted, deliver=lambda _received: None, **options)]


def test_equal_names_are_opened_each_by_its_own_index(system: System) -> None:
    system.listing[:] = [b"Keys", b"Pads", b"Keys"]
    assert opened("auto") == ["Keys", "Pads", "Keys #2"]
    assert system.opened == [0, 1, 2]
    assert opened("Keys", taken=["Keys"]) == ["Keys #2"]


def test_a_name_that_is_not_utf_8_stops_nothing(system: System) -> None:
    system.listing[:] = [b"Keys", b"Cl\xe9s", b"Pads"]
    assert systems.names("in", "coremidi") == ["Keys", "Cl\ufffds", "Pads"]
    assert opened("auto") == ["Keys", "Cl\ufffds", "Pads"]


def test_a_port_that_vanishes_while_it_is_opened_stops_nothing(system: System) -> None:
    system.listing[:] = [b"Pads", b"Keys"]
    system.at_opening = lambda: system.listing.remove(b"Keys") if b"Keys" in system.listing else None
    assert opened("auto") == ["Pads"]
    with pytest.raises(errors.PortMissingError, match="the MIDI input 'Keys' is not there; there is: Pads"):
        opened("Keys")


def test_a_port_that_comes_in_between_is_not_taken_for_the_one_that_was_meant(system: System) -> None:
    system.listing[:] = [b"Keys"]
    system.at_opening = lambda: system.listing.insert(0, b"New") if len(system.listing) == 1 else None
    assert opened("Keys") == ["Keys"]
    assert system.opened == [1]


def test_auto_leaves_out_what_is_open_and_what_loops_back(system: System) -> None:
    system.listing[:] = [b"Keys", b"loopMIDI Port", b"Keys MCU", b"Pads"]
    assert opened("auto", taken=["Keys"], outputs=["loopMIDI Port"]) == ["Pads"]


class Queued:
    """Stands for a client of ALSA's sequencer."""

    beat_nanos, address = 160_000, "129:0"
    fault = ""

    def __init__(self, client: str, _port: str) -> None:
        if self.fault:
            raise OSError(self.fault)
        self.client = client

    def connect_to(self, _name: str) -> None: ...

    def nanos(self) -> int:
        return 0

    def close(self) -> None: ...


@pytest.fixture
def alsa(system: System, monkeypatch: pytest.MonkeyPatch) -> System:
    system.listing[:] = [b"Synth:in 28:0", b"Synth:in 32:0"]
    monkeypatch.setattr(systems, "resolve_api", lambda _api: "alsa")
    monkeypatch.setattr(systems, "answers", lambda api: api == "alsa")
    monkeypatch.setattr("live.devices.alsa.sequencer.Sequencer", Queued)
    return system


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("synth", "Synth:in 28:0"), ("Synth:in 32:0", "Synth:in 32:0"), ("virtual", "twobar-out:notes 129:0")],
)
def test_outputs_on_alsa_are_on_its_queue(alsa: System, wanted: str, name: str) -> None:
    output = ports.open_output(wanted)
    assert (output.name, output.punctual) == (name, "each message at its moment")
    assert ports.open_lights("synth").name == "Synth:in 28:0"
    assert no_queue() == ""
    assert not alsa.opened


def test_a_virtual_input_on_alsa_is_known_by_its_numbers(alsa: System) -> None:
    alsa.listing.append(b"twobar-in:keys 130:0")  # another instrument's
    alsa.at_opening = lambda: alsa.listing.append(b"twobar-in:keys 131:0")
    assert opened("virtual") == ["twobar-in:keys 131:0"]


def test_without_a_queue_outputs_on_alsa_are_sent_to_by_the_loop(
    alsa: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Queued, "fault", "libasound.so.2 is missing")
    output = ports.open_output("synth")
    assert (output.name, output.punctual) == ("Synth:in 28:0", "")
    assert alsa.opened == [0]
    assert no_queue() == "libasound.so.2 is missing"


def test_a_port_on_alsa_that_is_not_there_or_leaves_while_it_is_opened_is_reported(
    alsa: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.PortMissingError, match="the MIDI output 'organ' is not there"):
        ports.open_output("organ")
    monkeypatch.setattr(Queued, "connect_to", lambda *_name: alsa.listing.clear())
    with pytest.raises(errors.PortMissingError, match="ports come and go"):
        ports.open_output("synth")


@pytest.mark.parametrize(
    ("ahead", "wanted", "punctual"),
    [
        ("on", "synth", "each message at its moment"), ("on", "virtual", ""),
        ("auto", "synth", ""), ("off", "synth", ""),
    ],
)  # fmt: skip
def test_outputs_on_coremidi_are_ahead_where_that_is_asked_for(
    system: System, monkeypatch: pytest.MonkeyPatch, ahead: str, wanted: str, punctual: str
) -> None:
    system.listing[:] = [b"Organ", b"Synth"]
    framework = Framework()
    monkeypatch.setattr("live.devices.coremidi._loaded", lambda: framework)
    monkeypatch.setattr(framework, "MIDIGetDestination", lambda index: KNOWN if index == 1 else 0)
    output = ports.open_output(wanted, ahead=ahead)
    assert output.punctual == punctual
    assert output.name == ("Synth" if wanted == "synth" else "twobar-out:notes")
    if punctual:
        with pytest.raises(errors.PortMissingError, match="the MIDI output 'piano' is not there"):
            ports.open_output("piano", ahead=ahead)
        assert framework.disposed == 1


def test_without_coremidi_the_loop_sends(system: System) -> None:
    system.listing[:] = [b"Synth"]
    assert ports.open_output("synth", ahead="on").punctual == ""
    assert system.opened == [0]


def test_nothing_is_given_ahead_where_that_is_not_wanted(alsa: System) -> None:
    assert ports.open_output("synth", ahead="off").punctual == ""
    assert ports.open_lights("synth", ahead="off").punctual == ""
    assert alsa.opened == [0, 0]


def test_winmm_s_index_is_no_part_of_a_name() -> None:
    assert systems.listed(Midi([b"Keys 49 0", b"Pads 1"], []), "winmm") == ["Keys 49", "Pads"]


def test_an_unknown_system_is_named_with_the_nearest() -> None:
    with pytest.raises(errors.UsageError, match=r"unknown MIDI system 'jakc'.*did you mean 'jack'\?"):
        systems.resolve_api("jakc")


def test_a_system_that_is_not_built_in_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [rtmidi.API_LINUX_ALSA, rtmidi.API_UNIX_JACK])
    with pytest.raises(
        errors.UsageError, match="'winmm' is not built into python-rtmidi here; there is: alsa, jack"
    ):
        systems.resolve_api("winmm")


def test_auto_takes_the_first_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [rtmidi.API_LINUX_ALSA, rtmidi.API_UNIX_JACK])
    monkeypatch.setattr(systems, "answers", lambda api: api == "jack")
    assert systems.resolve_api("auto") == "jack"


def test_when_nothing_answers_each_way_out_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [rtmidi.API_LINUX_ALSA, rtmidi.API_UNIX_JACK])
    monkeypatch.setattr(systems, "answers", lambda _api: False)
    with pytest.raises(
        errors.PortError, match=r"no MIDI system answers: .*modprobe snd-seq; no JACK server runs"
    ):
        systems.inputs()


def test_windows_has_no_virtual_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [rtmidi.API_WINDOWS_MM])
    with pytest.raises(errors.UsageError, match="Windows has no virtual MIDI ports"):
        ports.open_output("virtual", api="winmm")


def test_no_input_is_no_port() -> None:
    assert ports.open_inputs("none", deliver=lambda _received: None) == []
