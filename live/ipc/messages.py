"""What crosses between the engine and the model process, and the greetings of all: frozen structs, msgpack.

engine -> worker: Load, Encode, Decode, Accompany, VaryAhead, Warp; Listen, Onset, ExpectTempo.
worker -> engine: Ready, LoadFailed, Encoded, Decoded, Rewritten, Warped, Failed; BeatFound, CannotListen.
engine -> supervisor: Beat.
Places in the latent space are in `places`; what crosses to and from dashboards in `snapshot`, `commands`,
and MIDI of browsers in `browser_midi`.
Tested in tests/live/ipc/test_link.py.
"""

from typing import Literal

import msgspec

from live.ipc.places import Place, Point
from model.music.grid import Grid
from model.music.metre import Metre
from model.music.phrase import Note

FOR_EVER_NANOS = 1 << 62


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of all messages; the tag on the wire is the class's name."""


class Hello(Message, frozen=True):
    """First message on a link: who calls, with the session's token.

    A guardian is a supervisor that follows one which has died; it has no screen.
    """

    role: Literal["worker", "dashboard", "supervisor", "guardian"]
    token: str
    pid: int


class Bye(Message, frozen=True):
    """Orderly goodbye: whoever gets it finishes and exits; the supervisor learns that its engine does."""


class Beat(Message, frozen=True):
    """The engine's loop turns; to the supervisor a few times a second.

    Attributes:
        worker: whether a model process has called.
        peers: ports of others that are connected to its virtual output, as far as the system tells,
        sources: and to its virtual input.
        closing: whether it is the last one: it broke, and writes down what it has.
        silenced: ports on which it has ended what an engine before it left sounding.
    """

    worker: bool
    peers: list[str] = []
    sources: list[str] = []
    closing: bool = False
    silenced: list[str] = []


# -- engine -> worker -------------------------------------------------------------------------------


class Encode(Message, frozen=True):
    """Find a phrase in the latent space.

    Attributes:
        ident: comes back with the answer.
        notes: the phrase, each note on its nearest step.
        parts: tracks; those that it lacks are put beside it first, as `Accompany` had them written.
        struck: the same as it was played, in ticks from the phrase's bar line: (start, end, pitch, velocity);
            a grid is found for it.  Empty for a phrase that has one.
        tick_nanos: length of a tick.
        swing: where the second eighth of a beat lay in the phrase before, .5..67.
        grid: of the phrase, as its metre has it; None is the model's own.
        band: what was put beside it when it was played before, and is again; empty for what was written.
        begun: whether it goes on: nothing is learned from it, for it comes again.
    """

    ident: int
    notes: list[Note]
    parts: list[int] = []
    struck: list[tuple[int, int, int, int]] = []
    tick_nanos: int = 0
    swing: float = 0.5
    grid: Grid | None = None
    band: list[Note] = []
    begun: bool = False


class Accompany(Message, frozen=True):
    """Write the parts that a phrase lacks, for the next encode; nothing is answered.

    Attributes:
        notes: what the performer has played of the phrase so far.
        parts: tracks that may be written.
        number: of the phrase, from which the model process knows how long drums stay.
        seed: of all choices.
        grid: of the phrase; None is the model's own.
    """

    notes: list[Note]
    parts: list[int]
    number: int
    seed: int
    grid: Grid | None = None


class Encoded(Message, frozen=True):
    """Where the phrase lies.

    Attributes:
        ident: of the request.
        z: posterior mean [d].
        attributes: raw, by name.
        xy: place on the map.
        ms: what it cost.
        fault: why it was found without the parts that were to join it; empty for no fault.
        notes: the phrase on the grid that was found for it; empty where none was looked for.
        played: the same by the model's tracks, with the parts that joined: what answers are to keep.
        lag_ticks: by how much all of it lay behind its grid; negative for ahead.
        swing: where the second eighth of a beat lay, .5 straight .. .67 triplets.
        key: that it is in, as "F# minor"; empty for none.
        band: tracks that joined what was played.
        chords: of each beat of what was played, see `Point`; empty where none was looked for.
    """

    ident: int
    z: list[float]
    attributes: dict[str, float]
    xy: tuple[float, float]
    ms: float
    fault: str = ""
    notes: list[Note] = []
    played: list[Note] = []
    lag_ticks: float = 0.0
    swing: float = 0.5
    key: str = ""
    band: list[int] = []
    chords: list[int] = []


