"""Watches ports come and go: a cable that is kicked out and plugged in again is back by itself."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Collection
from typing import Literal, NamedTuple, Protocol

from live.devices import systems
from live.devices.alsa.connections import connections
from live.devices.jack.probe import Direction, JackProbe
from live.devices.names import OUR_NAME, keyboards, match, plain_name, twin_name
from live.errors import PortError, PortMissingError, TwobarError

PERIOD_S = 1.0
_CLOSE_PATIENCE_S = 3.0
_MISSES = 2


class Port(Protocol):
    """What is watched: a MidiInput or a MidiOutput."""

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
        was: the name under which it was known (ALSA numbers ports anew), or waited for; "" for one that
            nobody has asked for.
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
        lost_cycles: that the system was too late for, with whatever was played in them.
    """

    generation: int

    @property
    def lost_cycles(self) -> int:
        """See above."""

    def __call__(self, direction: Direction) -> list[str] | None:
        """Return the names of one direction; None when the system is dead; PortError: unknown just now."""

    def connections(self, name: str) -> frozenset[str] | None:
        """Return the names of the ports that a port is connected with; None where that is not known."""

    def close(self) -> None:
        """Release what the looking needs."""


class SystemLister:
    """Looks at the real MIDI system, through probes that are opened once and again when they died."""

    def __init__(self, api: str) -> None:
        """Look on a MIDI system; on "auto", which is resolved as soon as one answers, only for that long."""
        self.generation = 0
        self._api = api
        self._jack: JackProbe | None = None
        self._dead = False
        self._misses = 0
        self._lost_before = 0
        self._probes: dict[Direction, systems.Probe] = {}

    @property
    def lost_cycles(self) -> int:
        """JACK's; no other system tells."""
        return self._lost_before + (self._jack.xruns if self._jack is not None else 0)

    def __call__(self, direction: Direction) -> list[str] | None:
        """Return the names of one direction; None when the system is not there.

        Raises:
            PortError: it is not known just now.
        """
        if self._api == "auto":
            try:
                self._api = systems.resolve_api("auto")
            except PortError:
                return None
        if self._api == "jack":
            return self._look_at_jack(direction)
        try:
            if direction not in self._probes:
                self._probes[direction] = systems.Probe(direction, self._api)
            return self._probes[direction].names()
        except TwobarError:
            self._probes.pop(direction, None)
            return None

    def _look_at_jack(self, direction: Direction) -> list[str] | None:
        if self._jack is not None and not self._jack.alive:
            self.generation += 1
            self._dead = True
            self._lost_before += self._jack.xruns
            self._jack.close()
            self._jack = None
        if self._jack is None:
            try:
                self._jack = JackProbe(systems.PROBE_CLIENT, shared=True)
                self._jack.count_xruns()
            except OSError as reason:
                self._misses += 1
                if self._dead or self._misses > _MISSES:
                    return None
                raise PortError(str(reason)) from None  # a busy server may refuse once: no proof of death
        self._dead, self._misses = False, 0
        try:
            stands = not self._jack.runs() and self._jack.alive
            found = [] if stands else self._jack.ports(direction)
        except OSError as reason:
            raise PortError(str(reason)) from None
        if stands:
            raise PortError("the JACK server stands still")  # what is opened now would wait for it, and we
        return found if self._jack.alive else None

    def connections(self, name: str) -> frozenset[str] | None:
        """Return what a port is connected with, on JACK and ALSA; None on others."""
        if self._api == "jack" and self._jack is not None:
            return self._jack.connections(name)
        return connections(name) if self._api == "alsa" else None

    def close(self) -> None:
        """Release the probes."""
        if self._jack is not None:
            self._jack.close()
            self._jack = None
        while self._probes:
            self._probes.popitem()[1].close()


class _Watched:
    """One port that is wanted: open, or waited for.

    Attributes:
        name: the port's, or what was asked for while there was none.
        wanted: what was asked for, "" where nobody named it.
        near: our own end of the cable to it, "" while that is not known.
        failed: whether the open port is of no use any more.
    """

    def __init__(
        self,
        direction: Direction,
        name: str,
        port: Port | None,
        reopen: Callable[[str], Port],
        *,
        wanted: str,
    ) -> None:
        self.direction = direction
        self.name = name
        self.wanted = wanted
        self.virtual = port.virtual if port is not None else wanted == "virtual"
        self.port = port
        self.known = port is not None
        self.reopen = reopen
        self.near = ""
        self.failed = False

    def found(self, names: Collection[str], taken: Collection[str]) -> str | None:
        """Return the name under which it is there now, among those that are not taken."""
        free = [name for name in names if name not in taken]
        if self.name in free:
            return self.name
        plain = plain_name(self.name)
        again = next((name for name in free if plain_name(name) == plain), None)
        return again or (match(self.wanted, free) if self.wanted else None)


