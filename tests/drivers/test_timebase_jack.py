"""Bars, beats and tempo on a JACK server: ours, as other programs read them, and those of other programs."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import jack
import pytest

from live.devices.jack.timebase import open_timebase
from live.timing.bar_lines import BarLines
from live.timing.tempo_map import TempoMap
from model.music.grid import Grid
from tests.fakes.jack_harness import SAMPLE_RATE, JackPeer, JackServer, PeerMessage
from tests.fakes.jam_harness import BPM, Start

pytestmark = pytest.mark.driver

CLOCKS_PER_BEAT, NEAR, PATIENCE = 24, 0.05, 5
WHOLE = 117.1875  # five ticks a cycle: jack_transport forgets what is left of one


@pytest.fixture
def reader(jack_server: JackServer) -> Iterator[jack.Client]:
    client = jack.Client("reader", no_start_server=True)
    yield client
    client.transport_stop()
    client.close()


@pytest.fixture
def transport(jack_server: JackServer) -> Iterator["subprocess.Popen[str]"]:
    """JACK's own program, to which one types."""
    with subprocess.Popen(
        ["jack_transport"],
        env=jack_server.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    ) as process:
        yield process
        process.terminate()


def say(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")


def until(reader: jack.Client, seconds: float = 20.0, **wanted: float) -> dict[str, Any]:
    """Return the transport's place as soon as it has these values, or at least this bar."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state, place = reader.transport_query()
        if state == jack.ROLLING and all(
            place.get(name, -1) >= value if name == "bar" else place.get(name) == pytest.approx(value)
            for name, value in wanted.items()
        ):
            found: dict[str, Any] = place
            return found
        time.sleep(0.01)
    raise AssertionError(f"{reader.transport_query()} and not {wanted}")


def settles(peer: JackPeer, tempo_bpm: float) -> bool:
    """Tell whether its clocks come to a tempo, by JACK's own time: on a busy machine that goes slower."""
    return any(abs(bpm(peer) / tempo_bpm - 1) < NEAR for _ in range(PATIENCE))


def bpm(peer: JackPeer, *, beats: int = 3) -> float:
    """Return the tempo of some beats from here on."""
    peer.clear()
    wanted = CLOCKS_PER_BEAT * beats + 1

    def clocks(received: list[PeerMessage]) -> list[int]:
        return [item.frame for item in received if item.data == b"\xf8"]

    found = clocks(peer.wait_for(lambda received: len(clocks(received)) >= wanted, timeout=30))[:wanted]
    return beats * 60 * SAMPLE_RATE / (found[-1] - found[0])


def test_others_read_its_bars_and_beats_and_may_take_them_over(
    start: Start, peer: JackPeer, reader: jack.Client, transport: "subprocess.Popen[str]"
) -> None:
    jam = start("--clock", "jack", "--metre", "3/4")
    reader.transport_start()
    place = until(reader, bar=2, beats_per_minute=BPM)
    assert (place["beats_per_bar"], place["beat_type"], place["ticks_per_beat"]) == (3, 4, 480)
    quarters = (place["bar"] - 1) * 3 + place["beat"] - 1 + place["tick"] / 480
    assert quarters == pytest.approx(place["frame"] / place["frame_rate"] * BPM / 60, abs=1 / 240)
    assert place["bar_start_tick"] == (place["bar"] - 1) * 3 * 480
    assert settles(peer, BPM)
    say(transport, f"tempo {WHOLE}")
    say(transport, "master")
    until(reader, beats_per_minute=WHOLE)
    assert settles(peer, WHOLE)
    say(transport, "release")
    until(reader, beats_per_minute=WHOLE, ticks_per_beat=480)  # whoever is left goes on as it was
    assert settles(peer, WHOLE)
    reader.transport_stop()
    assert jam.end() == (0, "")


@pytest.mark.skipif(shutil.which("jack_midi_clock") is None, reason="needs Debian's jack-midi-clock")
def test_another_program_s_midi_clock_starts_leads_and_stops_it(
    start: Start,
    peer: JackPeer,
    reader: jack.Client,
    transport: "subprocess.Popen[str]",
    jack_server: JackServer,
) -> None:
    jam = start("--clock", "midi")
    with contextlib.ExitStack() as ends:
        clock = subprocess.Popen(
            ["jack_midi_clock", "-b", "100", "twobar-in:keys"],
            env=jack_server.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends.callback(clock.wait)
        ends.callback(clock.terminate)
        peer.wait_for_ports("jack_midi_clock:mclk_out")
        peer.settle()
        reader.transport_frame = 0
        reader.transport_start()
        peer.wait_for(lambda received: any(item.data == b"\xfa" for item in received), timeout=20)
        assert settles(peer, 100)
        say(transport, "tempo 140")
        say(transport, "master")
        until(reader, beats_per_minute=140)
        assert settles(peer, 140)
        reader.transport_stop()
        peer.wait_for(lambda received: any(item.data == b"\xfc" for item in received), timeout=20)
    assert jam.end() == (0, "")


def test_beats_are_left_to_others_and_taken_up_again_by_the_same_client(
    jack_server: JackServer, reader: jack.Client
) -> None:
    said = TempoMap(0.0, 0.0, BPM, BarLines(Grid()))

    def leads(wanted: bool) -> bool:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            _, place = reader.transport_query()
            if (place.get("beats_per_minute") == pytest.approx(BPM)) == wanted:
                return True
            time.sleep(0.01)
        return False

    reader.transport_start()
    first = open_timebase()
    assert first is not None
    first.say(said)
    assert leads(True)
    first.close()
    reader.transport_frame = 0  # whoever moves the transport forgets what was said before
    assert leads(False)
    second = open_timebase()
    assert second is first
    second.say(said)
    assert leads(True)
    second.close()
