"""Commands carried out: what controllers, screens and other programs may do to a jam.

Each gesture is taken down for undo; see `scenes.undo`.
Owns: nothing; the knobs' values are the jam's.  Threads: engine only.
"""

import math
from collections.abc import Sequence

from live.errors import UsageError, unknown
from live.ipc import commands
from live.ipc.commands import Command
from live.jam.jam import Jam
from live.jam.scenes.jam_state import Slots
from live.jam.scenes.scenes import Scenes
from live.jam.scenes.undo import UndoHistory
from live.settings.knobs import (
    ANCHORS,
    ATTRIBUTE_KNOBS,
    KNOBS,
    LATENT_KNOBS,
    MODES,
    PHRASE_BARS,
    KnobSpec,
    Mode,
)
from live.settings.schema import AUTO, OFF, Scene, Song
from live.timing.timeline import Nanos
from live.words.intention import Intention, Situation, intention_of
from model.music.tracks import TRACKS

DECODED_KNOBS = frozenset((*ATTRIBUTE_KNOBS, "vary", "stray", "temperature"))
SLIDING_KNOBS = ("morph", "xy.x", "xy.y")  # turned to where they are, they still take the latent there
NO_GESTURES = (
    commands.Undo, commands.Redo, commands.PlayKey, commands.RampTempo, commands.Fill, commands.Break,
    commands.Arm, commands.Start, commands.Stop, commands.Panic, commands.SwitchTake, commands.Quit,
)  # fmt: skip
"""What undo does not take back."""

LARGEST = 3.4028234663852886e38  # the models reckon in float32
MODE = "mode"  # what turns a knob that nobody has set
VARY_STEP = 0.1
CENTRE = 0.004  # a nudge back lands on the centre, where a bipolar knob does nothing


