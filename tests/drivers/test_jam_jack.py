"""The whole instrument on a real driver: three processes, JACK, a performer at the other end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mido
import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from tests.drivers.jack_harness import Heard, JackPeer, JackServer, rms

pytestmark = pytest.mark.driver

BPM = 150
BEAT_NANOS = 60_000_000_000 // BPM
STEP_NANOS = BEAT_NANOS // 4
CELL_NANOS = 8 * BEAT_NANOS
TUNE = ((0, 60), (4, 62), (8, 64), (12, 65), (16, 67), (20, 65), (24, 64), (28, 62))


class Jam:
    """A `twobar jam` under test; its lines of standard output as they come."""

    def __init__(self, server: JackServer, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.log = folder / "log.jsonl"
        command = [sys.executable, "-m", "live", "jam", "--headless", "--api", "jack", "--in", "virtual"]
        command += ["--bpm", str(BPM), "--clock-out", "--osc-port", "0", "--log", str(self.log), *options]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={
                **server.env,
                "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")]),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(json.loads(line))
                self._news.notify_all()
        self.process.wait()
        with self._news:
            self._news.notify_all()

    def wait_ready(self, what: str, timeout: float = 30.0) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            return next((line for line in self.lines if line.get("ready") == what), None)

        with self._news:
            self._news.wait_for(lambda: there() or self.process.poll() is not None, timeout)
        found = there()
        if found is None:
            self.process.kill()
            assert self.process.stderr is not None
            raise AssertionError(f"not ready: {what}, {self.lines}, {self.process.stderr.read()}")
        return found

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        status = self.process.wait(15)
        self._reader.join(5)
        assert self.process.stderr is not None
        return status, self.process.stderr.read()

    def logged(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind]

    def children(self) -> list[int]:
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in found]

    def child(self, module: str) -> int:
        for pid in self.children():
            if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        raise AssertionError(f"no {module} among {self.children()}")


Start = Callable[..., Jam]


@pytest.fixture
def start(jack_server: JackServer, peer: JackPeer, tmp_path: Path) -> Iterator[Start]:
    running: list[Jam] = []

    def begin(*options: str, out: str = "virtual") -> Jam:
        running.append(Jam(jack_server, tmp_path, "--out", out, *options))
        running[-1].wait_ready("thru")
        peer.connect(peer.midi_out, "twobar-in:keys")
        if out == "virtual":
            peer.connect("twobar-out:notes", peer.midi_in)
        return running[-1]

    yield begin
    for jam in running:
        if jam.process.poll() is None:
            jam.process.kill()
            jam.process.wait()
        for stream in (jam.process.stdout, jam.process.stderr):
            if stream is not None:
                stream.close()


def first_beat(peer: JackPeer) -> int:
    """Return the moment of bar 0: the first clock byte after the start byte."""
    heard = peer.wait_for(lambda all_heard: any(item.data == b"\xf8" for item in all_heard), timeout=30)
    kinds = [item.data[0] for item in heard if item.data[0] >= 0xF8]
    assert kinds[:2] == [0xFA, 0xF8]
    return next(item.nanos for item in heard if item.data == b"\xf8")


def osc(address: str, *arguments: float | str) -> bytes:
    packet: bytes = build_msg(address, list(arguments)).dgram
    return packet


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def play_tune(peer: JackPeer, zero: int, *, cell: int = 0, margin: int = 3_000_000) -> None:
    """Play two bars a little behind the beat, as people do."""
    messages = []
    for step, pitch in TUNE:
        on = zero + cell * CELL_NANOS + step * STEP_NANOS + margin
        messages.append((on, bytes((0x90, pitch, 96))))
        messages.append((on + 3 * STEP_NANOS, bytes((0x80, pitch, 0))))
    peer.play_all(messages)


def ons(heard: list[Heard], channel: int) -> list[tuple[int, int]]:
    return [
        (item.nanos, item.data[1]) for item in heard if item.data[0] == 0x90 | (channel - 1) and item.data[2]
    ]


def step_of(zero: int, nanos: int) -> float:
    return (nanos - zero) / STEP_NANOS


def test_a_set(start: Start, peer: JackPeer) -> None:
    jam = start()
    zero = first_beat(peer)
    assert jam.wait_ready("model")["ms"] > 0
    zero += CELL_NANOS  # by then everyone is ready
    play_tune(peer, zero)
    heard = peer.wait_for(lambda all_heard: step_of(zero, peer_now(all_heard)) > 50, timeout=30)
    assert [pitch for _, pitch in ons(heard, 1)] == [pitch for _, pitch in TUNE]  # thru
    answer = ons(heard, 2)
    assert answer, "no answer"
    assert step_of(zero, answer[0][0]) == pytest.approx(32, abs=0.2)  # on the bar line
    shared = {pitch for _, pitch in answer} & {pitch for _, pitch in TUNE}
    assert len(shared) >= 3, (answer, jam.logged("sent")[-20:])  # recognisably hers
    peer.clear()
    peer.play(b"\xb0\x18\x7f")  # CC 24: register, to the right
    heard = peer.wait_for(lambda all_heard: step_of(zero, peer_now(all_heard)) > 64 + 40, timeout=30)
    moved = [pitch for nanos, pitch in ons(heard, 2) if step_of(zero, nanos) > 64]
    before = [pitch for _, pitch in answer]
    assert sum(moved) / len(moved) > sum(before) / len(before) + 3
    status, complaint = jam.end()
    assert (status, complaint) == (0, "")
    peer.wait_for(lambda all_heard: any(item.data[0] == 0xFC for item in all_heard))
    assert peer.sounding() == set()
    take = mido.MidiFile(next((jam.folder / "takes").glob("*.mid")))
    assert {"performer", "twobar", "knobs"} <= {track.name for track in take.tracks}
    assert jam.logged("summary")[0]["missed_bars"] == 0


def peer_now(heard: list[Heard]) -> int:
    return heard[-1].nanos if heard else 0


def test_the_model_process_dies_and_comes_back(start: Start, peer: JackPeer) -> None:
    jam = start()
    zero = first_beat(peer) + CELL_NANOS
    play_tune(peer, zero)
    peer.wait_for(lambda all_heard: step_of(zero, peer_now(all_heard)) > 40, timeout=30)
    os.kill(jam.child("live.worker"), signal.SIGKILL)
    heard = peer.wait_for(lambda all_heard: step_of(zero, peer_now(all_heard)) > 66, timeout=30)
    second = [step_of(zero, nanos) for nanos, _ in ons(heard, 2) if step_of(zero, nanos) > 63]
    assert second[0] == pytest.approx(64, abs=0.2)  # still on the one
    peer.wait_for(lambda _: len([line for line in jam.lines if line["ready"] == "model"]) == 2, timeout=30)
    status, _ = jam.end(signal.SIGINT)
    assert status == 0
    peer.wait_for(lambda all_heard: any(item.data[0] == 0xFC for item in all_heard))
    assert peer.sounding() == set()


def test_the_engine_dies_and_is_started_again(start: Start, peer: JackPeer) -> None:
    jam = start()
    first_beat(peer)
    os.kill(jam.child("live.engine"), signal.SIGKILL)
    peer.wait_for(lambda _: len([line for line in jam.lines if line["ready"] == "thru"]) == 2, timeout=30)
    peer.connect(peer.midi_out, "twobar-in:keys")
    peer.connect("twobar-out:notes", peer.midi_in)
    peer.clear()
    peer.play(b"\x90\x40\x64")
    peer.wait_for(lambda all_heard: any(item.data == b"\x90\x40\x64" for item in all_heard), timeout=10)
    status, complaint = jam.end()
    assert status == 0
    assert "the engine died" in complaint
    peer.wait_for(lambda _: peer.sounding() == set())


def test_osc_turns_knobs_and_tells_beats(start: Start, peer: JackPeer) -> None:
    jam = start("--osc-port", str(free_port()))
    port = int(jam.options[jam.options.index("--osc-port") + 1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(10)
        ear.sendto(osc("/twobar/subscribe", "127.0.0.1", ear.getsockname()[1]), ("127.0.0.1", port))
        first_beat(peer)
        ear.sendto(osc("/twobar/knob/density", 0.5), ("127.0.0.1", port))
        heard: dict[str, list[Any]] = {}
        while not {"/twobar/beat", "/twobar/bar", "/twobar/knob/density"} <= heard.keys():
            message = OscMessage(ear.recv(4096))
            heard[message.address] = message.params
    assert heard["/twobar/knob/density"] == [0.5]
    assert jam.end()[0] == 0
    assert [line["value"] for line in jam.logged("knob") if line["name"] == "density"] == [0.5]


def test_a_killed_supervisor_leaves_silence_and_a_whole_take(start: Start, peer: JackPeer) -> None:
    jam = start("--record", "set.mid")
    zero = first_beat(peer) + CELL_NANOS
    play_tune(peer, zero)
    peer.wait_for(lambda all_heard: step_of(zero, peer_now(all_heard)) > 40, timeout=30)
    jam.process.kill()
    peer.wait_for_ports("twobar-out:notes", present=False)
    assert peer.sounding() == set()
    take = mido.MidiFile(jam.folder / "set.mid")
    played = next(track for track in take.tracks if track.name == "performer")
    assert [message.note for message in played if message.type == "note_on"][:8] == [pitch for _, pitch in TUNE]


def test_a_killed_engine_loses_at_most_a_second_of_the_take(start: Start, peer: JackPeer) -> None:
    jam = start("--record", "set.mid")
    zero = first_beat(peer) + CELL_NANOS
    play_tune(peer, zero)
    peer.wait_for(lambda all_heard: step_of(zero, peer_now(all_heard)) > 44, timeout=30)
    os.kill(jam.child("live.engine"), signal.SIGKILL)
    peer.wait_for(lambda _: len([line for line in jam.lines if line["ready"] == "thru"]) == 2, timeout=30)
    jam.end()
    take = mido.MidiFile(jam.folder / "set.1.mid")
    played = next(track for track in take.tracks if track.name == "performer")
    assert [message.note for message in played if message.type == "note_on"][:8] == [pitch for _, pitch in TUNE]


def test_fluidsynth_sounds_what_is_played(start: Start, peer: JackPeer) -> None:
    jam = start(out="fluidsynth")
    peer.play(bytes((0x90, 60, 110)))
    sound = peer.record(0.5, ["fluidsynth:left", "fluidsynth:right"])
    assert 0.001 < rms(sound) < 0.7
    assert abs(sound).max() < 1.0
    assert jam.end()[0] == 0
