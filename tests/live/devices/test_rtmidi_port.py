"""What an open port does with the driver's calls."""

import pytest
import rtmidi

from live import errors
from live.devices.rtmidi_port import InputPort, OutputPort
from live.timing import midi_bytes


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
    assert driver.sent == midi_bytes.silence(range(2, 3))
    assert driver.calls == ["close", "delete"]
    with pytest.raises(errors.PortError, match="the MIDI output 'synth' is closed"):
        port.send(b"\x91\x3c\x40")


class Server:
    """Stands for a probe of a JACK server that goes on only when it is told to."""

    def __init__(self) -> None:
        self.cycle, self.closed, self.alive = 1, False, True

    def frame(self) -> int:
        return self.cycle

    def close(self) -> None:
        self.closed = True


def test_no_more_is_sent_than_fits_where_the_server_stands_still() -> None:
    driver, server = Driver(), Server()
    port = OutputPort(driver, "synth", api="jack", virtual=False, jack=server)  # type: ignore[arg-type]
    for _ in range(5000):
        server.cycle += 1
        port.send(b"\x90\x3c\x40")
    driver.sent.clear()

    def pour() -> None:
        for _ in range(5000):
            port.send(b"\x90\x3c\x40")

    with pytest.raises(errors.PortError, match="'synth' takes nothing: the JACK server stands still"):
        pour()
    assert 1000 < len(driver.sent) < 16384 // 7 - 300
    server.cycle += 1
    port.send(b"\x80\x3c\x40")
    port.close()
    assert server.closed


def test_a_port_of_a_server_that_died_while_it_was_played_is_left_to_libjack() -> None:
    driver, server = Driver(), Server()
    port = OutputPort(driver, "synth", api="jack", virtual=False, jack=server)  # type: ignore[arg-type]
    server.alive = False
    port.close()
    assert driver.calls == []
    assert not server.closed


def test_a_refusing_driver_is_a_port_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data: bytes) -> None:
        raise rtmidi.SystemError("gone")

    driver = Driver()
    monkeypatch.setattr(driver, "send_message", refuse)
    port = OutputPort(driver, "synth", api="alsa", virtual=False)
    with pytest.raises(errors.PortError, match="the MIDI output 'synth' failed: gone"):
        port.send(b"\x91\x3c\x40")
