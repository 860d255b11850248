"""MIDI as it comes in and goes out: Received, Event, and the order of events on one tick."""

from enum import IntEnum, StrEnum
from typing import NamedTuple, Protocol

from live.timing.timeline import Nanos, Tick

NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL = 0x80, 0x90, 0xA0, 0xB0
PROGRAM, CHANNEL_PRESSURE, PITCH_BEND = 0xC0, 0xD0, 0xE0
CLOCK, START, CONTINUE, STOP, SONG_POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
QUARTER_FRAME = 0xF1  # of MIDI time code
ACTIVE_SENSING = 0xFE
SYSTEM_EXCLUSIVE, END_OF_EXCLUSIVE = 0xF0, 0xF7
ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 120, 121, 123
OMNI_OFF, OMNI_ON = 124, 125
EXPRESSION, SUSTAIN = 11, 64
CLOCKS_PER_BEAT = 24

DATA_BYTES = {
    NOTE_OFF: 2, NOTE_ON: 2, KEY_PRESSURE: 2, CONTROL: 2, PROGRAM: 1, CHANNEL_PRESSURE: 1, PITCH_BEND: 2,
}  # fmt: skip
"""How many data bytes follow each kind of channel message's status."""


class Received(NamedTuple):
    """Bytes that came in, and the moment at which the callback saw them.

    Attributes:
        nanos: host time of arrival.
        data: one whole MIDI message.
        port: name of the source.
    """

    nanos: Nanos
    data: bytes
    port: str


class Stream(StrEnum):
    """Whose messages leave, as the event log has it (`voice`)."""

    THRU = "thru"
    INSTRUMENT = "instrument"
    CLOCK = "clock"
    SETUP = "setup"
    CLICK = "click"


class Rank(IntEnum):
    """The order of events that are due on one tick; a clock byte goes before all of them."""

    TRANSPORT = 0
    NOTE_OFF = 1
    CONTROL = 2
    PROGRAM = 3
    NOTE_ON = 4


class Event(NamedTuple):
    """One message to send; tuples compare in the order in which they must leave.

    Attributes:
        tick: when it is due, in musical time.
        rank: what goes first on one tick.
        sequence: breaks ties in the order of planning.
        data: one whole MIDI message.
    """

    tick: Tick
    rank: Rank
    sequence: int
    data: bytes


class Sink(Protocol):
    """What takes messages: a MIDI port, FluidSynth, a recorder, a test's list."""

    name: str

    def send(self, data: bytes) -> None:
        """Send one whole message now; raises PortError if the other side has gone."""

    def close(self) -> None:
        """Silence and release; safe to call twice."""


class TimedSink(Sink, Protocol):
    """A sink that takes messages ahead and lets each leave on its moment, whatever wakes late meanwhile.

    What ends sounds, sent with `send`, takes back what was to begin them later: see `ahead_queue`.

    Attributes:
        lead_nanos: so long before it is due a message must be given to leave on its moment.
    """

    lead_nanos: int

    def send_at(self, data: bytes, due: Nanos) -> None:
        """Send one whole message at a moment; raises as `send`."""


def rank_of(data: bytes) -> Rank:
    """Return the rank of a message: offs, then controls, then programs, then note-ons."""
    status = data[0]
    if status >= 0xF0:
        return Rank.TRANSPORT
    kind = status & 0xF0
    if kind == NOTE_OFF or (kind == NOTE_ON and data[2] == 0):
        return Rank.NOTE_OFF
    if kind == NOTE_ON:
        return Rank.NOTE_ON
    return Rank.PROGRAM if kind == PROGRAM else Rank.CONTROL


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """Return a note-on; channel 1..16, pitch and velocity 0..127."""
    return bytes((NOTE_ON | (channel - 1), pitch, velocity))


def note_off(channel: int, pitch: int, velocity: int = 64) -> bytes:
    """Return a note-off; channel 1..16."""
    return bytes((NOTE_OFF | (channel - 1), pitch, velocity))


def control(channel: int, number: int, value: int) -> bytes:
    """Return a control change; channel 1..16, number and value 0..127."""
    return bytes((CONTROL | (channel - 1), number, value))


def program(channel: int, number: int) -> bytes:
    """Return a program change; channel 1..16, number 0..127."""
    return bytes((PROGRAM | (channel - 1), number))


def is_channel_message(data: bytes) -> bool:
    """Tell whether these are the bytes of one whole channel message."""
    return len(data) > 1 and len(data) - 1 == DATA_BYTES.get(data[0] & 0xF0) and max(data[1:]) < 0x80


def is_note_on(data: bytes) -> bool:
    """Tell whether a whole message starts a note."""
    return len(data) == 3 and data[0] & 0xF0 == NOTE_ON and data[2] > 0


def is_note_off(data: bytes) -> bool:
    """Tell whether a whole message ends a note (also a note-on with velocity 0)."""
    return len(data) == 3 and (data[0] & 0xF0 == NOTE_OFF or (data[0] & 0xF0 == NOTE_ON and data[2] == 0))


def is_full_frame(data: bytes) -> bool:
    """Tell whether a whole message is a full frame of MIDI time code: F0 7F device 01 01 h m s f F7."""
    return (
        len(data) == 10
        and data[0] == SYSTEM_EXCLUSIVE
        and data[1] == 0x7F
        and data[3:5] == b"\x01\x01"
        and data[9] == END_OF_EXCLUSIVE
    )


def channel_of(data: bytes) -> int:
    """Return the channel, 1..16, of a channel message."""
    return (data[0] & 0x0F) + 1


def silence(channels: range = range(1, 17)) -> list[bytes]:
    """Return what ends every sound on the channels and brings wheels and pedals to rest.

    Whatever the receiver heeds: sounds go first, by pedals, notes and tails, then controllers, all and each.
    """
    messages: list[bytes] = []
    for channel in channels:
        messages += [control(channel, number, 0) for number in (SUSTAIN, ALL_NOTES_OFF, ALL_SOUND_OFF)]
    for channel in channels:
        messages += [
            control(channel, RESET_CONTROLLERS, 0),
            control(channel, EXPRESSION, 127),
            bytes((PITCH_BEND | (channel - 1), 0x00, 0x40)),
        ]
    return messages
