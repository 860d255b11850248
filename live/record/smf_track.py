"""One track of a standard MIDI file that grows event by event and is a whole track at any moment."""

from live.timing.midi_bytes import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    CONTROL,
    NOTE_OFF,
    NOTE_ON,
    is_channel_message,
)

_SILENCERS = (ALL_SOUND_OFF, ALL_NOTES_OFF)
TEXT, TRACK_NAME, MARKER, TEMPO, METER = 0x01, 0x03, 0x06, 0x51, 0x58
_END_OF_TRACK = b"\xff\x2f\x00"


def variable_length(value: int) -> bytes:
    """Return a number as the file format's variable-length quantity, most significant bits first."""
    out = bytearray((value & 0x7F,))
    while value := value >> 7:
        out.append(0x80 | value & 0x7F)
    return bytes(reversed(out))


class TrackWriter:
    """Encodes each event once, when it comes.

    Sounding notes are remembered so that every note-on has its note-off: a key struck again ends first, an
    off that ends nothing is left out, and the image closes what still sounds.

    Attributes:
        last_tick: of the latest event.

    Threads: one.
    """

    def __init__(self, name: str) -> None:
        self.last_tick = 0
        self._encoded = bytearray()
        self._sounding: dict[tuple[int, int], int] = {}  # (channel, pitch) -> tick of the note-on
        self.meta(0, TRACK_NAME, name.encode("latin-1", "replace"))

    def meta(self, tick: int, kind: int, data: bytes) -> None:
        """Append a meta event; a tick that lies before the latest becomes the latest."""
        self._append(tick, bytes((0xFF, kind)) + variable_length(len(data)) + data)

    def message(self, tick: int, data: bytes) -> None:
        """Append a channel message; what is none is left out."""
        if not is_channel_message(data):
            return
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        key = (channel, data[1])
        if kind == NOTE_ON and data[2]:
            if key in self._sounding:
                self._append(tick, bytes((NOTE_OFF | channel, data[1], 64)))
            self._append(tick, data)
            self._sounding[key] = self.last_tick
        elif kind in (NOTE_OFF, NOTE_ON):
            if self._sounding.pop(key, None) is not None:
                self._append(tick, data)
        else:
            if kind == CONTROL and data[1] in _SILENCERS:
                for _, pitch in [sounding for sounding in self._sounding if sounding[0] == channel]:
                    self.message(tick, bytes((NOTE_OFF | channel, pitch, 64)))
            self._append(tick, data)

    def _append(self, tick: int, data: bytes) -> None:
        delta = max(0, tick - self.last_tick)
        self.last_tick += delta
        self._encoded += variable_length(delta)
        self._encoded += data

    def image(self, end_tick: int) -> list[bytes | bytearray]:
        """Return the chunk in parts, as if the track ended at that tick; nothing is copied or changed."""
        closing = bytearray()
        at = self.last_tick
        end = max(end_tick, at)
        if self._sounding:
            end = max(end, max(self._sounding.values()) + 1)  # no note without a length
            for channel, pitch in self._sounding:
                closing += variable_length(end - at) + bytes((NOTE_OFF | channel, pitch, 64))
                at = end
        closing += variable_length(end - at) + _END_OF_TRACK
        size = len(self._encoded) + len(closing)
        return [b"MTrk" + size.to_bytes(4, "big"), self._encoded, closing]
