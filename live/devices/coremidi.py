"""MIDI outputs on CoreMIDI: each message goes to the system with the moment at which it is to leave.

Messages for now go past those.  What ends sounds takes back what would begin them later: CoreMIDI takes back
all that waits for a destination, so what else waits is given again.
After Apple's documentation of MIDISend, MIDIPacketList and MIDIFlushOutput, and tried on a stand-in alone: it
is used only where the settings ask for it.
Tested in tests/live/devices/test_coremidi.py.
"""

import ctypes
import struct
import time
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from live.devices.queued_output import QueuedOutput
from live.timing.ahead_queue import begun_by, ended_by, ends
from live.timing.timeline import Nanos

_FRAMEWORK = "/System/Library/Frameworks/CoreMIDI.framework/CoreMIDI"
_UTF_8 = 0x08000100  # kCFStringEncodingUTF8
_PACKET_LIST = struct.Struct("<IQH")  # how many packets; of the first its moment and length
_LONGEST = 32_768  # bytes in a packet; a longer exclusive message goes in several


class _Timebase(ctypes.Structure):
    """mach_timebase_info_data_t: nanoseconds to a tick of the host's clock, as a fraction."""

    _fields_: ClassVar = [("numerator", ctypes.c_uint32), ("denominator", ctypes.c_uint32)]


class CoreMidi:
    """An open client with one output port; raises OSError where there is none to be had, with the reason."""

    def __init__(self, client: str, port: str, *, library: Any = None) -> None:  # noqa: ANN401
        self._library = library if library is not None else _loaded()
        self._client, self._port = ctypes.c_uint32(), ctypes.c_uint32()
        base = _Timebase()
        self._library.mach_timebase_info(ctypes.byref(base))
        self._numerator, self._denominator = base.numerator or 1, base.denominator or 1
        self._named("MIDIClientCreate", client, None, None, ctypes.byref(self._client))
        try:
            self._named("MIDIOutputPortCreate", port, ctypes.byref(self._port), after=self._client)
        except OSError:
            self.close()
            raise

    def _named(self, function: str, name: str, *arguments: object, after: object = None) -> None:
        """Call what takes a name, behind the client if there is one already."""
        library = self._library
        text = library.CFStringCreateWithCString(None, name.encode(), _UTF_8)
        try:
            self._call(function, *([] if after is None else [after]), text, *arguments)
        finally:
            library.CFRelease(text)

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._library, name)(*arguments)
        if status:
            raise OSError(f"{name}: status {status}")

    def destination(self, index: int) -> int:
        """Return what is at a place of the list of destinations; raises OSError where there is none."""
        found = int(self._library.MIDIGetDestination(index))
        if not found:
            raise OSError(f"there is no destination {index}")
        return found

    def send(self, destination: int, data: bytes, due: Nanos | None) -> None:
        """Send one whole message at a moment of host time, None at once; raises OSError."""
        # time.monotonic_ns counts on macOS what the packets' stamps count, mach_absolute_time
        ticks = 0 if due is None else due * self._denominator // self._numerator
        for begin in range(0, len(data), _LONGEST):
            part = data[begin : begin + _LONGEST]
            self._call("MIDISend", self._port, destination, _PACKET_LIST.pack(1, ticks, len(part)) + part)

    def take_back(self, destination: int) -> None:
        """Take back all that waits for a destination; raises OSError."""
        self._call("MIDIFlushOutput", destination)

    def close(self) -> None:
        """Leave; safe to call twice."""
        client, self._client = self._client, ctypes.c_uint32()
        if client.value:
            self._library.MIDIClientDispose(client)


class _Scheduled(NamedTuple):
    """What was given ahead, in the order in which it leaves."""

    due: Nanos
    number: int
    data: bytes


class CoreMidiOutput(QueuedOutput[CoreMidi]):
    """An open output to a port of another program or device; a `live.timing.midi_bytes.TimedSink`.

    Args:
        system: an open client of its own, which goes with it.
        index: of the port in the system's list.
        name: of the port, as listed.

    Raises:
        PortMissingError: the port is not there any more.
    """

    api = "coremidi"

    def __init__(
        self, system: CoreMidi, index: int, name: str, *, nanos: Callable[[], int] = time.monotonic_ns
    ) -> None:
        super().__init__(system, name, nanos=nanos)
        self._scheduled: list[_Scheduled] = []
        self._order = 0
        with self._opening():
            self._destination = system.destination(index)

    def send(self, data: bytes) -> None:
        """Send one whole message now; raises PortError where the port is closed, or the system refuses."""
        with self._at_work() as system:
            ended = ended_by(data)
            if ended is not None:
                self._take_back(system, ended)
            self._played.add(data)
            system.send(self._destination, data, None)

    def send_at(self, data: bytes, due: Nanos) -> None:
        """Send one whole message at a moment; raises as `send`."""
        with self._at_work() as system:
            now = self._nanos()
            self.late += due < now
            self._played.add(data)
            self._forget_sent(now)
            self._order += 1
            self._scheduled.append(_Scheduled(due, self._order, data))
            self._last_due = max(self._last_due, due)
            system.send(self._destination, data, due)

    def _forget_sent(self, now: int) -> None:
        self._scheduled = [scheduled for scheduled in self._scheduled if scheduled.due >= now]

    def _take_back(self, system: CoreMidi, ended: tuple[int, int]) -> None:
        """Take back what would begin what was ended, and give what else waits again."""
        self._forget_sent(self._nanos())
        remaining = [scheduled for scheduled in self._scheduled if not _is_begun(scheduled.data, ended)]
        if len(remaining) == len(self._scheduled):
            return
        system.take_back(self._destination)
        self._scheduled = remaining
        for scheduled in sorted(remaining):
            system.send(self._destination, scheduled.data, scheduled.due)


def _is_begun(data: bytes, ended: tuple[int, int]) -> bool:
    begun = begun_by(data)
    return begun is not None and ends(ended, begun)


def _loaded() -> Any:  # noqa: ANN401
    """Return CoreMIDI with what it rests on; raises OSError elsewhere than on macOS."""
    library = ctypes.CDLL(_FRAMEWORK)
    number, pointer = ctypes.c_uint32, ctypes.c_void_p
    library.CFStringCreateWithCString.restype = pointer
    library.CFStringCreateWithCString.argtypes = [pointer, ctypes.c_char_p, number]
    library.CFRelease.argtypes = [pointer]
    library.MIDIClientCreate.argtypes = [pointer, pointer, pointer, pointer]
    library.MIDIOutputPortCreate.argtypes = [number, pointer, pointer]
    library.MIDIGetDestination.argtypes = [ctypes.c_ulong]
    library.MIDIGetDestination.restype = number
    library.MIDISend.argtypes = [number, number, ctypes.c_char_p]
    library.MIDIFlushOutput.argtypes = [number]
    library.MIDIClientDispose.argtypes = [number]
    return library
