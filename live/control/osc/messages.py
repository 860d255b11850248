"""The OSC address space: datagrams -> messages -> Commands.  Pure; knows no socket and no thread."""

import math
import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.parsing.ntp import ntp_time_to_system_epoch

from live.errors import UsageError, unknown
from live.ipc import commands
from live.ipc.commands import Command, action
from live.settings.knobs import ACTIONS, KNOBS, takes

ROOT = "/twobar/"
SOURCE = "osc"

LONGEST_MESSAGE = 16_384
"""Bytes; a latent of thousands of numbers fits, and reading more would keep the interpreter busy."""

DEEPEST_BUNDLE = 8
MOST_RAMP_BARS = 99
LONGEST_LATENT = 2_048
IMMEDIATELY = 1
NTP_UNIT = 2.0**-32

_BUNDLE = b"#bundle\0"
_NOTE = f"{ROOT}note\0".encode()
_SETTING = frozenset(
    f"{ROOT}{name}".encode() for name in (*(f"knob/{name}" for name in KNOBS), "xy", "tempo", "latent")
)
_TAGS = frozenset(b"ihfdsbrmtTFN[]")
ADDRESSES = (
    "knob/NAME",
    "xy",
    "action/NAME",
    "latent",
    "note",
    "tempo",
    "model",
    "mapping",
    "metre",
    "phrase",
    "condition/NAME",
    "key",
    "chords",
    "words",
    "subscribe",
    "unsubscribe",
)


class BadPacketError(ValueError):
    """A datagram or message that says nothing we know; its text goes into a notice."""


class TimedMessage(NamedTuple):
    """One message of a datagram.

    Attributes:
        due: seconds since 1970 at which it is meant; None for now.
        address: its OSC address.
        arguments: its arguments as Python values.
    """

    due: float | None
    address: str
    arguments: tuple[object, ...]


class Piece(NamedTuple):
    """A message that has not been read yet.

    Attributes:
        due: seconds since 1970 at which it is meant; None for now.
        content: its bytes.
    """

    due: float | None
    content: bytes

    @property
    def sets(self) -> bytes:
        """What it sets, where a newer message about the same makes it worthless; else nothing."""
        name = self.content[: self.content.find(b"\0")]
        return name if name in _SETTING else b""


def pieces(datagram: bytes, *, due: float | None = None, depth: int = 0) -> list[Piece]:
    """Return the messages of a datagram, in its order; a nested bundle is never due before its outer one.

    Raises:
        BadPacketError: a bundle is nested too deep or breaks off.
    """
    if not datagram.startswith(_BUNDLE):
        return [Piece(due, datagram)]
    if depth == DEEPEST_BUNDLE:
        raise BadPacketError(f"bundles nested deeper than {DEEPEST_BUNDLE}")
    if len(datagram) < 16:
        raise BadPacketError("a bundle without a time tag")
    tag = struct.unpack_from(">Q", datagram, 8)[0]
    if tag > IMMEDIATELY:
        due = max(due or 0.0, ntp_time_to_system_epoch(tag * NTP_UNIT))
    found: list[Piece] = []
    place = 16
    while place < len(datagram):
        size = struct.unpack_from(">i", datagram, place)[0] if place + 4 <= len(datagram) else -1
        place += 4
        if not 0 < size <= len(datagram) - place:
            raise BadPacketError("a bundle's element has a wrong size")
        found += pieces(datagram[place : place + size], due=due, depth=depth + 1)
        place += size
    return found


def newest(found: Sequence[Piece], now: float) -> list[Piece]:
    """Return pieces without the values that a later one makes worthless, as long as only keys come between.

    Args:
        found: in their order.
        now: seconds since 1970; what is due later stays.
    """
    last: dict[bytes, int] = {}
    worthless: set[int] = set()
    for place, piece in enumerate(found):
        if piece.due is not None and piece.due > now:
            continue
        name = piece.sets
        if name:
            if name in last:
                worthless.add(last[name])
            last[name] = place
        elif not piece.content.startswith(_NOTE):
            last.clear()  # an action takes the knobs as they are
    return [piece for place, piece in enumerate(found) if place not in worthless]


