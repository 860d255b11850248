"""MPE: keyboards that give each finger a channel, whose single bends have no place on thru's one channel.

A zone is what its keyboard declares (registered parameter 6 on channel 1 or 16), or, of one that declares
none, what it looks like: three keys down on three channels, each bent differently.  See MPE 1.0 (MMA RP-053).
Owns: each keyboard's zones.  Threads: engine only.  Realtime: yes.
Tested in tests/live/jam/input/test_performer.py.
"""

from live.jam.input.controllers import Source
from live.timing.midi_bytes import CHANNEL_PRESSURE, CONTROL, PITCH_BEND

_LOWER, _UPPER = 1, 16
_LIKELY_FINGERS = range(2, 16)
_ENOUGH = 3
_TIMBRE = 74
_DATA, _DATA_LOWER, _PARAMETER_LOWER, _PARAMETER_UPPER = 6, 38, 100, 101
_OTHER_PARAMETERS = (98, 99)
_PARAMETER_CONTROLS = (_DATA, _DATA_LOWER, *range(96, 102))
_ZONE_PARAMETER = (0, 6)
_CENTRED = b"\x00\x40"


class Mpe:
    """Which channels of each keyboard are single fingers'."""

    def __init__(self) -> None:
        self._zones: dict[str, dict[int, frozenset[int]]] = {}  # by keyboard and the channel that all share
        self._parameters: dict[Source, tuple[int, int]] = {}
        self._bends: dict[str, dict[int, bytes]] = {}

    def finger(self, source: Source) -> bool:
        """Tell whether a channel is one finger's."""
        zones = self._zones.get(source[0])
        return zones is not None and any(source[1] in fingers for fingers in zones.values())

    def concerns(self, source: Source, data: bytes, *, held: bool) -> bool:
        """Tell whether a message that is no note is one finger's, or declares a zone: neither is all keys'.

        Args:
            source: keyboard and channel.
            data: a whole channel message.
            held: whether a key is down on that channel.
        """
        status = data[0] & 0xF0
        if status == CONTROL and data[1] in _PARAMETER_CONTROLS:
            return self._parameter(source, data[1], data[2]) or self.finger(source)
        if status == PITCH_BEND and source[0] not in self._zones:
            self._bent(source, data[1:], held=held)
        bends = status in (PITCH_BEND, CHANNEL_PRESSURE) or (status == CONTROL and data[1] == _TIMBRE)
        return bends and self.finger(source)

    def forget(self, port: str) -> None:
        """Know nothing more of a keyboard: it has gone."""
        self._zones.pop(port, None)
        self._bends.pop(port, None)
        for source in [source for source in self._parameters if source[0] == port]:
            del self._parameters[source]

    def has_zone(self, port: str) -> bool:
        """Tell whether a keyboard has a zone."""
        return port in self._zones

    def _parameter(self, source: Source, number: int, value: int) -> bool:
        """Go on with a registered parameter; tells whether it is the one that declares a zone."""
        upper, lower = self._parameters.get(source, (-1, -1))
        if number in _OTHER_PARAMETERS:
            self._parameters[source] = (-1, -1)
        elif number == _PARAMETER_UPPER:
            self._parameters[source] = (value, lower)
        elif number == _PARAMETER_LOWER:
            self._parameters[source] = (upper, value)
        if self._parameters.get(source) != _ZONE_PARAMETER or source[1] not in (_LOWER, _UPPER):
            return False
        if number == _DATA:
            self._declare(source, value)
        return number != _PARAMETER_UPPER  # that it is this one shows after it

    def _declare(self, source: Source, fingers: int) -> None:
        port, shared = source
        zones = self._zones.setdefault(port, {})
        if shared == _LOWER:
            zones[shared] = frozenset(range(2, 2 + min(fingers, 15)))
        else:
            zones[shared] = frozenset(range(16 - min(fingers, 15), 16))
        if not any(zones.values()):
            del self._zones[port]

    def _bent(self, source: Source, bend: bytes, *, held: bool) -> None:
        """See whether single fingers bend: the wheel of a split keyboard goes to all its channels alike."""
        port, channel = source
        bends = self._bends.setdefault(port, {})
        bends.pop(channel, None)
        if held and channel in _LIKELY_FINGERS and bend != _CENTRED:
            bends[channel] = bend
        if len(set(bends.values())) >= _ENOUGH:
            self._zones[port] = {_LOWER: frozenset(_LIKELY_FINGERS)}
