"""The lights of controllers: which ports have them, and when they show something new.

Owns: the open ports of lights, and what they show.
Threads: `look` a watch's, the rest the engine's only; what is sent leaves from threads of the ports' own.
"""

import contextlib
import threading
from collections.abc import Callable, Collection

from live.control import lights
from live.control.desk import Desk
from live.control.mappings.mapping_file import Controller, Mapping, message
from live.devices.light_port import LightPort, Wire
from live.devices.names import hardware, match, partner, spoken_name
from live.errors import TwobarError
from live.jam.jam import Jam
from live.settings.schema import AUTO
from live.timing.timeline import Nanos
from model.music.metre import name_of
from model.music.tracks import TRACKS

PERIOD_NANOS = 50_000_000
QUIET_NANOS = 300_000  # nothing is drawn so short before something is due
IDLE_NANOS = 1_000_000_000
COLUMNS = 8
REGISTERS = (72, 60, 48, 0)  # rows of a model of one part, from the top


class Lights:
    """The lamps and rings of all controllers.

    Args:
        open_port: opens an output by its name; raises TwobarError.
        recording: tells whether a take is under way.
        say: gets a sentence about what stays dark, "" where it is lit again, and the controller's port;
            from any thread.
    """

    def __init__(
        self,
        desk: Desk,
        jam: Jam,
        open_port: Callable[[str], Wire],
        *,
        recording: Callable[[], bool],
        say: Callable[[str, str], object],
    ) -> None:
        self._desk, self._jam, self._open, self._say = desk, jam, open_port, say
        self._recording = recording
        self._ports: dict[str, LightPort] = {}
        self._controllers: dict[str, Controller] = {}  # as the ports were greeted
        self._dark: set[str] = set()  # of whom that was said
        self._shown: lights.LitState | None = None
        self._looked: dict[str, Mapping] = {}
        self._drawn = 0
        self._cells: tuple[object, tuple[frozenset[int], ...]] = (None, ())

    # -- ports, on a watch's thread ------------------------------------------------------------------

    def look(self, inputs: Collection[str], outputs: Callable[[], list[str] | None]) -> None:
        """Open the lights of controllers that are there, close those of others.

        Args:
            inputs: names of the ports that are heard.
            outputs: names those that could be sent to; None where that is not known.
        """
        for name in [*self._ports]:
            if name not in inputs or self._ports[name].lost:
                self.unplug(name)
            elif self._controllers[name] != self._desk.mapping_of(name).controller:
                self._ports.pop(name).close()  # another mapping greets it in another way
        wanting = [
            name
            for name in hardware(inputs)  # a virtual port of ours has no lamps
            if name not in self._ports and self._desk.mapping_of(name).has_lights
        ]
        self._dark &= set(wanting)
        found: list[str] | None = None
        if wanting:
            with contextlib.suppress(TwobarError):  # the next look tells more
                found = outputs()
        for name in wanting if found is not None else []:
            controller = self._desk.mapping_of(name).controller
            port = match(controller.lights, found or []) if controller.lights else None
            port = port or partner(name, found or [])
            try:
                if port is not None:
                    self._controllers[name] = controller
                    self._ports[name] = self._opened(port, name)
                    self._shown = None  # what has just come knows nothing yet
                    self._say("", name)
                elif name not in self._dark:
                    self._say(f"{spoken_name(name)} has no port for its lights: they stay dark", name)
            except TwobarError as fault:
                if name not in self._dark:
                    self._say(f"the lights of {spoken_name(name)} stay dark: {fault}", name)
            if name not in self._ports:
                self._dark.add(name)

    def _opened(self, port: str, name: str) -> LightPort:
        mapping = self._desk.mapping_of(name)
        controller = mapping.controller
        return LightPort(
            self._open(port),
            hello=[data for text in controller.hello if (data := message(text))],
            goodbye=[data for text in controller.goodbye if (data := message(text))],
            dark=lights.dark(mapping),
            failed=lambda fault: self._say(f"the lights of {spoken_name(port)} have gone out: {fault}", name),
        )

    def unplug(self, name: str) -> None:
        """Let go of a controller's lights, without waiting.  Threads: any."""
        port = self._ports.pop(name, None)
        if port is not None:
            threading.Thread(target=port.close, name="close-lights", daemon=True).start()

    # -- what they show, on the engine's -------------------------------------------------------------

    def show(self, now: Nanos, soonest: int) -> int:
        """Show what has changed, if it is time to; returns when to come back."""
        if not self._ports:
            return now + IDLE_NANOS
        if now - self._drawn < PERIOD_NANOS:
            return self._drawn + PERIOD_NANOS
        if soonest - now < QUIET_NANOS and now - self._drawn < 4 * PERIOD_NANOS:
            return max(now, soonest)
        self._drawn = now
        ports = [*self._ports.items()]
        mappings = {name: self._desk.mapping_of(name) for name, _ in ports}
        state = self._state(now, roll=any(mapping.roll is not None for mapping in mappings.values()))
        if state != self._shown or mappings != self._looked:
            self._shown, self._looked = state, mappings
            for name, port in ports:
                port.show(lights.lamps(mappings[name], state))
        return now + PERIOD_NANOS

    def _state(self, now: Nanos, *, roll: bool) -> lights.LitState:
        jam, path = self._jam, self._jam.history.state
        tick, lines = jam.tick(now), jam.plan.lines
        within = (tick - lines.start) % lines.grid.ticks_per_beat
        cells, column = self._roll(now) if roll and jam.transport.running else ((), -1)
        scenery = jam.scenery
        return lights.LitState(
            transport=jam.state(now),
            on_beat=jam.transport.running and 2 * within < lines.grid.ticks_per_beat,
            mode=path.mode,
            metre=name_of(lines.grid),
            phrase_bars=path.phrase_bars,
            loop_bars=path.loop_bars,
            frozen=path.frozen,
            key_locked=jam.requests.key != AUTO,
            anchors=frozenset(path.anchors),
            muted=frozenset(TRACKS[track] for track in jam.plan.muted),
            alone=frozenset((jam.mixer.mutes.solo,)) - {""},
            metronome=jam.sender.metronome.on,
            recording=self._recording(),
            scenes=frozenset(view.number for view in scenery.views()) if scenery is not None else frozenset(),
            scene=scenery.called if scenery is not None else 0,
            knobs=dict(jam.knobs),
            cells=cells,
            column=column,
        )

    def _roll(self, now: Nanos) -> tuple[tuple[frozenset[int], ...], int]:
        """Return which cells of the grid hold notes, and the column that sounds."""
        jam = self._jam
        lines, tick = jam.plan.lines, jam.tick(now)
        if tick < max(0, lines.start):
            return (), -1
        cell = lines.cell_of(tick)
        first, start, end = lines.bar_of_cell(cell), lines.tick_of_cell(cell), lines.tick_of_cell(cell + 1)
        key = (jam.run, lines, cell, jam.plan.version)
        if self._cells[0] != key:
            rows: list[list[tuple[int, int]]] = [[] for _ in REGISTERS]
            several = len(jam.plan.tracks) > 1
            for number in range(first, first + lines.grid.bars):
                shift = lines.tick_of_bar(number) - start
                for begin, length, pitch, _velocity, track in jam.plan.bar_rows(number)[1]:
                    row = track if several else next(n for n, low in enumerate(REGISTERS) if pitch >= low)
                    rows[row].append((begin + shift, begin + shift + length))
            drawn = tuple(lights.columns(notes, end - start, COLUMNS) for notes in rows)
            self._cells = (key, drawn)
        column = COLUMNS * (tick - start) // max(1, end - start)
        return self._cells[1], column if 0 <= column < COLUMNS else -1

    def close(self) -> None:
        """Clear all lights."""
        for port in [*self._ports.values()]:
            port.close()
        self._ports.clear()