class Decode(Message, frozen=True):
    """Decode a latent into the phrase that starts at `bar`; or, without a latent, continue a phrase into it.

    Attributes:
        ident: comes back with the answer.
        bar: first bar of the phrase; of two requests for one bar the newer replaces the older.
        place: in the latent space.
        turns: bipolar knobs, name -> -1..1; 0 leaves its attribute alone.
        temperature: 0..1; 0 is deterministic.
        seed: of the random generator.
        prefix: notes of this phrase already played, onsets before `prefix_steps`.
        prefix_steps: steps of the phrase that cannot change any more.
        context: the phrase that a model without a latent continues; empty for the others.
        condition: what the answer is to keep to, by the names of `Ready.conditions`; what is left away the
            model estimates from the phrase.
        top_k: notes are chosen among the so many likeliest; 0 is all.
        top_p: notes are chosen among the likeliest that make up this share, 0..1; 1 is all.
        grid: of the phrase, as its metre has it; None is the model's own.
        key: that what is new keeps to, as "F# minor"; auto is that of what was played there, off is none.
        band: tracks of whose notes the chords are wanted.
        begins_nanos, ends_nanos: from now until the phrase sounds, and until it has sounded.
    """

    ident: int
    bar: int
    place: Place
    turns: dict[str, float]
    temperature: float
    seed: int
    prefix: list[Note] = []
    prefix_steps: int = 0
    context: list[Note] = []
    condition: dict[str, str] = {}
    top_k: int = 0
    top_p: float = 1.0
    grid: Grid | None = None
    key: str = "auto"
    band: list[int] = []
    begins_nanos: int = 0
    ends_nanos: int = FOR_EVER_NANOS


class Decoded(Message, frozen=True):
    """A decoded phrase.

    Attributes:
        ident: of the request.
        notes: of the phrase.
        point: its latent with its attributes.
        xy: place of that on the map.
        ms: what it cost.
        chordal: tracks of one voice in which it keeps several, because they were played.
        written: chords of each beat of the band's tracks, see `Point`; empty where none were wanted.
        harmony: chords of each beat that its other tracks are in, see `Point`; empty where they are those of
            the place that was asked for.
        vary: how its phrase was varied: by the learned writer, or recombined where none can; awaited is a
            variation that is being written, `Rewritten` says when it is there; empty for not at all.
    """

    ident: int
    notes: list[Note]
    point: Point
    xy: tuple[float, float]
    ms: float
    chordal: list[int] = []
    written: list[int] = []
    harmony: list[int] = []
    vary: Literal["", "written", "recombined", "awaited"] = ""


class VaryAhead(Message, frozen=True):
    """Write a variation ahead for a phrase that the performer is about to finish; nothing is answered.

    Attributes:
        notes: what was played of it so far, each note on its nearest step.
        struck: see `Encode`.
        tick_nanos: see `Encode`.
        swing: see `Encode`.
        amount: see `Varied`.
        turn: see `Varied`.
        seed: see `Varied`.
        key: see `Decode`.
        grid: of the phrase.
    """

    notes: list[Note]
    struck: list[tuple[int, int, int, int]]
    tick_nanos: int
    swing: float
    amount: float
    turn: int
    seed: int
    key: str
    grid: Grid


class Closing(Message, frozen=True):
    """A phrase is about to close: nothing may stand before its answer then; nothing is answered.

    Attributes:
        in_nanos: from now until it closes, and is asked for.
    """

    in_nanos: int


class Rewritten(Message, frozen=True):
    """What a decode awaited has been written: it is worth asking again."""


