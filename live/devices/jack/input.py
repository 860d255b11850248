"""MIDI inputs on JACK: MIDI clock and time code are stamped with the frame that they lay on.

All messages of a cycle are handed over together, whenever the system lets JACK's thread run: on a busy
machine a millisecond late on the mean, and a whole cycle before that is 21 ms with 1,024 frames.  A clock's
frame is exact, and its host time is known within tens of microseconds (`live.timing.host_line`).
Where an output of ours is on the same server its line is taken: what it plays then lies on the frames that
the clock lay on.
Tested in tests/live/devices/jack/test_input.py and, on a server, tests/drivers/test_ports_jack.py.
"""

import time
from collections.abc import Callable

from live.devices.jack.client import JackClient
from live.devices.jack.port import JackPort
from live.devices.parser import MessageParser
from live.devices.rtmidi_port import Deliver, FrameTimes, MidiInput
from live.timing.midi_bytes import ACTIVE_SENSING, CLOCK, QUARTER_FRAME, Received
from live.timing.timeline import Nanos

_TIMED = (CLOCK, QUARTER_FRAME)


class JackInput(JackPort, MidiInput):
    """An open input: every whole message is stamped and handed on, from JACK's thread.

    Realtime: yes, a few us for a message.
    """

    direction = "in"

    def __init__(
        self,
        client: str,
        port: str,
        deliver: Deliver,
        *,
        peer: str = "",
        nanos: Callable[[], int] = time.monotonic_ns,
        output: Callable[[], FrameTimes | None] = lambda: None,
    ) -> None:
        """As `JackPort`; `output` finds one of ours on the same server."""
        self._deliver, self._output = deliver, output
        self._parser = MessageParser()
        super().__init__(client, port, peer=peer, nanos=nanos)

    @property
    def broken(self) -> int:
        """Messages that did not arrive whole: the driver, or the cable, has lost some of what was played."""
        return self._parser.broken

    def _process(self, client: JackClient, frames: int) -> None:
        for place, packet in client.read(client.buffer(frames)):
            now = Nanos(self._nanos())
            for data in self._parser.feed(packet):
                if data[0] == ACTIVE_SENSING:
                    continue
                moment = self._lay(place) if data[0] in _TIMED else now
                try:
                    self._deliver(Received(moment, data, self.name))
                except Exception:  # noqa: BLE001  the next message is another
                    self.faults += 1

    def _lay(self, place: int) -> Nanos:
        """Return when a frame of the present cycle is."""
        output, frame = self._output(), self._frame + place
        seen = output.moment(frame) if output is not None else None
        return self._line.nanos(frame) if seen is None else seen

    def close(self) -> None:
        """Stop listening and release the port; safe to call twice, never hangs."""
        self._release()
