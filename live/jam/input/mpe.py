"""MPE: keyboards that give each finger a channel.

A zone is what its keyboard declares (registered parameter 6 on channel 1 or 16), or, of one that declares
none, what it looks like: three keys down on three channels, each bent differently.  See MPE 1.0 (MMA RP-053).
Owns: each keyboard's zones.  Threads: engine only.  Realtime: yes.
Tested in tests/live/jam/input/test_mpe.py.
"""

from collections.abc import Iterator, Mapping, Sequence

from live.ipc.jam_memory import Zone
from live.jam.input.controllers import Source
from live.timing.midi_bytes import CHANNEL_PRESSURE, CONTROL, PITCH_BEND

_LOWER, _UPPER = 1, 16
_LIKELY_FINGERS = range(2, 16)
_ENOUGH = 3
_TIMBRE = 74
DATA, _DATA_LOWER, _PARAMETER_LOWER, _PARAMETER_UPPER = 6, 38, 100, 101
_OTHER_PARAMETERS = (98, 99)
PARAMETER_CONTROLS = (DATA, _DATA_LOWER, *range(96, 102))
_BEND_RANGE, _ZONE = (0, 0), (0, 6)  # registered parameters
_CENTRED = b"\x00\x40"


class Mpe:
    """Which channels of each keyboard are single fingers'."""

    def __init__(self) -> None:
        self._zones: dict[str, tuple[Zone, ...]] = {}
        self._parameters: dict[Source, tuple[int, int]] = {}
        self._bends: dict[str, dict[int, bytes]] = {}

    def zones(self, port: str) -> tuple[Zone, ...]:
        """Return a keyboard's zones."""
        return self._zones.get(port, ())

    def every_zone(self) -> Iterator[Zone]:
        """Yield the zones of all keyboards."""
        for zones in self._zones.values():
            yield from zones

    def all(self) -> dict[str, list[Zone]]:
        """Return each keyboard's zones."""
        return {port: [*zones] for port, zones in self._zones.items() if zones}

    def restore(self, zones: Mapping[str, Sequence[Zone]]) -> None:
        """Know of zones that another engine was told of."""
        self._zones = {port: tuple(each) for port, each in zones.items()}

    def finger(self, source: Source) -> bool:
        """Tell whether a channel is one finger's."""
        return any(source[1] in zone.fingers for zone in self.zones(source[0]))

    def concerns(self, source: Source, data: bytes, *, held: bool) -> bool:
        """Tell whether a message that is no note is one finger's, or declares a zone: neither is all keys'.

        Args:
            source: keyboard and channel.
            data: a whole channel message.
            held: whether a key is down on that channel.
        """
        status = data[0] & 0xF0
        if status == CONTROL and data[1] in PARAMETER_CONTROLS:
            return self._parameter(source, data[1], data[2]) or self.finger(source)
        if status == PITCH_BEND and not self.zones(source[0]):
            self._bent(source, data[1:], held=held)
        bends = status in (PITCH_BEND, CHANNEL_PRESSURE) or (status == CONTROL and data[1] == _TIMBRE)
        return bends and self.finger(source)

    def forget(self, port: str) -> None:
        """Know nothing more of a keyboard: it has gone."""
        self._zones.pop(port, None)
        self._bends.pop(port, None)
        for source in [source for source in self._parameters if source[0] == port]:
            del self._parameters[source]

    def _parameter(self, source: Source, number: int, value: int) -> bool:
        """Go on with a registered parameter; tells whether it is the one that declares a zone."""
        upper, lower = self._parameters.get(source, (-1, -1))
        if number in _OTHER_PARAMETERS:
            self._parameters[source] = (-1, -1)
        elif number == _PARAMETER_UPPER:
            self._parameters[source] = (value, lower)
        elif number == _PARAMETER_LOWER:
            self._parameters[source] = (upper, value)
        chosen = self._parameters.get(source)
        if chosen == _BEND_RANGE and number == DATA:
            self._range(source, value)
        if chosen != _ZONE or source[1] not in (_LOWER, _UPPER):
            return False
        if number == DATA:
            self._declare(source, value)
        return number != _PARAMETER_UPPER  # that it is this one shows after it

    def _declare(self, source: Source, count: int) -> None:
        """Take a zone of so many fingers, none to close it; another one loses what it takes."""
        port, shared = source
        most = min(count, 15)
        fingers = range(2, 2 + most) if shared == _LOWER else range(16 - most, 16)
        zone = Zone(shared, frozenset(fingers))
        channels = zone.channels if fingers else frozenset[int]()
        others = [
            other._replace(fingers=other.fingers - channels)
            for other in self.zones(port)
            if other.shared != shared and other.shared not in channels
        ]
        self._zones[port] = tuple(each for each in (*others, zone) if each.fingers)

    def _range(self, source: Source, semitones: int) -> None:
        """Take how far a finger bends, which goes for all of its zone."""
        port, channel = source
        if port in self._zones:
            self._zones[port] = tuple(
                zone._replace(bend_range=semitones) if channel in zone.fingers else zone
                for zone in self._zones[port]
            )

    def _bent(self, source: Source, bend: bytes, *, held: bool) -> None:
        """See whether single fingers bend: the wheel of a split keyboard goes to all its channels alike."""
        port, channel = source
        bends = self._bends.setdefault(port, {})
        bends.pop(channel, None)
        if held and channel in _LIKELY_FINGERS and bend != _CENTRED:
            bends[channel] = bend
        if len(set(bends.values())) >= _ENOUGH:
            self._zones[port] = (Zone(_LOWER, frozenset(_LIKELY_FINGERS), declared=False),)
