"""The bytes of a Standard MIDI File to mido's messages, whatever is odd about them.

Written from the Standard MIDI Files 1.0 specification.  mido reads files that keep to it; strangers' files
do not: chunks of other kinds lie between the tracks, lengths lie, meta events hold nonsense.  What can be
read is read, and what is not as it says is named in `SmfFile.oddities`.  Of meta events only a track's name,
tempos and metres stay, and no system message does.  Times are ticks.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter

import mido

from model.errors import MidiFileError

HEADER_BYTES = 14
AHEAD_BYTES = 128  # of something else that may stand before a file's own header (RIFF, a mark of byte order)
MAX_EVENTS = 4_000_000
LARGEST_POWER = 7  # of two in a metre's denominator: 128ths
LONGEST_VLQ = 4
DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
END_OF_TRACK, TRACK_NAME, TEMPO, METRE = 0x2F, 0x03, 0x51, 0x58
DRUM_BANK = re.compile(rb"[\xb0-\xb8\xba-\xbf]\0[\x78\x7e\x7f]")  # channel 10 is drums whatever its bank
BEHIND_EXCLUSIVE = re.compile(rb"\xf7[\x80-\xff]{0,3}[\x00-\x7f][\x00-\x7f]")
_TIME = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
_DATA = {rb"[\x80-\xbf\xe0-\xef]": rb"[\x00-\x7f]{2}", rb"[\xc0-\xdf]": rb"[\x00-\x7f]"}
_BEGUN = [rb"(?:%s%s%s(?:%s%s)*+)*+" % (_TIME, status, data, _TIME, data) for status, data in _DATA.items()]
_GONE_ON = [rb"(?:%s%s)*+%s" % (_TIME, data, run) for data, run in zip(_DATA.values(), _BEGUN, strict=True)]
BEGUN = [(re.compile(run), kind) for kind, run in enumerate(_BEGUN)]
"""Channel messages one after another, each status there: those of two data bytes (0), those of one (1)."""
AFTER = [[(re.compile(_GONE_ON[0]), 0), BEGUN[1]], [(re.compile(_GONE_ON[1]), 1), BEGUN[0]]]
"""What can come behind either: its status holds on."""
TEMPOS = re.compile(rb"(?:%s\xff\x51\x03(?s:...))++" % _TIME)
PRINTABLE = frozenset(string.printable.encode())

Timed = tuple[int, mido.Message]
"""A tick and what happens on it."""


@dataclass(frozen=True, slots=True)
class SmfFile:
    """A file as it was understood: on one tick no key starts before it has ended.

    Attributes:
        ticks_per_beat: 1..32767.
        tracks: that sound together.
        oddities: what was not as the format says, each the end of a sentence about the file.
    """

    ticks_per_beat: int
    tracks: list[mido.MidiTrack]
    oddities: list[str] = field(default_factory=list)


def parse(data: bytes) -> SmfFile:
    """Read a file.

    Args:
        data: of a Standard MIDI File, wrapped in RIFF or not.

    Raises:
        MidiFileError: it is none, its time is not in beats, or it is endless.  The text says only what is
            wrong, not where.
    """
    data, ahead = unwrapped(data)
    if data[:4] != b"MThd":
        raise MidiFileError("no MThd at its start" if data else "it is empty")
    if len(data) < HEADER_BYTES:
        raise MidiFileError("it ends too early")
    size = int.from_bytes(data[4:8])
    kind, declared, division = (int.from_bytes(data[at : at + 2]) for at in (8, 10, 12))
    if division & 0x8000:
        raise MidiFileError("its time is in SMPTE frames, not in ticks per beat")
    if not division:
        raise MidiFileError("its division is 0 ticks per beat; that needs 1 or more")
    oddities = [f"{ahead} bytes stand before its header"] * (ahead > 0)
    if size != HEADER_BYTES - 8:
        oddities.append(f"its header says that it is {size} bytes long")
    if kind > 2:
        oddities.append(f"it says that it is of type {kind}")
    events: list[list[Timed]] = []
    for start, end, lies in _tracks(data, size):
        track, faults = _events(data, start, end)
        events.append(track)
        where = f"track {len(events)}"
        oddities += [f"the length of {where} is wrong"] * lies + [f"{where} {fault}" for fault in faults]
        if sum(map(len, events)) > MAX_EVENTS:
            raise MidiFileError(f"it holds more than {MAX_EVENTS:,} events")
    if declared and not events:
        raise MidiFileError("it holds no track")
    if declared != len(events):
        oddities.append(f"its header counts {declared} tracks, and there are {len(events)}")
    if kind == 2 and len(events) > 1:
        oddities.append("it is of type 2: its patterns are read one after another")
        events = _in_a_row(events, division)
    return SmfFile(division, [*map(_track, events)], oddities)


def unwrapped(data: bytes) -> tuple[bytes, int]:
    """Return the file from its own header on, and how much of no known wrapping stood before that."""
    at = data.find(b"MThd", 0, AHEAD_BYTES)
    return (data, 0) if at < 0 else (data[at:], 0 if data[:4] == b"RIFF" else at)


def plain(data: bytes) -> bool:
    """Tell whether a file is as the format says, so that any reader finds the same notes in it.

    System exclusive messages in pieces, messages without a status behind one, and drums that a bank chooses
    on another channel than 10 count as odd.
    """
    if data[:8] != b"MThd\0\0\0\6" or len(data) < HEADER_BYTES or data[8] or data[9] > 1:
        return False
    if data[12] & 0x80 or data[12:14] == b"\0\0":
        return False
    at, found = HEADER_BYTES, 0
    while at < len(data):
        if data[at : at + 4] != b"MTrk":
            return False
        at += 8 + int.from_bytes(data[at + 4 : at + 8])
        if data[at - 3 : at] != b"\xff\x2f\0":
            return False
        found += 1
    if at != len(data) or found != int.from_bytes(data[10:12]):
        return False
    suspect = data.count(0xF0) != data.count(0xF7) or BEHIND_EXCLUSIVE.search(data)
    return not (suspect or DRUM_BANK.search(data)) or _walks_plainly(data)


def _walks_plainly(data: bytes) -> bool:
    """Tell whether every exclusive message is whole, a status follows it, and no bank of drums is chosen.

    The marks of all that may be parts of times and of tempos as well, so that the events are walked.
    """
    banks = [found.start() for found in DRUM_BANK.finditer(data)]
    at = HEADER_BYTES
    try:
        while at < len(data):
            end = at + 8 + int.from_bytes(data[at + 4 : at + 8])
            at, patterns = at + 8, BEGUN
            while at < end:
                for pattern, kind in patterns:
                    found = pattern.match(data, at, end)
                    after = at if found is None else found.end()
                    if any(_is_status(data, pattern, at, bank) for bank in banks if at < bank < after):
                        return False
                    if after > at:
                        patterns = AFTER[kind]
                        break
                if after > at:
                    at = after
                    continue
                tempos = TEMPOS.match(data, at, end)
                if tempos is not None:
                    at = tempos.end()
                    continue
                while data[at] & 0x80:
                    at += 1
                byte = data[at + 1]
                size, at = _number(data, at + 2 + (byte == 0xFF), end)
                at += size
                if byte != 0xFF and (byte != 0xF0 or data[at - 1] != 0xF7):
                    return False
                if byte == 0xF0:
                    patterns = BEGUN
    except (IndexError, OverflowError):
        return False
    return True


def _is_status(data: bytes, pattern: re.Pattern[bytes], begin: int, place: int) -> bool:
    """Tell whether a byte of a run of channel messages is a status: one behind a whole time."""
    before = pattern.match(data, begin, place)
    at = begin if before is None else before.end()
    return re.fullmatch(_TIME, data[at:place]) is not None


def in_order(events: Iterable[Timed]) -> list[Timed]:
    """Return events by tick, and on one tick the end of each key that sounds before what starts.

    A note without length keeps its end behind its start.
    """
    ordered: list[Timed] = []
    sounding: Counter[tuple[int, int]] = Counter()
    tick, present = 0, list[mido.Message]()
    for now, message in (*sorted(events, key=itemgetter(0)), (-1, None)):
        if now != tick:
            ordered += [(tick, each) for each in _of_one_tick(present, sounding)]
            tick, present = now, []
        if message is not None:
            present.append(message)
    return ordered


def timed(file: SmfFile) -> Iterator[tuple[float, mido.Message]]:
    """Yield (seconds, message) of all tracks together, in order."""
    events = list[Timed]()
    for track in file.tracks:
        now = 0
        for message in track:
            now += int(message.time)
            events.append((now, message))
    per_tick = 0.5 / file.ticks_per_beat  # MIDI 1.0: 120 bpm where a file names no tempo
    seconds, before = 0.0, 0
    for now, message in in_order(events):
        seconds += (now - before) * per_tick
        before = now
        if message.type == "set_tempo":
            per_tick = message.tempo / 1e6 / file.ticks_per_beat
        yield seconds, message


def _of_one_tick(present: list[mido.Message], sounding: Counter[tuple[int, int]]) -> list[mido.Message]:
    """Return a tick's messages with the ends of what sounded before it in front; count what sounds on."""
    first, rest = list[mido.Message](), list[mido.Message]()
    left = dict(sounding) if len(present) > 1 else {}
    for message in present:
        if message.type not in {"note_on", "note_off"}:
            rest.append(message)
            continue
        key = (message.channel, message.note)
        if message.type == "note_on" and message.velocity:
            sounding[key] += 1
            rest.append(message)
            continue
        sounding[key] = max(0, sounding[key] - 1)
        if left.get(key, 0) > 0:
            left[key] -= 1
            first.append(message)
        else:
            rest.append(message)
    return first + rest


