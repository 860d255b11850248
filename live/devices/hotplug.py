"""Watches ports come and go: a cable that is kicked out and plugged in again is back by itself."""

import contextlib
import threading
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from live.devices import ports
from live.devices.jack import Direction, JackProbe
from live.devices.ports import hardware, plain_name
from live.errors import PortError, TwobarError

PERIOD_S = 1.0
_CLOSE_PATIENCE_S = 3.0
_MISSES = 2


class Port(Protocol):
    """What is watched: an InputPort or an OutputPort."""

    name: str
    virtual: bool

    def close(self) -> None:
        """Release it; may take a moment."""

    def abandon(self) -> None:
        """Let go of it at once: its MIDI system has died."""


class Change(NamedTuple):
    """A port that went, came back, or was plugged in for the first time.

    Attributes:
        direction: "in" or "out".
        name: the port's name now.
        was: the name under which it was known (ALSA numbers ports anew); "" for a new one.
        state: "gone", "back" or "new".
        port: the reopened port, ready for use; when gone, the lost one, which the watch closes.

    """

    direction: Direction
    name: str
    was: str
    state: Literal["gone", "back", "new"]
    port: Port


class Lister(Protocol):
    """Tells which ports there are.

    Attributes:
        generation: grows whenever the MIDI system was found dead; every port on it is then lost.

    """

    generation: int

    def __call__(self, direction: Direction) -> list[str] | None:
        """Return the names of one direction; None when the system is dead; PortError: unknown just now."""

    def close(self) -> None:
        """Release what the looking needs."""


class SystemLister:
    """Looks at the real MIDI system, through probes that are opened once and again when they died."""

    def __init__(self, api: str) -> None:
        """Look on a resolved MIDI system."""
        self.generation = 0
        self._api = api
        self._jack: JackProbe | None = None
        self._dead = False
        self._misses = 0
        self._probes: dict[Direction, ports.Probe] = {}

    def __call__(self, direction: Direction) -> list[str] | None:
        """Return the names of one direction; None when the system is not there.

        Raises:
            PortError: it is not known just now.

        """
        if self._api == "jack":
            return self._look_at_jack(direction)
        try:
            if direction not in self._probes:
                self._probes[direction] = ports.Probe(direction, self._api)
            return self._probes[direction].names()
        except TwobarError:
            self._probes.pop(direction, None)
            return None

    def _look_at_jack(self, direction: Direction) -> list[str] | None:
        if self._jack is not None and not self._jack.alive:
            self.generation += 1
            self._dead = True
            self._jack.close()
            self._jack = None
        if self._jack is None:
            try:
                self._jack = JackProbe(ports.PROBE_CLIENT)
            except OSError as reason:
                self._misses += 1
                if self._dead or self._misses > _MISSES:
                    return None
                raise PortError(str(reason)) from None  # a busy server may refuse once: no proof of death
        self._dead, self._misses = False, 0
        found = self._jack.ports(direction)
        return found if self._jack.alive else None

    def connections(self, name: str) -> frozenset[str] | None:
        """Return the names of the ports that a port is connected with; None where that is not known."""
        return self._jack.connections(name) if self._jack is not None else None

    def close(self) -> None:
        """Release the probes."""
        if self._jack is not None:
            self._jack.close()
            self._jack = None
        while self._probes:
            self._probes.popitem()[1].close()


class _Watched:
    """One port that is wanted: open, or waited for."""

    def __init__(self, direction: Direction, port: Port, reopen: Callable[[str], Port]) -> None:
        self.direction = direction
        self.name = port.name
        self.virtual = port.virtual
        self.port: Port | None = port
        self.reopen = reopen

    def found(self, names: list[str]) -> str | None:
        """Return the name under which it is there now."""
        if self.name in names:
            return self.name
        plain = plain_name(self.name)
        return next((name for name in names if plain_name(name) == plain), None)


