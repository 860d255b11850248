"""Names of ports and MIDI systems, and the parser; no driver is opened."""

import pytest
import rtmidi
from hypothesis import given
from hypothesis import strategies as st

from live import errors
from live.devices import ports
from live.devices.parser import MessageParser
from live.devices.port import InputPort, OutputPort

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


# -- what an open port does with the driver's calls --------------------------------------------------


class Driver:
    """Stands for python-rtmidi's object."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.calls: list[str] = []
        self.queued: list[tuple[list[int], float]] = []
        self.callback: object = None

    def send_message(self, data: bytes) -> None:
        self.sent.append(data)

    def set_callback(self, callback: object) -> None:
        self.callback = callback

    def get_message(self) -> tuple[list[int], float] | None:
        return self.queued.pop(0) if self.queued else None

    def ignore_types(self, **_kinds: bool) -> None:
        pass

    def cancel_callback(self) -> None:
        self.callback = None
        self.calls.append("cancel")

    def close_port(self) -> None:
        self.calls.append("close")

    def delete(self) -> None:
        self.calls.append("delete")


def test_what_comes_in_is_stamped_first_and_never_raises() -> None:
    def deliver(received: object) -> None:
        got.append(received)
        raise RuntimeError("the receiver's own fault")

    got: list[object] = []
    port = InputPort(Driver(), "keys", deliver, lambda: 42, api="alsa", virtual=False)
    port._received(([0x90, 60, 100], 0.5))
    assert got == [(42, b"\x90\x3c\x64", "keys")]
    assert port.faults == 1


def test_the_callback_is_cancelled_before_a_port_is_closed() -> None:
    driver = Driver()
    port = InputPort(driver, "keys", lambda _received: None, lambda: 0, api="alsa", virtual=False)
    port.close()
    port.close()
    assert driver.calls == ["cancel", "close", "delete"]


def test_an_input_queues_while_another_port_is_opened_and_delivers_after() -> None:
    driver, got = Driver(), list[bytes]()
    port = InputPort(driver, "keys", lambda r: got.append(r.data), lambda: 0, api="jack", virtual=True)
    other = OutputPort(Driver(), "synth", api="jack", virtual=True)
    driver.queued = [([0x90, 60, 100], 0.0), ([0x80, 60, 0], 0.0)]
    other.close()
    assert got == [b"\x90\x3c\x64", b"\x80\x3c\x00"]
    assert driver.callback == port._received
    port.close()


def test_closing_an_output_silences_only_what_was_played_on() -> None:
    driver = Driver()
    port = OutputPort(driver, "synth", api="alsa", virtual=False)
    port.send(b"\xf8")
    port.send(b"\x91\x3c\x40")
    driver.sent.clear()
    port.close()
    port.close()
    assert driver.sent == [b"\xb1\x40\x00", b"\xb1\x7b\x00", b"\xb1\x78\x00"]
    assert driver.calls == ["close", "delete"]
    with pytest.raises(errors.PortError, match="the MIDI output 'synth' is closed"):
        port.send(b"\x91\x3c\x40")


def test_a_refusing_driver_is_a_port_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data: bytes) -> None:
        raise rtmidi.SystemError("gone")

    driver = Driver()
    monkeypatch.setattr(driver, "send_message", refuse)
    port = OutputPort(driver, "synth", api="alsa", virtual=False)
    with pytest.raises(errors.PortError, match="the MIDI output 'synth' failed: gone"):
        port.send(b"\x91\x3c\x40")


# -- the parser ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "messages"),
    [
        ("903c40", ["903c40"]),
        ("903c40 3e41 4042", ["903c40", "903e41", "904042"]),  # running status
        ("c005 06", ["c005", "c006"]),
        ("90f83c40", ["f8", "903c40"]),  # clock inside a message
        ("903cfe40", ["fe", "903c40"]),
        ("f00102f7903c40", ["903c40"]),  # sysex
        ("f0f80102f7", ["f8"]),
        ("f00102903c40", ["903c40"]),  # sysex cut short by a status
        ("903c40f001f73c40", ["903c40"]),  # sysex ends running status
        ("3c40", []),  # data that belongs to nothing
        ("903c803c40", ["803c40"]),  # a message cut short
        ("f7903c40", ["903c40"]),
        ("f20102f6f105f302", ["f20102", "f6", "f105", "f302"]),
        ("f4f5f9fd", []),  # undefined
        ("803c40", ["803c40"]),  # a note-off without its note-on is for others to judge
    ],
)
def test_streams(stream: str, messages: list[str]) -> None:
    data = bytes.fromhex(stream)
    assert [message.hex() for message in MessageParser().feed(data)] == messages
    parser = MessageParser()
    assert [m.hex() for byte in data for m in parser.feed([byte])] == messages


channel_messages = st.one_of(
    st.tuples(st.integers(0x80, 0xBF), st.integers(0, 127), st.integers(0, 127)).map(bytes),
    st.tuples(st.integers(0xC0, 0xDF), st.integers(0, 127)).map(bytes),
    st.tuples(st.integers(0xE0, 0xEF), st.integers(0, 127), st.integers(0, 127)).map(bytes),
    st.tuples(st.just(0xF2), st.integers(0, 127), st.integers(0, 127)).map(bytes),
)


@given(st.binary(), st.lists(channel_messages), st.data())
def test_after_any_garbage_messages_come_out_as_they_went_in(
    garbage: bytes, messages: list[bytes], data: st.DataObject
) -> None:
    parser = MessageParser()
    for message in parser.feed(garbage):
        assert message[0] >= 0x80
        assert all(byte < 0x80 for byte in message[1:])
    stream = bytearray(b"".join(messages))
    for place in data.draw(st.lists(st.integers(0, len(stream)), max_size=5)):
        stream[place:place] = b"\xf8"
    parsed = parser.feed(bytes(stream))
    assert [message for message in parsed if message != b"\xf8"] == messages