def unpack(datagram: bytes) -> list[TimedMessage]:
    """Return the messages of a datagram, in its order.

    Raises:
        BadPacketError: it is no OSC, nested too deep, or too long.
    """
    return [read(piece) for piece in pieces(datagram)]


def sameness(address: str, arguments: Sequence[object]) -> tuple[object, ...]:
    """Return what two messages share that say the same, also where one has integers and one has floats."""
    return (address, *(_single(one) if isinstance(one, int | float) else one for one in arguments))


def _single(number: float) -> float:
    try:
        value: float = struct.unpack(">f", struct.pack(">f", number))[0]
    except (OverflowError, struct.error):
        return float(number)
    return value


def commands_of(address: str, arguments: Sequence[object]) -> list[Command]:
    """Return what a message asks for; numbers out of range are clipped.

    Raises:
        BadPacketError: unknown address, name or argument; NaN or infinite numbers.
    """
    first, _, rest = address.removeprefix(ROOT).partition("/")
    try:
        match first if address.startswith(ROOT) else "":
            case "knob" if rest:
                return [_knob(rest, *_numbers(address, arguments, 1))]
            case "xy" if not rest:
                x, y = _numbers(address, arguments, 2)
                return [_knob("xy.x", x), _knob("xy.y", y)]
            case "tempo" if not rest and len(arguments) == 2:
                tempo_bpm, bars = _numbers(address, arguments, 2)
                if not 1 <= bars <= MOST_RAMP_BARS:
                    raise BadPacketError(f"{address} takes 1 to {MOST_RAMP_BARS} bars, not {bars:g}")
                return [commands.RampTempo(KNOBS["tempo"].clip(tempo_bpm), round(bars), source=SOURCE)]
            case "tempo" if not rest:
                return [_knob("tempo", *_numbers(address, arguments, 1))]
            case "latent" if not rest:
                if not 0 < len(arguments) <= LONGEST_LATENT:
                    raise BadPacketError(
                        f"{address} takes 1 to {LONGEST_LATENT} numbers, not {len(arguments)}"
                    )
                return [commands.GoTo(_numbers(address, arguments, len(arguments)), source=SOURCE)]
            case "note" if not rest:
                return [_note(address, arguments)]
            case "model" if not rest:
                return [commands.ChooseModel(_text(address, arguments, "the model's name"), source=SOURCE)]
            case "mapping" if not rest:
                return [_mapping(address, arguments)]
            case "metre" if not rest:
                return [commands.SetMetre(_text(address, arguments, "as 3/4, or auto"), source=SOURCE)]
            case "phrase" if not rest:
                return _action(address, "phrase", arguments)
            case "key" if not rest:
                value = _text(address, arguments, "a key, auto or off")
                return [commands.SetCondition("key", value, source=SOURCE)]
            case "chords" if not rest:
                value = _text(address, arguments, "chords as C Am F G, or auto")
                return [commands.SetCondition("chords", value, source=SOURCE)]
            case "words" if not rest:
                return [commands.Say(_text(address, arguments, "as 'sparser, a bit higher'"), source=SOURCE)]
            case "condition" if rest and " " not in rest:
                value = _text(address, arguments, "what to keep to, or auto")
                return [commands.SetCondition(rest, value, source=SOURCE)]
            case "action" if rest:
                return _action(address, rest, arguments)
            case _:
                raise unknown("OSC address", address, [ROOT + known for known in ADDRESSES])
    except UsageError as error:
        raise BadPacketError(str(error)) from None