class Commands:
    """Carries commands out on a jam."""

    def __init__(self, jam: Jam, *, scenes: Sequence[Scene] = (), songs: Sequence[Song] = ()) -> None:
        def turn(name: str, value: float, now: Nanos) -> None:
            self.turn(name, value, now, source="scene")

        def set_mode(mode: Mode, now: Nanos) -> None:
            self._set_mode(mode, mode, now)

        self._jam = jam
        self.scenes = jam.scenery = Scenes(jam, turn, set_mode, scenes, songs)
        self.undo = UndoHistory(self.scenes, jam.history)

    def run(self, command: Command, now: Nanos) -> None:
        """Carry a command out; what cannot be done is a notice, never an exception."""
        if isinstance(command, commands.Say) and any(
            isinstance(each, NO_GESTURES) for each in self._asked(command).commands
        ):
            for each in self._asked(command).commands:
                self.run(each, now)
            return
        before = self.scenes.slots() if not isinstance(command, NO_GESTURES) else None
        try:
            self._run(command, now)
        except UsageError as error:
            self._jam.notices.add("warning", str(error))
        else:
            if before is not None:
                self._take_down(command, before, now)

    def _take_down(self, command: Command, before: Slots, now: Nanos) -> None:
        """Let undo know what a gesture has changed, or will have at the end of its glide."""
        after = self.scenes.slots() | self.scenes.coming()
        sweep = command.knob if isinstance(command, commands.Turn | commands.Nudge) else ""
        if isinstance(command, commands.GoOnMap):
            sweep = "map"
        self.undo.record(text_of(command, after), before, after, now, sweep=sweep)

    def _run(self, command: Command, now: Nanos) -> None:  # noqa: PLR0915  a line for each command
        jam = self._jam
        match command:
            case commands.Turn(name, value):
                self.turn(known_knob(name).name, finite(name, value), now, source=command.source)
            case commands.Nudge(name, share):
                self._nudge(known_knob(name), finite(name, share), now, source=command.source)
            case commands.PlayKey(pitch, velocity):
                jam.performer.play_key(pitch, velocity=velocity, now=now)
            case commands.GoTo(z):
                self._go_to(z, now)
            case commands.GoOnMap(x, y):
                self._go_on_map(x, y, now)
            case commands.ChooseModel(name):
                jam.model_choice.load(name, jam.dialogue.metre)
            case commands.ChooseMapping(mapping, port):
                if jam.mappings is None:
                    raise UsageError("no controllers are listened to, and so none can have another mapping")
                jam.mappings.pick(mapping, port)
            case commands.SetCondition(name, text):
                jam.set_condition(name, text, now)
            case commands.LockKey():
                jam.lock_key(now)
            case commands.StoreAnchor(name):
                self._store(known("capture", name, ANCHORS), now)
            case commands.RecallAnchor(name):
                self._recall(known("recall", name, ANCHORS), now)
            case commands.SetMode(mode):
                self._set_mode(next((one for one in MODES if one == mode), None), mode, now)
            case commands.SetMetre(metre):
                jam.lengths.set_metre(metre, now)
            case commands.SetPhrase(bars):
                jam.lengths.set_phrase(length("phrase", bars), now)
            case commands.Loop(bars):
                jam.lengths.loop(length("loop", bars), now)
            case commands.MutePart() | commands.SoloPart() | commands.Fill() | commands.Break():
                self._band(command, now)
            case commands.CallScene(number, bars):
                self.scenes.call(number, bars, now)
            case commands.StoreScene(number):
                self.scenes.store(number, now)
            case commands.ChooseSong(number):
                self.scenes.songs.choose(number, now)
            case commands.LeadOn(step):
                self.scenes.songs.step(step, now)
            case commands.Say():
                self._say(command, now)
            case commands.StepVary(step):
                self.turn("vary", round(jam.knobs["vary"] + step * VARY_STEP, 3), now, source=command.source)
            case commands.Freeze():
                jam.mark("freeze" if jam.gestures.freeze(jam.sent_to(now)) else "unfreeze", now)
            case commands.Undo():
                what = self.undo.undo(now)
                jam.notices.add("info", f"undone: {what}" if what else "nothing to undo")
            case commands.Redo():
                what = self.undo.redo(now)
                jam.notices.add("info", f"made again: {what}" if what else "nothing to make again")
            case commands.TapTempo():
                self._tap(now)
            case commands.RampTempo(tempo_bpm, bars):
                tempo = KNOBS["tempo"]
                self.scenes.begin_ramp(tempo.clip(finite("tempo", tempo_bpm)), max(1, bars), now)
            case commands.SwitchMetronome():
                on = not jam.sender.metronome.on
                jam.switch_metronome(now, on=on)
                jam.notices.add("info", f"metronome {'on' if on else 'off'}")
            case commands.Arm():
                jam.arm(now)
            case commands.Start():
                (jam.leader or jam).start(now)
            case commands.Stop():
                (jam.leader or jam).stop(now)
            case commands.Panic():
                jam.panic(now)
            case commands.SwitchThru():
                jam.performer.thru.toggle(now)
            case commands.Quit() | commands.Learn() | commands.StopLearning() | commands.SwitchTake():
                pass  # the engine's to heed

    def _asked(self, command: commands.Say) -> Intention:
        """Return what words ask for, as things stand."""
        muted = frozenset(TRACKS[track] for track in self._jam.plan.muted)
        jam = self._jam
        situation = Situation(jam.knobs, muted, running=jam.transport.running)
        return intention_of(command.text, situation, source=command.source)

    def _say(self, command: commands.Say, now: Nanos) -> None:
        """Do what words ask for; of what cannot be done the rest is done all the same."""
        asked = self._asked(command)
        if not asked.commands:
            raise UsageError(asked.sentence)
        done = []
        for each, line in zip(asked.commands, asked.lines, strict=True):
            try:
                self._run(each, now)
            except UsageError as error:
                self._jam.notices.add("warning", str(error))
            else:
                done.append(line)
        if done or asked.unknown:
            self._jam.notices.add("info", asked._replace(lines=tuple(done)).sentence)

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
        elif name == "volume" or name.startswith("volume."):
            jam.mixer.send_levels(now)
        elif name.startswith("density."):
            jam.band.relay_all(jam.sent_to(now))
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

    def _go_on_map(self, x: float, y: float, now: Nanos) -> None:
        jam = self._jam
        x, y = (max(-1.0, min(1.0, finite("map", value))) for value in (x, y))
        if jam.gestures.go_on_map(x, y, jam.sent_to(now)):
            return
        if jam.model_without_latent:
            raise UsageError(f"{jam.model_without_latent} has no latent, and so no map")
        raise UsageError("nothing to move on the map yet: play two bars first")

    def _store(self, name: str, now: Nanos) -> None:
        if not self._jam.gestures.store(name, self._jam.sent_to(now)):
            raise UsageError(f"nothing to store as {name} yet: play two bars first")
        self._jam.mark(f"anchor {name}", now)
        self._jam.notices.add("info", f"anchor {name} set")

    def _recall(self, name: str, now: Nanos) -> None:
        if not self._jam.gestures.recall(name, self._jam.sent_to(now)):
            raise UsageError(f"anchor {name} is empty: store it first")
        self._jam.mark(f"recall {name}", now)

    # -- modes, parts, scenes --------------------------------------------------------------------

    def _set_mode(self, mode: Mode | None, name: str, now: Nanos) -> None:
        if mode is None:
            raise unknown("mode", name, MODES)
        jam = self._jam
        jam.gestures.set_mode(mode, jam.sent_to(now))
        self._rest_vary(now)
        jam.mark(f"mode {mode}", now)
        if mode == "listen" and jam.transport.running and (why := jam.listening.unable(jam.plan.grid)):
            jam.notices.add("warning", why)

    def _rest_vary(self, now: Nanos) -> None:
        """Put `vary` where the mode has it, unless it was set."""
        jam = self._jam
        if not jam.vary_set:
            self.turn("vary", jam.vary_at_rest(jam.history.state.mode), now, source=MODE)

    def _band(
        self, command: commands.MutePart | commands.SoloPart | commands.Fill | commands.Break, now: Nanos
    ) -> None:
        match command:
            case commands.MutePart(part):
                self._mute(known("mute", part, TRACKS), now)
            case commands.SoloPart(part):
                self._solo(known("solo", part, TRACKS), now)
            case commands.Fill() | commands.Break():
                self._lead(command, now)

    def _mute(self, part: str, now: Nanos) -> None:
        plan, track = self._jam.plan, TRACKS.index(part)
        if len(plan.tracks) == 1:
            self._jam.notices.add("info", f"mute {part} does nothing now: the model that plays has one part")
            return
        self._jam.mixer.mute(self._jam.mixer.mutes.toggled(track), now)
        self._jam.notices.add("info", f"{part} muted" if track in plan.muted else f"{part} plays again")

    def _lead(self, command: commands.Fill | commands.Break, now: Nanos) -> None:
        """Let the drums fill, or all of it rest, up to the next bar line."""
        jam, name = self._jam, "fill" if isinstance(command, commands.Fill) else "break"
        if not jam.transport.running:
            raise UsageError(f"{name} does nothing now: the music stands still")
        tick = jam.sent_to(now)
        if isinstance(command, commands.Fill):
            jam.band.fill(tick)
        else:
            jam.band.pause(tick)
        jam.mark(name, now)

    def _solo(self, part: str, now: Nanos) -> None:
        jam, track = self._jam, TRACKS.index(part)
        if len(jam.plan.tracks) == 1:
            jam.notices.add("info", f"solo {part} does nothing now: the model that plays has one part")
            return
        jam.mixer.mute(jam.mixer.mutes.soloed(track), now)
        words = f"{part} alone" if jam.mixer.mutes.alone == track else "the other parts play again"
        jam.notices.add("info", words)


