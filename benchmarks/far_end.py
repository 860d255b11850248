"""The far end of the cable: a JACK client that plays keys on exact frames and times what comes back.

Commands are JSON lines on stdin: {"play": [[frames from now, hex], ...]} and {"tell": true}; the answer to
`tell` is one JSON line: since the last one, the round trips in frames by channel and the note-ons that were
heard, as (frame, nanos of that frame, hexadecimal message); and the notes that sound.
The end of stdin ends it.
"""

import heapq
import itertools
import json
import sys
import threading
import time
from collections import defaultdict
from typing import Any

import click
import jack

from live.timing.clock import raise_thread
from live.timing.host_line import HostLine


class FarEnd:
    """Plays, hears, and keeps count inside JACK's own process callback."""

    def __init__(self, name: str) -> None:
        self.client = jack.Client(name, no_start_server=True)
        self._out = self.client.midi_outports.register("out")
        self._in = self.client.midi_inports.register("in")
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, int, bytes]] = []
        self._order = itertools.count()
        self._played: dict[int, int] = {}
        self._trips: defaultdict[int, list[int]] = defaultdict(list)
        self._heard: list[tuple[int, int, str]] = []
        self._sounding: set[tuple[int, int]] = set()
        self._line = HostLine(1e9 / self.client.samplerate)
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, frames: int) -> None:
        now = time.monotonic_ns()
        if not self._line.known:
            raise_thread()  # JACK's own has none where the server was given none
        start = self.client.last_frame_time
        self._line.observe(start, now)
        self._out.clear_buffer()
        with self._lock:
            while self._waiting and self._waiting[0][0] < start + frames:
                frame, _, data = heapq.heappop(self._waiting)
                self._out.write_midi_event(max(0, frame - start), data)
                if data[0] & 0xF0 == 0x90:
                    self._played[data[1]] = max(frame, start)
            for place, data in self._in.incoming_midi_events():
                self._hear(start + place, bytes(data))

    def _hear(self, frame: int, data: bytes) -> None:
        kind, channel = data[0] & 0xF0, (data[0] & 0x0F) + 1
        if kind == 0x90 and data[2]:
            self._sounding.add((channel, data[1]))
            self._heard.append((frame, self._line.nanos(frame), data.hex()))
            played = self._played.get(data[1])
            if played is not None:
                self._trips[channel].append(frame - played)
        elif kind in (0x80, 0x90):
            self._sounding.discard((channel, data[1]))
        elif kind == 0xB0 and data[1] in (120, 123):
            self._sounding = {note for note in self._sounding if note[0] != channel}

    def play(self, messages: list[tuple[int, str]]) -> None:
        """Play hexadecimal messages so many frames from now."""
        now = self.client.frame_time
        with self._lock:
            for frames, data in messages:
                heapq.heappush(self._waiting, (now + frames, next(self._order), bytes.fromhex(data)))

    def tell(self) -> dict[str, Any]:
        """Return the round trips since the last time, and what sounds."""
        with self._lock:
            trips, self._trips = self._trips, defaultdict(list)
            heard, self._heard = self._heard, []
            return {
                "trips": trips,
                "heard": heard,
                "sounding": sorted(self._sounding),
                "rate": self.client.samplerate,
            }


@click.command()
@click.argument("name")
def main(name: str) -> None:
    """Be a JACK client of that name, and obey stdin until it ends."""
    far_end = FarEnd(name)
    say({"name": far_end.client.name})
    for line in sys.stdin:
        command = json.loads(line)
        if "play" in command:
            far_end.play(command["play"])
        elif "connect" in command:
            far_end.client.connect(*command["connect"])
            say({})
        else:
            say(far_end.tell())
    far_end.client.deactivate()
    far_end.client.close()


def say(answer: dict[str, Any]) -> None:
    """Write one answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
