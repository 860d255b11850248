"""The mapping file: one TOML per controller that binds its controls to knobs and actions.

Owns the format and its checks.  Numbers are MIDI's own (0..127, 0..16383), channels 1..16, ranges
and steps in the knob's unit.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from live.control.curves import CurveName, EncoderKind
from live.control.hysteresis import SwitchKind
from live.control.takeover import Law
from live.devices.names import plain_name
from live.errors import UsageError, model_faults, unknown
from live.settings.knobs import ACTIONS, KNOBS, takes
from live.timing.midi_bytes import is_channel_message
from model import strict
from model.errors import ModelError

Seven = Annotated[int, Meta(ge=0, le=127)]
SourceName = Literal["cc", "cc14", "nrpn", "note", "pitch_bend", "aftertouch", "poly_aftertouch", "program"]
SOURCES: tuple[SourceName, ...] = (
    "cc",
    "cc14",
    "nrpn",
    "note",
    "pitch_bend",
    "aftertouch",
    "poly_aftertouch",
    "program",
)
SWITCHES = ("note", "program")
CHANNELS = tuple(range(1, 17))
NRPN_CONTROLLERS = (99, 98, 6, 38, 96, 97)
"""Parameter number (upper, lower), then its value (upper, lower), or a step up, a step down."""


class Controller(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[controller]: what the device is called, its ports' names, and what it is told.

    Attributes:
        name: of the device.
        match: parts of the names of its ports.
        keys: the channels on which its keys play; left away, all.  On the others nothing sounds, be it bound
            or not: [] for pads, buttons and knobs alone.
        lights: part of the name of the port that its lights are sent to; left away, the one that belongs to
            the port it is heard on.
        hello, goodbye: messages that it is sent before its lights and after them, in hexadecimal.
    """

    name: Annotated[str, Meta(min_length=1)]
    match: list[Annotated[str, Meta(min_length=1)]] = []
    keys: list[Annotated[int, Meta(ge=1, le=16)]] | None = None
    lights: str = ""
    hello: list[str] = []
    goodbye: list[str] = []


