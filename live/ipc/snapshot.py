"""What the dashboard is shown of the engine: one Snapshot, then an Update for what has changed since.

engine -> dashboard: Snapshot, Update, Notice.  dashboard -> engine: see `commands`.
"""

import functools
from typing import Any, Literal, get_type_hints

import msgspec

from live.ipc.browser_midi import MidiOut
from live.ipc.messages import Bye, Message

NoteRow = tuple[int, int, int, int, int]
"""(tick within the bar, length in ticks, pitch, velocity, track): tracks as in model.music.tracks."""


TransportState = Literal["stopped", "listening", "armed", "count-in", "playing"]

STANDING = ("stopped", "listening", "armed")
"""States of a transport that does not run."""

Speaker = Literal["", "performer", "instrument"]


class KnobView(Message, frozen=True):
    """A knob as the dashboard shows it; `waiting` is the hardware's place until it is picked up."""

    name: str
    value: float
    low: float
    high: float
    rest: float
    text: str
    waiting: float | None = None
    available: bool = True


class PortView(Message, frozen=True):
    """A port and its state."""

    direction: Literal["in", "out"]
    name: str
    state: Literal["ok", "missing", "off"]
    detail: str = ""


class AnchorView(Message, frozen=True):
    """An anchor pad; `xy` is None while it is empty."""

    name: str
    xy: tuple[float, float] | None = None


class SceneView(Message, frozen=True):
    """A scene that can be called: its number, its name, and whether it was stored while it played."""

    number: int
    name: str = ""
    stored: bool = False


class SongView(Message, frozen=True):
    """The song that is played.

    Attributes:
        number: in the set, from 1; 0 before the first.
        songs: how many there are.
        name: of it; before the first, of that.
        link: number of the scene in its chain, from 1.
        links: how many scenes it has.
        bars_left: of the scene; None where it stays until the performer leads on.
        following: name of the song after it, "" for none.
    """

    number: int
    songs: int
    name: str
    link: int = 0
    links: int = 0
    bars_left: int | None = None
    following: str = ""


class BarView(Message, frozen=True):
    """One bar of the piano roll.

    Attributes:
        bar: its index.
        origin: where its notes came from; "" for bars in which the performer alone played.
        notes: what twobar played or will play.
        performed: what the performer played in it.
    """

    bar: int
    origin: Literal["", "decoded", "repeated", "silent"]
    notes: list[NoteRow]
    performed: list[NoteRow]


class ModelView(Message, frozen=True):
    """The model's state."""

    name: str
    state: Literal["loading", "ready", "lost", "none"]
    detail: str = ""
    latent_size: int = 0
    decode_ms: float = 0.0


class LatenessView(Message, frozen=True):
    """How late note-ons left, over the last few hundred, in microseconds."""

    count: int = 0
    p50: float = 0.0
    p99: float = 0.0
    worst: float = 0.0


class TouchView(Message, frozen=True):
    """The control that was touched last: its port, itself, and what it does, "" for nothing."""

    port: str
    control: str
    does: str


class ControllerView(Message, frozen=True):
    """A controller that is plugged in: its port, and the name of its mapping."""

    port: str
    mapping: str


class LessonView(Message, frozen=True):
    """A control that is being learned, or was: what it is to do, how far that has got, and that in words."""

    target: str
    state: Literal["listening", "refused", "learned"]
    text: str


NoticeLevel = Literal["info", "warning", "error"]


ENGINE = "engine"
"""What notices are about that tell whether the engine answers."""


class Notice(Message, frozen=True):
    """A line for the human.

    Attributes:
        nanos: when it was said.
        level: how urgent it is.
        text: the line; "" says that what the last line was about is over.
        about: what it tells the state of, as a port; a newer line about the same has overtaken it.
    """

    nanos: int
    level: NoticeLevel
    text: str
    about: str = ""


