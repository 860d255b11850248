"""What crosses between the processes: frozen structs, msgpack on the wire.

engine -> dashboard: Snapshot, Notice.  dashboard -> engine: Command.
engine -> worker: Encode, Decode, Accompany, Warp, Load.
worker -> engine: Ready, Encoded, Decoded, Warped, Failed.
"""

from typing import Literal

import msgspec

NoteRow = tuple[int, int, int, int, int]
"""(tick within the bar, length in ticks, pitch, velocity, track): tracks as in model.music.tracks."""

StepRow = tuple[int, int, int, int, float, int]
"""(onset step, pitch, velocity, length in steps, micro-offset in steps, track): a model.music.phrase.Note."""


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of all messages; the tag on the wire is the class's name."""


# -- engine <-> worker -------------------------------------------------------------------------


class Encode(Message, frozen=True):
    """Find a phrase in the latent space.  `ident` comes back with the answer; `bar` is its first bar.

    Before that, of `parts`, tracks, those that it lacks are put beside it, as `Accompany` had them written.
    """

    ident: int
    bar: int
    notes: list[StepRow]
    why: str = ""
    parts: list[int] = []


class Accompany(Message, frozen=True):
    """Write the parts that a phrase lacks, for the encode of the same `bar`; nothing is answered.

    Attributes:
        bar: first bar of the answer.
        notes: what she has played of the phrase so far.
        parts: tracks that may be written.
        number: of the phrase, from which the model process knows how long drums stay.
        seed: of all choices.

    """

    bar: int
    notes: list[StepRow]
    parts: list[int]
    number: int
    seed: int


class Encoded(Message, frozen=True):
    """Where the phrase lies: posterior mean z [d], raw attributes by name, place on the map, cost.

    `fault` tells why it was found without the parts that were to join it; empty for no fault.
    """

    ident: int
    bar: int
    z: list[float]
    attributes: dict[str, float]
    xy: tuple[float, float]
    ms: float
    fault: str = ""


class Decode(Message, frozen=True):
    """Decode a latent into the phrase that starts at `bar`; or, without a latent, continue a phrase into it.

    Attributes:
        ident: comes back with the answer.
        bar: first bar of the phrase.
        z: the moved latent [d]; empty for a model without one.
        attributes: raw attributes of the unmoved phrase.
        turns: bipolar knobs, name -> -1..1; 0 leaves its attribute alone.
        temperature: 0..1; 0 is deterministic.
        seed: of the random generator.
        prefix: notes of this phrase already played, onsets before `prefix_steps`.
        prefix_steps: steps of the phrase that cannot change any more.
        why: for the log.
        context: the phrase that a model without a latent continues; empty for the others.
        condition: what the answer is to keep to, by the names of `Ready.conditions`; what is left away the
            model estimates from the phrase.
        top_k: notes are chosen among the so many likeliest; 0 is all.
        top_p: notes are chosen among the likeliest that make up this share, 0..1; 1 is all.

    """

    ident: int
    bar: int
    z: list[float]
    attributes: dict[str, float]
    turns: dict[str, float]
    temperature: float
    seed: int
    prefix: list[StepRow] = []
    prefix_steps: int = 0
    why: str = ""
    context: list[StepRow] = []
    condition: dict[str, str] = {}
    top_k: int = 0
    top_p: float = 1.0


class Decoded(Message, frozen=True):
    """The decoded phrase, the place of its latent on the map, and what it cost."""

    ident: int
    bar: int
    notes: list[StepRow]
    xy: tuple[float, float]
    ms: float


class Warp(Message, frozen=True):
    """Tell how the decoded notes change along the arc from latent a to latent b, each z [d]."""

    ident: int
    a: list[float]
    a_attributes: dict[str, float]
    b: list[float]
    b_attributes: dict[str, float]


class Warped(Message, frozen=True):
    """Share of the way's length, 0..1 rising, at equal steps of the arc."""

    ident: int
    lengths: list[float]


