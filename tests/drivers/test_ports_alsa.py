"""Ports on ALSA's own sequencer: what waits in its queue, cables, hot-plugging, and an engine that dies.

Skipped where the kernel has none; `python -m scripts.alsa_machine` boots one that has.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
import rtmidi

from live.devices import ports, systems
from live.devices.alsa.connections import RefusedEvents, connect, connections
from live.devices.alsa.output import AlsaOutput
from live.devices.hotplug import Change, PortWatch, SystemLister
from live.devices.rtmidi_port import MidiInput, MidiOutput
from live.timing.midi_bytes import control, note_off, note_on
from live.timing.midi_clock.time_code import RATES, TimeOfCode
from live.timing.timeline import Nanos
from tests.fakes.jam_harness import JamProcess
from tests.fakes.sounding import sounding
from tests.fakes.time_codes import full_frame

pytestmark = [
    pytest.mark.driver,
    pytest.mark.skipif(not systems.ALSA_SEQUENCER.exists(), reason="the kernel has no ALSA sequencer"),
]

PATIENCE_S = 30.0
CLOCK_NANOS, CLOCKS = 60_000_000_000 // 100 // 24, 24 * 3


class Synth:
    """A receiver that others connect to; keeps what it hears."""

    def __init__(self, name: str) -> None:
        self.heard: list[bytes] = []
        self._news = threading.Condition()
        self._midi = rtmidi.MidiIn(rtmidi.API_LINUX_ALSA, name=name)
        self._midi.ignore_types(timing=False)
        self._midi.set_callback(self._hear)
        self._midi.open_virtual_port("in")
        self.name = next(port for port in systems.names("out", "alsa") if port.startswith(f"{name}:in"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._midi.cancel_callback()
        self._midi.close_port()
        self._midi.delete()

    def _hear(self, message: tuple[list[int], float], _data: object) -> None:
        with self._news:
            self.heard.append(bytes(message[0]))
            self._news.notify_all()

    def wait_for(self, condition: Callable[[list[bytes]], bool]) -> None:
        with self._news:
            in_time = self._news.wait_for(lambda: condition(self.heard), PATIENCE_S)
        assert in_time, self.heard


class Keys:
    """A keyboard that others connect to."""

    def __init__(self, name: str) -> None:
        self._midi = rtmidi.MidiOut(rtmidi.API_LINUX_ALSA, name=name)
        self._midi.open_virtual_port("out")
        self.name = next(port for port in systems.names("in", "alsa") if port.startswith(f"{name}:out"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._midi.close_port()
        self._midi.delete()

    def play(self, data: bytes) -> None:
        self._midi.send_message(data)


@pytest.fixture
def synth() -> Iterator[Synth]:
    with Synth("Test Synth") as made:
        yield made


@pytest.fixture
def keys() -> Iterator[Keys]:
    with Keys("Test Keys") as made:
        yield made


def cable(keys: Keys, synth: Synth) -> None:
    """Connect a keyboard and a synth to the virtual ports of the jam that runs."""
    outward = next(port for port in systems.names("in", "alsa") if port.startswith("twobar-out:notes"))
    inward = next(port for port in systems.names("out", "alsa") if port.startswith("twobar-in:keys"))
    connect(keys.name, inward)
    connect(outward, synth.name)


def soon(milliseconds: int) -> Nanos:
    return Nanos(time.monotonic_ns() + milliseconds * 1_000_000)


def test_messages_leave_in_the_order_of_their_moments_and_what_was_ended_does_not(synth: Synth) -> None:
    output = ports.open_output(synth.name, api="alsa")
    assert isinstance(output, AlsaOutput)
    first = soon(400)
    output.send_at(note_off(2, 60), Nanos(first + 30_000_000))
    output.send_at(note_on(2, 60, 90), first)
    output.send_at(note_on(3, 61, 90), Nanos(first + 10_000_000))
    output.send_at(note_on(4, 62, 90), Nanos(first + 20_000_000))
    output.send(note_on(1, 50, 90))  # does not wait for them
    output.send(control(3, 123, 0))
    synth.wait_for(lambda heard: note_off(2, 60) in heard)
    assert synth.heard == [
        note_on(1, 50, 90), control(3, 123, 0), note_on(2, 60, 90), note_on(4, 62, 90), note_off(2, 60),
    ]  # fmt: skip
    output.close()
    synth.wait_for(lambda heard: not sounding(heard, all_off=True))


def test_a_message_never_leaves_a_beat_of_the_timer_before_its_moment(synth: Synth) -> None:
    output = ports.open_output(synth.name, api="alsa")
    assert isinstance(output, AlsaOutput)
    dues = [soon(100 + 50 * number) for number in range(10)]
    for number, due in enumerate(dues):
        output.send_at(note_on(2, number, 90), due)
    for number, due in enumerate(dues):
        synth.wait_for(lambda heard, number=number: note_on(2, number, 90) in heard)  # type: ignore[misc]
        assert time.monotonic_ns() >= due - 200_000
    output.close()


def test_a_process_that_is_killed_leaves_nothing_in_the_queue(synth: Synth) -> None:
    program = (
        "import sys, time; from live.devices import ports\n"
        "output = ports.open_output(sys.argv[1], api='alsa')\n"
        "output.send(bytes((0x90, 60, 90)))\n"
        "output.send_at(bytes((0x90, 61, 90)), time.monotonic_ns() + 10**9)\n"
        "print('sent', flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", program, synth.name], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    output = ports.open_output(synth.name, api="alsa")
    assert isinstance(output, AlsaOutput)
    output.send_at(b"\xf8", soon(1_500))
    synth.wait_for(lambda heard: b"\xf8" in heard)
    assert synth.heard == [note_on(1, 60, 90), b"\xf8"]
    output.close()


def test_a_receiver_that_stands_still_holds_nobody_up(synth: Synth) -> None:
    output = ports.open_output("virtual", api="alsa")
    program = (
        "import rtmidi, time\n"
        "midi = rtmidi.MidiIn(rtmidi.API_LINUX_ALSA, name='Test Still'); midi.open_virtual_port('in')\n"
        "print('open', flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        still = next(port for port in systems.names("out", "alsa") if port.startswith("Test Still:in"))
        connect(output.name, still)
        connect(output.name, synth.name)
        assert connections(output.name) == frozenset({still, synth.name})
        os.kill(process.pid, signal.SIGSTOP)
        for number in range(5_000):
            output.send(control(1, number % 100, number % 128))
            if number % 100 == 99:
                synth.wait_for(lambda heard, number=number: len(heard) > number)  # type: ignore[misc]
        process.kill()
    output.close()


def test_time_code_is_heard_and_no_other_system_exclusive_is(keys: Keys) -> None:
    heard: queue.Queue[bytes] = queue.Queue()
    port = ports.open_input(keys.name, api="alsa", deliver=lambda message: heard.put(message.data))
    wanted = [b"\xf1\x35", full_frame(RATES[1], TimeOfCode(1, 2, 3, 4)), note_on(1, 60, 90)]
    for data in (wanted[0], bytes((0xF0, 0x7E, *[5] * 1_000, 0xF7)), *wanted[1:]):
        keys.play(data)
    assert [heard.get(timeout=PATIENCE_S) for _ in wanted] == wanted
    port.close()


def test_what_found_no_room_counts_for_whose_client_it_is(keys: Keys) -> None:
    program = (
        "import rtmidi; from live.devices.alsa.connections import RefusedEvents\n"
        "midi = rtmidi.MidiIn(rtmidi.API_LINUX_ALSA, name='Test Full'); midi.open_virtual_port('in')\n"
        "print('open', flush=True); input(); print(RefusedEvents('Test Full').count(), flush=True)"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        connect(
            keys.name, next(port for port in systems.names("out", "alsa") if port.startswith("Test Full:in"))
        )
        os.kill(process.pid, signal.SIGSTOP)
        for number in range(600):
            keys.play(control(1, number % 100, number % 128))
        events, of_that_name = RefusedEvents("Test Full"), RefusedEvents("Test Full", library=object())
        deadline = time.monotonic() + PATIENCE_S
        while not of_that_name.count():
            assert time.monotonic() < deadline
        assert events.count() == 0
        os.kill(process.pid, signal.SIGCONT)
        process.stdin.write("\n")
        process.stdin.flush()
        assert int(process.stdout.readline()) > 0


def test_a_synth_and_a_keyboard_that_come_back_under_other_numbers_are_found() -> None:
    changes: list[Change] = []
    received: list[bytes] = []
    watch = PortWatch(changes.append, lister=SystemLister("alsa"))

    def reopen_input(name: str) -> MidiInput:
        return ports.open_input(name, api="alsa", deliver=lambda message: received.append(message.data))

    def reopen_output(name: str) -> MidiOutput:
        return ports.open_output(name, api="alsa")

    def look_for(state: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while [change.state for change in changes[-2:]] != [state] * 2 and time.monotonic() < end:
            watch.look()
            time.sleep(0.02)
        assert [change.state for change in changes[-2:]] == [state] * 2

    with Keys("Test Keys") as keys, Synth("Test Synth") as synth:
        watch.add("in", reopen_input("Test Keys"), reopen_input)
        watch.add("out", reopen_output("Test Synth"), reopen_output)
        watch.look()
        before = {keys.name, synth.name}
    look_for("gone")
    with Keys("Test Filler"), Keys("Test Keys") as keys, Synth("Test Synth") as synth:
        look_for("back")
        assert {keys.name, synth.name} != before
        inward, outward = (change.port for change in changes[-2:])
        assert isinstance(outward, AlsaOutput)
        outward.send(note_on(1, 60, 90))
        synth.wait_for(lambda heard: heard == [note_on(1, 60, 90)])
        keys.play(note_on(1, 61, 90))
        end = time.monotonic() + PATIENCE_S
        while not received and time.monotonic() < end:
            time.sleep(0.02)
        assert received == [note_on(1, 61, 90)]
        inward.close()
        outward.close()
    watch.close()


def test_a_master_s_clock_starts_leads_and_stops_it(keys: Keys, synth: Synth, tmp_path: Path) -> None:
    with JamProcess(None, tmp_path, "--api", "alsa", "--out", "virtual", "--clock", "midi") as jam:
        jam.wait_ready("thru", PATIENCE_S)
        cable(keys, synth)
        first = soon(500)
        for number in range(CLOCKS):
            time.sleep(max(0, first + number * CLOCK_NANOS - time.monotonic_ns()) / 1e9)
            if number == 0:
                keys.play(b"\xfa")
            keys.play(b"\xf8")
        keys.play(b"\xfc")
        synth.wait_for(lambda heard: b"\xfc" in heard)
        sync = [data for data in synth.heard if data[0] >= 0xF8]
        assert sync[:2] == [b"\xfa", b"\xf8"]  # its own clock out goes with the master
        status, said = jam.end()
        assert (status, said) == (0, "")
        came = [line["nanos"] for line in jam.logged("received") if line["data"] == [0xF8]]
        due = [line["due_nanos"] for line in jam.logged("sent") if line["data"] == [0xF8]]
    assert len(came) == CLOCKS
    assert len(due) == pytest.approx(CLOCKS, abs=4)
    assert due[0] == pytest.approx(came[0], abs=CLOCK_NANOS / 4)
    assert due[CLOCKS - 4] - due[0] == pytest.approx(came[CLOCKS - 4] - came[0], rel=0.08)


def test_an_engine_that_dies_leaves_no_note_and_its_cables_are_made_again(
    keys: Keys, synth: Synth, tmp_path: Path
) -> None:
    with JamProcess(None, tmp_path, "--api", "alsa", "--out", "virtual", "--thru") as jam:
        jam.wait_ready("thru", PATIENCE_S)
        cable(keys, synth)
        keys.play(note_on(1, 60, 90))
        synth.wait_for(lambda heard: (0, 60) in sounding(heard, all_off=True))
        time.sleep(3.0)  # until the cables have been seen
        jam.signal("live.engine")
        synth.wait_for(lambda heard: not sounding(heard, all_off=True))
        keys.play(note_off(1, 60))
        end = time.monotonic() + PATIENCE_S
        while note_on(1, 62, 90) not in synth.heard and time.monotonic() < end:
            keys.play(note_on(1, 62, 90))
            keys.play(note_off(1, 62))
            time.sleep(0.2)
        assert note_on(1, 62, 90) in synth.heard
        status, said = jam.end()
        assert status == 0
        assert "Traceback" not in said
    assert not sounding(synth.heard, all_off=True)
