"""A keyboard that goes and comes back, and a server that dies, on real JACK servers."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from live import errors
from live.devices import ports
from live.devices.hotplug import Change, PortWatch, SystemLister
from live.devices.rtmidi_port import MidiInput
from live.timing.midi_bytes import Received
from tests.fakes.jack_harness import JackPeer, JackServer

pytestmark = pytest.mark.driver


class Witness:
    """Waits for changes and for messages."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.received: list[Received] = []
        self._news = threading.Condition()

    def change(self, change: Change) -> None:
        with self._news:
            self.changes.append(change)
            self._news.notify_all()

    def deliver(self, received: Received) -> None:
        with self._news:
            self.received.append(received)
            self._news.notify_all()

    def wait(self, *, changes: int = 0, messages: int = 0, until: bytes = b"") -> None:
        def complete() -> bool:
            reached = not until or any(received.data == until for received in self.received)
            return reached and len(self.changes) >= changes and len(self.received) >= messages

        with self._news:
            in_time = self._news.wait_for(complete, timeout=10)
        assert in_time, (self.changes, self.received)


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def doomed_server(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[JackServer]:
    """A second server, to be killed."""
    name = f"twobar-doomed-{os.getpid()}"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    server = JackServer(name, tmp_path / "jackd.log")
    server.start()
    yield server
    server.stop()


def test_a_keyboard_comes_back_by_itself(jack_server: JackServer, peer: JackPeer, witness: Witness) -> None:
    def listen(name: str) -> MidiInput:
        return ports.open_input(name, api="jack", deliver=witness.deliver)

    watch = PortWatch(witness.change, lister=SystemLister("jack"), period_s=0.05)
    keyboard = JackPeer(jack_server, "keyboard")
    port = listen("keyboard:out")
    watch.add("in", port, listen)
    watch.start()
    keyboard.settle()
    keyboard.play(b"\x90\x3c\x40")
    witness.wait(messages=1)
    keyboard.close()
    witness.wait(changes=1)
    keyboard = JackPeer(jack_server, "keyboard")
    witness.wait(changes=2)
    assert [(change.state, change.name) for change in witness.changes] == [
        ("gone", "keyboard:out"),
        ("back", "keyboard:out"),
    ]
    keyboard.settle()
    keyboard.play(b"\x80\x3c\x40")
    witness.wait(messages=2)
    assert [received.data for received in witness.received] == [b"\x90\x3c\x40", b"\x80\x3c\x40"]
    watch.close()
    witness.changes[-1].port.close()
    keyboard.close()


def test_a_port_that_was_gone_between_two_looks_is_heard_again(
    jack_server: JackServer, witness: Witness
) -> None:
    def listen(name: str) -> MidiInput:
        return ports.open_input(name, api="jack", deliver=witness.deliver)

    watch = PortWatch(witness.change, lister=SystemLister("jack"))
    keyboard = JackPeer(jack_server, "keyboard")
    watch.add("in", listen("keyboard:out"), listen)
    watch.add("out", ports.open_output("keyboard:in", api="jack"), partial(ports.open_output, api="jack"))
    watch.look()
    watch.look()
    assert witness.changes == []
    keyboard.close()
    keyboard = JackPeer(jack_server, "keyboard")
    keyboard.wait_for_ports("keyboard:out", "keyboard:in")
    watch.look()
    assert [(change.direction, change.state, change.name) for change in witness.changes] == [
        ("in", "gone", "keyboard:out"),
        ("out", "gone", "keyboard:in"),
        ("in", "back", "keyboard:out"),
        ("out", "back", "keyboard:in"),
    ]
    keyboard.settle()
    keyboard.play(b"\x90\x3c\x40")
    witness.wait(messages=1)
    watch.close()
    for change in witness.changes[2:]:
        change.port.close()
    keyboard.close()


def test_a_keyboard_plugged_in_later_is_listened_to(jack_server: JackServer, witness: Witness) -> None:
    def listen(name: str) -> MidiInput:
        return ports.open_input(name, api="jack", deliver=witness.deliver)

    watch = PortWatch(witness.change, lister=SystemLister("jack"), adopt=listen, period_s=0.05)
    watch.start()
    keyboard = JackPeer(jack_server, "late")
    witness.wait(changes=1)
    assert [(change.state, change.name) for change in witness.changes] == [("new", "late:out")]
    keyboard.settle()
    keyboard.play(b"\x90\x3c\x40")
    witness.wait(messages=1)
    watch.close()
    witness.changes[-1].port.close()
    keyboard.close()


def test_a_server_that_dies_hangs_nobody_and_its_successor_is_found(
    doomed_server: JackServer, witness: Witness, capfd: pytest.CaptureFixture[str]
) -> None:
    watch = PortWatch(witness.change, lister=SystemLister("jack"), period_s=0.05)
    source = ports.open_input("virtual", api="jack", deliver=witness.deliver)
    sink = ports.open_output("virtual", api="jack")
    watch.add("in", source, lambda name: ports.open_input(name, api="jack", deliver=witness.deliver))
    watch.add("out", sink, lambda name: ports.open_output(name, api="jack"))
    watch.start()
    doomed_server.kill()
    witness.wait(changes=2)
    start = time.monotonic()
    with pytest.raises(errors.PortError, match="closed"):
        sink.send(b"\x90\x3c\x40")
    sink.close()
    source.close()
    assert time.monotonic() - start < 1
    doomed_server.start()
    witness.wait(changes=4)
    assert [change.state for change in witness.changes] == ["gone", "gone", "back", "back"]
    peer = JackPeer(doomed_server)
    peer.connect(peer.midi_out, "twobar-in:keys")
    peer.play(b"\x90\x3c\x40")
    witness.wait(messages=1)
    watch.close()
    for change in witness.changes[2:]:
        change.port.close()
    peer.close()
    assert capfd.readouterr().err == ""


def test_a_server_that_stands_still_holds_nobody_up_and_what_it_loses_is_counted(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = JackServer(f"{jack_server.name}-still", tmp_path / "jackd.log", sync=False, period=256)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    server.start()
    lister = SystemLister("jack")
    assert lister("in") == []
    sink = ports.open_output("virtual", api="jack")

    def pour() -> None:
        for _ in range(5000):
            sink.send(b"\x90\x3c\x40")  # RtMidi would wait for ever, and hold the interpreter

    late = JackPeer(server)
    os.kill(late.pid, signal.SIGSTOP)
    time.sleep(0.3)  # it is late for dozens of cycles meanwhile
    os.kill(late.pid, signal.SIGCONT)
    assert lister("out") is not None
    assert lister.lost_cycles > 0
    os.kill(server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(errors.PortError, match="stands still"):
            pour()
        with pytest.raises(errors.PortError, match="stands still"):
            lister("out")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert lister("out") is not None
    sink.close()
    lister.close()
    late.close()
    server.stop()


def test_ports_are_opened_and_closed_while_messages_pour_in(
    jack_server: JackServer, peer: JackPeer, witness: Witness
) -> None:
    count = 1000
    source = ports.open_input("virtual", api="jack", deliver=witness.deliver)
    peer.connect(peer.midi_out, source.name)
    begin = time.monotonic_ns() + 50_000_000
    numbered = [bytes((0xB0, index % 100, index // 100)) for index in range(count)]
    peer.play_all([(begin + index * 1_000_000, data) for index, data in enumerate([*numbered, b"\xfc"])])
    for _ in range(8):
        ports.open_output("virtual", api="jack").close()
    witness.wait(until=b"\xfc")
    ports.open_output("virtual", api="jack").close()  # delivers whatever fell between two of its steps
    numbers = [one.data[1] + 100 * one.data[2] for one in witness.received if len(one.data) == 3]
    assert sorted(numbers) == list(range(count))
    source.close()
