"""Controllers: what several keyboards' pedals, wheels and pressure come to on the one channel they leave on.

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
"""A status without its channel, and the number of the controller or key."""

PEDALS = range(64, 70)
_MODULATION, _BREATH, _FOOT = 1, 2, 4
_AT_REST = {_MODULATION: 0, _BREATH: 0, _FOOT: 0, EXPRESSION: 127, **dict.fromkeys(PEDALS, 0)}
_BEND_CENTRE = b"\x00\x40"


class Controllers:
    """Where the controllers of each source stand, and what the receiver is to be sent of it.

    What is sent comes and goes as (status without channel, data bytes).
    """

    def __init__(self) -> None:
        self._stand: dict[_Kind, dict[Source, bytes]] = {}  # the one that moved last is last

    def move(self, source: Source, data: bytes) -> bytes | None:
        """Take a whole channel message that is no note; return the data bytes to send, None for nothing."""
        kind = _kind_of(data)
        if kind is None:
            return data[1:]
        stand = self._stand.setdefault(kind, {})
        before = _result(kind, stand)
        stand.pop(source, None)
        shared = bool(stand)
        stand[source] = data[1:]
        after = _result(kind, stand)
        return None if shared and after == before else after

    def lift(self, leaves: Callable[[Source], bool]) -> list[tuple[int, bytes]]:
        """Forget some sources; return what the receiver is to be sent for that."""
        changed = []
        for kind, stand in list(self._stand.items()):
            before = _result(kind, stand)
            for source in [source for source in stand if leaves(source)]:
                del stand[source]
            after = _result(kind, stand)
            if after != before:
                changed.append((kind[0], after))
            if not stand:
                del self._stand[kind]
        return changed

    def away(self) -> list[tuple[int, bytes, bytes]]:
        """Return (status without channel, where it is, where it rests) of all that is not at rest."""
        results = [(kind, _result(kind, stand), _rest(kind)) for kind, stand in self._stand.items()]
        return [(kind[0], data, rest) for kind, data, rest in results if data != rest]

    def resting(self, leaves: Callable[[Source], bool]) -> list[tuple[Source, int, bytes]]:
        """Return the rest of everything that some sources have moved away from it, for each source."""
        return [
            (source, kind[0], _rest(kind))
            for kind, stand in self._stand.items()
            for source, data in stand.items()
            if leaves(source) and data != _rest(kind)
        ]

    def clear(self) -> None:
        """Take everything as at rest: the receiver was silenced."""
        self._stand.clear()


def _kind_of(data: bytes) -> _Kind | None:
    status = data[0] & 0xF0
    if status in (CHANNEL_PRESSURE, PITCH_BEND):
        return status, 0
    if status == KEY_PRESSURE or (status == CONTROL and data[1] in _AT_REST):
        return status, data[1]
    return None


def _rest(kind: _Kind) -> bytes:
    status, number = kind
    if status == PITCH_BEND:
        return _BEND_CENTRE
    if status == CHANNEL_PRESSURE:
        return b"\x00"
    return bytes((number, _AT_REST[number] if status == CONTROL else 0))


def _result(kind: _Kind, stand: dict[Source, bytes]) -> bytes:
    """Return what the sources' places come to."""
    if not stand:
        return _rest(kind)
    if kind[0] == CONTROL and kind[1] in PEDALS:
        return max(stand.values())
    return next(reversed(stand.values()))
