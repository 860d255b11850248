"""A real JACK server without a sound card, and a real client at the far end of the cable.

The fixtures of conftest.py: `jack_server` starts `jackd -d dummy` under a name of this run's own and puts
that name into the environment, so that everything started from here, in process or not, finds it;
`peer` is a JackPeer on it.  A whole scene:

    def test_thru(jack_server, peer):
        jam = subprocess.Popen([sys.executable, "-m", "live", "jam", "--headless", "--api", "jack",
                                "--in", "virtual", "--out", "virtual"], env=jack_server.env, ...)
        peer.connect(peer.midi_out, "twobar-in:keys")    # waits until the port is there
        peer.connect("twobar-out:notes", peer.midi_in)
        start = time.monotonic_ns() + 50_000_000
        peer.play(b"\\x90\\x3c\\x64", at=start)              # leaves on the frame nearest to that moment
        received = peer.wait_for(lambda all: any(item.data == b"\\x90\\x3c\\x64" for item in all), timeout=2)
        jam.terminate()
        assert peer.sounding() == set()                  # no hanging note

Stamps are the `time.monotonic_ns()` of the frame on which a message lay, good to a fraction of a
millisecond; `PeerMessage.frame` is exact.  At 64 frames and 48 kHz a cycle is 1.33 ms: python-rtmidi puts
what it sends at the start of the next cycle.

Audio: `peer.record(seconds, ["fluidsynth:left", "fluidsynth:right"])` returns float32 [frames, 2].
"""

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from live.devices.jack.probe import jack_answers
from tests.fakes.sounding import sounding

SAMPLE_RATE, PERIOD = 48000, 64
TOO_MANY = "Too many servers already active"
PROCESS = Path(__file__).with_name("jack_peer_process.py")


class PeerMessage(NamedTuple):
    """A message that reached the peer: on `time.monotonic_ns()`'s scale, and on which of JACK's frames."""

    nanos: int
    data: bytes
    frame: int


def be_punctual(pid: int, priority: int = 40) -> None:
    """Give every thread of a process real-time priority, where one may.

    Each by itself: JACK starts its threads with ordinary priority, whatever the process has; -R drops cycles.
    """
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            os.sched_setscheduler(int(task.name), os.SCHED_FIFO, os.sched_param(priority))


