"""The knobs and actions: one table that mappings, OSC, the dashboard and the engine agree on.

Beside its line here a knob needs a controller in takes (`live.record.take.KNOB_CONTROLS`), something that
heeds it (a model's card for attributes, `live.jam` for the rest) and its name in docs/mappings.md.  README's
table and mappings/schema.json are written from this one.

Tested in tests/live/settings/test_config.py, tests/live/dashboard/test_keys.py.
"""

import re
from typing import Literal, NamedTuple, get_args

from model.music.metre import METRES
from model.music.tracks import TRACKS


class KnobSpec(NamedTuple):
    """A knob's name, its range, where it rests, and what it does."""

    name: str
    low: float
    high: float
    rest: float
    text: str

    @property
    def bipolar(self) -> bool:
        """Whether its centre is where it does nothing."""
        return self.low < 0

    def clip(self, value: float) -> float:
        """Return the value moved into the knob's range."""
        return min(self.high, max(self.low, value))

    def to_unit(self, value: float) -> float:
        """Return the travel, 0..1, at a value."""
        return (value - self.low) / (self.high - self.low)


ATTRIBUTE_KNOBS = ("density", "complexity", "register", "range", "dynamics", "polyphony", "articulation")

BAND = ("chords", "bass", "drums")

KNOBS: dict[str, KnobSpec] = {
    spec.name: spec
    for spec in (
        KnobSpec("morph", 0.0, 1.0, 0.0, "from anchor A to anchor B"),
        KnobSpec("xy.x", 0.0, 1.0, 0.5, "across the pad: A, C left, B, D right"),
        KnobSpec("xy.y", 0.0, 1.0, 0.5, "up the pad: A, B top, C, D bottom"),
        KnobSpec("vary", 0.0, 1.0, 0.0, "your phrase, half of it new, what comes next"),
        KnobSpec("density", -1.0, 1.0, 0.0, "fewer or more notes"),
        KnobSpec("complexity", -1.0, 1.0, 0.0, "on the beat or against it"),
        KnobSpec("register", -1.0, 1.0, 0.0, "lower or higher"),
        KnobSpec("range", -1.0, 1.0, 0.0, "narrow or wide"),
        KnobSpec("dynamics", -1.0, 1.0, 0.0, "softer or louder"),
        KnobSpec("polyphony", -1.0, 1.0, 0.0, "single notes or chords"),
        KnobSpec("articulation", -1.0, 1.0, 0.0, "staccato or legato"),
        KnobSpec("stray", 0.0, 1.0, 0.0, "how far from your phrase"),
        KnobSpec("temperature", 0.0, 1.0, 0.0, "chance in the choice of notes"),
        KnobSpec("swing", 0.0, 1.0, 0.0, "straight to triplet offbeats"),
        KnobSpec("gate", 0.05, 2.0, 1.0, "length of notes against the written one"),
        KnobSpec("feel", 0.0, 1.5, 1.0, "your timing: 0 grid, 1 as played, 1.5 exaggerated"),
        KnobSpec("tempo", 30.0, 300.0, 120.0, "beats per minute"),
        KnobSpec("volume", 0.0, 1.0, 0.8, "level of the instrument's voice"),
        *(KnobSpec(f"volume.{part}", 0.0, 1.0, 1.0, f"level of its {part} in that") for part in TRACKS),
        *(KnobSpec(f"density.{part}", -1.0, 1.0, 0.0, f"fewer or more {part} of the band") for part in BAND),
    )
}

PART_KNOBS = {f"{name}.{part}": part for name in ("volume", "density") for part in TRACKS}
"""Knobs of a part: with a model that does not play it they do nothing."""

LATENT_KNOBS = ("morph", "xy.x", "xy.y", "vary", "stray")
"""They move the latent: with a model that has none they do nothing."""

ANSWERING = 0.35
"""Where `vary` stands in mode answer until it is set: it answers, it does not copy."""

Mode = Literal["follow", "answer", "hold", "drift", "listen"]
MODES: tuple[Mode, ...] = get_args(Mode)
ANCHORS = ("A", "B", "C", "D")
PHRASE_BARS = (1, 2, 4, 8)
"""How long a phrase or a loop may be."""

MOST_SCENES = 99
_NUMBERS = tuple(str(number) for number in range(1, 10))

ACTIONS: dict[str, tuple[str, ...]] = {
    "capture": ANCHORS,
    "recall": ANCHORS,
    "freeze": (),
    "vary": ("up", "down"),
    "mute": TRACKS,
    "solo": TRACKS,
    "fill": (),
    "break": (),
    "mode": MODES,
    "metre": tuple(METRES),
    "phrase": (*map(str, PHRASE_BARS), "auto"),
    "loop": (*map(str, PHRASE_BARS), "off"),
    "key": ("lock",),
    "scene": _NUMBERS,
    "store": _NUMBERS,
    "song": _NUMBERS,
    "next": (),
    "previous": (),
    "undo": (),
    "redo": (),
    "tap": (),
    "tempo": ("120 over 4 bars",),
    "metronome": (),
    "arm": (),
    "start": (),
    "stop": (),
    "panic": (),
    "record": (),
}
"""Every action with the arguments that it is listed with; see `takes`."""

_RAMP = re.compile(r"(?P<bpm>[0-9]{2,3}(\.[0-9]+)?) over (?P<bars>[1-9][0-9]?)( bars?)?")
_SCENE = re.compile(r"(?P<number>[1-9][0-9]?)( over (?P<bars>[1-9][0-9]?)( bars?)?)?")


def takes(action: str, argument: str) -> bool:
    """Tell whether an action takes an argument: a listed one, or any number of scenes and songs.

    `scene 12`, `scene 2 over 4 bars` and `tempo 140 over 8` are not listed; the word *bars* may be left out.
    """
    if argument in ACTIONS[action] or not (argument or ACTIONS[action]):
        return True
    if action == "tempo":
        ramp = _RAMP.fullmatch(argument)
        return ramp is not None and KNOBS["tempo"].low <= float(ramp["bpm"]) <= KNOBS["tempo"].high
    found = _SCENE.fullmatch(argument)
    if found is None:
        return False
    return action == "scene" or (action in ("store", "song") and not found["bars"])


def scene_and_bars(argument: str) -> tuple[int, int]:
    """Return the number of a scene and over how many bars it is called, 0 for at once; see `takes`."""
    found = _SCENE.fullmatch(argument)
    assert found is not None
    return int(found["number"]), int(found["bars"] or 0)


def tempo_and_bars(argument: str) -> tuple[float, int]:
    """Return a tempo and over how many bars it is gone to; see `takes`."""
    found = _RAMP.fullmatch(argument)
    assert found is not None
    return float(found["bpm"]), int(found["bars"])


def bindable() -> dict[str, str]:
    """Return all that a control may do, with a few words for each knob: knobs, then actions and arguments."""
    found = {name: spec.text for name, spec in KNOBS.items()}
    for name, words in ACTIONS.items():
        found |= {f"{name} {word}".strip(): "" for word in words or ("",)}
    return found
