"""The Mapper: turns the bytes of one controller into Commands, by its mapping."""

from collections.abc import Callable

from live.control.curves import CURVES, TOP7, TOP14, Pair, detents, step_at, value_at
from live.control.hysteresis import Hysteresis, Switch
from live.control.mappings.mapping_file import CHANNELS, Control, Mapping, split_action
from live.control.takeover import NEAR, takeover
from live.ipc.commands import Command, Turn, action
from live.timing.midi_bytes import (
    CHANNEL_PRESSURE,
    CONTROL,
    KEY_PRESSURE,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
    PROGRAM,
    is_channel_message,
)

DETENTS = 100
"""Detents of an encoder over its whole range, where the mapping says no step."""

_KINDS = {
    "cc": CONTROL,
    "note": NOTE_ON,
    "pitch_bend": PITCH_BEND,
    "aftertouch": CHANNEL_PRESSURE,
    "poly_aftertouch": KEY_PRESSURE,
    "program": PROGRAM,
}
_PRESSURES = (KEY_PRESSURE, CHANNEL_PRESSURE)
_PARAMETER_UPPER, _PARAMETER_LOWER, _DATA_UPPER, _DATA_LOWER = 99, 98, 6, 38
_STEPS = {96: 1, 97: -1}  # data increment and decrement; what value they carry says nothing
_REGISTERED = (100, 101)
_NONE_CHOSEN = (-1, -1)


class Mapper:
    """Turns a controller's messages into Commands.

    Each returned command has to be applied before the next message is fed: soft takeover compares
    the knob with what it last said.

    Args:
        knob_value: tells where a knob is now.
        before: the mapper that this one follows; controls that are the same stay where they are.
        meant: whether the mapping is meant for this controller; another one's keys play, whatever it says.

    Threads: engine only.  Realtime: yes; a few microseconds a message.
    """

    def __init__(
        self,
        mapping: Mapping,
        knob_value: Callable[[str], float],
        *,
        before: "Mapper | None" = None,
        meant: bool = True,
    ) -> None:
        self.mapping = mapping
        known: list[_Bound] = before._bound if before is not None else []  # noqa: SLF001  one of the same class
        self._bound: list[_Bound] = [
            next((bound for bound in known if bound.control == control), None) or _Bound(control, knob_value)
            for control in mapping.control
        ]
        self._table: dict[tuple[int, int], _Bound] = {}
        self._halves: dict[tuple[int, int], tuple[_Bound, Pair, bool]] = {}
        self._parameters: dict[tuple[int, int], tuple[_Bound, Pair]] = {}
        self._chosen: dict[int, tuple[int, int]] = {}
        keys = mapping.controller.keys
        self._keyless = frozenset() if keys is None or not meant else frozenset(CHANNELS) - frozenset(keys)
        self._pad_struck = [False] * len(CHANNELS)  # whether the last note of each channel was a bound one
        for bound in self._bound:
            self._bind(bound)

    def feed(self, data: bytes, nanos: int = 0) -> list[Command]:
        """Return what one whole MIDI message, received at a moment, asks for: one command, or none."""
        if not is_channel_message(data):
            return []
        status, kind = data[0], data[0] & 0xF0
        if kind == CONTROL:
            half = self._halves.get((status, data[1]))
            if half is not None:
                bound, pair, upper = half
                return bound.whole(pair.feed(data[2], upper=upper), nanos)
            if self._is_nrpn(status, data[1]):
                return self._nrpn(status, data[1], data[2], nanos)
            if data[1] in _REGISTERED and status in self._chosen:
                self._chosen[status] = _NONE_CHOSEN
        ends = kind == NOTE_OFF or (kind == NOTE_ON and not data[2])
        found = self._table.get((NOTE_ON | (status & 0x0F), data[1]) if ends else _key(data))
        if kind == NOTE_ON and data[2]:
            self._pad_struck[status & 0x0F] = found is not None
        if found is None:
            return []
        if kind == PITCH_BEND:
            return found.moved(data[2] << 7 | data[1], TOP14, nanos)
        if kind == PROGRAM:
            return found.called()
        if kind == CHANNEL_PRESSURE:
            return found.moved(data[1], TOP7, nanos)
        if kind in (NOTE_ON, NOTE_OFF):
            return found.moved(0 if ends else TOP7, TOP7, nanos)
        return found.moved(data[2], TOP7, nanos)

    def control_of(self, data: bytes) -> Control | None:
        """Return the control that a message belongs to, as far as one message tells."""
        half = self._halves.get((data[0], data[1])) if data[0] & 0xF0 == CONTROL else None
        if half is not None:
            return half[0].control
        if data[0] & 0xF0 == CONTROL and self._is_nrpn(data[0], data[1]):
            upper, lower = self._chosen[data[0]]
            parameter = self._parameters.get((data[0], upper << 7 | lower))
            return parameter[0].control if parameter is not None else None
        found = self._table.get(_key(data))
        return found.control if found is not None else None

    def consumes(self, data: bytes) -> bool:
        """Tell whether a message belongs to the mapping, and so is not passed through.

        Pressure belongs to what was struck last on its channel, at first to the pads that are bound there.
        Where the controller has no keys, all belongs to it.
        """
        if not is_channel_message(data):
            return False
        status, kind = data[0], data[0] & 0xF0
        if (status & 0x0F) + 1 in self._keyless:
            return True
        if kind in {NOTE_OFF, KEY_PRESSURE} and (NOTE_ON | (status & 0x0F), data[1]) in self._table:
            return True
        if kind == CONTROL and ((status, data[1]) in self._halves or self._is_nrpn(status, data[1])):
            return True
        if kind in _PRESSURES and self._pad_struck[status & 0x0F]:
            return True
        return kind != NOTE_OFF and _key(data) in self._table

    def replaceable(self, data: bytes) -> bool:
        """Tell whether a newer message of the same control makes this one worthless; unbound ones are."""
        if not is_channel_message(data):
            return False
        status, number = data[0], data[1]
        if status & 0xF0 == CONTROL and ((status, number) in self._halves or self._is_nrpn(status, number)):
            return False  # half of a number
        found = self._table.get(_key(data))
        return found is None or (found.is_knob and found.control.encoder is None)

    def waiting(self) -> dict[str, float]:
        """Return the hardware's place, in the knob's unit, of every knob that waits to be picked up."""
        places = {bound.name: bound.waiting() for bound in self._bound if bound.is_knob}
        return {name: place for name, place in places.items() if place is not None}

    def _bind(self, bound: "_Bound") -> None:
        """Enter a control in the tables of what its messages look like."""
        kind, number = bound.control.source
        if kind == "note" and bound.control.channel is not None:
            self._pad_struck[bound.control.channel - 1] = True
        for channel in bound.control.channels:
            if kind == "cc14":
                pair = Pair()
                status = CONTROL | (channel - 1)
                self._halves[status, number] = (bound, pair, True)
                self._halves[status, number + 32] = (bound, pair, False)
            elif kind == "nrpn":
                status = CONTROL | (channel - 1)
                self._parameters[status, number] = (bound, Pair())
                self._chosen[status] = _NONE_CHOSEN
            else:
                self._table[_KINDS[kind] | (channel - 1), number] = bound

    def _is_nrpn(self, status: int, number: int) -> bool:
        """Tell whether a controller is part of an NRPN on a channel that has some bound."""
        chosen = self._chosen.get(status)
        if chosen is None:
            return False
        if number in (_DATA_UPPER, _DATA_LOWER, *_STEPS):
            return chosen != _NONE_CHOSEN  # else the value is a registered parameter's
        return number in {_PARAMETER_UPPER, _PARAMETER_LOWER}

    def _nrpn(self, status: int, number: int, value: int, nanos: int) -> list[Command]:
        """Go on with an NRPN: parameter number, then value."""
        upper, lower = self._chosen[status]
        parameter = self._parameters.get((status, upper << 7 | lower))
        if number in {_DATA_UPPER, _DATA_LOWER}:
            if parameter is None:
                return []
            bound, pair = parameter
            return bound.whole(pair.feed(value, upper=number == _DATA_UPPER), nanos)
        if number in _STEPS:
            return parameter[0].stepped(_STEPS[number]) if parameter is not None else []
        self._chosen[status] = (value, lower) if number == _PARAMETER_UPPER else (upper, value)
        return parameter[0].whole(parameter[1].flush(), nanos) if parameter else []


