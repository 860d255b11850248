"""Ports on which somebody else's beat comes in: one leads, the others are named.

Owns: which port is followed.  Threads: engine only.  Realtime: yes.
Tested in tests/live/jam/leaders/test_midi_clock.py.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from live.jam.notices import Notices
from live.timing.timeline import Nanos

ANY = "auto"


class BeatSource(Protocol):
    """What comes in from one port."""

    def lost(self, now: Nanos) -> bool:
        """Tell whether it came, and comes no more."""


SourceT = TypeVar("SourceT", bound=BeatSource)


class Sources(Generic[SourceT]):
    """Chooses the port to follow.

    Args:
        notices: where it says which leads.
        what: comes in: "MIDI clock".
        make: what follows another port.
        wanted: a part of the name of the port to follow; "auto" is the first on which it comes.

    Attributes:
        port: that is followed; "" for none yet.
    """

    def __init__(
        self, notices: Notices, what: str, make: Callable[[], SourceT], *, wanted: str = ANY
    ) -> None:
        self._notices, self._what, self._make, self._wanted = notices, what, make, wanted
        self._all: dict[str, SourceT] = {}
        self.port = ""
        self._named: set[str] = set()  # ports that are not followed, and were named

    @property
    def chosen(self) -> SourceT | None:
        """Return what is followed."""
        return self._all.get(self.port)

    def of(self, port: str) -> SourceT | None:
        """Return what comes in from a port; None where that is not wanted."""
        if self._wanted not in (ANY, port) and self._wanted.casefold() not in port.casefold():
            return None
        if port not in self._all:
            self._all[port] = self._make()
        return self._all[port]

    def choose(self, port: str, now: Nanos) -> bool:
        """Follow a port on which it comes, unless another's does; returns whether it goes over from one."""
        chosen, what = self.chosen, self._what
        if port == self.port:
            return False
        if chosen is not None and not chosen.lost(now):
            if port not in self._named:
                self._named.add(port)
                self._notices.add(
                    "warning", f"two {what}s come in: {self.port} leads, that of {port} is left aside"
                )
            return False
        before, self.port = self.port, port
        self._named.discard(port)
        if chosen is None:
            self._notices.add("info", f"{what} comes in from {port}: it leads", about=what)
            return False
        self._named.add(before)
        self._notices.add("warning", f"{what} of {before} is lost: that of {port} leads", about=what)
        return True
