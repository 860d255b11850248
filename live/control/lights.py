"""Lights: what the lamps and rings of a controller show of the jam, by its mapping.

Pure: the jam's state in, messages out.  A lamp that the device cannot blink is lit and dark by the beat.
"""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from typing import Literal, NamedTuple

from live.control.mappings.mapping_file import Control, Light, Mapping, split_action
from live.devices.light_port import Lamp
from live.settings.knobs import KNOBS
from live.timing.midi_bytes import CONTROL, NOTE_ON

Level = Literal["off", "on", "blink"]


class LitState(NamedTuple):
    """What of a jam is shown on controllers.

    Attributes:
        transport: "stopped", "listening", "armed", "count-in" or "playing".
        on_beat: whether the first half of a beat sounds.
        mode, metre: their names.
        phrase_bars: that are set for phrases, 0 for the model's own.
        loop_bars: that repeat, 0 for none.
        frozen, key_locked: whether they are.
        anchors: names of those that are stored.
        muted, alone: names of parts that are left out, and that play alone.
        metronome: whether it clicks.
        recording: whether a take is under way.
        scenes: numbers of those that can be called.
        scene: that was called last, 0 for none.
        knobs: values by name.
        cells: of the phrase that sounds, by the row of a part: which columns of eight hold notes.
        column: that sounds, 0..7; -1 while nothing runs.
    """

    transport: str
    on_beat: bool
    mode: str
    metre: str
    phrase_bars: int
    loop_bars: int
    frozen: bool
    key_locked: bool
    anchors: frozenset[str]
    muted: frozenset[str]
    alone: frozenset[str]
    metronome: bool
    recording: bool
    scenes: frozenset[int]
    scene: int
    knobs: Table[str, float]
    cells: tuple[frozenset[int], ...]
    column: int


def level_of(action: str, state: LitState) -> Level:
    """Return how an action's lamp shows the state; what has none is lit where it can be called."""
    name, argument = split_action(action)
    match name:
        case "capture" | "recall":
            return "on" if argument in state.anchors else "off"
        case "mode":
            return "on" if argument == state.mode else "off"
        case "metre":
            return "on" if argument == state.metre else "off"
        case "phrase":
            return "on" if argument == (str(state.phrase_bars) if state.phrase_bars else "auto") else "off"
        case "loop":
            return "on" if argument == (str(state.loop_bars) if state.loop_bars else "off") else "off"
        case "freeze":
            return "on" if state.frozen else "off"
        case "key":
            return "on" if state.key_locked else "off"
        case "mute":
            return "on" if argument in state.muted else "off"
        case "solo":
            return "on" if argument in state.alone else "off"
        case "scene" | "store":
            number = int(argument.split()[0])
            if name == "scene" and number == state.scene:
                return "blink"
            return "on" if number in state.scenes else "off"
        case "metronome":
            return "on" if state.metronome else "off"
        case "record":
            return "on" if state.recording else "off"
        case "arm":
            return "blink" if state.transport == "armed" else "off"
        case "start":
            return {"playing": "on", "stopped": "off"}.get(state.transport, "blink")  # type: ignore[return-value]
        case "stop":
            return "on" if state.transport == "stopped" else "off"
        case "tap":
            return "on" if state.on_beat and state.transport == "playing" else "off"
        case _:
            return "on"


def lamps(mapping: Mapping, state: LitState) -> dict[Lamp, bytes]:
    """Return the message of every lamp and ring of a controller."""
    shown = {}
    for control in mapping.control:
        if control.light is not None:
            lamp = _lamp(control, control.light)
            shown[lamp] = _message(control, control.light, lamp, state)
    if mapping.roll is not None:
        status = NOTE_ON | (mapping.roll.channel - 1)
        for number, row in enumerate(mapping.roll.rows):
            cells = state.cells[number] if number < len(state.cells) else frozenset()
            for column, note in enumerate(row):
                value = mapping.roll.on if column in cells else mapping.roll.off
                if column == state.column and (column in cells or number == len(mapping.roll.rows) - 1):
                    value = mapping.roll.playhead
                shown[status, note] = bytes((status, note, value))
    return shown


def dark(mapping: Mapping) -> dict[Lamp, bytes]:
    """Return the messages that clear a controller."""
    cleared = {}
    for control in mapping.control:
        if control.light is not None:
            lamp = _lamp(control, control.light)
            cleared[lamp] = bytes((*lamp, 0))
    if mapping.roll is not None:
        status = NOTE_ON | (mapping.roll.channel - 1)
        cleared |= {(status, note): bytes((status, note, 0)) for row in mapping.roll.rows for note in row}
    return cleared


def columns(notes: Sequence[tuple[int, int]], length: int, width: int = 8) -> frozenset[int]:
    """Return which of a row's columns hold notes.

    Args:
        notes: (start, end) in ticks from the phrase's begin.
        length: of the phrase, in ticks.
        width: columns.
    """
    size = length / width
    return frozenset(
        column
        for start, end in notes
        for column in range(width)
        if start < (column + 1) * size and max(end, start + 1) > column * size
    )


def _lamp(control: Control, light: Light) -> Lamp:
    kind, number = control.source
    channel = (light.channel or control.channel or 1) - 1
    if light.note is not None or (light.cc is None and kind == "note"):
        return NOTE_ON | channel, number if light.note is None else light.note
    return CONTROL | channel, number if light.cc is None else light.cc


def _message(control: Control, light: Light, lamp: Lamp, state: LitState) -> bytes:
    status, number = lamp
    if control.knob is not None:
        low, high = light.ring or (0, 127)
        travel = KNOBS[control.knob].to_unit(KNOBS[control.knob].clip(state.knobs[control.knob]))
        return bytes((status, number, round(low + travel * (high - low))))
    level = level_of(control.action or "", state)
    on = 127 if light.on is None else light.on
    if level == "blink":
        if light.blink_channel is not None:
            blinking = on if light.blink is None else light.blink
            return bytes((status & 0xF0 | (light.blink_channel - 1), number, blinking))
        if light.blink is not None:
            return bytes((status, number, light.blink))
        level = "on" if state.on_beat else "off"
    return bytes((status, number, on if level == "on" else light.off))