def read(piece: Piece) -> TimedMessage:
    """Read one message; what could make the parser stumble or complain in the log is refused before.

    Raises:
        BadPacketError: it is no OSC, or too long.
    """
    due, datagram = piece
    if len(datagram) > LONGEST_MESSAGE:
        raise BadPacketError(f"a message of {len(datagram)} bytes; the longest allowed has {LONGEST_MESSAGE}")
    end = datagram.find(b"\0")
    if not datagram.startswith(b"/") or end < 0:
        raise BadPacketError("neither an OSC message nor a bundle")
    tags_at = end + 4 - end % 4
    if not _TAGS.issuperset(datagram[tags_at + 1 : max(tags_at + 1, datagram.find(b"\0", tags_at))]):
        raise BadPacketError("a message with an unknown type tag")
    try:
        message = OscMessage(datagram)
    except (ParseError, ValueError, LookupError, OverflowError, struct.error) as error:
        raise BadPacketError("a message that breaks off or contradicts itself") from error
    return TimedMessage(due, message.address, tuple(message.params))


def _numbers(address: str, arguments: Sequence[object], count: int) -> list[float]:
    """Return the arguments as finite numbers."""
    values = [
        float(item) for item in arguments if isinstance(item, int | float) and not isinstance(item, bool)
    ]
    if len(values) != count or len(arguments) != count:
        raise BadPacketError(f"{address} takes {count} number{'s' if count > 1 else ''}")
    if not all(math.isfinite(value) for value in values):
        raise BadPacketError(f"{address}: NaN and infinity are no values")
    return values


def _text(address: str, arguments: Sequence[object], what: str) -> str:
    """Return the one argument as a text that is not empty."""
    if len(arguments) != 1 or not isinstance(arguments[0], str) or not arguments[0]:
        raise BadPacketError(f"{address} takes one text, {what}")
    return arguments[0]


def _knob(name: str, value: float) -> Command:
    """Return the command that sets a knob, clipped to its range."""
    if name not in KNOBS:
        raise unknown("knob", name, KNOBS, where=ROOT + "knob/NAME")
    return commands.Turn(name, KNOBS[name].clip(value), source=SOURCE)


def _note(address: str, arguments: Sequence[object]) -> Command:
    """Return a key played or, with velocity 0, let go."""
    pitch, velocity = _numbers(address, arguments, 2)
    if not (0 <= pitch <= 127 and pitch == int(pitch)):
        raise BadPacketError(f"{address}: the pitch must be a whole number from 0 to 127, not {pitch:g}")
    return commands.PlayKey(int(pitch), round(min(127.0, max(0.0, velocity))), source=SOURCE)


def _mapping(address: str, arguments: Sequence[object]) -> Command:
    """Return a mapping chosen, for every controller or for the one that a second text names."""
    if not 1 <= len(arguments) <= 2 or not all(isinstance(one, str) and one for one in arguments):
        raise BadPacketError(f"{address} takes a mapping's name or auto, and perhaps a controller's port")
    name, port = [*map(str, arguments), ""][:2]
    return commands.ChooseMapping(name, port, source=SOURCE)


def _action(address: str, rest: str, arguments: Sequence[object]) -> list[Command]:
    """Return an action; its argument is a text or number, or the last part of the address.

    Where the argument is not needed (any more), a number tells a button's place: 0 is its release.
    """
    name, argument = [*re.split("[ /]", rest, maxsplit=1), ""][:2]  # a blank is how people write it
    if name not in ACTIONS:
        raise unknown("action", name, ACTIONS, where=ROOT + "action/NAME")
    left = list(arguments)
    words = ACTIONS[name]
    if words and not argument and left:
        first = left.pop(0)
        argument = str(int(first)) if isinstance(first, float) and first.is_integer() else str(first)
    if len(left) > 1 or (left and not isinstance(left[0], int | float | None)):
        raise BadPacketError(f"{address} has arguments that it does not take")
    known = {word.lower(): word for word in words}
    argument = known.get(argument.lower(), argument)
    if words and not takes(name, argument):
        raise unknown(f"argument of {ROOT}action/{name}", argument, words)
    if argument and not words:
        raise BadPacketError(f"{ROOT}action/{name} takes no argument")
    if left and not left[0] and left[0] is not None:
        return []
    return [action(name, argument, source=SOURCE)]
