"""What of a jam outlives its engine: sent to the supervisor when it changes, handed to the next engine.

engine -> supervisor -> the engine after it: JamMemory.
Tested in tests/live/engine/test_engine.py, tests/live/cli/test_supervisor.py.
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


class JamMemory(Message, frozen=True):
    """A jam's state.

    Attributes:
        model: chosen while it played, "" for the settings' own.
        model_ident: names the weights that the places belong to.
        metre: name of the one that is wanted.
        lines: where bars and phrases lie.
        timeline: None of a transport that stands still.
        started: whether it ever ran or was stopped by the performer: the model's coming starts it no more.
        demo: whether the demo still plays.
        listening: whether it waits for the performer's beat.
        turn: number of the variation that is held, see `PathState`.
        vary_set: whether somebody has set the knob `vary`.

    """

    knobs: dict[str, float]
    mode: Mode
    frozen: bool
    thru: bool
    muted: list[int]
    conditions: dict[str, str]
    model: str
    model_ident: str
    metre: str
    lines: BarLines
    base: BaseMemory | None
    anchors: dict[str, AnchorMemory]
    timeline: TimelineMemory | None
    started: bool
    demo: bool
    listening: bool = False
    turn: int | None = None
    vary_set: bool = False
