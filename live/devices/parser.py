"""Any bytes in, whole MIDI messages out: running status, garbage and interleaved clock bytes resolved."""

from collections.abc import Iterable

from live.timing.midi_bytes import DATA_BYTES, END_OF_EXCLUSIVE, SYSTEM_EXCLUSIVE, is_full_frame

_COMMON_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0}
_UNDEFINED_REALTIME = (0xF9, 0xFD)
_FIRST_REALTIME = 0xF8
_LONGEST_HEEDED = 8  # data bytes of a full frame


class MessageParser:
    """Cuts a stream of bytes into messages, as MIDI 1.0 says.

    Real-time bytes (0xF8 and up) may stand anywhere, also inside another message, and disturb nothing.
    System exclusive is skipped, but for full frames of MIDI time code; any status byte ends it.  A message
    that a status byte cuts short is dropped, so are data bytes that belong to nothing.  Bytes may come in
    pieces of any size.

    Attributes:
        broken: messages that were cut short, and data bytes that belong to nothing: some were lost before.

    Threads: one.  Realtime: yes; the state is six small fields.
    """

    __slots__ = ("_data", "_exclusive", "_expected", "_running", "_status", "broken")

    def __init__(self) -> None:
        self._status = 0  # of the message under way; 0: none
        self._running = 0  # the channel status that data bytes may go on with
        self._expected = 0
        self._exclusive = False
        self._data = bytearray()
        self.broken = 0

    def feed(self, chunk: bytes | Iterable[int]) -> list[bytes]:
        """Return the whole messages that these bytes complete, in the order of their last bytes."""
        data = bytes(chunk)
        if not self._data and len(data) == 3 and 0x80 <= data[0] < 0xC0 and data[1] < 0x80 and data[2] < 0x80:
            self._status = self._running = data[0]  # by far the most common case: one note or control
            self._expected = 2
            return [data]
        if data[:1] == b"\xf0" and data[-1] == END_OF_EXCLUSIVE and data[1:-1].isascii():
            data = data if is_full_frame(data) else b"\xf0\xf7"  # however long, skipped at once
        messages: list[bytes] = []
        for byte in data:
            if byte >= _FIRST_REALTIME:
                if byte not in _UNDEFINED_REALTIME:
                    messages.append(bytes((byte,)))
            elif byte >= 0x80:
                self._start(byte, messages)
            elif self._status or self._running:
                self._add(byte, messages)
            elif not self._exclusive:
                self.broken += 1
            elif len(self._data) <= _LONGEST_HEEDED:
                self._data.append(byte)
        return messages

    def _start(self, status: int, messages: list[bytes]) -> None:
        if not self._exclusive:
            self.broken += bool(self._data)
        elif is_full_frame(whole := bytes((SYSTEM_EXCLUSIVE, *self._data, status))):
            messages.append(whole)
        self._data.clear()
        self._exclusive = status == SYSTEM_EXCLUSIVE
        if status < SYSTEM_EXCLUSIVE:
            self._status = self._running = status
            self._expected = DATA_BYTES[status & 0xF0]
            return
        self._running = 0  # system messages cancel running status
        self._expected = _COMMON_DATA_BYTES.get(status, 0)
        self._status = status if self._expected else 0
        if status in _COMMON_DATA_BYTES and not self._expected:
            messages.append(bytes((status,)))

    def _add(self, byte: int, messages: list[bytes]) -> None:
        self._data.append(byte)
        if len(self._data) == self._expected:
            messages.append(bytes((self._status, *self._data)))
            self._data.clear()
            self._status = self._running