class Snapshot(Message, frozen=True):
    """All that is shown of the engine, at most 15 times a second.

    Attributes:
        nanos: when it was taken.
        tick: transport position; bar and beat follow from bar_zero, beats_per_bar and ticks_per_beat.
        metre: its name.
        ticks_per_beat: of its beat: 480 is a quarter, 240 an eighth, 720 a dotted quarter.
        bar_zero: the tick on which bar 0 would lie, had the metre always been the present one.
        bars: the bars of the roll, oldest first: heard, sounding, planned.
        here: the moved latent's place on the map, each -1..1; None before the first answer.
        performer_xy: the place of what the performer played last.
        origin: what the latent comes from: "", "played", "morph", "xy", "osc", "recall", "map".
        priority: "realtime" or why not.
        recording: file of the take, "" when none.
        muted: names of the parts that are left out now.
        solo: name of the part that plays alone, "" for none.
        metronome: whether it clicks on every beat.
        key: that is played in, or that answers are held to; empty for none.
        key_locked: whether it is held to.
        next_chord: that comes after it, where that is known.
        clock: whose beat is kept, in words; "" for its own.
        chord: that sounds now, as "Am"; "" for none.
        speaker: whose turn it is: the performer's, whose phrase is taken up, or the instrument's; "" while
            nothing runs.
        speaker_until: tick at which that turn ends, or the performer's phrase closes.
        demo: whether a pretended performer plays.
        scenes: those that can be called, by rising number.
        scene: number of the one that was called or stored last, 0 for none.
        song: that is played; None where there is no set.
        controllers: those that are plugged in.
        mapping_names: of all mappings that one of them may have.
        touched: the control that was touched last; None before the first.
        lesson: what is being learned, or was learned last; None where nobody learns.
        phrase_bars: of what is taken up as one phrase.
        loop_bars: of those that repeat until they are let go; 0 for none.
        recognised: name of the anchor that the performer's last phrase was; "" for none.
    """

    nanos: int
    state: TransportState
    tempo_bpm: float
    tick: int
    beats_per_bar: int
    mode: str
    frozen: bool
    thru: bool
    model: ModelView
    ports: list[PortView]
    knobs: list[KnobView]
    anchors: list[AnchorView]
    bars: list[BarView]
    here: tuple[float, float] | None
    performer_xy: tuple[float, float] | None
    origin: str
    lateness: LatenessView
    missed_bars: int
    dropped_notes: int
    held_keys: list[int]
    recording: str
    priority: str
    mapping: str
    notices: list[Notice]
    map_points: list[tuple[float, float]] = msgspec.field(default_factory=list)
    muted: list[str] = msgspec.field(default_factory=list)
    solo: str = ""
    metronome: bool = False
    metre: str = "4/4"
    ticks_per_beat: int = 480
    bar_zero: int = 0
    key: str = ""
    key_locked: bool = False
    next_chord: str = ""
    clock: str = ""
    chord: str = ""
    speaker: Speaker = ""
    speaker_until: int = 0
    demo: bool = False
    scenes: list[SceneView] = msgspec.field(default_factory=list)
    scene: int = 0
    song: SongView | None = None
    controllers: list[ControllerView] = msgspec.field(default_factory=list)
    mapping_names: list[str] = msgspec.field(default_factory=list)
    touched: TouchView | None = None
    lesson: LessonView | None = None
    phrase_bars: int = 2
    loop_bars: int = 0
    recognised: str = ""


class KnobState(Message, frozen=True):
    """What of a KnobView changes while one model plays."""

    value: float
    waiting: float | None
    available: bool


class Update(Message, frozen=True, omit_defaults=True):
    """What has changed since the Snapshot or Update before.

    Attributes:
        nanos, tick: as in Snapshot.
        changed: new values of other fields of Snapshot, by name; what has come over a link is not typed yet.
        knob_states: by name; other knobs stay where they are.
        bars: those of the roll that have changed; the others within `roll` stay.
        roll: first and last bar of the roll, where it has moved on.
    """

    nanos: int
    tick: int
    changed: dict[str, Any] = msgspec.field(default_factory=dict)
    knob_states: dict[str, KnobState] = msgspec.field(default_factory=dict)
    bars: list[BarView] = msgspec.field(default_factory=list)
    roll: tuple[int, int] | None = None


_PLAIN = tuple(name for name in Snapshot.__struct_fields__ if name not in ("nanos", "tick", "knobs", "bars"))

ToDashboard = Snapshot | Update | Notice | MidiOut | Bye


def difference(before: Snapshot, now: Snapshot) -> Update:
    """Return what turns one snapshot into a later one; see `applied`."""
    changed = {name: value for name in _PLAIN if (value := getattr(now, name)) != getattr(before, name)}
    places = {
        new.name: KnobState(new.value, new.waiting, new.available)
        for old, new in zip(before.knobs, now.knobs, strict=True)
        if new is not old and new != old
    }
    bars: list[BarView] = []
    if now.bars is not before.bars:
        old_bars = {view.bar: view for view in before.bars}
        bars = [
            view for view in now.bars if view is not old_bars.get(view.bar) and view != old_bars.get(view.bar)
        ]
    roll = _roll(now)
    return Update(now.nanos, now.tick, changed, places, bars, roll if roll != _roll(before) else None)


@functools.cache
def _types() -> dict[str, Any]:
    """Return the types of a snapshot's fields."""
    return get_type_hints(Snapshot)


def applied(update: Update, before: Snapshot) -> Snapshot:
    """Return the snapshot that an update makes of the one before."""
    changed = {name: msgspec.convert(value, _types()[name]) for name, value in update.changed.items()}
    changed |= {"nanos": update.nanos, "tick": update.tick}
    if update.knob_states:
        places = update.knob_states
        changed["knobs"] = [
            msgspec.structs.replace(view, **msgspec.structs.asdict(places[view.name]))
            if view.name in places
            else view
            for view in before.knobs
        ]
    if update.bars or update.roll is not None:
        views = {view.bar: view for view in (*before.bars, *update.bars)}
        first, last = update.roll or _roll(before)
        changed["bars"] = [views[bar] for bar in range(first, last + 1) if bar in views]
    return msgspec.structs.replace(before, **changed)


def _roll(snapshot: Snapshot) -> tuple[int, int]:
    """Return the first and the last bar of the roll; (0, -1) for none."""
    return (snapshot.bars[0].bar, snapshot.bars[-1].bar) if snapshot.bars else (0, -1)
