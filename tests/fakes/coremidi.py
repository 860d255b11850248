"""A stand-in for CoreMIDI."""

import struct
from typing import Any

KNOWN = 7  # the only destination


class Framework:
    """Stands for CoreMIDI: its clock has three ticks to 125 ns, as on Apple's own processors."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, bytes]] = []  # moments in ticks, 0 for now
        self.flushed: list[int] = []
        self.names: dict[int, bytes] = {}
        self.disposed = 0
        self.fault: dict[str, int] = {}

    def mach_timebase_info(self, base: Any) -> None:
        base._obj.numerator, base._obj.denominator = 125, 3

    def CFStringCreateWithCString(self, _allocator: None, text: bytes, _encoding: int) -> int:  # noqa: N802
        self.names[len(self.names) + 1] = text
        return len(self.names)

    def CFRelease(self, text: int) -> None:  # noqa: N802
        assert text in self.names

    def MIDIClientCreate(self, _name: int, _notify: None, _more: None, client: Any) -> int:  # noqa: N802
        client._obj.value = 1
        return self.fault.get("MIDIClientCreate", 0)

    def MIDIOutputPortCreate(self, _client: object, _name: int, port: Any) -> int:  # noqa: N802
        port._obj.value = 2
        return self.fault.get("MIDIOutputPortCreate", 0)

    def MIDIGetDestination(self, index: int) -> int:  # noqa: N802
        return KNOWN if index == 0 else 0

    def MIDISend(self, _port: object, destination: int, packets: bytes) -> int:  # noqa: N802
        assert destination == KNOWN
        count, ticks, length = struct.unpack("<IQH", packets[:14])
        assert (count, len(packets)) == (1, 14 + length)
        self.sent.append((ticks, packets[14:]))
        return self.fault.get("MIDISend", 0)

    def MIDIFlushOutput(self, destination: int) -> int:  # noqa: N802
        self.flushed.append(destination)
        return 0

    def MIDIClientDispose(self, _client: object) -> None:  # noqa: N802
        self.disposed += 1
