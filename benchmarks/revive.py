"""An engine that dies or stands still: how long until keys sound again, and on which beat.

Keys are controllers here, one every few milliseconds, so that the moment is known; they go the same way.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.figures import Row, percentile
from benchmarks.instrument import ROOT, Instrument, playing
from benchmarks.jack_server import DEFAULT_PERIOD, serving
from benchmarks.scale import Scale
from tests.fakes.jack_harness import JackPeer, PeerMessage
from tests.fakes.standing import SPINS, stands_on_signal

EXPLAINED = (
    "From the signal to the first message of a keyboard that sounds again at the far end of its cable, and",
    "to the first one that silences what the engine left sounding. The servers wait for no client. The floor",
    "is a bare process of Python with JACK-Client alone that connects itself and sends back what it is sent:",
    "by itself, and after such a process with two clients was killed, for which JACK lets the next one wait.",
)
BUDGET_SECONDS, BEAT_BUDGET_MS = 1.0, 3.0
TIMES, PERIODS = 10, (256, DEFAULT_PERIOD)
FAULTS = {"killed (-9)": signal.SIGKILL, "stopped": signal.SIGSTOP, "that spins": signal.SIGUSR2}
BPM = 150
TICK_NANOS = 60_000_000_000 / BPM / 24
OPTIONS = ("--api", "jack", "--in", "virtual", "--out", "virtual", "--clock-out", "--bpm", str(BPM))
IN, OUT = "twobar-in:keys", "twobar-out:notes"
SETTLE_SECONDS, PLAYED_SECONDS, EVERY_NANOS = 1.5, 8.0, 4_000_000
KEY, HELD = b"\xb0\x01", b"\x90\x30\x64"
SILENCE = ((0xB0, 120), (0xB0, 123))
FLOOR = """
import sys, jack
clients = []
for name in sys.argv[3:]:
    client = jack.Client(name, no_start_server=True)
    keys, notes = client.midi_inports.register("keys"), client.midi_outports.register("notes")
    def process(frames, keys=keys, notes=notes):
        notes.clear_buffer()
        for place, data in keys.incoming_midi_events():
            notes.write_midi_event(place, data)
    client.set_process_callback(process)
    client.activate()
    client.connect(sys.argv[1], keys)
    client.connect(notes, sys.argv[2])
    clients.append(client)
