"""What of a jam outlives its engine: sent to the supervisor when it changes, handed to the next engine.

engine -> supervisor -> the engine after it, and the session's file: JamMemory, ScenesMemory.
A scene holds the same state: what it stores is a JamState.
Tested in tests/live/engine/test_memory.py, tests/live/cli/test_supervisor.py.
"""

from live.ipc.messages import Message, Place
from live.settings.knobs import Mode
from live.timing.bar_lines import BarLines
from model.music.phrase import Phrase


class BaseMemory(Message, frozen=True):
    """A base: its place, the gesture that set it, its number, and the phrase that was played, if one was."""

    place: Place
    origin: str
    number: int
    phrase: Phrase | None


class AnchorMemory(Message, frozen=True):
    """An anchor: its place, its phrase, and where it lies on the map."""

    place: Place
    phrase: Phrase
    xy: tuple[float, float]


class TimelineMemory(Message, frozen=True):
    """The timeline of a transport that runs, on `time.monotonic_ns()`'s scale, which engines share."""

    origin_tick: int
    origin_nanos: int
    tempo_bpm: float


class JamState(Message, frozen=True):
    """What a performer has set: all that a scene stores, and most of what a session restores.

    Attributes:
        knobs: by name.
        muted: tracks that are left out.
        conditions: that answers are held to (key, chords, style), by name.
        model: that plays or is wanted.
        model_ident: names the weights that the places belong to; "" before any model.
        metre: name of the one that is wanted.
        base: where the path starts, with the phrase that is held.
        turn: number of the variation that is held, see `PathState`.
        vary_set: whether somebody has set the knob `vary`.
        mapping: name of the controller's mapping; "" leaves the one that is there.

    """

    knobs: dict[str, float]
    mode: Mode
    frozen: bool
    muted: list[int]
    conditions: dict[str, str]
    model: str
    model_ident: str
    metre: str
    base: BaseMemory | None
    anchors: dict[str, AnchorMemory]
    turn: int | None = None
    vary_set: bool = False
    mapping: str = ""


class StoredScene(Message, frozen=True):
    """A scene that was stored while it played: its number, 1..99, its name, "" for none, and its state."""

    number: int
    name: str
    state: JamState


class ScenesMemory(Message, frozen=True):
    """The scenes that were stored while it played, by rising number."""

    scenes: list[StoredScene]


class JamMemory(Message, frozen=True):
    """A jam's state and where it is.

    Attributes:
        chosen_model: while it played, "" for the settings' own.
        lines: where bars and phrases lie.
        timeline: None of a transport that stands still.
        started: whether it ever ran or was stopped by the performer: the model's coming starts it no more.
        demo: whether the demo still plays.
        listening: whether it waits for the performer's beat.
        scene: number of the one that was called or stored last, 0 for none.

    """

    state: JamState
    thru: bool
    chosen_model: str
    lines: BarLines
    timeline: TimelineMemory | None
    started: bool
    demo: bool
    listening: bool = False
    scene: int = 0