class Warp(Message, frozen=True):
    """Tell how the decoded notes change along the arc from a to b."""

    ident: int
    a: Place
    b: Place


class Warped(Message, frozen=True):
    """Share of the way's length, 0..1 rising, at equal steps of the arc."""

    ident: int
    lengths: list[float]


class Load(Message, frozen=True):
    """Play another model from now on, if it plays the metre.

    Attributes:
        model: a shipped name or a path.
        metre: "auto" is the model's own.
        split: how it divides what a keyboard plays: "line", or a note name; see `model.codecs.keyboard`.
        device: that computes it, see `model.runtimes.registry.DEVICES`.
        candidates: of which an answer is chosen, 1..256; 0 fits their number to what computes.
    """

    model: str
    metre: str = "auto"
    split: str = "line"
    device: str = "auto"
    candidates: int = 0


class Ready(Message, frozen=True):
    """The worker can answer with this model.

    Attributes:
        model: its name; `ident` names these very weights.
        knobs: attribute knobs that it heeds.
        bars, beats_per_bar, steps_per_beat: its own grid.
        latent_size: 0 when it has no latent: it continues phrases.
        map_points: a cloud of known phrases on the 2-D map, each -1..1.
        conditions: what its answers can be held to (chords, key, style).
        styles: the style labels that it knows.
        accompanies: whether it writes the parts that a phrase lacks.
        metres: names of those that it plays.
    """

    model: str
    ident: str
    codec: str
    knobs: list[str]
    bars: int
    beats_per_bar: int
    steps_per_beat: int
    latent_size: int
    map_points: list[tuple[float, float]]
    runtime: str
    ms: float
    conditions: list[str] = []
    styles: list[str] = []
    accompanies: bool = False
    metres: list[str] = []

    @property
    def grid(self) -> Grid:
        """Its own grid."""
        return Grid(self.bars, self.beats_per_bar, self.steps_per_beat)


class Failed(Message, frozen=True):
    """A request could not be done, in one plain sentence; idents are counted over all kinds of requests.

    `ident` is 0 where nothing waits for it.
    """

    ident: int
    text: str


class LoadFailed(Message, frozen=True):
    """A model could not be loaded, in one plain sentence; the one before plays on."""

    text: str


# -- the performer's beat: what mode listen goes by -------------------------------------------------


class Listen(Message, frozen=True):
    """Find tempo and bar lines in what is played from now on, and follow them; what was begun is given up.

    Attributes:
        number: comes back with what is found.
        metre: of bars of whole quarters.
        tempo_bpm: that is expected.
        chosen: whether the performer has set it.
        line: of the transport that runs, a tick, its moment and the tempo in bpm: it is played to; None where
            nothing runs.
        onsets: what was played before, each (nanos, pitch, velocity).
    """

    number: int
    metre: Metre
    tempo_bpm: float
    chosen: bool = False
    line: tuple[int, int, float] | None = None
    onsets: list[tuple[int, int, int]] = []


class Onset(Message, frozen=True):
    """The performer has struck a key, at that moment."""

    nanos: int
    pitch: int
    velocity: int


class ExpectTempo(Message, frozen=True):
    """The performer has set a tempo: it is about that, of whoever has not begun to play."""

    tempo_bpm: float


class BeatFound(Message, frozen=True):
    """What the last onsets say: the moment of a tick, tick 0 being a bar line, and the tempo."""

    number: int
    tick: int
    nanos: int
    tempo_bpm: float


class CannotListen(Message, frozen=True):
    """No beat can be found any more, in one plain sentence."""

    number: int
    text: str


Request = Encode | Decode | Accompany | VaryAhead | Closing | Warp
ToListener = Listen | Onset | ExpectTempo
BeatReport = BeatFound | CannotListen
ToModels = Load | Request | Bye
ToWorker = ToModels | ToListener
Answer = Ready | LoadFailed | Encoded | Decoded | Rewritten | Warped | Failed
FromWorker = Hello | Answer | BeatReport
