"""A stage for tests: a jam on a fake clock, an echoing model, and everything that was sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np

from live.ipc import messages
from live.ipc.commands import Command
from live.ipc.places import Point
from live.jam.commands import Commands
from live.jam.jam import Jam
from live.jam.protocols import Bindings
from live.settings.config import with_options
from live.settings.schema import Config
from live.timing.midi_bytes import Received, Stream, note_off, note_on
from live.timing.timeline import Nanos, Tick
from live.worker.listening.listener import Listener
from live.worker.phrases import chords_in
from live.worker.place_solver import PlaceSolver, point_of
from model.music.grid import Grid
from model.music.metre import METRES, cut, name_of, padded
from model.music.phrase import Note, Phrase
from tests.fakes.commands import command
from tests.fakes.part_rows import band_of, drums_of
from tests.fakes.sounding import sounding

MS = 1_000_000
OWN = Grid()


PARTS: dict[str, Callable[[list[Note]], list[Note]]] = {"drums": drums_of, "multitrack": band_of}


class Sent(NamedTuple):
    """A message that left: when it was due in ticks and nanoseconds, when it left, and as whose voice."""

    tick: int
    data: bytes
    due: int
    moment: int
    voice: Stream


class EchoModel:
    """Decodes a latent to the phrase it was encoded from; density leaves notes out or doubles them.

    With a codec of several parts it plays a part of each beside it, and for drums only those; of other
    models, those of `others`, it loads by name.
    """

    def __init__(self, *, ident: str = "echo-1", codec: str = "poly", accompanies: bool = False) -> None:
        self.ident, self.codec, self.accompanies = ident, codec, accompanies
        self.pattern: list[Note] = []  # that a band plays to whatever is played
        self.others: dict[str, EchoModel] = {}
        self.loaded: EchoModel = self
        self.second = 1.0  # of every vector that it finds
        self.phrases: list[list[Note]] = []
        self.places = PlaceSolver(ident, np.ones(2, np.float32), Grid(bars=64))  # long enough for any phrase
        self.decodes: list[messages.Decode] = []
        self.encodes: list[messages.Encode] = []

    def ready(self) -> messages.Ready:
        return messages.Ready(
            model="echo",
            ident=self.ident,
            codec=self.codec,
            knobs=["density"],
            bars=2,
            beats_per_bar=4,
            steps_per_beat=4,
            latent_size=2,
            map_points=[(0.0, 0.0)],
            runtime="test",
            ms=1.0,
            accompanies=self.accompanies,
            metres=list(METRES),
        )

    def answer(self, message: messages.ToWorker) -> messages.Answer:
        if isinstance(message, messages.Load) and message.model in self.others:
            self.loaded = self.others[message.model]
            return self.loaded.ready()
        if self.loaded is not self and not isinstance(message, messages.Load):
            return self.loaded.answer(message)
        if isinstance(message, messages.Encode):
            self.encodes.append(message)
            self.phrases.append(message.notes if in_own_metre(message) else padded_rows(message))
            number = float(len(self.phrases))
            found = messages.Encoded(message.ident, [number, self.second], {"density": 1.0}, (0.1, 0.2), 1.0)
            return self.joined(found, message) if self.pattern else found
        if isinstance(message, messages.Warp):
            return messages.Warped(message.ident, [0.0, 0.5, 1.0])
        if isinstance(message, messages.Load):
            return messages.LoadFailed(f"there is no {message.model}")
        assert isinstance(message, messages.Decode)
        self.decodes.append(message)
        if not self.phrases:  # asked of the model before, and taken by the one that has replaced it
            return messages.Failed(message.ident, "there is nothing to decode")
        try:
            point = point_of(self.places.latent(message.place))
        except ValueError as error:
            return messages.Failed(message.ident, f"the model could not answer: {error}")
        rows = self.phrases[max(0, min(len(self.phrases), round(point.z[0])) - 1)]
        turn = message.turns.get("density", 0.0)
        if turn < 0:
            rows = [row for row in rows if row[0] % 4 == 0]
        if turn > 0:
            rows = rows + [
                Note(row[0] + 1, min(127, row[1] + 12), row[2], 1, 0.0, row[5]) for row in rows if row[0] < 31
            ]
        if self.pattern:
            rows = in_metre([*rows, *self.pattern], message)
            written = chords_in(self.pattern, OWN)[: message.grid.beats if message.grid else None]
            return messages.Decoded(message.ident, rows, point, (0.3, 0.4), 2.0, written=written)
        if self.codec == "melody":
            rows = [row._replace(length=1, release=0.0) for row in rows]
        rows = in_metre(PARTS.get(self.codec, list)(rows), message)
        return messages.Decoded(message.ident, rows, point, (0.3, 0.4), 2.0)

    def joined(self, found: messages.Encoded, message: messages.Encode) -> messages.Encoded:
        """Return what was found with a pattern of the band beside it."""
        played = [*message.notes, *in_metre(self.pattern, message)]
        band = sorted({note.track for note in self.pattern})
        chords = chords_in(message.notes, message.grid or OWN)
        return msgspec.structs.replace(found, played=played, band=band, chords=chords)


def in_metre(rows: list[Note], message: messages.Encode | messages.Decode) -> list[Note]:
    """Return notes of two bars of 4/4 as far as they lie on the grid that is asked for."""
    if message.grid is None or in_own_metre(message):
        return rows
    return [*cut(Phrase.of(OWN, rows), message.grid).notes]


def in_own_metre(message: messages.Encode | messages.Decode) -> bool:
    """Tell whether a request is in 4/4, of two bars or more."""
    grid = message.grid
    return grid is None or (name_of(grid) == name_of(OWN) and grid.bars >= OWN.bars)


def padded_rows(message: messages.Encode) -> list[Note]:
    """Return the notes of a phrase in another metre, or of one bar, as they lie in two bars of 4/4."""
    assert message.grid is not None
    return [*padded(Phrase.of(message.grid, message.notes), OWN).notes]


class ContinuingModel(EchoModel):
    """Has no latent: continues a phrase by the same a tone higher."""

    def __init__(self, *, ident: str = "lm-1", codec: str = "melody") -> None:
        super().__init__(ident=ident, codec=codec)

    def ready(self) -> messages.Ready:
        return msgspec.structs.replace(
            super().ready(), model="lm", latent_size=0, map_points=[], knobs=[], metres=["4/4"]
        )

    def answer(self, message: messages.ToWorker) -> messages.Answer:
        if self.loaded is not self:
            return super().answer(message)
        if isinstance(message, messages.Encode):
            self.encodes.append(message)
            return messages.Encoded(message.ident, [], {"density": 1.0}, (0.0, 0.0), 1.0)
        if not isinstance(message, messages.Decode):
            return super().answer(message)
        assert isinstance(message.place, Point)
        assert message.place.z == []
        self.decodes.append(message)
        rows = [note._replace(pitch=note.pitch + 2) for note in message.context]
        return messages.Decoded(message.ident, rows, message.place, (0.0, 0.0), 2.0)


@dataclass
class Stage:
    """A performer's set on a fake clock.

    Attributes:
        model: what answers.
        answer_ms: how long an answer takes.
        late_nanos: how late the loop wakes.
    """

    config: Config = field(default_factory=Config)
    model: EchoModel = field(default_factory=EchoModel)
    answer_ms: float = 3.0
    late_nanos: int = 0
    bindings: Callable[[Mapping[str, float]], Bindings] | None = None

    def __post_init__(self) -> None:
        self.nanos = 0
        self.sent: list[Sent] = []
        self.logged: list[tuple[str, dict[str, object]]] = []
        self.published: list[tuple[str, tuple[object, ...]]] = []
        self.asked: list[messages.ToWorker] = []
        self.metres: list[tuple[Tick, str]] = []
        self.markers: list[tuple[Tick, str]] = []
        self.worker_present = True
        self.listener = Listener()
        self._replies: list[tuple[int, messages.Answer | messages.BeatReport]] = []
        self._inputs: list[tuple[int, int, object]] = []
        self._count = 0
        self.jam = Jam(self.config, self)
        self.commands = Commands(self.jam, scenes=self.config.scene, songs=self.config.song)
        self.jam.performer.bindings = self.bindings(self.jam.knobs) if self.bindings else None

    # -- the output ------------------------------------------------------------------------------

    def send(self, data: bytes, *, tick: Tick, due: Nanos, voice: Stream, planned: bool = False) -> Nanos:
        self.sent.append(Sent(tick, data, due, self.nanos, voice))
        return Nanos(self.nanos)

    def ask(self, message: messages.ToWorker) -> bool:
        if not self.worker_present:
            return False
        self.asked.append(message)
        if isinstance(message, messages.ToListener):
            self._hear(self.listener.take(message))
            return True
        if isinstance(
            message, messages.Accompany | messages.VaryAhead | messages.Closing
        ):  # nothing is answered
            return True
        self._replies.append((self.nanos + round(self.answer_ms * MS), self.model.answer(message)))
        return True

    def _hear(self, report: messages.BeatReport | None) -> None:
        if report is not None:
            self._replies.append((self.nanos + round(self.answer_ms * MS), report))

    def replace_worker(self) -> None:
        """Let another model process call, to which nothing has been told."""
        self.listener, self.worker_present = Listener(), True
        self._replies.clear()
        self.jam.worker_came()

    def log(self, kind: str, **fields: object) -> None:
        self.logged.append((kind, fields))

    def played(self, tick: Tick, data: bytes) -> None: ...

    def knob(self, tick: Tick, name: str, value: float) -> None: ...

    def marker(self, tick: Tick, text: str) -> None:
        self.markers.append((tick, text))

    def tempo(self, tick: Tick, tempo_bpm: float) -> None: ...

    def metre(self, tick: Tick, grid: Grid) -> None:
        self.metres.append((tick, name_of(grid)))

    def publish(self, topic: str, *values: object) -> None:
        self.published.append((topic, values))

    # -- the performer ---------------------------------------------------------------------------

    @classmethod
    def begun(cls, *settings: Any, **given: Any) -> Self:
        """Return a stage whose model is ready and whose transport starts now."""
        stage = cls(*settings, **given)
        stage.begin()
        return stage

    def begin(self) -> int:
        """Let the model be ready and the transport start; returns the moment of tick 0."""
        self.jam.from_worker(self.model.ready(), Nanos(self.nanos))
        self.jam.start(Nanos(self.nanos))
        return self.jam.transport.timeline.nanos(Tick(0))

    def at(self, moment: int, item: object) -> None:
        """Let something arrive: bytes, a Command, or a function of no arguments."""
        self._count += 1
        self._inputs.append((moment, self._count, item))
        self._inputs.sort(key=lambda entry: entry[:2])

    def at_tick(self, tick: int, item: object) -> None:
        """Let something arrive at a tick of the present timeline."""
        self.at(self.jam.transport.timeline.nanos(Tick(tick)), item)

    def press(self, tick: int, length: int, pitch: int, velocity: int = 90) -> None:
        """Press a key for some ticks."""
        self.at_tick(tick, note_on(1, pitch, velocity))
        self.at_tick(tick + length, note_off(1, pitch))

    def turn(self, tick: int, name: str, value: float) -> None:
        """Turn a knob."""
        self.at_tick(tick, command("knob", name, value, source="test"))

    def act(self, tick: int, name: str, argument: str = "") -> None:
        """Do an action."""
        self.at_tick(tick, command(name, argument, source="test"))

    def run_to(self, moment: int) -> None:
        """Let host time go by, handling everything in order."""
        while True:
            wake = self.jam.advance(Nanos(self.nanos))
            coming = [moment]
            if wake is not None:
                coming.append(wake + self.late_nanos)
            coming += [entry[0] for entry in self._inputs[:1]] + [reply[0] for reply in self._replies]
            coming += [due for due in (self.listener.due,) if due is not None]
            self.nanos = max(self.nanos, min(coming))
            self._deliver()
            if self.nanos >= moment:
                self.jam.advance(Nanos(self.nanos))
                return

    def run_to_tick(self, tick: int) -> None:
        """Let musical time go by."""
        self.run_to(self.jam.transport.timeline.nanos(Tick(tick)))

    def _deliver(self) -> None:
        now = Nanos(self.nanos)
        while self._inputs and self._inputs[0][0] <= self.nanos:
            moment, _, item = self._inputs.pop(0)
            if isinstance(item, bytes):
                for command in self.jam.performer.received(Received(Nanos(moment), item, "test"), now):
                    self.commands.run(command, now)
            elif isinstance(item, Command):
                self.commands.run(item, now)
            elif callable(item):
                item()
        if self.listener.due is not None and self.listener.due <= self.nanos:
            self._hear(self.listener.advance(now))
        for reply in [reply for reply in self._replies if reply[0] <= self.nanos]:
            self._replies.remove(reply)
            if self.worker_present:
                self.jam.from_worker(reply[1], now)

    # -- what sounded --------------------------------------------------------------------------

    def instrument(self, *, first: int = 0, last: int = 1 << 40) -> list[tuple[int, bytes]]:
        """Return what the instrument sent, as (tick, bytes), without controls."""
        return [
            (sent.tick, sent.data)
            for sent in self.sent
            if sent.voice == "instrument" and sent.data[0] & 0xE0 == 0x80 and first <= sent.tick < last
        ]

    def note_ons(self, *, first: int = 0, last: int = 1 << 40) -> list[tuple[int, int]]:
        """Return the instrument's note-ons as (tick, pitch)."""
        return [
            (tick, data[1])
            for tick, data in self.instrument(first=first, last=last)
            if data[0] & 0xF0 == 0x90
        ]

    def hanging(self) -> set[tuple[int, int]]:
        """Return what was struck and never ended, as (channel 0..15, pitch)."""
        return sounding(sent.data for sent in self.sent)


def configured(**options: object) -> Config:
    """Return the default settings with command-line options over them."""
    return with_options(Config(), **options)
