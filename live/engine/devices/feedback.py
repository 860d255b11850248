"""Feedback: what leaves by an output and comes back by an input is found out and left out.

A loop gives back nearly all that is sent, byte for byte and soon.  A performer in unison with the instrument
does not: a message counts only where channel, pitch and velocity are equal, it came after the sending, and
most of what was sent has come back as well.  A key's own thru message that comes again says little, for keys
are struck again; unless it does so faster than any hand or note repeat.
Owns: what was sent last, and which inputs give it back.  Threads: engine only.  Realtime: yes.
"""

import dataclasses
from collections import deque
from collections.abc import Callable

from live.timing.midi_bytes import Received, is_note_on
from live.timing.timeline import Nanos

WINDOW_NANOS = 200_000_000
"""What takes longer on its way round is not found."""

ENOUGH = 8
"""So many more have come back than have not: a loop."""

_LONG_NANOS = 1_000_000_000  # for as long may what comes back wait among the arrivals
_MOST = 2 * ENOUGH
_MISSED = 2  # what one that has not come back takes away
_TOO_FAST_NANOS = 20_000_000  # a note repeat of 1/64 at 180 beats per minute comes every 21 ms
_TOO_OFTEN = 12


@dataclasses.dataclass(slots=True)
class _Sending:
    """A message that left: when, because of which input ("" for none), and who gave it back."""

    nanos: int
    data: bytes
    origin: str
    returned: set[str]


@dataclasses.dataclass(slots=True)
class _Input:
    """What an input gives back: by how much, and how often in a row its own notes came too fast."""

    score: int = 0
    fast: int = 0
    muted: bool = False


class Feedback:
    """Listens to what is sent and what arrives.

    Args:
        found: called with the name of an input that gives back what is sent.
        ended: called with it when it does so no more.

    Attributes:
        handling: the input whose message is being played just now, "" for none.
        suspicious: whether the last message that `echoed` was asked about had been sent just before.
    """

    def __init__(
        self, found: Callable[[str], object], ended: Callable[[str], object] = lambda _port: None
    ) -> None:
        self.handling, self.suspicious = "", False
        self._found, self._ended = found, ended
        self._order: deque[_Sending] = deque()
        self._sent: dict[bytes, deque[_Sending]] = {}
        self._inputs: dict[str, _Input] = {}

    def sent(self, data: bytes, nanos: Nanos) -> None:
        """Take note of a message that leaves."""
        if data[0] >= 0xF0:
            return
        self._expire(nanos - _LONG_NANOS)
        sending = _Sending(nanos, data, self.handling, set())
        self._order.append(sending)
        self._sent.setdefault(data, deque()).append(sending)

    def echoed(self, received: Received) -> bool:
        """Tell whether a message is to be left out: some of what its input is known to give back.

        Of most messages nothing like them was sent: for those this costs next to nothing, see `handled`.
        """
        self.suspicious = False
        if received.data not in self._sent:
            return False
        port = self._inputs.setdefault(received.port, _Input())
        self._expire(received.nanos - WINDOW_NANOS)
        equal = self._sent.get(received.data, ())
        sending = next((one for one in equal if received.port not in one.returned), None)
        if sending is None or sending.nanos > received.nanos:
            return False
        self.suspicious = True
        sending.returned.add(received.port)
        if sending.origin != received.port or port.muted:
            port.score = min(_MOST, port.score + 1)
        elif is_note_on(received.data):
            soon = received.nanos - sending.nanos < _TOO_FAST_NANOS
            port.fast = port.fast + 1 if soon else max(0, port.fast - 1)
        if not port.muted and (port.score >= ENOUGH or port.fast >= _TOO_OFTEN):
            port.muted, port.score, port.fast = True, _MOST, 0
            self._found(received.port)
        return port.muted

    def handled(self, received: Received) -> None:
        """Do what could wait until a message that was not left out was played."""
        self.handling = ""
        self._expire(received.nanos - WINDOW_NANOS)
        if not self.suspicious and is_note_on(received.data):
            port = self._inputs.setdefault(received.port, _Input())
            port.fast = max(0, port.fast - 1)

    def forget(self, name: str) -> None:
        """Know nothing more of an input: it has gone."""
        port = self._inputs.pop(name, None)
        if port is not None and port.muted:
            self._ended(name)

    def _expire(self, before: int) -> None:
        """Let go of what was sent before a moment; who has not given it back is less of a loop."""
        while self._order and self._order[0].nanos < before:
            old = self._order.popleft()
            same = self._sent[old.data]
            same.popleft()
            if not same:
                del self._sent[old.data]
            for name, port in self._inputs.items():
                if name not in old.returned and (name != old.origin or port.muted):
                    port.score = max(0, port.score - _MISSED)
                    if port.muted and not port.score:
                        port.muted = False
                        self._ended(name)
