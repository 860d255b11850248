"""Mappings at work: where they are found, and the Mapper that turns a controller's bytes into Commands."""

from collections.abc import Callable, Iterable
from pathlib import Path

import platformdirs

from live.control.curves import CURVES, TOP7, TOP14, Pair, detents, value_at
from live.control.mapping_file import CHANNELS, Control, Mapping, read, split_action
from live.control.takeover import takeover
from live.errors import unknown
from live.ipc.commands import Command, Turn, action
from live.settings.config import APPLICATION
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
from model.files import as_path

__all__ = ["Mapper", "Mapping", "choose", "find", "folders", "for_port", "shipped"]

DEFAULT = "default"
AUTO = "auto"
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
_REGISTERED = (100, 101)
_NONE_CHOSEN = (-1, -1)


def folders() -> tuple[Path, Path]:
    """Return where mappings are looked for: the user's own folder, then the shipped one."""
    return (
        Path(platformdirs.user_config_dir(APPLICATION)) / "mappings",
        Path(__file__).resolve().parents[2] / "mappings",
    )


def shipped() -> dict[str, Path]:
    """Return the shipped mappings' files by name."""
    return _listed(folders()[1:])


def known() -> dict[str, Path]:
    """Return all mappings' files by name; the user's own hide shipped ones of the same name."""
    return _listed(folders())


def find(name_or_path: str) -> Mapping:
    """Read a mapping by its name (`default`) or its file's path (`my/keys.toml`).

    Raises:
        UsageError: there is none, or it is broken.

    """
    path = as_path(name_or_path).expanduser()
    if path.suffix == ".toml" or len(path.parts) > 1:
        if not path.is_file():
            raise unknown("mapping file", name_or_path, known())
        return read(path)
    files = known()
    if name_or_path not in files:
        raise unknown("mapping", name_or_path, files)
    return read(files[name_or_path])


def for_port(port_name: str) -> Mapping | None:
    """Return the mapping whose `match` fits a port's name best, or None.

    Raises:
        UsageError: one of the mappings is broken.

    """
    best: Mapping | None = None
    for path in known().values():
        mapping = read(path)
        if mapping.matches(port_name) > (best.matches(port_name) if best else 0):
            best = mapping
    return best


def choose(name: str, port_names: Iterable[str] = ()) -> Mapping:
    """Return the mapping that a setting names; `auto` goes by the ports' names, else takes the default.

    Raises:
        UsageError: there is none, or it is broken.

    """
    if name != AUTO:
        return find(name)
    fitting = (mapping for port in port_names if (mapping := for_port(port)) is not None)
    return next(fitting, None) or find(DEFAULT)


def _listed(places: Iterable[Path]) -> dict[str, Path]:
    """List the TOML files of folders by name; earlier folders win."""
    found: dict[str, Path] = {}
    for folder in places:
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


