"""Commands carried out: what controllers, screens and other programs may do to a jam.

Owns: the scenes of live.toml; the knobs' values are the jam's.  Threads: engine only.
"""

import math
from collections.abc import Sequence

from live.errors import UsageError, unknown
from live.ipc.commands import (
    CallScene,
    ChooseModel,
    Command,
    Freeze,
    GoTo,
    LockKey,
    MutePart,
    Nudge,
    Panic,
    PlayKey,
    Quit,
    RecallAnchor,
    SetCondition,
    SetMetre,
    SetMode,
    Start,
    Stop,
    StoreAnchor,
    SwitchThru,
    TapTempo,
    Turn,
    Undo,
)
from live.jam.jam import Jam
from live.settings.config import Scene
from live.settings.knobs import ANCHORS, ATTRIBUTE_KNOBS, KNOBS, LATENT_KNOBS, MODES, KnobSpec, Mode
from live.timing.timeline import Nanos
from model.music.tracks import TRACKS

DECODED_KNOBS = frozenset((*ATTRIBUTE_KNOBS, "vary", "stray", "temperature"))
SLIDING_KNOBS = ("morph", "xy.x", "xy.y")  # turned to where they are, they still take the latent there
LARGEST = 3.4028234663852886e38  # the models reckon in float32
MODE = "mode"  # what turns a knob that nobody has set
CENTRE = 0.004  # a nudge back lands on the centre, where a bipolar knob does nothing