class JackServer:
    """`jackd -d dummy` under its own name, until stop.

    Synchronous, it waits for every client in every cycle, so that nothing is lost however busy the machine
    is; but a client that is killed holds it up for five seconds.  Tests that kill one take `sync=False`.
    """

    def __init__(self, name: str, log: Path, *, sync: bool = True, period: int = PERIOD) -> None:
        self.name = name
        self.options = f"-n {name} --no-realtime{' -S' * sync} -d dummy -r {SAMPLE_RATE} -p {period}".split()
        self.env = os.environ | {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, timeout: float = 15.0) -> None:
        """Start it and return when it answers; JACK_DEFAULT_SERVER must already name it."""
        close_resting()
        self._launch()
        deadline, pause = time.monotonic() + timeout, threading.Event()
        while not jack_answers():
            assert self._process is not None
            if self._process.poll() is not None and TOO_MANY in self.log.read_text(errors="replace"):
                self.log.write_bytes(b"")
                free_places_of_the_dead()
                self._launch()
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"jackd did not start: {self.log.read_text(errors='replace')[-2000:]}")
            pause.wait(0.02)  # it tells nobody when it is ready
        be_punctual(self.pid)

    def _launch(self) -> None:
        with_us = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []  # dies with the tests
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*with_us, "jackd", *self.options], stdout=log, stderr=log, env=self.env
            )
        self._killed = False

    def stop(self) -> None:
        """End it by its own pid; safe to call twice."""
        if self._killed:
            take_leave_of(self.name)
            self._killed = False
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
            take_leave_of(self.name)

    def kill(self) -> None:
        """Die as a server does that nobody asked to; `stop` cleans up after it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(5)
        self._process, self._killed = None, True


def close_resting() -> None:
    """Close the clients of this process that rest, for the instruments that tests start want their names.

    Nor does libjack stand two servers at once.  Here nobody holds the interpreter, so that it may be done.
    """
    if "live.devices.jack.client" in sys.modules:
        from live.devices.jack import client  # noqa: PLC0415  where it is not imported there are none

        for one in client._clients:
            if one.alive and not one._used:
                one.alive = False
                one._rests.clear()
                one._rests.wait(1)
                one.deactivate()
                one.close()


def take_leave_of(name: str) -> None:
    """Free the place of a server that died without signing off.

    JACK's registry has eight places for good; one is given back only by a server of the same name.
    """
    command = ["jackd", "-n", name, "--no-realtime", "-d", "dummy"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", name)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            deadline, pause = time.monotonic() + 5, threading.Event()
            while process.poll() is None and not jack_answers() and time.monotonic() < deadline:
                pause.wait(0.02)
            process.terminate()


def free_places_of_the_dead() -> None:
    """Free the places of all servers that do not answer any more."""
    registry = Path("/dev/shm/jack-shm-registry")
    with contextlib.suppress(OSError):
        for name in set(re.findall(rb"jack-\d+:([\w.-]+):", registry.read_bytes())):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("JACK_DEFAULT_SERVER", name.decode())
                if not jack_answers():
                    take_leave_of(name.decode())


class JackPeer:
    """A JACK client in a process of its own that plays and hears MIDI and hears audio.

    Args:
        server: None for the one that the environment names.

    Attributes:
        name: as the server gave it.
        midi_out, midi_in: full names of its ports, for connect.
        audio_in: full names of its two audio inputs.
    """

    def __init__(self, server: JackServer | None = None, name: str = "peer") -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROCESS), name],
            env=server.env if server is not None else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._news = threading.Condition()
        self._received: list[PeerMessage] = []
        self._answers: list[dict[str, Any]] = []
        self._audio: list[list[str]] = []
        self._over = False
        self._asking = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.name = str(self._answer(10.0))
        be_punctual(self.pid)
        self.midi_out, self.midi_in = f"{self.name}:out", f"{self.name}:in"
        self.audio_in = (f"{self.name}:audio_left", f"{self.name}:audio_right")

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            with self._news:
                if "received" in message:
                    nanos, frame, data = message["received"]
                    self._received.append(PeerMessage(nanos, bytes.fromhex(data), frame))
                elif "audio" in message:
                    self._audio.append(message["audio"])
                else:
                    self._answers.append(message)
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _answer(self, timeout: float) -> Any:
        with self._news:
            if not self._news.wait_for(lambda: self._answers or self._over, timeout) or not self._answers:
                raise TimeoutError("the JACK peer does not answer")
            message = self._answers.pop(0)
        if "error" in message:
            raise RuntimeError(message["error"])
        return message["answer"]

    def _ask(self, timeout: float = 10.0, **command: Any) -> Any:
        assert self._process.stdin is not None
        with self._asking:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
            return self._answer(timeout)

    def play(self, *messages: bytes, at: int | None = None) -> None:
        """Send messages at a moment (monotonic nanoseconds), or as soon as can be."""
        self.play_all([(at or 0, data) for data in messages])

    def play_all(self, messages: list[tuple[int, bytes]]) -> None:
        """Send (monotonic nanoseconds, message) pairs, each on its frame; 0 is as soon as can be."""
        self._ask(do="play", messages=[(nanos, data.hex()) for nanos, data in messages])

    def ports(self) -> list[str]:
        """Return the full names of all ports on the server."""
        return list(self._ask(do="ports"))

    def wait_for_ports(self, *names: str, timeout: float = 10.0, present: bool = True) -> None:
        """Return when all these ports are there (or all gone)."""
        if not self._ask(timeout + 5, do="await", names=names, present=present, seconds=timeout):
            present_ports = self.ports()
            raise TimeoutError(
                f"waited {timeout} s for {names} to be {'there' if present else 'gone'}; are: {present_ports}"
            )

    def connect(self, source: str, destination: str, *, timeout: float = 10.0) -> None:
        """Connect two ports by their full names, as soon as both are there."""
        self.wait_for_ports(source, destination, timeout=timeout)
        self._ask(do="connect", source=source, destination=destination)

    def settle(self) -> None:
        """Wait until a connection that another client made just now carries what is played."""
        self._ask(do="settle")

    def disconnect(self, source: str, destination: str) -> None:
        self._ask(do="disconnect", source=source, destination=destination)

    @property
    def received(self) -> list[PeerMessage]:
        """Everything received so far, in order."""
        with self._news:
            return list(self._received)

    def clear(self) -> None:
        """Forget what was received."""
        with self._news:
            self._received.clear()

    def wait_for(
        self, predicate: Callable[[list[PeerMessage]], object], timeout: float = 5.0
    ) -> list[PeerMessage]:
        """Return what was received as soon as the predicate holds for it; woken by each message."""
        with self._news:
            if not self._news.wait_for(lambda: predicate(self._received) or self._over, timeout):
                latest = [(received.nanos, received.data.hex(" ")) for received in self._received[-200:]]
                raise TimeoutError(f"not received within {timeout} s; received was {latest}")
            if not predicate(self._received):
                raise RuntimeError("the JACK peer ended")
            return list(self._received)

    def sounding(self) -> set[tuple[int, int]]:
        """Return (channel 1..16, pitch) of the received notes that have not ended; CC 120 and 123 end all."""
        notes = sounding((data for _, data, _ in self.received), all_off=True)
        return {(channel + 1, pitch) for channel, pitch in notes}

    def record(self, seconds: float, sources: list[str]) -> npt.NDArray[np.float32]:
        """Hear up to two audio ports for some seconds; returns [frames, 2]."""
        for source, sink in zip(sources, self.audio_in, strict=False):
            with contextlib.suppress(RuntimeError):  # connected already
                self.connect(source, sink)
        self._ask(do="record", seconds=seconds)
        with self._news:
            if not self._news.wait_for(lambda: self._audio or self._over, seconds + 10) or not self._audio:
                raise TimeoutError("no audio came")
            sides = self._audio.pop(0)
        return np.stack([np.frombuffer(base64.b64decode(side), np.float32) for side in sides], axis=1)

    def close(self) -> None:
        """End the process; safe to call twice."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()


def rms(audio: npt.NDArray[np.float32]) -> float:
    """Return the root mean square over all frames and sides."""
    return float(np.sqrt(np.mean(np.square(audio.astype(np.float64)))))
