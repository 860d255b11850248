"""Ports on a real JACK server: names, stamps, garbage, and servers that are missing."""

import ctypes
import itertools
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from live import errors
from live.devices import ports, systems
from live.devices.jack.probe import JackProbe, library
from live.devices.rtmidi_port import MidiInput
from live.timing.midi_bytes import Received
from tests.fakes.jack_harness import JackPeer, JackServer

pytestmark = pytest.mark.driver

MILLISECOND = 1_000_000


class Ear:
    """Keeps what an input delivers."""

    def __init__(self) -> None:
        self.received: deque[Received] = deque(maxlen=10_000)

    def wait(self, count: int, timeout: float = 5.0) -> list[Received]:
        deadline = time.monotonic() + timeout
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.002)
        return list(self.received)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def keys(jack_server: JackServer, ear: Ear) -> Iterator[MidiInput]:
    port = ports.open_input("virtual", api="jack", deliver=ear.received.append)
    yield port
    port.close()


def test_virtual_ports_have_the_names_that_others_connect_to(keys: MidiInput, peer: JackPeer) -> None:
    output = ports.open_output("virtual", api="jack")
    assert {"twobar-in:keys", "twobar-out:notes"} <= set(peer.ports())
    assert (keys.name, output.name) == ("twobar-in:keys", "twobar-out:notes")
    output.close()
    peer.wait_for_ports("twobar-out:notes", present=False)


def test_a_second_instrument_has_another_name(keys: MidiInput, peer: JackPeer) -> None:
    second = ports.open_input("virtual", api="jack", deliver=lambda _received: None)
    assert second.name != keys.name
    assert {keys.name, second.name} <= set(peer.ports())
    second.close()


