"""The desk: all controllers that are plugged in, each with a mapping of its own, and what was touched last.

With `auto` a port's name chooses its mapping, and where none fits the default holds; else all have the one
that was named.  A scene or a session may choose another for a port by name.
Owns: the mapping of each port, the lesson under way, and the control that was touched last.
Threads: engine only, but for `plug`, `unplug` and `replaceable`, which any may call, and for a thread of its
own that reads the files of mappings that are chosen.  Realtime: yes.
"""

import threading
from collections.abc import Callable
from collections.abc import Mapping as Table
from pathlib import Path
from typing import NamedTuple

import msgspec

from live.control.hysteresis import Hysteresis
from live.control.lesson import Lesson, Lost, Source, bound_to, clashes, control_for, source_of
from live.control.mapper import Mapper
from live.control.mappings import library
from live.control.mappings.mapping_file import Control, Mapping, describe, does, overlap, read
from live.devices.names import spoken_name
from live.errors import UsageError, unknown
from live.ipc.commands import Command, Turn
from live.ipc.snapshot import ControllerView, LessonView, TouchView
from live.settings.schema import AUTO
from live.timing.midi_bytes import (
    CHANNEL_PRESSURE,
    CONTROL,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
    PROGRAM,
    Received,
    is_channel_message,
)

OSC = "osc"


class Station(NamedTuple):
    """A port's mapper, the file that its mapping was read from, and the name that finds it again."""

    mapper: Mapper
    path: Path
    name: str


class Learned(NamedTuple):
    """A control that was bound.

    Attributes:
        port: that it is on.
        control: as it stands in the mapping.
        path: of the file that the mapping came from.
        fitting: whether that file is meant for the port; else it holds for any.
        before, after: the port's mapping without it and with it.
        instead_of: what it did before, "" for nothing else.
    """

    port: str
    control: Control
    path: Path
    fitting: bool
    before: Mapping
    after: Mapping
    instead_of: str


