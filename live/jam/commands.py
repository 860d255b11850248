"""Commands and knobs: what every hand, controller and screen may do to the jam.

Threads: engine only.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from live.errors import UsageError, unknown
from live.ipc.messages import Command
from live.settings.config import Scene
from live.settings.knobs import ACTIONS, ATTRIBUTE_KNOBS, KNOBS, LATENT_KNOBS
from live.timing.timeline import Nanos
from model.latent.geometry import LatentMismatchError
from model.music.tracks import TRACKS

if TYPE_CHECKING:
    from live.jam.jam import Jam

DECODED_KNOBS = frozenset((*ATTRIBUTE_KNOBS, "stray", "temperature"))


class Controls:
    """Holds the knobs' values and carries commands out on a jam.

    Args:
        jam: what is played.
        scenes: by number.
        values: where the knobs start, for those that do not start at rest.

    """

    def __init__(self, jam: "Jam", *, scenes: Mapping[int, Scene], values: Mapping[str, float]) -> None:
        """Put every knob where it starts."""
        self.values: dict[str, float] = {spec.name: spec.rest for spec in KNOBS.values()}
        self.values.update(values)
        self._jam, self._scenes = jam, scenes
        self._actions: dict[str, Callable[[str, Nanos], None]] = {
            "capture": self._capture,
            "recall": self._recall,
            "freeze": self._freeze,
            "mode": self._mode,
            "mute": self._mute,
            "scene": self._scene,
            "undo": self._undo,
            "tap": self._tap,
            "start": lambda _, now: jam.start(now),
            "stop": lambda _, now: jam.stop(now),
            "panic": lambda _, now: jam.panic(now),
            "toggle": lambda _, now: jam.stop(now) if jam.transport.running else jam.start(now),
            "thru": lambda _, now: jam.hands.toggle_thru(now),
        }

    def run(self, command: Command, now: Nanos) -> None:
        """Carry a command out; what cannot be done is a notice, never an exception."""
        if not math.isfinite(command.value) or not all(map(math.isfinite, command.values)):
            self._jam.notice("warning", f"{command.name} {command.argument} takes finite numbers only")
            return
        try:
            self._run(command, now)
        except (UsageError, LatentMismatchError) as error:
            self._jam.notice("warning", str(error))

    def _run(self, command: Command, now: Nanos) -> None:
        if command.name == "knob":
            self._check(command.argument)
            self.turn(command.argument, command.value, now, source=command.source)
        elif command.name == "nudge":
            spec = KNOBS[self._check(command.argument)]
            value = self.values[spec.name] + command.value * (spec.high - spec.low)
            if spec.bipolar and abs(value) < 0.004:
                value = 0.0  # a nudge back lands on the centre, where it does nothing
            self.turn(spec.name, value, now, source=command.source)
        elif command.name == "latent":
            if not self._jam.gestures.vector(command.values, self._jam.sent_to(now)):
                self._jam.notice("warning", self._why_no_vector(len(command.values)))
        elif command.name == "note":
            self._jam.hands.play_key(round(command.value), velocity=self._velocity(command), now=now)
        elif command.name == "model":
            self._jam.load_model(command.argument)
        elif command.name == "condition":
            self._condition(*command.argument.split(" ", 1), now=now)
        elif command.name in self._actions:
            allowed = ACTIONS.get(command.name, ())
            if allowed and command.argument not in allowed:
                raise unknown(command.name, command.argument, allowed)
            self._actions[command.name](command.argument, now)
        else:
            raise unknown("command", command.name, self._actions)

    def _why_no_vector(self, given: int) -> str:
        model = self._jam.answers.model
        if model is not None and not model.latent_size:
            return f"{model.model} has no latent: none can be sent to it"
        return f"a latent has {model.latent_size if model else 0} numbers here, not {given}"

    def _condition(self, name: str, value: str = "", *, now: Nanos) -> None:
        self._jam.answers.requests.condition(name, value)
        self._jam.answers.knobs_changed(self._jam.sent_to(now))
        self._jam.marked(f"{name} {value}", now)
        self._jam.notice("info", f"{name}: {value}")

    @staticmethod
    def _velocity(command: Command) -> int:
        if command.argument == "off":
            return 0
        return max(1, min(127, round(command.values[0]))) if command.values else 96

    @staticmethod
    def _check(name: str) -> str:
        if name not in KNOBS:
            raise unknown("knob", name, KNOBS)
        return name

    def turn(self, name: str, value: float, now: Nanos, *, source: str = "") -> None:
        """Set a knob; out-of-range values stop at the end of its travel."""
        value = KNOBS[name].clip(value)
        if value == self.values[name] and name not in ("morph", "xy.x", "xy.y"):
            return
        self.values[name] = value
        jam, tick = self._jam, self._jam.sent_to(now)
        jam.knob_turned(name, value, source, now)
        if name == "tempo":
            jam.set_tempo(value, now)
        elif name in LATENT_KNOBS and self._without_latent():
            what = "the pad" if name.startswith("xy") else name
            jam.notice("info", f"{what} does nothing now: {self._without_latent()} has no latent")
        elif name == "morph":
            if not jam.gestures.morph(tick):
                jam.notice("info", "morph goes from anchor A to anchor B: set both first")
        elif name in ("xy.x", "xy.y"):
            if not jam.gestures.pad(tick):
                jam.notice("info", "the pad lies between the anchors A to D: set one near it first")
        elif name in DECODED_KNOBS:
            jam.answers.knobs_changed(tick)
        elif name in ("swing", "gate"):
            jam.feel_changed(now)
        elif name == "volume":
            jam.volume_changed(now)

    def _without_latent(self) -> str:
        """Return the name of the model that plays, if it has no latent; else nothing."""
        model = self._jam.answers.model
        return model.model if model is not None and not model.latent_size else ""

    def _capture(self, name: str, now: Nanos) -> None:
        if self._jam.gestures.store(name, self._jam.sent_to(now)):
            self._jam.marked(f"anchor {name}", now)
            self._jam.notice("info", f"anchor {name} set")
        else:
            self._jam.notice("warning", f"nothing to store as {name} yet: play two bars first")

    def _recall(self, name: str, now: Nanos) -> None:
        if self._jam.gestures.recall(name, self._jam.sent_to(now)):
            self._jam.marked(f"recall {name}", now)
        else:
            self._jam.notice("warning", f"anchor {name} is empty: capture it first")

    def _freeze(self, _: str, now: Nanos) -> None:
        self._jam.marked("freeze" if self._jam.gestures.freeze() else "unfreeze", now)

    def _mode(self, mode: str, now: Nanos) -> None:
        self._jam.gestures.set_mode(mode, self._jam.sent_to(now))
        self._jam.marked(f"mode {mode}", now)

    def _mute(self, part: str, now: Nanos) -> None:
        plan, track = self._jam.plan, TRACKS.index(part)
        if len(plan.tracks) == 1:
            self._jam.notice("info", f"mute {part} does nothing now: the model that plays has one part")
            return
        self._leave_out(plan.muted ^ {track}, now)
        self._jam.notice("info", f"{part} muted" if track in plan.muted else f"{part} plays again")

    def _leave_out(self, muted: frozenset[int], now: Nanos) -> None:
        before = self._jam.plan.muted
        self._jam.mute(muted, now)
        for track in sorted(before ^ muted):
            self._jam.marked(f"{'mute' if track in muted else 'unmute'} {TRACKS[track]}", now)

    def _scene(self, number: str, now: Nanos) -> None:
        scene = self._scenes.get(int(number))
        if scene is None:
            known = ", ".join(str(known) for known in sorted(self._scenes)) or "none"
            raise UsageError(f"scene {number} is not in live.toml; there is: {known}")
        if scene.mode is not None:
            self._mode(scene.mode, now)
        if scene.mute is not None:
            self._leave_out(frozenset(map(TRACKS.index, scene.mute)), now)
        for name, value in scene.knobs.items():
            self.turn(name, value, now, source="scene")
        self._jam.notice("info", f"scene {number}: {scene.name}" if scene.name else f"scene {number}")

    def _undo(self, _: str, now: Nanos) -> None:
        done = self._jam.gestures.undo(self._jam.sent_to(now))
        self._jam.notice("info", "undone" if done else "nothing to undo")

    def _tap(self, _: str, now: Nanos) -> None:
        tempo = self._jam.transport.tap(now)
        if tempo is not None:
            self.turn("tempo", tempo, now, source="tap")