def _tracks(data: bytes, header: int) -> Iterator[tuple[int, int, bool]]:
    """Yield where each track's events begin and end at most, and whether its length lies."""
    at = 8 + header
    if header < HEADER_BYTES - 8 or at > len(data):
        at = HEADER_BYTES
    while at + 8 <= len(data):
        name, start = data[at : at + 4], at + 8
        end = start + int.from_bytes(data[at + 4 : start])
        fits = end == len(data) or (end < len(data) and _is_name(data[end : end + 4]))
        following = data.find(b"MTrk", start)
        if name != b"MTrk":  # a chunk of another kind, or what a wrong length left over
            at = end if fits and _is_name(name) else following
            if at < 0:
                return
            continue
        lies = not fits
        if lies:
            end = following if following >= 0 else len(data)
        yield start, end, lies
        at = end


def _is_name(name: bytes) -> bool:
    """Tell whether bytes can be a chunk's name, or the file's last three that are none."""
    return all(byte in PRINTABLE for byte in name)


def _events(data: bytes, at: int, end: int) -> tuple[list[Timed], list[str]]:
    """Return a track's events, and what of it could not be understood."""
    now, status, events = 0, 0, list[Timed]()
    faults: dict[str, None] = {}
    message: mido.Message | mido.MetaMessage | None
    try:
        while True:
            delta, at = _number(data, at, end)
            now += delta
            byte, message, fault = data[at], None, ""
            if byte == 0xFF:
                kind = data[at + 1]
                size, at = _number(data, at + 2, end)
                if kind == END_OF_TRACK:
                    break
                message, fault = _meta(kind, data[at : min(end, at + size)])
                at += size
            elif byte in {0xF0, 0xF7}:
                size, at = _number(data, at + 1, end)
                at += size
            elif byte >= 0xF0:
                at += 1 + SYSTEM_DATA_BYTES.get(byte, 0)
                fault = "holds messages that no file may hold"
            else:
                if byte & 0x80:
                    status, at = byte, at + 1
                size = DATA_BYTES[status & 0xF0]  # a KeyError where no status came before
                message, fault = _channel_message(status, data[at : min(end, at + size)])
                at += size
            if at > end:
                raise IndexError  # noqa: TRY301 - as a byte that is not there does
            if message is not None:
                events.append((now, message))
            if fault:
                faults[fault] = None
    except IndexError:
        faults["has no end"] = None
    except KeyError:
        faults["holds bytes that belong to no message, and ends there"] = None
    except OverflowError:
        faults["holds a time without end, and ends there"] = None
    events.append((now, mido.MetaMessage("end_of_track")))
    return in_order(events), list(faults)


