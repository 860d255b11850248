"""A controller's own port for its lights: what it shows is sent from a thread of its own, newest wins.

A controller takes about one message a millisecond, so a few are sent, then it is given time; what has
been overtaken meanwhile is never sent.
Owns: what the device shows.  Threads: `show` any, one at a time.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from live.errors import TwobarError

Lamp = tuple[int, int]
"""Which lamp a message sets, whatever it sets it to."""

CHUNK, CHUNK_S = 8, 0.008
_CLOSE_PATIENCE_S = 1.0


class Wire(Protocol):
    """Where messages go; see `live.devices.rtmidi_port.OutputPort`."""

    def send(self, data: bytes) -> None:
        """Send one whole message."""

    def close(self, *, silently: bool = False) -> None:
        """Release it; silently: without ending notes, which it has none of."""


class LightPort:
    """The lamps of one device.

    Args:
        wire: the port.
        hello, goodbye: messages before all others and after them.
        dark: what clears each lamp.
        failed: called with a sentence when the device takes no more.

    Attributes:
        lost: whether it has failed.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        hello: Sequence[bytes],
        goodbye: Sequence[bytes],
        dark: Mapping[Lamp, bytes],
        failed: Callable[[str], object],
    ) -> None:
        self.lost = False
        self._wire, self._hello, self._goodbye, self._failed = wire, hello, goodbye, failed
        self._dark = dark
        self._wanted: Mapping[Lamp, bytes] = dark
        self._shown: dict[Lamp, bytes] = {}
        self._changed = threading.Event()
        self._ending = threading.Event()
        self._changed.set()
        self._thread = threading.Thread(target=self._run, name="lights", daemon=True)
        self._thread.start()

    def show(self, lamps: Mapping[Lamp, bytes]) -> None:
        """Show this soon; never waits."""
        self._wanted = lamps
        self._changed.set()

    def _run(self) -> None:
        try:
            for data in self._hello:
                self._wire.send(data)
            while not self._ending.is_set():
                self._changed.wait()
                self._changed.clear()
                self._send_changes(pause=self._ending.wait)
            self._wanted = self._dark
            self._send_changes(pause=threading.Event().wait)
            for data in self._goodbye:
                self._wire.send(data)
        except TwobarError as fault:
            self.lost = True
            if not self._ending.is_set():
                self._failed(str(fault))
        with contextlib.suppress(TwobarError):
            self._wire.close(silently=True)

    def _send_changes(self, *, pause: Callable[[float], object]) -> None:
        """Send what is shown no more or not yet, a few at a time."""
        sent = 0
        while True:
            wanted = self._wanted
            lamp = next((lamp for lamp, data in wanted.items() if self._shown.get(lamp) != data), None)
            if lamp is None:
                return
            self._shown[lamp] = wanted[lamp]
            self._wire.send(wanted[lamp])
            sent += 1
            if not sent % CHUNK:
                pause(CHUNK_S)

    def close(self) -> None:
        """Clear the device and release it; safe to call twice, never waits for long."""
        self._ending.set()
        self._changed.set()
        self._thread.join(_CLOSE_PATIENCE_S)
