"""Between the engine and the browsers: the newest snapshot for all, and commands gathered from all.

Owns: the newest snapshot, and which commands wait.  Threads: the event loop's only.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from live.ipc.browser_midi import MidiOut, PlayMidi, WantMidi
from live.ipc.commands import Command, GoOnMap, Turn
from live.ipc.snapshot import Snapshot, ToDashboard, Update, applied
from live.timing.midi_bytes import CONTROL, PROGRAM

GATHER_SECONDS = 0.008  # a drag at 60 Hz, or at 240 Hz, becomes at most 125 turns of a knob a second
MOST_WAITING = 256
Later = Callable[[float, Callable[[], None]], object]
"""Does something after so many seconds."""

VOLUME = 7  # the controller


class Broker:
    """What all browsers see, and what they want.

    Args:
        send: gives the engine a command; must not block.
        later: does something in a moment; the running event loop by itself.

    Attributes:
        snapshot: the newest; None before the first.
        connected: whether there is an engine.
        take_file: of the take under way, or of the last one; "" before the first.
        dropped: commands left out of a storm.
    """

    def __init__(
        self, send: Callable[[Command | PlayMidi | WantMidi], object], *, later: Later | None = None
    ) -> None:
        self.snapshot: Snapshot | None = None
        self.connected = False
        self.take_file = ""
        self.dropped = 0
        self._send = send
        self._later = later or _on_the_loop
        self._bells: set[asyncio.Event] = set()
        self._hearing: set[Callable[[MidiOut], None]] = set()
        self._sounds: dict[bytes, MidiOut] = {}
        self._waiting: list[Command] = []
        self._turned: dict[str, int] = {}
        self._gathers = False

    # -- from the engine -------------------------------------------------------------------------

    def take(self, message: ToDashboard) -> None:
        """Take what the engine shows, and wake whoever watches."""
        if isinstance(message, MidiOut):
            self.spread(message)
            return
        if isinstance(message, Snapshot):
            self.snapshot = message
        elif isinstance(message, Update) and self.snapshot is not None:
            self.snapshot = applied(message, self.snapshot)
        if self.snapshot is not None and self.snapshot.recording:
            self.take_file = self.snapshot.recording
        self.ring()

    def spread(self, message: MidiOut) -> None:
        """Give what the instrument plays to whoever wants to hear it; keep its sounds for who joins later."""
        kind = message.data[0] & 0xF0
        if kind == PROGRAM or (kind == CONTROL and message.data[1] == VOLUME):
            self._sounds[message.data[:-1]] = message
        for hear in self._hearing:
            hear(message)

    def hear(self, take: Callable[[MidiOut], None], *, wanted: bool) -> None:
        """Let somebody hear what the instrument plays, or no more; the engine is asked for the first."""
        before = bool(self._hearing)
        (self._hearing.add if wanted else self._hearing.discard)(take)
        if bool(self._hearing) != before:
            self._sounds.clear()  # the engine begins with them
            self._send(WantMidi(bool(self._hearing)))
        elif wanted:
            for message in tuple(self._sounds.values()):
                take(message)

    def play(self, message: PlayMidi) -> None:
        """Give the engine a key at once, without gathering."""
        self._send(message)

    def set_connected(self, connected: bool) -> None:
        """Note whether there is an engine."""
        self.connected = connected
        if connected and self._hearing:
            self._send(WantMidi(wanted=True))  # an engine that follows another knows nothing of it
        self.ring()

    def ring(self) -> None:
        """Wake every browser's task."""
        for bell in self._bells:
            bell.set()

    @contextlib.contextmanager
    def watched(self) -> Iterator[asyncio.Event]:
        """Return a bell that rings when something is new, for as long as someone watches."""
        bell = asyncio.Event()
        bell.set()
        self._bells.add(bell)
        try:
            yield bell
        finally:
            self._bells.discard(bell)

    # -- to the engine ---------------------------------------------------------------------------

    def put(self, command: Command) -> None:
        """Let a command wait for a moment; of a knob's turns between two other commands the newest counts."""
        if isinstance(command, Turn | GoOnMap):
            what = command.knob if isinstance(command, Turn) else "map"
            place = self._turned.get(what)
            if place is not None:
                self._waiting[place] = command
                return
            self._turned[what] = len(self._waiting)
        else:
            self._turned.clear()
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            self._turned.clear()
            return
        self._waiting.append(command)
        if not self._gathers:
            self._gathers = True
            self._later(GATHER_SECONDS, self.flush)

    def flush(self) -> None:
        """Give the engine what waits."""
        waiting, self._waiting, self._gathers = self._waiting, [], False
        self._turned.clear()
        for command in waiting:
            self._send(command)


def _on_the_loop(seconds: float, do: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, do)
