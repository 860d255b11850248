"""Others lead over JACK: another process's MIDI clock, and JACK's own transport."""

import time

import pytest

from live.devices.jack.transport import open_transport
from live.timing.midi_clock.time_code import RATES, TimeOfCode
from live.timing.timeline import Nanos
from tests.fakes.jack_harness import JackPeer
from tests.fakes.jam_harness import BEAT_NANOS, Start
from tests.fakes.time_codes import full_frame, quarter_frames

pytestmark = pytest.mark.driver

CLOCK_NANOS = 60_000_000_000 // 100 // 24
CLOCKS = 24 * 3
VIDEO = RATES[1]


def test_a_master_s_clock_starts_leads_and_stops_it(start: Start, peer: JackPeer) -> None:
    jam = start("--clock", "midi")
    first = time.monotonic_ns() + 300_000_000
    sent = [(first + number * CLOCK_NANOS, b"\xf8") for number in range(CLOCKS)]
    end = first + CLOCKS * CLOCK_NANOS
    peer.play_all([(first - 20_000_000, b"\xfa"), *sent, (end - 5_000_000, b"\xfc")])
    received = peer.wait_for(lambda received: any(item.data == b"\xfc" for item in received), timeout=20)
    kinds = [item.data[0] for item in received if item.data[0] in (0xF8, 0xFA, 0xFC)]
    assert kinds[:2] == [0xFA, 0xF8]  # its own clock out goes with the master
    status, complaint = jam.end()
    assert (status, complaint) == (0, "")
    came = [line["nanos"] for line in jam.logged("received") if line["data"] == [0xF8]]
    due = [line["due_nanos"] for line in jam.logged("sent") if line["data"] == [0xF8]]
    assert len(came) == CLOCKS
    assert len(due) == pytest.approx(CLOCKS, abs=4)
    assert due[0] == pytest.approx(came[0], abs=CLOCK_NANOS / 4)
    # by the master's clocks as they came in, however the machine was delayed
    assert due[CLOCKS - 4] - due[0] == pytest.approx(came[CLOCKS - 4] - came[0], rel=0.08)


def test_time_code_starts_leads_and_stops_it(start: Start, peer: JackPeer) -> None:
    jam = start("--clock", "mtc")
    code = quarter_frames(VIDEO, frames=0, count=300, first=time.monotonic_ns() + 300_000_000)
    located = code[-1][0] + 20_000_000, full_frame(VIDEO, TimeOfCode(0, 0, 3, 0))
    peer.play_all([*code, located])
    peer.wait_for(lambda received: any(item.data == b"\xfc" for item in received), timeout=20)
    assert jam.end() == (0, "")
    came = [line["nanos"] for line in jam.logged("received") if line["data"][0] == 0xF1]
    clocks = [line for line in jam.logged("sent") if line["data"] == [0xF8]]
    assert len(came) == 300
    where = [line["nanos"] for line in jam.logged("received") if line["data"][0] == 0xF0]
    stopped = next(line["nanos"] for line in jam.logged("sent") if line["data"] == [0xFC])
    assert 0 < stopped - where[0] < 100_000_000  # by the full frame: silence would have taken .15 s
    assert len(clocks) > 24 * 6
    for line in clocks[24:]:  # where the code as it came in has each of them, in the tempo here
        assert line["due_nanos"] == pytest.approx(
            came[0] + line["tick"] * BEAT_NANOS / 480, abs=BEAT_NANOS / 8
        )


def test_jack_s_transport_starts_and_stops_it(start: Start, peer: JackPeer) -> None:
    transport = open_transport()
    jam = start("--clock", "jack")
    transport.start()
    peer.wait_for(lambda received: sum(item.data == b"\xf8" for item in received) > 24, timeout=20)
    assert transport.state(Nanos(time.monotonic_ns())).rolling
    transport.stop()
    peer.wait_for(lambda received: any(item.data == b"\xfc" for item in received), timeout=20)
    assert not transport.state(Nanos(time.monotonic_ns())).rolling
    transport.close()
    assert jam.end() == (0, "")
    clocks = [line for line in jam.logged("sent") if line["data"] == [0xF8]]
    assert clocks[0]["tick"] == 0