class Mapper:
    """Turns a controller's messages into Commands.

    Each returned command has to be applied before the next message is fed: soft takeover compares
    the knob with what it last said.

    Threads: engine only.  Realtime: yes; a few microseconds a message.
    """

    def __init__(self, mapping: Mapping, knob_value: Callable[[str], float]) -> None:
        """Bind the controls; `knob_value` tells where a knob is now."""
        self.mapping = mapping
        self._bound = [_Bound(control, knob_value) for control in mapping.control]
        self._table: dict[tuple[int, int], _Bound] = {}
        self._halves: dict[tuple[int, int], tuple[_Bound, Pair, bool]] = {}
        self._parameters: dict[tuple[int, int], tuple[_Bound, Pair]] = {}
        self._chosen: dict[int, tuple[int, int]] = {}
        self._pad_struck = [False] * len(CHANNELS)  # whether the last note of each channel was a bound one
        for bound in self._bound:
            self._bind(bound)

    def feed(self, data: bytes) -> list[Command]:
        """Return what one whole MIDI message asks for: one command, or none."""
        if not is_channel_message(data):
            return []
        status, kind = data[0], data[0] & 0xF0
        if kind == CONTROL:
            half = self._halves.get((status, data[1]))
            if half is not None:
                bound, pair, upper = half
                return bound.whole(pair.feed(data[2], upper=upper))
            if self._is_nrpn(status, data[1]):
                return self._nrpn(status, data[1], data[2])
            if data[1] in _REGISTERED and status in self._chosen:
                self._chosen[status] = _NONE_CHOSEN
        found = self._table.get(_key(data))
        if kind == NOTE_ON and data[2]:
            self._pad_struck[status & 0x0F] = found is not None
        if found is None:
            return []
        if kind == PITCH_BEND:
            return found.moved(data[2] << 7 | data[1], TOP14)
        if kind == PROGRAM:
            return found.called()
        if kind == CHANNEL_PRESSURE:
            return found.moved(data[1], TOP7)
        if kind == NOTE_ON:
            return found.called() if data[2] else []
        return found.moved(data[2], TOP7)

    def consumes(self, data: bytes) -> bool:
        """Tell whether a message belongs to the mapping, and so is not passed through.

        Pressure belongs to what was struck last on its channel, at first to the pads that are bound there.
        """
        if not is_channel_message(data):
            return False
        status, kind = data[0], data[0] & 0xF0
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
        if data[0] & 0xF0 == CONTROL and self.consumes(data) and _key(data) not in self._table:
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
        if number in {_DATA_UPPER, _DATA_LOWER}:
            return chosen != _NONE_CHOSEN  # else the value is a registered parameter's
        return number in {_PARAMETER_UPPER, _PARAMETER_LOWER}

    def _nrpn(self, status: int, number: int, value: int) -> list[Command]:
        """Go on with an NRPN: parameter number, then value."""
        upper, lower = self._chosen[status]
        parameter = self._parameters.get((status, upper << 7 | lower))
        if number in {_DATA_UPPER, _DATA_LOWER}:
            if parameter is None:
                return []
            bound, pair = parameter
            return bound.whole(pair.feed(value, upper=number == _DATA_UPPER))
        self._chosen[status] = (value, lower) if number == _PARAMETER_UPPER else (upper, value)
        return parameter[0].whole(parameter[1].flush()) if parameter else []


class _Bound:
    """One control at work."""

    def __init__(self, control: Control, knob_value: Callable[[str], float]) -> None:
        """Work out everything that does not change."""
        self.control = control
        self.is_knob = control.knob is not None
        self._knob_value = knob_value
        self._previous = 0
        if control.knob is not None:
            self.name = control.knob
            self._low, self._high = control.span
            self._curve = CURVES[control.curve or "linear"]
            self._law = takeover(control.takeover or "pickup", self._low, self._high)
            self._step = control.step or (self._high - self._low) / DETENTS
        else:
            self.name, argument = split_action(control.action or "")
            self._command = action(self.name, argument, source="midi")

    def whole(self, number_and_top: tuple[int, int] | None) -> list[Command]:
        """Move by what a pair of halves gave, if it gave anything."""
        return [] if number_and_top is None else self.moved(*number_and_top)

    def moved(self, number: int, top: int) -> list[Command]:
        """Move the knob, or call the action when a button goes down."""
        if not self.is_knob:
            pressed = number > top // 2
            before, self._previous = self._previous, number
            # A button that never tells its release says the same number again.
            return self.called() if pressed and (before <= top // 2 or before == number) else []
        now = self._knob_value(self.name)
        if self.control.encoder is not None:
            place = now + detents(number, self.control.encoder) * self._step
            # Rounded, so that steps to and fro come back to the very same place.
            value: float | None = round(min(self._high, max(self._low, place)), 9)
        else:
            value = self._law.move(value_at(number, top, self._low, self._high, self._curve), now)
        return [] if value is None else [Turn(self.name, value, source="midi")]

    def called(self) -> list[Command]:
        """Call the action."""
        return [self._command]

    def waiting(self) -> float | None:
        """Return the hardware's place while it waits to be picked up."""
        return self._law.waiting(self._knob_value(self.name))


def _key(data: bytes) -> tuple[int, int]:
    """Return what a message is looked up by: status, and number where its kind has one."""
    return data[0], 0 if data[0] >= CHANNEL_PRESSURE else data[1]
