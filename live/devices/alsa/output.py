"""MIDI outputs on ALSA's sequencer: each message leaves from a queue in the kernel at its moment.

Messages for now go past the queue.  What ends sounds takes back what would begin them later: each message
that begins something has a tag of its own in the queue, as far as 255 reach, many times what can wait there.
Tested in tests/live/devices/alsa/test_output.py.
"""

import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from live import errors
from live.devices.alsa.sequencer import Sequencer
from live.devices.rtmidi_port import MidiOutput, PlayedChannels
from live.timing.ahead_queue import begun_by, ended_by
from live.timing.host_line import HostLine
from live.timing.timeline import Nanos

MARGIN_NANOS = 6_000_000
"""So long ahead a message is given: the loop that gives it may wake late."""

_TAGS = 255
_LOOK_NANOS = 10_000_000  # between two looks at the queue's count
_PATIENCE_NANOS = 300_000_000  # with what was given for later


class _Waiting(NamedTuple):
    """What begins something and is in the queue."""

    due: Nanos
    key: tuple[int, int]
    tag: int


class AlsaOutput(MidiOutput):
    """An open output; a `live.timing.midi_bytes.TimedSink`.

    Args:
        sequencer: an open client of its own.
        name: of the port that is played to, as listed, with its address; "" to be one that others connect to.
        own_name: of our own port then.

    Attributes:
        lead_nanos: so long before it is due a message must be given to leave at its moment.
        late: messages that were given after their moment.

    Raises:
        PortMissingError: the port could not be connected.

    Threads: any.  Realtime: yes, a few us for a message.
    """

    api = "alsa"
    punctual = "each message at its moment"

    def __init__(
        self,
        sequencer: Sequencer,
        name: str,
        *,
        own_name: str = "",
        nanos: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.name, self.virtual = name or own_name, not name
        self.late = 0
        self.lead_nanos = MARGIN_NANOS + sequencer.beat_nanos
        self._sequencer: Sequencer | None = sequencer
        self._nanos = nanos
        self._half_beat = sequencer.beat_nanos // 2
        self._line = HostLine(1.0)
        self._looked = self._last_due = 0
        self._waiting: deque[_Waiting] = deque()
        self._tags = itertools.cycle(range(1, _TAGS + 1))
        self._played = PlayedChannels()
        self._lock = threading.Lock()  # a port that has gone is closed on a thread of its own
        if name:
            try:
                sequencer.connect_to(name)
            except OSError as reason:
                self.abandon()
                sentence = f"the MIDI output '{name}' could not be opened: {reason}"
                raise errors.PortMissingError(sentence) from None
        self._observe(sequencer)

    def observe(self, now: Nanos) -> None:
        """See how far the queue is, now and then."""
        with self._lock:
            if self._sequencer is not None and now - self._looked >= _LOOK_NANOS:
                self._observe(self._sequencer)

    def _observe(self, sequencer: Sequencer) -> None:
        count = sequencer.nanos()
        self._looked = self._nanos()  # after it: the line expects to hear of a count late, not early
        self._line.observe(count, self._looked)

    def send(self, data: bytes) -> None:
        """Send one whole message now; raises PortError where the port is closed, or the driver refuses."""
        with self._lock, self._reported():
            sequencer = self._open()
            ended = ended_by(data)
            if ended is not None and self._waiting:
                self._take_back(sequencer, ended)
            self._played.add(data)
            sequencer.send(data)

    def send_at(self, data: bytes, due: Nanos) -> None:
        """Send one whole message at a moment; raises as `send`."""
        with self._lock, self._reported():
            sequencer, now = self._open(), self._nanos()
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
        kept = deque[_Waiting]()
        for waiting in self._waiting:
            if waiting.key == ended or ended == (waiting.key[0], -1):
                sequencer.take_back(waiting.tag)
            else:
                kept.append(waiting)
        self._waiting = kept

    def _open(self) -> Sequencer:
        if self._sequencer is None:
            raise errors.PortError(f"the MIDI output '{self.name}' is closed")
        return self._sequencer

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as reason:
            raise errors.PortError(f"the MIDI output '{self.name}' failed: {reason}") from None

    def close(self, *, silently: bool = False) -> None:
        """Silence the channels that were played on, let what ends notes leave, and go; safe to call twice."""
        if not silently:
            with contextlib.suppress(errors.PortError):
                for data in self._played.silence():
                    self.send(data)
            end = min(self._last_due + self.lead_nanos, self._nanos() + _PATIENCE_NANOS)
            while self._sequencer is not None and self._nanos() < end:
                time.sleep(_LOOK_NANOS / 1e9)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the port, at once."""
        with self._lock:
            sequencer, self._sequencer = self._sequencer, None
            if sequencer is not None:
                sequencer.close()