class Load(Message, frozen=True):
    """Play another model from now on (a shipped name or a path)."""

    model: str


class Ready(Message, frozen=True):
    """The worker can answer with this model.

    Attributes:
        model: its name; `ident` names these very weights.
        knobs: attribute knobs that it heeds.
        bars, beats_per_bar, steps_per_beat: its grid.
        latent_size: 0 when it has no latent: it continues phrases.
        scale: standard deviation of each latent dimension over the training data [d].
        map_points: a cloud of known phrases on the 2-D map, each -1..1.
        conditions: what its answers can be held to (chords, key, style).
        styles: the style labels that it knows.
        accompanies: whether it writes the parts that a phrase lacks.

    """

    model: str
    ident: str
    codec: str
    knobs: list[str]
    bars: int
    beats_per_bar: int
    steps_per_beat: int
    latent_size: int
    scale: list[float]
    map_points: list[tuple[float, float]]
    runtime: str
    ms: float
    conditions: list[str] = []
    styles: list[str] = []
    accompanies: bool = False


class Failed(Message, frozen=True):
    """A request could not be done; one plain sentence.  `ident` is None when a model did not load."""

    ident: int | None
    text: str


class Bye(Message, frozen=True):
    """Orderly goodbye: whoever gets it finishes and exits."""


class Hello(Message, frozen=True):
    """First message on a link: who calls, with the session's token."""

    role: Literal["worker", "dashboard", "supervisor"]
    token: str
    pid: int


# -- engine <-> dashboard ----------------------------------------------------------------------


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


class BarView(Message, frozen=True):
    """One bar of the piano roll.

    Attributes:
        bar: its index.
        origin: where its notes came from; "" for bars she alone played in.
        notes: what twobar played or will play.
        hers: what she played in it.

    """

    bar: int
    origin: Literal["", "decoded", "repeated", "silent"]
    notes: list[NoteRow]
    hers: list[NoteRow]


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


class Notice(Message, frozen=True):
    """A line for the human."""

    nanos: int
    level: Literal["info", "warning", "error"]
    text: str


class Snapshot(Message, frozen=True):
    """An immutable picture of the engine, at most 15 a second.

    Attributes:
        nanos: when it was taken.
        tick: transport position; bar and beat follow from ticks_per_beat (480) and beats_per_bar.
        bars: the bars of the roll, oldest first: heard, sounding, planned.
        here: the moved latent's place on the map, each -1..1; None before the first answer.
        origin: what the latent comes from: "", "played", "morph", "xy", "osc", "recall".
        priority: "realtime" or why not.
        recording: file of the take, "" when none.
        muted: names of the parts that are left out now.

    """

    nanos: int
    state: Literal["stopped", "count-in", "playing"]
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
    hers: tuple[float, float] | None
    origin: str
    lateness: LatenessView
    missed_bars: int
    dropped_notes: int
    held_keys: list[int]
    recording: str
    priority: str
    mapping: str
    notices: list[Notice]
    map_points: list[tuple[float, float]] = []
    muted: list[str] = []


class Command(Message, frozen=True):
    """Intent of a performer or a controller.

    `name` is "knob" (argument NAME, value), "nudge" (argument NAME, value = change in units of the
    knob's range), "note" (argument "on"/"off", value = pitch), "latent" (values), "model" (argument),
    "condition" (argument: NAME, a space, a text), "quit", "thru", or an action of `settings.knobs.ACTIONS`
    with its argument.
    """

    name: str
    argument: str = ""
    value: float = 0.0
    values: list[float] = []
    source: str = ""


ToWorker = Encode | Decode | Accompany | Warp | Load | Bye
Answer = Ready | Encoded | Decoded | Warped | Failed
FromWorker = Hello | Answer
ToDashboard = Snapshot | Notice | Bye
FromDashboard = Hello | Command | Bye
ToEngine = FromWorker | FromDashboard