class _Bound:
    """One control at work."""

    def __init__(self, control: Control, knob_value: Callable[[str], float]) -> None:
        self.control = control
        self.is_knob = control.knob is not None
        self._knob_value = knob_value
        self._steady, self._switch = Hysteresis(), Switch(control.button)
        if control.knob is not None:
            self.name = control.knob
            self._low, self._high = control.span
            self._curve = CURVES[control.curve or "linear"]
            self._law = takeover(control.takeover or "pickup", self._low, self._high)
            self._jumps = control.takeover == "jump"
            self._step = control.step or (self._high - self._low) / DETENTS
        else:
            self.name, argument = split_action(control.action or "")
            self._command = action(self.name, argument, source="midi")

    def whole(self, number_and_top: tuple[int, int] | None, nanos: int) -> list[Command]:
        """Move by what a pair of halves gave, if it gave anything."""
        return [] if number_and_top is None else self.moved(*number_and_top, nanos)

    def moved(self, number: int, top: int, nanos: int) -> list[Command]:
        """Move the knob, or call the action when a switch is pressed."""
        if not self.is_knob:
            return self.called() if self._switch.feed(number, top, nanos) else []
        if self.control.encoder is not None:
            return self.stepped(detents(number, self.control.encoder))
        again = self._jumps and number == self._steady.number  # a button that sets a value
        if not (self._steady.feed(number, top) or again):
            return []
        shape, knob = (self._low, self._high, self._curve), self._knob_value(self.name)
        place = value_at(number, top, *shape)
        if again and abs(knob - place) <= NEAR:
            return []
        value = self._law.move(place, knob, step=step_at(number, top, *shape))
        return [] if value is None else [Turn(self.name, value, source="midi")]

    def stepped(self, steps: int) -> list[Command]:
        """Move the knob by detents; an action is not called by them."""
        if not self.is_knob or not steps:
            return []
        place = self._knob_value(self.name) + steps * self._step
        # Rounded, so that steps to and fro come back to the very same place.
        return [Turn(self.name, round(min(self._high, max(self._low, place)), 9), source="midi")]

    def called(self) -> list[Command]:
        """Call the action."""
        return [self._command]

    def waiting(self) -> float | None:
        """Return the hardware's place while it waits to be picked up."""
        return self._law.waiting(self._knob_value(self.name))


def _key(data: bytes) -> tuple[int, int]:
    """Return what a message is looked up by: status, and number where its kind has one."""
    return data[0], 0 if data[0] >= CHANNEL_PRESSURE else data[1]
