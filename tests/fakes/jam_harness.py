"""A `twobar jam` under test in a process of its own, and a performer who plays to it over JACK."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from tests.fakes.jack_harness import JackPeer, JackServer, PeerMessage

BPM = 150
BEAT_NANOS = 60_000_000_000 // BPM
STEP_NANOS = BEAT_NANOS // 4
CELL_NANOS = 8 * BEAT_NANOS
CELL_STEPS = 32
TICKS_PER_STEP = 120
TUNE = ((0, 60), (4, 62), (8, 64), (12, 65), (16, 67), (20, 65), (24, 64), (28, 62))


BUSY = "JACK was too late"
"""What the engine says of a busy machine is none of its faults."""


class JamProcess:
    """A `twobar jam` under test, on a JACK server or what its options say; its lines as they come."""

    def __init__(self, server: JackServer | None, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.log = folder / "log.jsonl"
        command = [sys.executable, "-m", "live", "jam", "--headless", "--api", "jack", "--in", "virtual"]
        command += ["--bpm", str(BPM), "--clock-out", "--osc-port", "0", "--log", str(self.log), *options]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=(dict(os.environ) if server is None else server.env)
            | {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(json.loads(line))
                self._news.notify_all()
        self.process.wait()
        with self._news:
            self._news.notify_all()

    def wait_ready(self, what: str, timeout: float = 30.0, *, times: int = 1) -> dict[str, Any]:
        """Return the line that says so for the `times`-th time, as soon as it is there."""

        def ready_line() -> dict[str, Any] | None:
            lines = [line for line in self.lines if line.get("ready") == what]
            return lines[times - 1] if len(lines) >= times else None

        with self._news:
            self._news.wait_for(lambda: ready_line() or self.process.poll() is not None, timeout)
        found = ready_line()
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
        complaints = self.process.stderr.read().splitlines(keepends=True)
        return status, "".join(line for line in complaints if BUSY not in line)

    def logged(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind]

    def planned(self, channel: int) -> list[float]:
        """Return the steps, from bar 0, at which note-ons of a channel were due: no machine is late there."""
        status = 0x90 | (channel - 1)
        return [
            line["tick"] / TICKS_PER_STEP
            for line in self.logged("sent")
            if line["data"][0] == status and line["data"][2] and line["tick"] is not None
        ]

    def processes(self, module: str) -> list[int]:
        """Return the processes of a module, the oldest first: the engine is older than its spare."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        children = [pid for thread in threads for pid in (thread / "children").read_text().split()]
        return [
            pid
            for pid in sorted(map(int, children))
            if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    def signal(self, module: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to the process of a module."""
        os.kill(self.processes(module)[0], number)


Start = Callable[..., JamProcess]


def beside(server: JackServer, log: Path) -> Iterator[JackServer]:
    """Run a second JACK server, one that waits for no client: neither a killed nor a busy one holds it up."""
    other = JackServer(f"{server.name}-{log.parent.name}", log, sync=False, period=256)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", other.name)
        other.start()
        yield other
        other.stop()


def first_beat(peer: JackPeer) -> int:
    """Return the moment of bar 0: the first clock byte after the start byte."""
    received = peer.wait_for(lambda received: any(item.data == b"\xf8" for item in received), timeout=30)
    kinds = [item.data[0] for item in received if item.data[0] >= 0xF8]
    assert kinds[:2] == [0xFA, 0xF8]
    return next(item.nanos for item in received if item.data == b"\xf8")


def osc(address: str, *arguments: float | str) -> bytes:
    packet: bytes = build_msg(address, list(arguments)).dgram
    return packet


def bundle(address: str, values: Iterable[float]) -> bytes:
    """Return one packet with a message for each value."""
    built = OscBundleBuilder(IMMEDIATELY)
    for value in values:
        built.add_content(build_msg(address, [value]))
    packet: bytes = built.build().dgram
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


def ons(received: list[PeerMessage], channel: int) -> list[tuple[int, int]]:
    return [
        (item.nanos, item.data[1])
        for item in received
        if item.data[0] == 0x90 | (channel - 1) and item.data[2]
    ]


def step_of(zero: int, nanos: int) -> float:
    return (nanos - zero) / STEP_NANOS


def peer_now(received: list[PeerMessage]) -> int:
    return received[-1].nanos if received else 0
