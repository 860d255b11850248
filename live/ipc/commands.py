"""Commands: what a performer, a controller or another program wants of the engine, one struct for each.

Actions are the commands that have a name of their own in mapping files and OSC; see `settings.knobs.ACTIONS`.
"""

from collections.abc import Callable, Mapping

from live.errors import UsageError, unknown
from live.ipc.messages import Bye, FromWorker, Hello, Message
from live.settings.knobs import ACTIONS, scene_and_bars, takes, tempo_and_bars


class Intent(Message, frozen=True, kw_only=True):
    """Base of all commands; `source` says who asks: "midi", "osc", "dashboard", ..."""

    source: str = ""


class Turn(Intent, frozen=True):
    """Set a knob to a value in its own range; beyond it, to the end of its travel."""

    knob: str
    value: float


class Nudge(Intent, frozen=True):
    """Move a knob by a share, -1..1, of its range."""

    knob: str
    share: float


class PlayKey(Intent, frozen=True):
    """Play a key without a keyboard: pitch 0..127, velocity 1..127; velocity 0 lets it go."""

    pitch: int
    velocity: int = 96


class GoTo(Intent, frozen=True):
    """Sound a latent vector, z [d]."""

    z: list[float]


class GoOnMap(Intent, frozen=True):
    """Carry what sounds to a point of the 2-D map, each coordinate -1..1."""

    x: float
    y: float


class ChooseModel(Intent, frozen=True):
    """Play another model: a shipped name or a path."""

    model: str


class ChooseMapping(Intent, frozen=True):
    """Let a controller have another mapping, a name, a path or "auto"; all of them where no port is named."""

    mapping: str
    port: str = ""


class SetCondition(Intent, frozen=True):
    """Hold answers to a condition (chords, key, style); "auto" leaves it to the model."""

    condition: str
    text: str


class LockKey(Intent, frozen=True):
    """Hold answers to the key that is played in now; done again, to the one that is played in by then."""


class StoreAnchor(Intent, frozen=True):
    """Store what sounds as an anchor, A..D."""

    anchor: str


class RecallAnchor(Intent, frozen=True):
    """Play from an anchor, A..D."""

    anchor: str


class SetMode(Intent, frozen=True):
    """Listen and play in another mode, see `settings.knobs.MODES`."""

    mode: str


class SetMetre(Intent, frozen=True):
    """Play in another metre, as "3/4", from the next bar line on; "auto" is the model's own."""

    metre: str


class SetPhrase(Intent, frozen=True):
    """Take up so many bars as one phrase, of `settings.knobs.PHRASE_BARS`; 0 is the model's own number."""

    bars: int


class Loop(Intent, frozen=True):
    """Repeat the last so many bars from the next bar line on; 0, or as many as repeat, lets go."""

    bars: int


class MutePart(Intent, frozen=True):
    """Leave a part out, or let it play again; see `model.music.tracks.TRACKS`."""

    part: str


class SoloPart(Intent, frozen=True):
    """Let a part play alone, or all that played before; see `model.music.tracks.TRACKS`."""

    part: str


class Fill(Intent, frozen=True):
    """Let the drums fill up to the next bar line."""


class Break(Intent, frozen=True):
    """Let everything rest up to the next bar line."""


class CallScene(Intent, frozen=True):
    """Go to a scene, 1..99, stored or of live.toml: at once, or over 1..64 bars."""

    number: int
    bars: int = 0


class StoreScene(Intent, frozen=True):
    """Store the whole state as a scene, 1..99."""

    number: int


class Say(Intent, frozen=True):
    """Do what words ask for, as "sparser, like B but higher"; see `live.words`."""

    text: str


class StepVary(Intent, frozen=True):
    """Turn the knob `vary` up a step (1), or down (-1)."""

    step: int


class Freeze(Intent, frozen=True):
    """Leave what the performer plays alone, or take it again."""


class ChooseSong(Intent, frozen=True):
    """Go to the beginning of a song of the set, from 1."""

    number: int


class LeadOn(Intent, frozen=True):
    """Go to the next scene of the song (1), or to the one before (-1); at its ends, to another song."""

    step: int


