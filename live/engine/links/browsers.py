"""Keyboards of browsers: bytes over a page's link, as of a port of that name.

Owns: which ports came over which link.  Threads: engine only.
"""

from typing import Any

from live.engine.devices.devices import Devices
from live.ipc.browser_midi import PlayMidi
from live.ipc.link import Link
from live.jam.jam import Jam
from live.timing.midi_bytes import Received
from live.timing.timeline import Nanos

OLDEST_NANOS = 250_000_000  # a key that is said to be older than that is no older


class BrowserKeyboards:
    """Plugs them in when they play, and lets their keys go when they have gone."""

    def __init__(self, jam: Jam, devices: Devices) -> None:
        self._jam, self._devices = jam, devices
        self._ports: dict[int, set[str]] = {}

    def received(self, link: "Link[Any]", item: PlayMidi, now: Nanos) -> Received | None:
        """Return what a port has received; None where the keyboard has gone."""
        ports, desk = self._ports.setdefault(id(link), set()), self._devices.desk
        if item.data:
            if item.port not in ports and desk is not None:
                desk.plug(item.port)
            ports.add(item.port)
            moment = Nanos(min(now, max(now - OLDEST_NANOS, item.nanos)))
            return Received(moment, item.data, item.port)
        if item.port in ports:
            ports.discard(item.port)
            self._jam.performer.release(now, port=item.port)
            if desk is not None:
                desk.unplug(item.port)
        return None

    def gone(self, link: "Link[Any]", now: Nanos) -> None:
        """Let the keys go that came over a link."""
        for port in sorted(self._ports.pop(id(link), ())):
            self._jam.performer.release(now, port=port)
