"""What of a jam outlives its engine: sent to the supervisor when it changes, handed to the next engine.

engine -> supervisor -> the engine after it, and the session's file: JamMemory, ScenesMemory.
A scene holds the same state: what it stores is a JamState.
Tested in tests/live/engine/test_resume.py, tests/live/cli/supervision/test_supervisor.py.
"""

from typing import Literal, NamedTuple

import msgspec

from live.ipc.messages import Message
from live.ipc.places import Place
from live.settings.knobs import Mode
from live.timing.bar_lines import BarLines
from live.timing.timeline import Timeline
from model.music.metre import AUTO
from model.music.phrase import Phrase

BaseOrigin = Literal["", "played", "begun", "morph", "xy", "osc", "recall", "map"]


class Base(Message, frozen=True):
    """Where a path starts.

    Attributes:
        place: before vary, stray and drift.
        origin: the gesture that set it; "begun" of a phrase that is being played, which no state keeps.
        phrase: what was played, if it was; lets another model find the place again.
        number: counts the bases, so that each strays its own way.
    """

    place: Place
    origin: BaseOrigin
    phrase: Phrase | None = None
    number: int = 0


class Anchor(Message, frozen=True):
    """A stored place, the phrase that it was found from or decodes to, and where it lies on the map.

    Attributes:
        rest: what follows it, where what was stored is longer than a cell.
    """

    place: Place
    phrase: Phrase
    xy: tuple[float, float]
    rest: tuple[Base, ...] = ()


class JamState(Message, frozen=True):
    """What a performer has set: all that a scene stores, and most of what a session restores.

    Attributes:
        knobs: by name.
        muted: tracks that are left out.
        solo: name of the part that plays alone over that, "" for none.
        metronome: whether it clicks on every beat.
        conditions: that answers are held to (key, chords, style), by name.
        model: that plays or is wanted.
        model_ident: names the weights that the places belong to; "" before any model.
        metre: name of the one that is wanted.
        base: where the path starts, with the phrase that is held.
        rest: the bases behind it, where what is held is longer than the model's phrases.
        phrase_bars: of what is taken up as one phrase; 0 for as many as the model's have.
        loop_bars: of those that repeat; 0 for none.
        turn: number of the variation that is held, see `PathState`.
        vary_set: whether somebody has set the knob `vary`.
        mapping: name of each controller's mapping by its port's spoken name; others keep theirs.
    """

    mode: Mode
    model: str
    model_ident: str = ""
    metre: str = AUTO
    frozen: bool = False
    muted: list[int] = msgspec.field(default_factory=list)
    solo: str = ""
    metronome: bool = False
    knobs: dict[str, float] = msgspec.field(default_factory=dict)
    conditions: dict[str, str] = msgspec.field(default_factory=dict)
    base: Base | None = None
    rest: tuple[Base, ...] = ()
    phrase_bars: int = 0
    loop_bars: int = 0
    anchors: dict[str, Anchor] = msgspec.field(default_factory=dict)
    turn: int | None = None
    vary_set: bool = False
    mapping: dict[str, str] = msgspec.field(default_factory=dict)


class StoredScene(Message, frozen=True):
    """A scene that was stored while it played: its number, 1..99, its name, "" for none, and its state."""

    number: int
    state: JamState
    name: str = ""


class ScenesMemory(Message, frozen=True):
    """The scenes that were stored while it played, by rising number."""

    scenes: list[StoredScene]


class SetPlace(Message, frozen=True):
    """Where in the set of songs a jam is.

    Attributes:
        song: its place in the set, from 0; -1 before the first.
        link: place of the scene in the song's chain, from 0.
        bar: on which that began.
    """

    song: int = -1
    link: int = 0
    bar: int = 0


class JamFindings(Message, frozen=True):
    """What a jam has found out.

    Attributes:
        swing: where the second eighth of a beat lay in the last phrase, .5 straight .. .67 triplets.
        lag_nanos: by how much what is played arrives late.
        key: that the last phrase was in, "" for none.
        bases: how many there were.
        here: place of what sounds on the map, each -1..1.
    """

    swing: float = 0.5
    lag_nanos: int = 0
    key: str = ""
    bases: int = 0
    here: tuple[float, float] | None = None


class Zone(NamedTuple):
    """Channels, 1..16, of an MPE keyboard that belong together.

    Attributes:
        shared: what comes on it is for all fingers.
        fingers: each one's own.
        declared: whether its keyboard has said so.
        bend_range: how far a finger's bend goes, in semitones.
    """

    shared: int
    fingers: frozenset[int]
    declared: bool = True
    bend_range: int = 48

    @property
    def channels(self) -> frozenset[int]:
        """All of them."""
        return self.fingers | {self.shared}


class JamMemory(Message, frozen=True):
    """A jam's state and where it is.

    Attributes:
        chosen_model: while it played, "" for the settings' own.
        lines: where bars and phrases lie.
        timeline: on a scale of moments that engines share; None of a transport that stands still.
        started: whether it ever ran or was stopped by the performer: the model's coming starts it no more.
        demo: whether the demo still plays.
        listening: whether it waits for the performer's beat.
        armed: whether it waits for the performer's first note.
        scene: number of the one that was called or stored last, 0 for none.
        place: in the set of songs.
        findings: of the performer's playing and of the music so far.
        recording: whether a take is under way; None leaves it to the settings.
        zones: of each MPE keyboard, which tells of them only once.
    """

    state: JamState
    thru: bool
    chosen_model: str
    lines: BarLines
    timeline: Timeline | None
    started: bool
    demo: bool
    listening: bool = False
    armed: bool = False
    scene: int = 0
    place: SetPlace = SetPlace()
    findings: JamFindings = JamFindings()
    recording: bool | None = None
    zones: dict[str, list[Zone]] = msgspec.field(default_factory=dict)
