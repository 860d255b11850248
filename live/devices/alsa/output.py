"""MIDI outputs on ALSA's sequencer: each message leaves from a queue in the kernel at its moment.

Messages for now go past the queue.  What ends sounds takes back what would begin them later: each message
that begins something has a tag of its own in the queue, as far as 255 reach, many times what can wait there.
Tested in tests/live/devices/alsa/test_output.py.
"""

import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from live.devices.alsa.sequencer import Sequencer
from live.devices.queued_output import LOOK_NANOS, QueuedOutput
from live.timing.ahead_queue import begun_by, ended_by, ends
from live.timing.host_line import HostLine
from live.timing.timeline import Nanos

_TAGS = 255


class _Waiting(NamedTuple):
    """What begins something and is in the queue."""

    due: Nanos
    key: tuple[int, int]
    tag: int


class AlsaOutput(QueuedOutput[Sequencer]):
    """An open output; a `live.timing.midi_bytes.TimedSink`.

    Args:
        sequencer: an open client of its own, which goes with it.
        name: of the port that is played to, as listed, with its address; "" to be one that others connect to.
        own_name: of our own port then.

    Raises:
        PortMissingError: the port could not be connected.

    Realtime: yes, a few us for a message.
    """

    api = "alsa"

    def __init__(
        self,
        sequencer: Sequencer,
        name: str,
        *,
        own_name: str = "",
        nanos: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(sequencer, name or own_name, nanos=nanos)
        self.virtual = not name
        self.lead_nanos += sequencer.beat_nanos
        self._half_beat = sequencer.beat_nanos // 2
        self._line = HostLine(1.0)
        self._looked = 0
        self._waiting: deque[_Waiting] = deque()
        self._tags = itertools.cycle(range(1, _TAGS + 1))
        if name:
            with self._opening():
                sequencer.connect_to(name)
        self._observe(sequencer)

    def observe(self, now: Nanos) -> None:
        """See how far the queue is, now and then."""
        with self._lock:
            if self._client is not None and now - self._looked >= LOOK_NANOS:
                self._observe(self._client)

    def _observe(self, sequencer: Sequencer) -> None:
        count = sequencer.nanos()
        self._looked = self._nanos()  # after it: the line expects to hear of a count late, not early
        self._line.observe(count, self._looked)

    def send(self, data: bytes) -> None:
        """Send one whole message now; raises PortError where the port is closed, or the driver refuses."""
        with self._at_work() as sequencer:
            ended = ended_by(data)
            if ended is not None and self._waiting:
                self._take_back(sequencer, ended)
            self._played.add(data)
            sequencer.send(data)

    def send_at(self, data: bytes, due: Nanos) -> None:
        """Send one whole message at a moment; raises as `send`."""
        with self._at_work() as sequencer:
            now = self._nanos()
            self.late += due < now
            self._played.add(data)
            begun, tag = begun_by(data), 0
            if begun is not None:
                tag = next(self._tags)
                while self._waiting and self._waiting[0].due + self.lead_nanos < now:
                    self._waiting.popleft()
                self._waiting.append(_Waiting(due, begun, tag))
            self._last_due = max(self._last_due, due)
            # it leaves with the first beat after that: half a beat late at most, or early
            sequencer.send_at(data, max(0, round(self._line.count(due)) - self._half_beat), tag=tag)

    def _take_back(self, sequencer: Sequencer, ended: tuple[int, int]) -> None:
        """Take back what would begin what was ended."""
        remaining = deque[_Waiting]()
        for waiting in self._waiting:
            if ends(ended, waiting.key):
                sequencer.take_back(waiting.tag)
            else:
                remaining.append(waiting)
        self._waiting = remaining
