"""The far end of a MIDI cable, as a process of its own: see JackPeer in jack_harness.py.

A process of its own because the code under test may hold its interpreter while JACK waits for every
client.  Commands come as JSON lines on stdin, answers and received MIDI leave as JSON lines on stdout; the
end of stdin ends it.
"""

import base64
import collections
import heapq
import itertools
import json
import sys
import threading
import time
from typing import Any

import jack

CYCLES_KEPT = 64
SETTLING_CYCLES = 4


class Peer:
    """Plays MIDI at given moments, hears MIDI and audio with the moments at which it arrived.

    JACK's own reckoning of time runs on another clock and is milliseconds off after a lost cycle.  Here the
    host's time of frame 0 is the least of what the last cycles say: a cycle may start late, never early.
    """

    def __init__(self, name: str) -> None:
        self.client = jack.Client(name, no_start_server=True)
        self.midi_out = self.client.midi_outports.register("out")
        self.midi_in = self.client.midi_inports.register("in")
        self.audio_in = [self.client.inports.register(f"audio_{side}") for side in ("left", "right")]
        self.waiting: list[tuple[int, int, bytes]] = []  # (frame, order, data): a heap
        self.order = itertools.count()
        self.lock = threading.Lock()
        self.outbox: collections.deque[dict[str, Any]] = collections.deque()
        self.wake = threading.Semaphore(0)
        self.ports_changed = threading.Condition()
        self.cycle = 0
        self.rounds: collections.deque[tuple[int, threading.Event]] = collections.deque()
        self.take: list[list[bytes]] = [[], []]
        self.frames_wanted = 0
        self.nanos_per_frame = 1e9 / self.client.samplerate
        self.zeros: collections.deque[float] = collections.deque(maxlen=CYCLES_KEPT)
        self.client.set_process_callback(self.process)
        self.client.set_port_registration_callback(self.port_changed, only_available=False)
        self.client.activate()

    def port_changed(self, _port: Any, _registered: bool) -> None:
        with self.ports_changed:
            self.ports_changed.notify_all()

    def process(self, frames: int) -> None:
        nanos = time.monotonic_ns()
        start = self.client.last_frame_time
        self.zeros.append(nanos - start * self.nanos_per_frame)
        zero = min(self.zeros)
        self.midi_out.clear_buffer()
        with self.lock:
            self.cycle += 1
            while self.rounds and self.rounds[0][0] <= self.cycle:
                self.rounds.popleft()[1].set()
            while self.waiting and self.waiting[0][0] < start + frames:
                frame, _, data = heapq.heappop(self.waiting)
                self.midi_out.write_midi_event(max(0, frame - start), data)
            for place, data in self.midi_in.incoming_midi_events():
                received = round(zero + (start + place) * self.nanos_per_frame)
                self.say(received=[received, start + place, bytes(data).hex()])
            if self.frames_wanted > 0:
                for side, port in enumerate(self.audio_in):
                    self.take[side].append(bytes(port.get_buffer()))
                self.frames_wanted -= frames
                if self.frames_wanted <= 0:
                    self.say(audio=[base64.b64encode(b"".join(side)).decode() for side in self.take])
                    self.take = [[], []]

    def say(self, **message: Any) -> None:
        self.outbox.append(message)
        self.wake.release()

    def write(self) -> None:
        while True:
            self.wake.acquire()
            sys.stdout.write(json.dumps(self.outbox.popleft()) + "\n")
            sys.stdout.flush()

    def obey(self, command: dict[str, Any]) -> Any:
        match command["do"]:
            case "play":
                with self.lock:
                    zero = min(self.zeros, default=0.0)
                    for nanos, data in command["messages"]:
                        frame = round((nanos - zero) / self.nanos_per_frame) if nanos else 0
                        heapq.heappush(self.waiting, (frame, next(self.order), bytes.fromhex(data)))
                return None
            case "ports":
                return [port.name for port in self.client.get_ports()]
            case "await":
                return self.await_ports(command["names"], command["present"], command["seconds"])
            case "connect":
                self.client.connect(command["source"], command["destination"])
                self.await_cycles(SETTLING_CYCLES)
                return None
            case "settle":
                self.await_cycles(SETTLING_CYCLES)
                return None
            case "disconnect":
                self.client.disconnect(command["source"], command["destination"])
                return None
            case "record":
                with self.lock:
                    self.frames_wanted = round(command["seconds"] * self.client.samplerate)
                return None
            case other:
                raise ValueError(other)

    def await_cycles(self, count: int) -> None:
        """Wait until JACK has gone round: what is played before that into a new connection is lost."""
        over = threading.Event()
        with self.lock:
            self.rounds.append((self.cycle + count, over))
        over.wait(5)

    def await_ports(self, names: list[str], present: bool, timeout: float) -> bool:
        def settled() -> bool:
            existing = {port.name for port in self.client.get_ports()}
            return all((name in existing) == present for name in names)

        with self.ports_changed:
            return self.ports_changed.wait_for(settled, timeout)


def main() -> None:
    jack.set_error_function(lambda _text: None)
    jack.set_info_function(lambda _text: None)
    peer = Peer(sys.argv[1])
    threading.Thread(target=peer.write, daemon=True).start()
    peer.say(answer=peer.client.name, rate=peer.client.samplerate)
    for line in sys.stdin:
        try:
            peer.say(answer=peer.obey(json.loads(line)))
        except jack.JackError as reason:
            peer.say(error=str(reason))
    peer.client.deactivate()
    peer.client.close()


if __name__ == "__main__":
    main()