def text_of(command: Command, after: Slots) -> str:
    """Return what the performer is shown of a gesture that is taken back."""
    match command:
        case commands.Turn(name) | commands.Nudge(name):
            return name
        case commands.StoreAnchor(name):
            return f"anchor {name} stored"
        case commands.RecallAnchor(name):
            return f"anchor {name} recalled"
        case commands.StoreScene(number):
            return f"scene {number} stored"
        case commands.CallScene(number):
            return f"scene {number} called"
        case commands.ChooseSong(number):
            return f"song {number} chosen"
        case commands.LeadOn():
            return f"scene {after['called']} called"
        case commands.SetMode(mode):
            return f"mode {mode}"
        case commands.SetMetre(metre):
            return f"metre {metre}"
        case commands.SetPhrase():
            return f"phrase {after['lengths'][0] or AUTO}"
        case commands.Loop():
            return f"loop {after['lengths'][1] or OFF}"
        case commands.MutePart(part):
            return f"{part} {'muted' if TRACKS.index(part) in after['mutes'].left_out else 'not muted'}"
        case commands.SoloPart(part):
            return f"solo {part}"
        case commands.ChooseModel(name):
            return f"model {name}"
        case commands.ChooseMapping(mapping, port):
            return f"mapping {mapping}{f' for {port}' if port else ''}"
        case commands.SetCondition(name, text):
            return f"{name} {text}"
        case commands.LockKey():
            return f"key {dict(after['conditions']).get('key', AUTO)}"
        case commands.Say(text):
            return f'"{text}"'
        case commands.StepVary(step):
            return f"vary {'up' if step > 0 else 'down'}"
        case commands.SwitchMetronome():
            return f"metronome {'on' if after['metronome'] else 'off'}"
        case commands.Freeze():
            return "frozen" if after["frozen"] else "thawed"
        case commands.SwitchThru():
            return f"thru {'on' if after['thru'] else 'off'}"
        case commands.GoTo():
            return "a latent that was sent"
        case commands.GoOnMap():
            return "a place on the map"
        case _:
            return type(command).__name__


def known(what: str, name: str, allowed: Sequence[str]) -> str:
    """Return a name that is allowed, or raise UsageError."""
    if name not in allowed:
        raise unknown(what, name, allowed)
    return name


def length(what: str, bars: int) -> int:
    """Return a number of bars that is allowed, or 0, or raise UsageError."""
    if bars and bars not in PHRASE_BARS:
        raise unknown(what, str(bars), [*map(str, PHRASE_BARS)])
    return bars


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