def test_the_port_of_a_killed_process_does_not_take_the_name_away(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = JackServer(f"{jack_server.name}-async", tmp_path / "jackd.log", sync=False, period=256)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    server.start()
    script = (
        "from live.devices import ports\n"
        "port = ports.open_output('virtual', api='jack')\n"
        "print(port.name, flush=True)\n"
        "input()\n"
    )
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", script],
            env=os.environ.copy(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "twobar-out:notes\n"
            process.kill()
    output = ports.open_output("virtual", api="jack")
    assert output.name == "twobar-out:notes"
    assert output.name in systems.inputs("jack")
    output.close()
    server.stop()


CLOSES = """
import sys, threading, time
from live.devices import ports

sys.setswitchinterval(0.0001)

def hold_the_interpreter():
    numbers = list(range(200_000))
    while True:
        sum(numbers)  # one call, for milliseconds
        time.sleep(0.003)

threading.Thread(target=hold_the_interpreter, daemon=True).start()
for _ in range(300):
    port = ports.open_input("virtual", api="jack", deliver=lambda received: None)
    port.close()
    print(port.name, flush=True)
"""


def test_a_port_is_closed_and_opened_again_and_again_beside_a_busy_interpreter(
    shared_server: JackServer, tmp_path: Path
) -> None:
    server = JackServer(f"{shared_server.name}-closes", tmp_path / "jackd.log", sync=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", server.name)
        server.start()
        done = subprocess.run(
            [sys.executable, "-c", CLOSES], check=False, stdout=subprocess.PIPE, text=True, timeout=120
        )
        server.stop()
    assert (done.returncode, done.stdout.split()) == (0, ["twobar-in:keys"] * 300)


def test_who_ends_with_open_ports_leaves_a_server_that_waits_for_all(jack_server: JackServer) -> None:
    script = """
from live.devices import ports

ports.open_input("virtual", api="jack", deliver=lambda received: None).close()
port = ports.open_output("virtual", api="jack")
"""
    probe = JackProbe("beside")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    assert probe.runs()  # for one that was killed it stands still for seconds
    probe.close()


def test_a_note_arrives_whole_and_stamped_when_it_was_played(
    keys: MidiInput, peer: JackPeer, ear: Ear
) -> None:
    peer.connect(peer.midi_out, keys.name)
    peer.connect(peer.midi_out, peer.midi_in)  # the peer hears itself: when it really played
    begin = time.monotonic_ns() + 50 * MILLISECOND
    notes = [bytes((0x90, 60 + index, 100)) for index in range(11)]
    peer.play_all([(begin + 20 * index * MILLISECOND, note) for index, note in enumerate(notes)])
    echoed = peer.wait_for(lambda received: len(received) == len(notes))
    received = ear.wait(len(notes))
    assert [message.data for message in received] == notes
    assert {message.port for message in received} == frozenset({"twobar-in:keys"})
    apart = sorted(arrived.nanos - played.nanos for played, arrived in zip(echoed, received, strict=True))
    assert abs(apart[len(apart) // 2]) < 100 * MILLISECOND  # a cycle is 1.3; the machine may be busy
    assert all(one.nanos < other.nanos for one, other in itertools.pairwise(received))


def test_garbage_stops_nothing(keys: MidiInput, peer: JackPeer, ear: Ear) -> None:
    peer.connect(peer.midi_out, keys.name)
    peer.play(b"\x90\x3c\x40\x3e\x41", b"\x40\x42")  # running status, within and across messages
    peer.play(b"\x80\x09\x40", b"\x90\xf8\x3d\x40", b"\xf0\x7e\x7f\x06\x01\xf7", b"\xfe", b"\xf7")
    peer.play(b"\xc0\x05\x06", b"\xf2\x01\x02")
    expected = ["903c40", "903e41", "904042", "800940", "f8", "903d40", "c005", "c006", "f20102"]
    assert [message.data.hex() for message in ear.wait(len(expected))] == expected


def test_three_hundred_notes_at_once_all_arrive_both_ways(keys: MidiInput, peer: JackPeer, ear: Ear) -> None:
    notes = [bytes((0x90 + index % 3, index % 128, 1 + index // 3)) for index in range(300)]
    output = ports.open_output("virtual", api="jack")
    peer.connect(peer.midi_out, keys.name)
    peer.connect(output.name, peer.midi_in)
    for note in notes:
        output.send(note)
    assert [message.data for message in peer.wait_for(lambda received: len(received) == 300)] == notes
    peer.play(*notes)
    assert [message.data for message in ear.wait(300)] == notes
    ear.received.clear()
    peer.play(b"".join(notes))  # as one packet
    assert [message.data for message in ear.wait(300)] == notes
    output.close()


def test_closing_an_output_ends_what_sounds_on_it(jack_server: JackServer, peer: JackPeer) -> None:
    output = ports.open_output("virtual", api="jack")
    peer.connect(output.name, peer.midi_in)
    output.send(b"\x91\x3c\x40")
    # until the cable is in
    peer.wait_for(lambda received: any(message.data == b"\x91\x3c\x40" for message in received))
    output.close()
    output.close()
    peer.wait_for(lambda received: any(message.data == b"\xb1\x7b\x00" for message in received))
    assert peer.sounding() == set()
    with pytest.raises(errors.PortError, match="closed"):
        output.send(b"\x91\x3c\x40")


def test_a_port_is_found_by_a_part_of_its_name(jack_server: JackServer, peer: JackPeer, ear: Ear) -> None:
    assert peer.midi_out in systems.inputs("jack")
    assert peer.midi_in in systems.outputs("jack")
    port = ports.open_input("PEER:", api="jack", deliver=ear.received.append)
    assert port.name == peer.midi_out
    peer.settle()
    peer.play(b"\x90\x3c\x40")
    assert [message.data for message in ear.wait(1)] == [b"\x90\x3c\x40"]
    port.close()


def test_a_port_whose_name_is_not_utf_8_is_heard_and_played_to(jack_server: JackServer, ear: Ear) -> None:
    jack = library()
    jack.jack_client_open.restype = jack.jack_port_register.restype = ctypes.c_void_p
    jack.jack_port_register.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong,
    ]  # fmt: skip
    for call in (jack.jack_activate, jack.jack_client_close):
        call.argtypes = [ctypes.c_void_p]
    piano = jack.jack_client_open(b"fl\xfcgel", 1, None)
    for name, flag in ((b"in", 1), (b"out", 2)):
        assert jack.jack_port_register(piano, name, b"8 bit raw midi", flag, 0)
    jack.jack_activate(piano)
    heard = ports.open_input("fl\ufffdgel", api="jack", deliver=ear.received.append)
    played = ports.open_output("fl\ufffdgel", api="jack")
    probe = JackProbe()
    assert probe.connections("fl\ufffdgel:out") == frozenset({"twobar-in:keys"})
    assert probe.connections("fl\ufffdgel:in") == frozenset({"twobar-out:notes"})
    probe.close()
    heard.close()
    played.close()
    jack.jack_client_close(piano)


def test_an_unknown_port_is_named_with_the_nearest(jack_server: JackServer, peer: JackPeer) -> None:
    sentence = r"the MIDI output 'peer:im' is not there; there is: .*did you mean 'peer:in'\?"
    with pytest.raises(errors.PortMissingError, match=sentence):
        ports.open_output("peer:im", api="jack")


def test_auto_listens_to_every_keyboard_but_not_to_itself(
    jack_server: JackServer, peer: JackPeer, ear: Ear
) -> None:
    output = ports.open_output("virtual", api="jack")
    opened = ports.open_inputs("auto", api="jack", deliver=ear.received.append)
    assert [port.name for port in opened] == [peer.midi_out]
    for port in opened:
        port.close()
    output.close()


def test_a_missing_server_is_reported_at_once(
    jack_server: JackServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody")
    start = time.monotonic()
    with pytest.raises(errors.PortError, match="no JACK server answers"):
        ports.open_output("virtual", api="jack")
    with pytest.raises(errors.PortError, match="no JACK server answers"):
        systems.inputs("jack")
    assert time.monotonic() - start < 3
    assert capfd.readouterr().err == ""