def _channel_message(status: int, body: bytes) -> tuple[mido.Message | None, str]:
    """Return the message of a status and its data bytes, and what is wrong with them."""
    if len(body) < DATA_BYTES[status & 0xF0]:
        return None, ""
    if max(body) <= 0x7F:
        return mido.Message.from_bytes(bytes((status, *body))), ""
    clipped = (min(value, 0x7F) for value in body)
    return mido.Message.from_bytes(bytes((status, *clipped))), "holds values above 127"


def _number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends.

    Raises:
        IndexError: the track ends in it.
        OverflowError: it has more than four bytes.
    """
    value = 0
    for place in range(at, at + LONGEST_VLQ):
        if place >= end:
            raise IndexError
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    raise OverflowError


def _meta(kind: int, body: bytes) -> tuple[mido.MetaMessage | None, str]:
    """Return a meta event that is heeded, or None, and what is wrong with it."""
    if kind == TRACK_NAME:
        return mido.MetaMessage("track_name", name=body.decode("latin-1")), ""
    if kind == TEMPO:
        tempo = int.from_bytes(body[:3]) if len(body) >= 3 else 0
        if not tempo:
            return None, "holds a tempo that is none"
        return mido.MetaMessage("set_tempo", tempo=tempo), ""
    if kind == METRE:
        if len(body) < 2 or not body[0] or body[1] > LARGEST_POWER:
            return None, "holds a metre that is none"
        return mido.MetaMessage("time_signature", numerator=body[0], denominator=1 << body[1]), ""
    return None, ""


def _in_a_row(events: list[list[Timed]], ticks_per_beat: int) -> list[list[Timed]]:
    """Return independent patterns one after another, each from a bar line of its own metre on."""
    start, placed = 0, list[list[Timed]]()
    for track in events:
        bar = 4 * ticks_per_beat
        for _, message in track:
            if message.type == "time_signature":
                bar = max(1, bar * message.numerator // message.denominator)
                break
        placed.append([(start + now, message) for now, message in track])
        start += -(-track[-1][0] // bar) * bar
    return placed


def _track(events: list[Timed]) -> mido.MidiTrack:
    """Return events as a track: each message with the ticks since the one before."""
    track, before = mido.MidiTrack(), 0
    for now, message in events:
        message.time = now - before
        before = now
        track.append(message)
    return track