class PortWatch:
    """Looks at the ports about once a second and reopens what has come back.

    Args:
        report: gets each Change, on the watcher's thread; must not block.
        lister: tells which ports there are.
        adopt: opens a keyboard that is plugged in later, by its name; None: only known ports are watched.
        died: called when the MIDI system, which was there, is found dead.
        failed: called with a sentence when a look has failed; it is repeated all the same.
        revived: called when it is there again; False when what it did must be tried again at the next look.
        looked: called after each look that showed the ports.

    Threads: add any; `look`, the reopening and what is called on the watcher's own thread.
    """

    def __init__(
        self,
        report: Callable[[Change], object],
        *,
        lister: Lister,
        adopt: Callable[[str], Port] | None = None,
        died: Callable[[], object] = lambda: None,
        failed: Callable[[str], object] = lambda _sentence: None,
        revived: Callable[[], bool] | None = None,
        looked: Callable[[], object] = lambda: None,
        period_s: float = PERIOD_S,
    ) -> None:
        """Watch nothing yet."""
        self._report = report
        self._lister = lister
        self._adopt = adopt
        self._died, self._revived, self._failed, self._looked = died, revived, failed, looked
        self._fault = ""
        self._seen = self._down = False
        self._period_s = period_s
        self._watched: list[_Watched] = []
        self._refused: set[str] = set()
        self._generation = lister.generation
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hot-plug", daemon=True)

    def add(self, direction: Direction, port: Port, reopen: Callable[[str], Port]) -> None:
        """Watch an open port; `reopen` gets the name it came back under ("virtual" for a virtual one)."""
        with self._lock:
            self._watched.append(_Watched(direction, port, reopen))

    def start(self) -> None:
        """Look from now on, on a thread of its own."""
        self._thread.start()

    def _run(self) -> None:
        self._look_safely()  # at once: a system that dies before the first look would not be missed
        while not self._ending.wait(self._period_s):
            self._look_safely()

    def _look_safely(self) -> None:
        """Look; a driver's or our own fault is reported once, and the next look comes all the same."""
        try:
            self.look()
        except Exception as fault:  # noqa: BLE001  whatever it was, a keyboard may still come back
            sentence = f"a fault while looking for ports: {fault!r}"
            if sentence != self._fault:
                self._fault = sentence
                self._failed(sentence)

    def look(self) -> None:
        """Look once, and report what has changed."""
        with self._lock:
            watched = list(self._watched)
        wanted: set[Direction] = {one.direction for one in watched}
        if self._adopt is not None:
            wanted.add("in")
        if self._revived is not None:
            wanted.add("out")
        try:
            names = {direction: self._lister(direction) for direction in wanted}
        except TwobarError:
            return  # the next look tells more
        died, self._generation = self._lister.generation != self._generation, self._lister.generation
        for one in watched:
            self._look_at(one, names[one.direction], died=died)
        self._look_at_system(answers=None not in names.values(), died=died)
        present = names.get("in")
        if self._adopt is not None and present is not None:
            self._look_for_new(present, watched)
        self._looked()

    def _look_at_system(self, *, answers: bool, died: bool) -> None:
        """Tell of the MIDI system's death and return; both happened if it died between two looks."""
        if self._seen and not self._down and (died or not answers):
            self._down = True
            self._died()
        self._seen = self._seen or answers
        if self._down and answers:
            self._down = self._revived is not None and not self._revived()

    def _look_at(self, one: _Watched, present: list[str] | None, *, died: bool) -> None:
        found = one.found(present or [])
        if one.virtual:
            found = None if present is None else "virtual"
        if one.port is not None and (found is None or died):
            lost, one.port = one.port, None
            self._report(Change(one.direction, one.name, one.name, "gone", lost))
            if died or present is None:
                lost.abandon()
            else:
                self._close(lost)
        if one.port is None and found is not None:
            with contextlib.suppress(TwobarError):  # not ready yet: the next look tries again
                one.port = one.reopen(found)
                was, one.name = one.name, one.port.name
                self._report(Change(one.direction, one.name, was, "back", one.port))

    def _look_for_new(self, present: list[str], watched: list[_Watched]) -> None:
        assert self._adopt is not None
        known = {plain_name(one.name) for one in watched if one.direction == "in"}
        self._refused &= set(present)
        for name in hardware(present):
            if plain_name(name) in known or name in self._refused:
                continue
            try:
                port = self._adopt(name)
            except TwobarError:
                self._refused.add(name)  # until it is plugged in anew
                continue
            self.add("in", port, self._adopt)
            self._report(Change("in", port.name, "", "new", port))

    @staticmethod
    def _close(port: Port) -> None:
        threading.Thread(target=port.close, name="close-lost-port", daemon=True).start()

    def close(self) -> None:
        """Look no more; the ports stay open.  Safe to call twice."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_PATIENCE_S)
        self._lister.close()