class Desk:
    """The controllers.

    Args:
        knob_value: tells where a knob is now.
        choice: a mapping's name, the path of a file, or auto.
        say: gets a sentence about each mapping that is not as it should be; from any thread.
        tell: gets a sentence about each mapping that was picked by hand; from any thread.
        lenient: whether a mapping that was named and is broken is made good by the default.

    Attributes:
        names: of the mappings that there are, in alphabetical order.
        lesson: under way or just over; None where nobody learns.

    Raises:
        UsageError: the mapping that was named is not there, or is broken.
    """

    def __init__(
        self,
        knob_value: Callable[[str], float],
        *,
        choice: str = AUTO,
        say: Callable[[str], object] = lambda _sentence: None,
        tell: Callable[[str], object] = lambda _sentence: None,
        lenient: bool = False,
        aside: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        """Read what is to be had for every port; none is plugged in yet."""
        self._knob_value, self._say, self._tell = knob_value, say, tell
        self._aside = aside or in_thread
        self._wanted: dict[str, str] = {}  # names of mappings that were chosen, by the ports' spoken names
        self._refused: set[tuple[str, str]] = set()  # of these, what was said to be missing
        self._library = library.Library() if choice == AUTO else None
        self._stale = False
        self.names = sorted(library.known())
        name = library.DEFAULT if choice == AUTO else choice
        try:
            path = library.locate(name)
            mapping = read(path)
        except UsageError as fault:
            if not lenient and choice != AUTO:
                raise
            say(f"{fault}; the default mapping is used")  # edited meanwhile: no reason for silence
            path = library.shipped()[library.DEFAULT]
            mapping = read(path)
        self._plain = Station(Mapper(mapping, knob_value, meant=False), path, library.name_of(path))
        self._stations: dict[str, Station] = {}
        self._steady: dict[tuple[str, int, int], Hysteresis] = {}
        self._last: tuple[str, bytes, Control | None] | None = None
        self._osc = ""
        self.lesson: Lesson | None = None
        self._moved: dict[Source, int] = {}  # nanos of each control's last message

    # -- ports that come and go ----------------------------------------------------------------------

    def plug(self, port: str) -> None:
        """Take a port into use: read its mapping.  Takes some milliseconds.  Threads: any."""
        if self._stale:
            self._library, self._stale = library.Library(), False
            self.names = sorted(library.known())
        path = self._library.file_for(port) if self._library is not None else None
        station = self._plain
        if path is not None:
            try:
                station = self._read(path)
            except UsageError as fault:
                self._say(f"{fault}; {spoken_name(port)} has the default mapping")
        self._stations[port] = station._replace(mapper=self._mapper(station.mapper.mapping, port))
        self._choose(port, self._wanted.get(spoken_name(port), station.name))

    def unplug(self, port: str) -> None:
        """Forget a port.  Threads: any."""
        self._stale = self._library is not None  # who plugs it in again may have edited its file
        self._stations.pop(port, None)

    def _mapper(self, mapping: Mapping, port: str, *, before: Mapper | None = None) -> Mapper:
        meant = overlap(mapping.controller.match, port) > 0
        return Mapper(mapping, self._knob_value, before=before, meant=meant)

    def _read(self, path: Path) -> Station:
        mapping = read(path, say=self._say)
        return Station(Mapper(mapping, self._knob_value), path, library.name_of(path))

    # -- mappings chosen by name ---------------------------------------------------------------------

    def chosen(self) -> dict[str, str]:
        """Return the names of the mappings by the spoken names of the ports that are there."""
        return {spoken_name(port): station.name for port, station in sorted(self._stations.items())}

    def choose(self, names: Table[str, str]) -> None:
        """Let ports have other mappings, those that come later, too; files are read on another thread.

        Args:
            names: of mappings, by the ports' spoken names; see `chosen`.
        """
        self._wanted |= names
        for port in [*self._stations]:
            name = names.get(spoken_name(port))
            if name is not None:
                self._choose(port, name)

    def pick(self, name: str, port: str = "") -> None:
        """Let a controller have the mapping that the performer wants; its file is read on another thread.

        Args:
            name: of a mapping, a file's path, or auto for what fits its port.
            port: its spoken name; "" for every controller that is there.

        Raises:
            UsageError: there is no such controller, or no mapping of that name.
        """
        ports = [one for one in self._stations if port in ("", spoken_name(one))]  # two alike go together
        if not self._stations:
            raise UsageError("no controller is plugged in that could have another mapping")
        if not ports:
            raise unknown("controller", port, sorted(map(spoken_name, self._stations)))
        if name != AUTO and name not in self.names and not library.is_path(name):
            self.names = sorted(library.known())  # somebody may have written one meanwhile
            if name not in self.names:
                raise unknown("mapping", name, [*self.names, AUTO])
        for one in ports:
            self._wanted[spoken_name(one)] = name
            self._refused.discard((one, name))  # who asks again is answered
            self._choose(one, name, aloud=True)

    def controllers(self) -> list[ControllerView]:
        """Return each controller with its mapping, as the screen shows it."""
        return [ControllerView(port, name) for port, name in self.chosen().items()]

    def _choose(self, port: str, name: str, *, aloud: bool = False) -> None:
        """Let a port have another mapping, which counts from here on; aloud where somebody waits to be told.

        Auto is worked out on the other thread, too, from the files as they lie there by then.
        """
        before = self._stations[port]
        if name == before.name:
            return
        coming = name
        if name == AUTO and self._library is not None:
            known = self._library.file_for(port)
            coming = library.name_of(known) if known is not None else self._plain.name
        self._stations[port] = promised = before._replace(name=coming)

        def fetch() -> None:
            try:
                station = self._read(self._fitting(port) if name == AUTO else library.locate(name))
            except UsageError as fault:
                station = before
                if (port, name) not in self._refused:
                    self._refused.add((port, name))
                    self._say(f"{fault}; {spoken_name(port)} stays with {before.name}")
            else:
                mapper = self._mapper(station.mapper.mapping, port, before=before.mapper)
                station = station._replace(mapper=mapper)
                if aloud:
                    self._tell(f"mapping {station.name} for {spoken_name(port)}")
            if self._stations.get(port) is promised:
                self._stations[port] = station

        self._aside(fetch)

    def _fitting(self, port: str) -> Path:
        """Return the file that fits a port best, of all that there are now; the default where none does."""
        fresh = library.Library()
        if self._library is not None:
            self._library = fresh
        return fresh.file_for(port) or library.locate(library.DEFAULT)

    def mapping_of(self, port: str) -> Mapping:
        """Return the mapping of a port."""
        return self._station(port).mapper.mapping

    @property
    def name(self) -> str:
        """What is in use, by the controllers' names."""
        used = [station.mapper.mapping.controller.name for station in tuple(self._stations.values())]
        return ", ".join(dict.fromkeys(used)) or self._plain.mapper.mapping.controller.name

    def _station(self, port: str) -> Station:
        return self._stations.get(port, self._plain)

    # -- what arrives --------------------------------------------------------------------------------

    def feed(self, received: Received) -> list[Command]:
        """Return the commands that a message means; while a lesson listens, none."""
        port, data, nanos = received.port, received.data, received.nanos
        mapper = self._station(port).mapper
        if self.lesson is not None and self.lesson.listening:
            self.lesson.feed(received)
            self._remember(received)
            return []
        self._remember(received)
        self._touch(port, data, mapper)
        return mapper.feed(data, nanos)

    def _remember(self, received: Received) -> None:
        """Remember when a control moved; keys that play are none."""
        if Lesson.consumes(received.data):
            self._moved[source_of(received)] = received.nanos

    def consumes(self, received: Received) -> bool:
        """Tell whether a message is bound, or learned from, and so not played thru."""
        if self.lesson is not None and self.lesson.listening and self.lesson.consumes(received.data):
            return True
        return self._station(received.port).mapper.consumes(received.data)

    def replaceable(self, received: Received) -> bool:
        """Tell whether a newer message of the same control makes this one worthless.  Threads: any."""
        lesson = self.lesson
        return not (lesson is not None and lesson.listening) and self._station(
            received.port
        ).mapper.replaceable(received.data)

    def waiting(self) -> dict[str, float]:
        """Return where hardware waits to be picked up, by knob."""
        places: dict[str, float] = {}
        for station in (self._plain, *tuple(self._stations.values())):
            places |= station.mapper.waiting()
        return places

    # -- what was touched last -----------------------------------------------------------------------

    def _touch(self, port: str, data: bytes, mapper: Mapper) -> None:
        """Remember a control that was touched; keys that play, and pots that flicker, are none."""
        if not is_channel_message(data):
            return
        kind = data[0] & 0xF0
        if kind == NOTE_OFF:
            return
        control = mapper.control_of(data)
        if kind == NOTE_ON:
            if not data[2] or (control is None and not mapper.consumes(data)):
                return
        elif kind in (CONTROL, CHANNEL_PRESSURE, PITCH_BEND) and (control is None or control.encoder is None):
            number = data[1] if kind == CONTROL else 0
            steady = self._steady.setdefault((port, data[0], number), Hysteresis())
            if not steady.feed(data[-1], 127):
                return
        elif kind not in (CONTROL, PROGRAM):
            return
        self._last, self._osc = (port, data, control), ""

    def commanded(self, command: Command) -> None:
        """Remember what another program turned or called."""
        if command.source == OSC:
            self._osc = command.knob if isinstance(command, Turn) else type(command).__name__

    def touched(self, *, calls_songs: bool = False) -> TouchView | None:
        """Return the control that was touched last, and what it does; None before the first.

        Args:
            calls_songs: whether program changes that nothing is bound to choose songs.
        """
        if self._osc:
            return TouchView("OSC", "", self._osc)
        if self._last is None:
            return None
        port, data, control = self._last
        if control is not None:
            return TouchView(spoken_name(port), describe(control), does(control))
        song = f"song {data[1] + 1}" if calls_songs and data[0] & 0xF0 == PROGRAM else ""
        return TouchView(spoken_name(port), spoken(data), song)

    # -- learning ------------------------------------------------------------------------------------

    def learn(self, target: str) -> None:
        """Bind the next control that is touched to a knob or an action.

        Raises:
            UsageError: there is neither of that name.
        """
        self.lesson = Lesson(target, moving=dict(self._moved))

    def advance(self, now: int) -> Learned | None:
        """Return the control that has been recognised since; it is active from here on."""
        lesson = self.lesson
        touched = lesson.settle(now) if lesson is not None else None
        if lesson is None or touched is None:
            return None
        port, found = touched
        station = self._station(port)
        try:
            control = control_for(lesson.target, found)
            mapping = bound_to(station.mapper.mapping, control)
        except (UsageError, Lost) as fault:
            lesson.refuse(str(fault))
            return None
        before = station.mapper.mapping
        lesson.learned(f"{spoken_name(port)} · {describe(control)}, {found.name}")
        fitting = self._library is None or self._library.file_for(port) is not None
        target = library.target_for(station.path, port, fitting=fitting)
        self._set(port, mapping, library.name_of(target))
        if not library.is_path(library.name_of(target)):
            self.names = sorted({*self.names, library.name_of(target)})
        others = (does(one) for one in before.control if clashes(one, control))
        instead_of = ", ".join(one for one in others if one != does(control))
        return Learned(port, control, station.path, fitting, before, mapping, instead_of)

    def unlearn(self, learned: Learned) -> None:
        """Let a control do what it did before it was learned."""
        now = self.mapping_of(learned.port)
        rest = [control for control in now.control if control != learned.control]
        taken = msgspec.structs.replace(now, control=rest)
        if now == learned.after:
            self._set(learned.port, learned.before, library.name_of(learned.path))
        else:
            self._set(learned.port, taken, self._station(learned.port).name)
        self.lesson = None

    def _set(self, port: str, mapping: Mapping, name: str) -> None:
        """Let a port have another mapping; controls that stay are where they were."""
        station = self._station(port)
        fresh = Station(self._mapper(mapping, port, before=station.mapper), station.path, name)
        if port in self._stations:
            self._stations[port] = fresh
        else:
            self._plain = fresh
        if self._last is not None and self._last[0] == port:
            self._last = (port, self._last[1], fresh.mapper.control_of(self._last[1]))

    def lesson_view(self) -> LessonView | None:
        """Return the lesson as the screen shows it."""
        return self.lesson.view() if self.lesson is not None else None


def in_thread(work: Callable[[], None]) -> None:
    """Do some work on a thread of its own."""
    threading.Thread(target=work, name="mapping", daemon=True).start()


def spoken(data: bytes) -> str:
    """Return a controller's message in a few words, as "CC 74"."""
    kind = data[0] & 0xF0
    if kind == CONTROL:
        return f"CC {data[1]}"
    if kind == NOTE_ON:
        return f"note {data[1]}"
    if kind == PROGRAM:
        return f"program {data[1]}"
    return "pitch bend" if kind == PITCH_BEND else "aftertouch"
