"""Controllers: what several keyboards' pedals, wheels and pressure come to on a channel they leave on.

Of a pedal the deepest foot counts, of all others whichever moved last.  What springs back when a hand lets go
has a place of rest, after MMA RP-015, and is remembered; levels, pans and sounds stay where they were set.
Owns: where each keyboard's controllers stand.  Threads: engine only.  Realtime: yes.
Tested in tests/live/jam/input/test_performer.py.
"""

from collections.abc import Callable

from live.timing.midi_bytes import CHANNEL_PRESSURE, CONTROL, EXPRESSION, KEY_PRESSURE, PITCH_BEND

Source = tuple[str, int]
"""(port, channel 1..16): a keyboard may have several, as two halves of a split."""

_Kind = tuple[int, int]
"""A status with the channel that it leaves on, and the number of the controller or key."""

PEDALS = range(64, 70)
_MODULATION, _BREATH, _FOOT = 1, 2, 4
_AT_REST = {_MODULATION: 0, _BREATH: 0, _FOOT: 0, EXPRESSION: 127, **dict.fromkeys(PEDALS, 0)}
_BEND_CENTRE = b"\x00\x40"


class Controllers:
    """Where the controllers of each source stand, and the messages that the receiver is to be sent of it."""

    def __init__(self) -> None:
        self._stand: dict[_Kind, dict[Source, bytes]] = {}  # the one that moved last is last

    def move(self, source: Source, data: bytes, channel: int) -> bytes | None:
        """Take a message that is no note; return what is to leave on a channel, 1..16, None for nothing."""
        status = data[0] & 0xF0 | (channel - 1)
        kind = _kind_of(status, data)
        if kind is None:
            return bytes((status,)) + data[1:]
        stand = self._stand.setdefault(kind, {})
        before = _result(kind, stand)
        stand.pop(source, None)
        shared = bool(stand)
        stand[source] = data[1:]
        after = _result(kind, stand)
        return None if shared and after == before else after

    def lift(self, leaves: Callable[[Source], bool]) -> list[bytes]:
        """Forget some sources; return what the receiver is to be sent for that."""
        changed = []
        for kind, stand in list(self._stand.items()):
            before = _result(kind, stand)
            for source in [source for source in stand if leaves(source)]:
                del stand[source]
            after = _result(kind, stand)
            if after != before:
                changed.append(after)
            if not stand:
                del self._stand[kind]
        return changed

    def away(self) -> list[tuple[bytes, bytes]]:
        """Return (where it is, where it rests), as messages, of all that is not at rest."""
        results = [(_result(kind, stand), _rest(kind)) for kind, stand in self._stand.items()]
        return [(message, rest) for message, rest in results if message != rest]

    def resting(self, leaves: Callable[[Source], bool]) -> list[bytes]:
        """Return the rest of all that some sources have moved away from it, on the channels it came on."""
        return [
            _rest((kind[0] & 0xF0 | (source[1] - 1), kind[1]))
            for kind, stand in self._stand.items()
            for source, data in stand.items()
            if leaves(source) and data != _rest(kind)[1:]
        ]

    def clear(self) -> None:
        """Take everything as at rest: the receiver was silenced."""
        self._stand.clear()


def _kind_of(status: int, data: bytes) -> _Kind | None:
    what = status & 0xF0
    if what in (CHANNEL_PRESSURE, PITCH_BEND):
        return status, 0
    if what == KEY_PRESSURE or (what == CONTROL and data[1] in _AT_REST):
        return status, data[1]
    return None


def _rest(kind: _Kind) -> bytes:
    status, number = kind
    what = status & 0xF0
    if what == PITCH_BEND:
        return bytes((status,)) + _BEND_CENTRE
    if what == CHANNEL_PRESSURE:
        return bytes((status, 0))
    return bytes((status, number, _AT_REST[number] if what == CONTROL else 0))


def _result(kind: _Kind, stand: dict[Source, bytes]) -> bytes:
    """Return what the sources' places come to, as a message."""
    if not stand:
        return _rest(kind)
    status, number = kind
    deepest = status & 0xF0 == CONTROL and number in PEDALS
    return bytes((status,)) + (max(stand.values()) if deepest else next(reversed(stand.values())))
