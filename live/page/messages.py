"""What crosses between a browser and the page's process: JSON texts over a WebSocket.

page -> browser: Welcome, Snapshot, Update, Notice, Pong, Considered, PlayedMidi, Trouble, EngineState.
browser -> page: any Command but Quit, Act, Ping, Consider, KeyMidi, WantMidi.
Tested in tests/live/page/test_visitors.py.
"""

from typing import Any, Union, get_args

import msgspec

from live.ipc.browser_midi import WantMidi
from live.ipc.commands import Command, Quit
from live.ipc.messages import Message
from live.settings.knobs import ACTIONS, ANCHORS, KNOBS, LATENT_KNOBS, MODES, bindable
from model.music.metre import METRES
from model.music.tracks import TRACKS
from model.shipped import shipped_models

SOURCE = "page"

# -- browser -> page --------------------------------------------------------------------------------


class Act(Message, frozen=True):
    """Call an action by its name in mapping files and OSC."""

    name: str
    argument: str = ""


class KeyMidi(Message, frozen=True):
    """A message of a keyboard at the browser, as `PlayMidi`; `at_ms` on the instrument's clock, see Pong."""

    port: str
    data: tuple[int, ...] = ()
    at_ms: float = 0.0


class Consider(Message, frozen=True):
    """Ask what words would do."""

    text: str


class Ping(Message, frozen=True):
    """Ask what time the instrument has; `sent_ms` comes back."""

    sent_ms: float


FromBrowser = Act | Ping | Consider | KeyMidi | WantMidi | Command
FORBIDDEN = frozenset({Quit})
"""Commands that are not a page's to give: the instrument is ended where it was started."""

# -- page -> browser --------------------------------------------------------------------------------


class Welcome(Message, frozen=True):
    """What there is to do, from the tables that mappings and OSC read, too.

    Attributes:
        actions: allowed arguments by name.
        bindable: all that a control may do, with a few words for each knob.
        instrument: whether one plays behind this page.
        model: that the explorer begins with.
    """

    instrument: bool
    actions: dict[str, list[str]]
    modes: list[str]
    parts: list[str]
    anchors: list[str]
    metres: list[str]
    models: list[str]
    model: str
    latent_knobs: list[str]
    knob_names: list[str]
    bindable: dict[str, str]


class Pong(Message, frozen=True):
    """The instrument's time, milliseconds of `time.monotonic_ns`."""

    sent_ms: float
    instrument_ms: float


class PlayedMidi(Message, frozen=True):
    """What the instrument plays: MIDI bytes, due on its clock; see `MidiOut`."""

    data: list[int]
    due_ms: float
    performer: bool
    drums: bool


class Considered(Message, frozen=True):
    """What words would do: a line for each thing, and the words that were not understood."""

    text: str
    lines: list[str]
    unknown: list[str]
    sentence: str


class Trouble(Message, frozen=True):
    """What the page could not do, in one plain sentence."""

    text: str


class EngineState(Message, frozen=True):
    """Whether the page is connected to an engine."""

    connected: bool


def welcome(*, instrument: bool, model: str = "") -> Welcome:
    """Return what a browser is greeted with."""
    return Welcome(
        instrument=instrument,
        actions={name: [*allowed] for name, allowed in ACTIONS.items()},
        modes=[*MODES],
        parts=[*TRACKS],
        anchors=[*ANCHORS],
        metres=[*METRES],
        models=[*dict.fromkeys([*shipped_models(), *([model] if model else [])])],
        model=model,
        latent_knobs=[*LATENT_KNOBS],
        knob_names=[*KNOBS],
        bindable=bindable(),
    )


_DECODER: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder(
    Union[tuple(kind for kind in get_args(FromBrowser) if kind not in FORBIDDEN)]  # noqa: UP007  made, not written
)


def read(text: str | bytes) -> FromBrowser:
    """Return a browser's message.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    message: FromBrowser = _DECODER.decode(text)
    return message
