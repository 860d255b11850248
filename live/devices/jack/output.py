"""MIDI outputs on JACK: each message leaves on its frame.

Tested in tests/live/devices/jack/test_output.py and, on a server, tests/drivers/test_ports_jack.py.
"""

import contextlib
import time
from collections.abc import Callable

from live import errors
from live.devices.jack.client import JackClient
from live.devices.jack.port import JackPort
from live.devices.rtmidi_port import MidiOutput, PlayedChannels
from live.timing.ahead_queue import AheadQueue
from live.timing.timeline import Nanos

MARGIN_NANOS = 6_000_000
"""By how much more than a cycle ahead a message is given: the loop that gives it may wake late."""

_MOST_WAITING = 4096  # messages that JACK has not taken: it stands still
_CYCLES_AFTER = 2  # that a message needs to reach whoever hears it
_PATIENCE_S, _LOOK_S = 0.3, 0.002


class JackOutput(JackPort, MidiOutput):
    """An open output; a `live.timing.midi_bytes.TimedSink`.

    Attributes:
        lead_nanos: so long before it is due a message must be given to leave on its frame.
        late: messages that left later than on their frame.

    Realtime: yes, a few us for a message.
    """

    direction = "out"
    punctual = "each message on its frame"

    def __init__(
        self, client: str, port: str, *, peer: str = "", nanos: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.late = 0
        self._queue = AheadQueue()
        self._played = PlayedChannels()
        super().__init__(client, port, peer=peer, nanos=nanos)
        self.lead_nanos = self._period_nanos + MARGIN_NANOS

    def _process(self, client: JackClient, frames: int) -> None:
        buffer, queue, line, start = client.buffer(frames), self._queue, self._line, self._frame
        client.clear(buffer)
        if not queue:
            return
        while (data := queue.take_now()) is not None:
            if not client.write(buffer, 0, data):
                queue.put_first(data)
                return
        end, place = line.nanos(start + frames - 0.5), 0
        while (planned := queue.take_due(end)) is not None:
            frame = round(line.count(planned.due)) - start
            self.late += frame < 0
            place = min(max(place, frame), frames - 1)
            if not client.write(buffer, place, planned.data):
                queue.put_back(planned)
                return

    def send(self, data: bytes) -> None:
        """Send one whole message with the next cycle.

        Raises:
            PortError: the port is closed, or the server stands still.
        """
        self._check(data)
        self._queue.now(data)

    def send_at(self, data: bytes, due: Nanos) -> None:
        """Send one whole message on the frame of a moment; raises as `send`."""
        self._check(data)
        self._queue.later(data, due)

    def _check(self, data: bytes) -> None:
        if self._closed or not self.alive:
            raise errors.PortError(f"the MIDI output '{self.name}' is closed")
        if len(self._queue) > _MOST_WAITING:
            raise errors.PortError(
                f"the MIDI output '{self.name}' takes nothing: the JACK server stands still"
            )
        self._played.add(data)

    def close(self, *, silently: bool = False) -> None:
        """Silence the channels that were played on and release the port; safe to call twice."""
        with contextlib.suppress(errors.PortError):
            for data in () if silently else self._played.silence():
                self.send(data)
            self._drain()
        self._release()

    def _drain(self) -> None:
        """Wait until JACK has taken what it was given."""
        end = time.monotonic() + _PATIENCE_S
        while self._queue and self.alive and time.monotonic() < end:
            time.sleep(_LOOK_S)
        last = self._cycles + _CYCLES_AFTER
        while self._cycles < last and self.alive and time.monotonic() < end:
            time.sleep(_LOOK_S)