class PortWatch:
    """Looks at the ports about once a second and reopens what has come back.

    Args:
        report: gets each Change, on the watcher's thread; must not block.
        adopt: opens a keyboard that is plugged in later, by its name; None: only known ports are watched.
        wanted: chooses, of the inputs there are, those that are adopted.
        died: called when the MIDI system, which was there, is found dead.
        failed: called with a sentence when a look has failed; it is repeated all the same.
        revived: called when it is there again; False when what it did must be tried again at the next look.
        looked: called after each look that showed the ports.

    Threads: `add`, `wait_for` and `lost` any; the rest, and what is called, the watcher's own.
    """

    def __init__(
        self,
        report: Callable[[Change], object],
        *,
        lister: Lister,
        adopt: Callable[[str], Port] | None = None,
        wanted: Callable[[list[str]], list[str]] = keyboards,
        died: Callable[[], object] = lambda: None,
        failed: Callable[[str], object] = lambda _sentence: None,
        revived: Callable[[], bool] | None = None,
        looked: Callable[[], object] = lambda: None,
        period_s: float = PERIOD_S,
    ) -> None:
        self._report = report
        self._lister = lister
        self._adopt, self._wanted = adopt, wanted
        self._died, self._revived, self._failed, self._looked = died, revived, failed, looked
        self._fault = ""
        self._seen = self._down = False
        self._period_s = period_s
        self._watched: list[_Watched] = []
        self._refused: set[str] = set()
        self._twins: dict[Direction, Counter[str]] = {}
        self._generation = lister.generation
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hot-plug", daemon=True)

    def add(
        self, direction: Direction, port: Port, reopen: Callable[[str], Port], *, wanted: str = ""
    ) -> None:
        """Watch an open port.

        Args:
            direction: "in" or "out".
            port: that is open.
            reopen: gets the name it came back under ("virtual" for a virtual one).
            wanted: what was asked for: it may come back under another name that fits this.
        """
        with self._lock:
            self._watched.append(_Watched(direction, port.name, port, reopen, wanted=wanted))

    def wait_for(self, direction: Direction, wanted: str, reopen: Callable[[str], Port]) -> None:
        """Watch for a port that was asked for and is not there; `reopen` as above."""
        with self._lock:
            self._watched.append(_Watched(direction, wanted, None, reopen, wanted=wanted))

    def lost(self, port: Port) -> None:
        """Take a port that has failed as gone, whatever its name says: it is opened anew at the next look."""
        with self._lock:
            for one in self._watched:
                one.failed = one.failed or one.port is port

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
        changed = {direction: self._changed_twins(direction, present) for direction, present in names.items()}
        for one in watched:
            self._look_for_loss(one, names[one.direction], changed[one.direction], died=died)
        for one in watched:
            self._look_for_return(one, names[one.direction], watched)
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

    def _changed_twins(self, direction: Direction, present: list[str] | None) -> set[str]:
        """Return the names that several ports share and of which there are more or fewer than before.

        Nothing tells which of them went: all are opened anew.
        """
        now = Counter(map(twin_name, present or []))
        before = self._twins.get(direction, now)
        self._twins[direction] = now
        return {name for name, most in (before | now).items() if most > 1 and before[name] != now[name]}

    def _look_for_loss(
        self, one: _Watched, present: list[str] | None, changed_twins: set[str], *, died: bool
    ) -> None:
        if one.port is None:
            return
        if one.virtual:
            is_there = present is not None
        else:
            is_there = one.name in (present or []) and twin_name(one.name) not in changed_twins
            is_there = is_there and not self._cut(one)
        if died or one.failed or not is_there:
            lost, one.port, one.near, one.failed = one.port, None, "", False
            self._report(Change(one.direction, one.name, one.name, "gone", lost))
            if died or present is None:
                lost.abandon()
            else:
                self._close(lost)

    def _cut(self, one: _Watched) -> bool:
        """Tell whether a port is there but the cable to it is not: it went and came between two looks.

        Where our end leads elsewhere instead, somebody has connected it so.
        """
        peers = self._lister.connections(one.name)
        if peers is None:
            return False
        if not one.near:
            ours = f"{OUR_NAME}{one.direction}"
            one.near = next((peer for peer in sorted(peers) if peer.startswith(ours)), "")
        return bool(one.near) and one.near not in peers and not self._lister.connections(one.near)

    def _look_for_return(self, one: _Watched, present: list[str] | None, watched: list[_Watched]) -> None:
        if one.port is not None or present is None:
            return
        found = "virtual" if one.virtual else one.found(present, _open_names(one.direction, watched))
        if found is None:
            return
        with contextlib.suppress(TwobarError):  # not ready yet: the next look tries again
            one.port = one.reopen(found)
            was, one.name = one.name, one.port.name
            state: Literal["back", "new"] = "back" if one.known else "new"
            one.known = True
            self._cut(one)  # learns our end at once
            self._report(Change(one.direction, one.name, was, state, one.port))

    def _look_for_new(self, present: list[str], watched: list[_Watched]) -> None:
        assert self._adopt is not None
        taken = _open_names("in", watched)
        for one in watched:  # what is to come back and is not ready yet is nothing new
            if one.direction == "in" and one.port is None and not one.virtual:
                taken.add(one.found(present, taken) or "")
        self._refused &= set(present)
        for name in self._wanted(present):
            if name in taken or name in self._refused:
                continue
            try:
                port = self._adopt(name)
            except PortMissingError:
                self._refused.add(name)  # by itself, or by who holds it: until it is plugged in anew
                continue
            except TwobarError:
                continue  # the system did not answer: the next look tries again
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
        if not self._thread.is_alive():  # else it looks with that, at a server that stands still
            self._lister.close()


def _open_names(direction: Direction, watched: list[_Watched]) -> set[str]:
    return {one.name for one in watched if one.port is not None and one.direction == direction}