class Light(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """light: how a control's lamp or ring shows what the control does.

    Attributes:
        cc, note: the message that sets it; left away, the control's own.
        channel: 1..16; left away, the control's own, or 1.
        on, off: values when it is lit and dark; `on` of a knob is left away: a knob has a ring.
        blink: value at which the device blinks; left away, it is lit and dark by the beat.
        blink_channel: channel on which the device blinks, where that is told by the channel.
        ring: values at both ends of a knob's travel; left away, 0 and 127.
    """

    cc: Seven | None = None
    note: Seven | None = None
    channel: Annotated[int, Meta(ge=1, le=16)] | None = None
    on: Seven | None = None
    off: Seven = 0
    blink: Seven | None = None
    blink_channel: Annotated[int, Meta(ge=1, le=16)] | None = None
    ring: Annotated[list[Seven], Meta(min_length=2, max_length=2)] | None = None


class Roll(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[roll]: a grid of lamps that shows the phrase that sounds, its parts from top to bottom.

    Attributes:
        rows: notes of the lamps, each row from left to right.
        channel: 1..16.
        on, off, playhead: values of a lamp with notes, of one without, and of the column that sounds.
    """

    rows: Annotated[list[list[Seven]], Meta(min_length=1)]
    channel: Annotated[int, Meta(ge=1, le=16)] = 1
    on: Seven
    off: Seven = 0
    playhead: Seven


class Control(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[control]]: one control and what it does.

    Attributes:
        cc: a 7-bit controller.
        cc14: a 14-bit controller, 0..31; its lower half is on the number 32 higher.
        nrpn: a non-registered parameter.
        note: a key or pad; calls an action.
        pitch_bend, aftertouch: true where that is the control.
        poly_aftertouch: the pressure of this key.
        program: a program change to this number; calls an action.
        channel: 1..16; left away, any channel.
        encoder: how a relative (endless) encoder tells its detents; with cc, `increment` with nrpn.
        button: what a switch tells: momentary (its release, too), toggle, trigger (presses only); left away,
            that is found out, but for toggle.
        knob: name of a knob; or
        action: an action with its argument, as `capture A`.
        takeover: jump, pickup (the default) or scale.
        curve: linear (the default), exp, log or s.
        range: lowest and highest value that the control reaches; left away, the knob's whole range.
        step: change of the knob for one detent of an encoder; left away, a hundredth of the range.
        light: how its lamp or ring shows what it does.
    """

    cc: Seven | None = None
    cc14: Annotated[int, Meta(ge=0, le=31)] | None = None
    nrpn: Annotated[int, Meta(ge=0, le=16383)] | None = None
    note: Seven | None = None
    pitch_bend: Literal[True] | None = None
    aftertouch: Literal[True] | None = None
    poly_aftertouch: Seven | None = None
    program: Seven | None = None
    channel: Annotated[int, Meta(ge=1, le=16)] | None = None
    encoder: EncoderKind | None = None
    button: SwitchKind | None = None
    knob: str | None = None
    action: str | None = None
    takeover: Law | None = None
    curve: CurveName | None = None
    range: Annotated[list[float], Meta(min_length=2, max_length=2)] | None = None
    step: float | None = None
    light: Light | None = None

    @property
    def source(self) -> tuple[SourceName, int]:
        """What is moved: its kind and number (0 where the kind has none)."""
        name = next(name for name in SOURCES if getattr(self, name) is not None)
        return name, int(getattr(self, name)) if name not in {"pitch_bend", "aftertouch"} else 0

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels it is received on."""
        return CHANNELS if self.channel is None else (self.channel,)

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest value of the knob that it reaches."""
        if self.range is not None:
            return self.range[0], self.range[1]
        spec = KNOBS[self.knob or ""]
        return spec.low, spec.high


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole mapping file."""

    controller: Controller
    control: list[Control] = []
    roll: Roll | None = None

    @property
    def has_lights(self) -> bool:
        """Whether there is anything to show on the device."""
        return self.roll is not None or any(control.light is not None for control in self.control)


def overlap(parts: Iterable[str], port_name: str) -> int:
    """Return the length of the longest of some parts that a port's name holds, in any case; 0 for none."""
    names = (port_name.lower(), plain_name(port_name).lower())
    return max((len(part) for part in parts if any(part.lower() in name for name in names)), default=0)


@model_faults()
def read(path: Path, *, say: Callable[[str], object] | None = None) -> Mapping:
    """Read a mapping file.

    Args:
        path: of the file.
        say: see `parse`.

    Raises:
        UsageError: the file is broken, or holds something that is not allowed.
    """
    return parse(strict.read_toml(path), where=str(path), say=say)


@model_faults()
def parse(raw: dict[str, Any], *, where: str, say: Callable[[str], object] | None = None) -> Mapping:
    """Return the mapping in tables already read.

    Args:
        raw: the tables.
        where: the file, for sentences.
        say: gets a sentence for each control that is wrong, and is left out; None: the first one is raised.

    Raises:
        UsageError: something is not allowed; the sentence names `where`, the control and the value.
    """
    controls = raw.get("control", [])
    try:
        mapping = strict.build(raw, Mapping, where)
        _check_words(mapping.controller, where)
        check_all(mapping.control, where)
    except (UsageError, ModelError):
        if say is None or not isinstance(controls, list):
            raise
    else:
        return mapping
    good: list[Control] = []
    numbers: list[int] = []
    for number, table in enumerate(controls, 1):
        try:
            control = _control(table, number, where)
            check_all([*good, control], where, [*numbers, number])
        except (UsageError, ModelError) as fault:
            say(f"{fault}; that control is left out")
        else:
            good.append(control)
            numbers.append(number)
    rest = strict.build({name: value for name, value in raw.items() if name != "control"}, Mapping, where)
    _check_words(rest.controller, where)
    return msgspec.structs.replace(rest, control=good)


def _control(table: object, number: int, where: str) -> Control:
    """Return one control, checked as it would be among the others."""
    blank = {"cc": 0, "knob": next(iter(KNOBS))}
    name = "a controller"
    built = strict.build(
        {"controller": {"name": name}, "control": [*[blank] * (number - 1), table]}, Mapping, where
    )
    return built.control[-1]


def _check_words(controller: Controller, where: str) -> None:
    """Refuse a greeting that is no MIDI message."""
    for key in ("hello", "goodbye"):
        for text in getattr(controller, key):
            if message(text) is None:
                raise UsageError(
                    f"{where}: controller.{key} has '{text}', which is no whole MIDI message in hexadecimal,"
                    " as 'F0 7E 7F 06 01 F7'"
                )


def check_all(controls: list[Control], where: str, numbers: list[int] | None = None) -> None:
    """Check each control, and that no two listen to one thing; `numbers` are their places in the file."""
    owners: dict[tuple[str, int, int], int] = {}
    placed = [*zip(numbers or range(1, len(controls) + 1), controls, strict=True)]
    for number, control in placed:
        _check(control, number, where)
        for wire in wires(control):
            if wire in owners:
                raise _clash(control, number, owners[wire], where)
            owners[wire] = number
    for number, control in placed:
        _check_nrpn_clash(control, number, owners, where)


def split_action(action: str) -> tuple[str, str]:
    """Return an action's name and argument."""
    name, _, argument = action.partition(" ")
    return name, argument


def _check(control: Control, number: int, where: str) -> None:
    """Check what types cannot say about one control."""
    named = [name for name in SOURCES if getattr(control, name) is not None]
    if len(named) != 1:
        said = f"has {' and '.join(named)}" if named else "does not say what is moved"
        raise UsageError(f"{where}: control {number} {said}; it needs exactly one of: {', '.join(SOURCES)}")
    kind, _ = control.source
    label = f"control {number} ({describe(control)})"
    if (control.knob is None) == (control.action is None):
        said = "has both knob and action" if control.knob else "does not say what it does"
        raise UsageError(f"{where}: {label} {said}; it needs exactly one of: knob, action")
    if control.encoder and kind != ("nrpn" if control.encoder == "increment" else "cc"):
        raise UsageError(
            f"{where}: {label} has encoder = '{control.encoder}'; only a cc can be an encoder, and an nrpn"
            " 'increment'"
        )
    if control.knob is not None:
        _check_knob(control, control.knob, label, where)
    else:
        _check_action(control, label, where)
    if control.light is not None:
        _check_light(control, control.light, label, where)


def _check_light(control: Control, light: Light, label: str, where: str) -> None:
    """Check how a control is lit."""
    kind, _ = control.source
    if light.cc is not None and light.note is not None:
        raise UsageError(f"{where}: {label} has a light with cc and note; it needs one of them at most")
    if light.cc is None and light.note is None and kind not in ("cc", "note"):
        raise UsageError(f"{where}: {label} cannot be lit by its own message: say the light's cc or note")
    if control.knob is None and light.ring is not None:
        raise UsageError(f"{where}: {label} has a light with ring; that belongs to a knob, not to an action")
    if control.knob is not None:
        for key in ("on", "blink", "blink_channel"):
            if getattr(light, key) is not None:
                raise UsageError(f"{where}: {label} has a light with {key}; a knob shows its travel, by ring")


def message(text: str) -> bytes | None:
    """Return a message written in hexadecimal, as "F0 7E 7F 06 01 F7"; None where it is none."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return None
    exclusive = len(data) > 2 and data[0] == 0xF0 and data[-1] == 0xF7 and max(data[1:-1]) < 0x80
    return data if exclusive or is_channel_message(data) else None


def _check_knob(control: Control, knob: str, label: str, where: str) -> None:
    """Check a control that moves a knob."""
    kind, _ = control.source
    if knob not in KNOBS:
        raise unknown("knob", knob, KNOBS, where=f"{label} of {where}")
    if kind in SWITCHES:
        raise UsageError(
            f"{where}: {label} cannot move knob '{knob}': a {kind} calls an action, as 'capture A'"
        )
    if control.button is not None:
        raise UsageError(f"{where}: {label} has button = '{control.button}'; that belongs to an action")
    spec = KNOBS[knob]
    if control.range is not None:
        low, high = control.range
        if not spec.low <= low < high <= spec.high:
            raise UsageError(
                f"{where}: {label}, range [{low:g}, {high:g}] must rise and lie inside"
                f" [{spec.low:g}, {spec.high:g}], the range of knob '{knob}'"
            )
    if control.encoder is None and control.step is not None:
        raise UsageError(f"{where}: {label} has step = {control.step:g}; only an encoder makes steps")
    if control.encoder is not None:
        for name in ("takeover", "curve"):
            if getattr(control, name) is not None:
                raise UsageError(
                    f"{where}: {label} has {name}; an encoder needs none, it is never out of step"
                )
        low, high = control.span
        if control.step is not None and not 0 < abs(control.step) <= high - low:
            raise UsageError(
                f"{where}: {label}, step must be above 0 and at most {high - low:g} (below 0 turns the other"
                f" way), not {control.step:g}"
            )


def _check_action(control: Control, label: str, where: str) -> None:
    """Check a control that calls an action."""
    name, argument = split_action(control.action or "")
    if name not in ACTIONS:
        raise unknown("action", control.action or "", ACTIONS, where=f"{label} of {where}")
    words = ACTIONS[name]
    if not takes(name, argument):
        if not words:
            raise UsageError(f"{where}: {label}, action '{name}' takes no argument, but has '{argument}'")
        raise unknown("argument", argument, words, where=f"action '{name}', {label} of {where}")
    if control.pitch_bend:
        raise UsageError(f"{where}: {label} cannot call an action: it springs back; bind it to a knob")
    for key in ("encoder", "takeover", "curve", "range", "step"):
        if getattr(control, key) is not None:
            raise UsageError(f"{where}: {label} has {key}; that belongs to a knob, not to an action")


def describe(control: Control) -> str:
    """Return a control in a few words, as `CC 70` or `note 36 on channel 10`."""
    kind, number = control.source
    name = kind.upper() if kind in {"cc", "cc14", "nrpn"} else kind.replace("_", " ")
    text = name + ("" if kind in {"pitch_bend", "aftertouch"} else f" {number}")
    return text if control.channel is None else f"{text} on channel {control.channel}"


def does(control: Control) -> str:
    """Return what a control turns or calls."""
    return control.knob or control.action or ""


def wires(control: Control) -> list[tuple[str, int, int]]:
    """Return what a control listens to on the wire, as (kind, number, channel)."""
    kind, number = control.source
    if kind == "cc14":
        return [("cc", half, channel) for half in (number, number + 32) for channel in control.channels]
    return [(kind, number, channel) for channel in control.channels]


def _clash(control: Control, number: int, other: int, where: str) -> UsageError:
    """Say that two controls listen to the same thing."""
    first = f"control {other}"
    return UsageError(
        f"{where}: control {number} ({describe(control)}) listens to what {first} already has;"
        " a source can do one thing"
    )


def _check_nrpn_clash(
    control: Control, number: int, owners: dict[tuple[str, int, int], int], where: str
) -> None:
    """Refuse controllers 99, 98, 6, 38, 96 and 97 beside NRPNs, which are made of them."""
    if control.nrpn is None:
        return
    for channel in control.channels:
        for part in NRPN_CONTROLLERS:
            if ("cc", part, channel) in owners:
                raise UsageError(
                    f"{where}: control {number} ({describe(control)}) is made of cc 99, 98, 6, 38, 96 and 97,"
                    f" and control {owners['cc', part, channel]} has cc {part}; a source can do one thing"
                )