class Undo(Intent, frozen=True):
    """Take the last gesture back."""


class Redo(Intent, frozen=True):
    """Make the gesture again that was taken back last."""


class TapTempo(Intent, frozen=True):
    """Tap the beat."""


class RampTempo(Intent, frozen=True):
    """Go to a tempo within its knob's range, over 1..99 bars."""

    tempo_bpm: float
    bars: int


class SwitchMetronome(Intent, frozen=True):
    """Click on every beat, or no more."""


class Arm(Intent, frozen=True):
    """Start with the first note that the performer plays; done again, no more."""


class Start(Intent, frozen=True):
    """Start the transport at bar 0; a running one starts anew."""


class Stop(Intent, frozen=True):
    """Stop the transport."""


class Panic(Intent, frozen=True):
    """End every note now."""


class SwitchThru(Intent, frozen=True):
    """Let the performer's keys sound through the instrument, or not."""


class SwitchTake(Intent, frozen=True):
    """End the take under way, or begin one."""


class Learn(Intent, frozen=True):
    """Bind the next control that is touched to a knob, or to an action with its argument, as "capture A"."""

    target: str


class StopLearning(Intent, frozen=True):
    """Learn no more."""


class Quit(Intent, frozen=True):
    """End the instrument."""


Command = (
    Turn | Nudge | PlayKey | GoTo | ChooseModel | ChooseMapping | SetCondition | LockKey | StoreAnchor
    | RecallAnchor | SetMode | SetMetre | SetPhrase | Loop | MutePart | SoloPart | Fill | Break
    | CallScene | StoreScene | ChooseSong | LeadOn | Say | StepVary | Freeze | Undo | Redo | TapTempo
    | RampTempo | SwitchMetronome | Arm | Start | Stop | Panic | SwitchThru | Learn | StopLearning | GoOnMap
    | SwitchTake | Quit
)  # fmt: skip

FromDashboard = Hello | Command | Bye
ToEngine = FromWorker | FromDashboard

_BY_NAME: Mapping[str, Callable[..., Command]] = {
    "capture": StoreAnchor,
    "recall": RecallAnchor,
    "mode": SetMode,
    "metre": SetMetre,
    "phrase": lambda bars, *, source: SetPhrase(0 if bars == "auto" else int(bars), source=source),
    "loop": lambda bars, *, source: Loop(0 if bars == "off" else int(bars), source=source),
    "mute": MutePart,
    "solo": SoloPart,
    "fill": Fill,
    "break": Break,
    "scene": lambda argument, *, source: CallScene(*scene_and_bars(argument), source=source),
    "store": lambda argument, *, source: StoreScene(scene_and_bars(argument)[0], source=source),
    "key": lambda _lock, *, source: LockKey(source=source),
    "freeze": Freeze,
    "vary": lambda way, *, source: StepVary(1 if way == "up" else -1, source=source),
    "song": lambda argument, *, source: ChooseSong(scene_and_bars(argument)[0], source=source),
    "next": lambda *, source: LeadOn(1, source=source),
    "previous": lambda *, source: LeadOn(-1, source=source),
    "undo": Undo,
    "redo": Redo,
    "tap": TapTempo,
    "tempo": lambda argument, *, source: RampTempo(*tempo_and_bars(argument), source=source),
    "metronome": SwitchMetronome,
    "arm": Arm,
    "start": Start,
    "stop": Stop,
    "panic": Panic,
    "record": SwitchTake,
}


def action(name: str, argument: str = "", *, source: str = "") -> Command:
    """Return the command of an action by its name and argument, as "capture" and "A".

    Raises:
        UsageError: there is no such action, or it takes no such argument.
    """
    if name not in ACTIONS:
        raise unknown("action", name, ACTIONS)
    allowed = ACTIONS[name]
    if allowed and not takes(name, argument):
        raise unknown(name, argument, allowed)
    if argument and not allowed:
        raise UsageError(f"{name} takes no argument, and '{argument}' is one")
    return _BY_NAME[name](*[argument] if allowed else [], source=source)