sys.stdin.read()
"""


def measure(scale: Scale) -> list[Row]:
    """Let the engine die some times in each way, on servers that wait for no client."""
    if not scale.jack:
        return [Row("an engine that dies", f"<= {BUDGET_SECONDS:g} s", "needs jackd")]
    found = []
    for period in PERIODS:
        with serving(scale.folder, period=period, sync=False):
            floor = [_floor() for _ in range(scale.count(5, least=2))]
            for name, fault in FAULTS.items():
                runs = [_revived(scale, fault) for _ in range(scale.count(TIMES, least=2))]
                found.append(_row(f"engine {name}, cycles of {period} frames: keys sound again", runs, floor))
    return found


def _row(title: str, runs: Sequence[tuple[float, float, float]], floor: Sequence[tuple[float, float]]) -> Row:
    again, silent, beat_ms = zip(*runs, strict=True)
    bare, stalled = (percentile(seconds, 0.5) for seconds in zip(*floor, strict=True))
    return Row(
        title,
        f"<= {BUDGET_SECONDS:g} s, within {BEAT_BUDGET_MS:g} ms of the old beat",
        f"p50 {percentile(again, 0.5):.2f}, worst {max(again):.2f} s (n {len(again)}); "
        f"off the beat by {max(beat_ms):.2f} ms at most",
        f"silence p50 {percentile(silent, 0.5):.2f}, worst {max(silent):.2f} s; bare p50 {bare:.2f} s, "
        f"after one that was killed {stalled:.2f} s (ratio {percentile(again, 0.5) / stalled:.1f})",
        max(again) <= BUDGET_SECONDS and max(beat_ms) <= BEAT_BUDGET_MS,
    )


def _revived(scale: Scale, fault: int) -> tuple[float, float, float]:
    """Return seconds until keys sound again and until silence, and how far the beat is off then, in ms."""
    path = os.pathsep.join((str(ROOT), str(stands_on_signal(scale.fresh("hook"), SPINS))))
    options, env = (*OPTIONS, "--osc-port", "0"), {"PYTHONPATH": path}
    with playing(scale.fresh("revive"), *options, env=env, screen=None) as instrument:
        peer = JackPeer()
        try:
            peer.connect(peer.midi_out, IN)
            peer.connect(OUT, peer.midi_in)
            peer.play(HELD)
            while "spare" not in instrument.processes():
                time.sleep(0.1)
            time.sleep(SETTLE_SECONDS)
            peer.clear()
            return _after(instrument, peer, fault)
        finally:
            peer.close()


def _after(instrument: Instrument, peer: JackPeer, fault: int) -> tuple[float, float, float]:
    """See `_revived`.

    JACK hands out the last buffer of a killed client until it has noticed: what is played afterwards and
    comes back, and what the clock says from there on, is the next engine's.
    """
    clock = [item.nanos for item in peer.wait_for(lambda heard: _ticks(heard) > 24) if item.data == b"\xf8"]
    killed = time.monotonic_ns()
    os.kill(instrument.processes()["live.engine"], fault)
    time.sleep(0.05)  # what was on its way arrives
    peer.clear()
    _play(peer, time.monotonic_ns())
    heard = peer.wait_for(lambda heard: _ticks(_since_key(heard)) > 12, timeout=30)
    again = _since_key(heard)
    silent = next((item.nanos for item in heard if tuple(item.data[:2]) in SILENCE), again[0].nanos)
    late = [(item.nanos - clock[-1]) % TICK_NANOS for item in again if item.data == b"\xf8"]
    off = min(abs(percentile(late, 0.5) - whole) for whole in (0, TICK_NANOS))
    return (again[0].nanos - killed) / 1e9, (silent - killed) / 1e9, off / 1e6


def _since_key(heard: Sequence[PeerMessage]) -> Sequence[PeerMessage]:
    """Return what came since keys sounded again."""
    place = next((place for place, item in enumerate(heard) if item.data[:2] == KEY), len(heard))
    return heard[place:]


def _ticks(heard: Sequence[PeerMessage]) -> int:
    return sum(item.data == b"\xf8" for item in heard)


def _play(peer: JackPeer, begun: int, key: bytes = KEY) -> None:
    """Turn a wheel again and again for some seconds."""
    count = round(PLAYED_SECONDS * 1e9) // EVERY_NANOS
    peer.play_all([(begun + number * EVERY_NANOS, key + bytes((number % 128,))) for number in range(count)])


def _floor() -> tuple[float, float]:
    """Return the seconds that a bare process takes, and those after one with two clients was killed."""
    peer = JackPeer()
    try:
        time.sleep(SETTLE_SECONDS)  # until JACK has done with whoever was before
        alone = _bare(peer, b"\xb0\x02", "floor")
        _bare(peer, b"\xb0\x03", "first", "second")
        return alone, _bare(peer, b"\xb0\x04", "floor")
    finally:
        peer.close()


def _bare(peer: JackPeer, key: bytes, *names: str) -> float:
    """Return the seconds from the start of a bare process, which is killed, until it sends something back.

    Args:
        peer: at the far end of its cables.
        key: that is its own: JACK hands out the last buffer of a killed client until it has noticed.
        names: of its clients, each of which sends back everything.
    """

    def sent_back(heard: Sequence[PeerMessage]) -> list[PeerMessage]:
        found = [item for item in heard if item.data[:2] == key]
        same = len({item.data for item in found[-len(names) :]}) == 1
        return found if len(found) >= len(names) and same else []

    _play(peer, begun := time.monotonic_ns(), key)
    command = [sys.executable, "-c", FLOOR, peer.midi_out, peer.midi_in, *names]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            return (sent_back(peer.wait_for(sent_back, timeout=PLAYED_SECONDS))[0].nanos - begun) / 1e9
        finally:
            process.kill()