class Commands:
    """Carries commands out on a jam.

    Args:
        jam: what is played.
        scenes: of live.toml.

    """

    def __init__(self, jam: Jam, *, scenes: Sequence[Scene] = ()) -> None:
        """Know the scenes by their numbers."""
        self._jam, self._scenes = jam, {scene.number: scene for scene in scenes}

    def run(self, command: Command, now: Nanos) -> None:
        """Carry a command out; what cannot be done is a notice, never an exception."""
        try:
            self._run(command, now)
        except UsageError as error:
            self._jam.notices.add("warning", str(error))

    def _run(self, command: Command, now: Nanos) -> None:
        jam = self._jam
        match command:
            case Turn(name, value):
                self.turn(known_knob(name).name, finite(name, value), now, source=command.source)
            case Nudge(name, share):
                self._nudge(known_knob(name), finite(name, share), now, source=command.source)
            case PlayKey(pitch, velocity):
                jam.performer.play_key(pitch, velocity=velocity, now=now)
            case GoTo(z):
                self._go_to(z, now)
            case ChooseModel(name):
                jam.load_model(name)
            case SetCondition(name, text):
                jam.set_condition(name, text, now)
            case LockKey():
                jam.lock_key(now)
            case StoreAnchor(name):
                self._store(known("capture", name, ANCHORS), now)
            case RecallAnchor(name):
                self._recall(known("recall", name, ANCHORS), now)
            case SetMode(mode):
                self._set_mode(next((one for one in MODES if one == mode), None), mode, now)
            case SetMetre(metre):
                jam.set_metre(metre, now)
            case MutePart(part):
                self._mute(known("mute", part, TRACKS), now)
            case CallScene(number):
                self._call_scene(number, now)
            case Freeze():
                jam.mark("freeze" if jam.gestures.freeze(jam.sent_to(now)) else "unfreeze", now)
            case Undo():
                done = jam.gestures.undo(jam.sent_to(now))
                self._rest_vary(now)
                jam.notices.add("info", "undone" if done else "nothing to undo")
            case TapTempo():
                self._tap(now)
            case Start():
                (jam.leader or jam).start(now)
            case Stop():
                (jam.leader or jam).stop(now)
            case Panic():
                jam.panic(now)
            case SwitchThru():
                jam.performer.toggle_thru(now)
            case Quit():
                pass  # the engine's to heed

    # -- knobs -----------------------------------------------------------------------------------

    def turn(self, name: str, value: float, now: Nanos, *, source: str = "") -> None:
        """Set a knob; out-of-range values stop at the end of its travel."""
        jam = self._jam
        jam.vary_set |= name == "vary" and source != MODE
        value = KNOBS[name].clip(value)
        if value == jam.knobs[name] and name not in SLIDING_KNOBS:
            return
        if name == "tempo" and not (jam.leader or jam).set_tempo(value, now):
            return
        jam.knobs[name] = value
        jam.record_knob(name, value, source, now)
        if name in ("swing", "gate", "feel"):
            jam.laying_changed(now)
        elif name == "volume":
            jam.send_levels(now)
        elif name in LATENT_KNOBS and jam.model_without_latent:
            what = "the pad" if name.startswith("xy") else name
            jam.notices.add("info", f"{what} does nothing now: {jam.model_without_latent} has no latent")
        elif name == "morph":
            if not jam.gestures.morph(jam.sent_to(now)):
                jam.notices.add("info", "morph goes from anchor A to anchor B: set both first")
        elif name in ("xy.x", "xy.y"):
            if not jam.gestures.pad(jam.sent_to(now)):
                jam.notices.add("info", "the pad lies between the anchors A to D: set one near it first")
        elif name in DECODED_KNOBS:
            jam.plan.mark_stale(jam.sent_to(now))

    def _nudge(self, spec: KnobSpec, share: float, now: Nanos, *, source: str) -> None:
        value = self._jam.knobs[spec.name] + share * (spec.high - spec.low)
        if spec.bipolar and abs(value) < CENTRE:
            value = 0.0
        self.turn(spec.name, value, now, source=source)

    def _tap(self, now: Nanos) -> None:
        tempo = self._jam.transport.tap(now)
        if tempo is not None:
            self.turn("tempo", tempo, now, source="tap")

    # -- the latent ------------------------------------------------------------------------------

    def _go_to(self, z: Sequence[float], now: Nanos) -> None:
        jam = self._jam
        if not all(abs(value) <= LARGEST for value in z):  # NaN is no more
            raise UsageError(f"latent takes finite numbers only, none beyond {LARGEST:.2g}")
        if jam.gestures.go_to(z, jam.sent_to(now)):
            return
        if jam.model_without_latent:
            raise UsageError(f"{jam.model_without_latent} has no latent: none can be sent to it")
        size = jam.requests.model.latent_size if jam.requests.model is not None else 0
        raise UsageError(f"a latent has {size} numbers here, not {len(z)}")

    def _store(self, name: str, now: Nanos) -> None:
        if not self._jam.gestures.store(name, self._jam.sent_to(now)):
            raise UsageError(f"nothing to store as {name} yet: play two bars first")
        self._jam.mark(f"anchor {name}", now)
        self._jam.notices.add("info", f"anchor {name} set")

    def _recall(self, name: str, now: Nanos) -> None:
        if not self._jam.gestures.recall(name, self._jam.sent_to(now)):
            raise UsageError(f"anchor {name} is empty: capture it first")
        self._jam.mark(f"recall {name}", now)

    # -- modes, parts, scenes --------------------------------------------------------------------

    def _set_mode(self, mode: Mode | None, name: str, now: Nanos) -> None:
        if mode is None:
            raise unknown("mode", name, MODES)
        self._jam.gestures.set_mode(mode, self._jam.sent_to(now))
        self._rest_vary(now)
        self._jam.mark(f"mode {mode}", now)

    def _rest_vary(self, now: Nanos) -> None:
        """Put `vary` where the mode has it, unless it was set."""
        jam = self._jam
        if not jam.vary_set:
            self.turn("vary", jam.vary_at_rest(jam.history.state.mode), now, source=MODE)

    def _mute(self, part: str, now: Nanos) -> None:
        plan, track = self._jam.plan, TRACKS.index(part)
        if len(plan.tracks) == 1:
            self._jam.notices.add("info", f"mute {part} does nothing now: the model that plays has one part")
            return
        self._jam.mute(plan.muted ^ {track}, now)
        self._jam.notices.add("info", f"{part} muted" if track in plan.muted else f"{part} plays again")

    def _call_scene(self, number: int, now: Nanos) -> None:
        scene = self._scenes.get(number)
        if scene is None:
            listed = ", ".join(map(str, sorted(self._scenes))) or "none"
            raise UsageError(f"scene {number} is not in live.toml; there is: {listed}")
        if scene.mode is not None:
            self._set_mode(scene.mode, scene.mode, now)
        if scene.mute is not None:
            self._jam.mute(frozenset(map(TRACKS.index, scene.mute)), now)
        for name, value in scene.knobs.items():
            self.turn(name, value, now, source="scene")
        self._jam.notices.add("info", f"scene {number}: {scene.name}" if scene.name else f"scene {number}")


def known(what: str, name: str, allowed: Sequence[str]) -> str:
    """Return a name that is allowed, or raise UsageError."""
    if name not in allowed:
        raise unknown(what, name, allowed)
    return name


def known_knob(name: str) -> KnobSpec:
    """Return a knob's range, or raise UsageError."""
    if name not in KNOBS:
        raise unknown("knob", name, KNOBS)
    return KNOBS[name]


def finite(knob: str, value: float) -> float:
    """Return a value that is a number, or raise UsageError."""
    if not math.isfinite(value):
        raise UsageError(f"knob {knob} takes finite numbers only")
    return value
