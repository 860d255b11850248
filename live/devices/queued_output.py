"""What outputs have in common that give messages ahead to a queue of the system's: ALSA's, CoreMIDI's.

Tested in tests/live/devices/test_coremidi.py, tests/live/devices/alsa/test_output.py.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from live import errors
from live.devices.rtmidi_port import MidiOutput, PlayedChannels

MARGIN_NANOS = 6_000_000
"""So long ahead a message is given: the loop that gives it may wake late."""

LOOK_NANOS = 10_000_000  # between two looks at the system's clock
_PATIENCE_NANOS = 300_000_000  # with what was given for later


class SystemClient(Protocol):
    """A client of a MIDI system."""

    def close(self) -> None:
        """Leave, and what waits with it; safe to call twice."""


ClientT = TypeVar("ClientT", bound=SystemClient)


class QueuedOutput(MidiOutput, Generic[ClientT]):
    """An open output; with `send_at` a `live.timing.midi_bytes.TimedSink`.

    Args:
        client: an open one of its own, which goes with it.
        name: of the port, as listed.
        nanos: host time.

    Attributes:
        lead_nanos: so long before it is due a message must be given to leave at its moment.
        late: messages that were given after their moment.

    Threads: any.
    """

    punctual = "each message at its moment"
    virtual = False

    def __init__(self, client: ClientT, name: str, *, nanos: Callable[[], int]) -> None:
        self.name, self.late, self.lead_nanos = name, 0, MARGIN_NANOS
        self._client: ClientT | None = client
        self._nanos, self._last_due = nanos, 0
        self._played = PlayedChannels()
        self._lock = threading.Lock()  # a port that has gone is closed on a thread of its own

    @contextlib.contextmanager
    def _opening(self) -> Iterator[None]:
        """Connect inside; raises PortMissingError where that fails."""
        try:
            yield
        except OSError as reason:
            self.abandon()
            sentence = f"the MIDI output '{self.name}' could not be opened: {reason}"
            raise errors.PortMissingError(sentence) from None

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[ClientT]:
        """Use the client inside; raises PortError where the port is closed, or the system refuses."""
        with self._lock:
            if self._client is None:
                raise errors.PortError(f"the MIDI output '{self.name}' is closed")
            try:
                yield self._client
            except OSError as reason:
                raise errors.PortError(f"the MIDI output '{self.name}' failed: {reason}") from None

    def close(self, *, silently: bool = False) -> None:
        """Silence the channels that were played on, let what ends notes leave, and go; safe to call twice."""
        if not silently:
            with contextlib.suppress(errors.PortError):
                for data in self._played.silence():
                    self.send(data)
            end = min(self._last_due + self.lead_nanos, self._nanos() + _PATIENCE_NANOS)
            while self._client is not None and self._nanos() < end:
                time.sleep(LOOK_NANOS / 1e9)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the port, at once."""
        with self._lock:
            client, self._client = self._client, None
            if client is not None:
                client.close()
