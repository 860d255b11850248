"""A client of ALSA's sequencer with one output port and one queue, through libasound's documented interface.

What is given to the queue leaves in the kernel, at the first beat of the queue's timer after its moment,
6,250 of them a second: whatever Python does meanwhile.  Opened non-blocking; no call here waits for anything,
so the interpreter is kept.
Structures: alsa-lib's include/seq_event.h; how often the timer really beats only /proc tells.
Threads: any, one at a time.  Realtime: yes, a few us a message.
Tested in tests/live/devices/alsa/test_sequencer.py.
"""

import ctypes
import ctypes.util
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from live.devices.stderr import stderr_diverted

TIMERS = Path("/proc/asound/seq/timer")
MOST_BEAT_NANOS = 1_000_000
"""Of a queue's timer: one that beats less often is worse than a loop."""

_BEATS = 6_250  # a second, the most that the sequencer takes
_POOL = 2_000  # messages that may wait, likewise
_LONGEST = 1_024  # of the bytes in one event; longer exclusive messages are sent in several
_OUTPUT, _NONBLOCK = 1, 1  # SND_SEQ_OPEN_OUTPUT, SND_SEQ_NONBLOCK
_READ, _SUBS_READ = 1 << 0, 1 << 5  # SND_SEQ_PORT_CAP_
_MIDI_GENERIC, _APPLICATION = 1 << 1, 1 << 20  # SND_SEQ_PORT_TYPE_
_SUBSCRIBERS, _UNKNOWN = 254, 253  # SND_SEQ_ADDRESS_
_DIRECT, _START, _NONE = 253, 30, 255  # SND_SEQ_QUEUE_DIRECT, SND_SEQ_EVENT_START, SND_SEQ_EVENT_NONE
_REAL_TIME, _LENGTH = 1 << 0, 3 << 2  # SND_SEQ_TIME_STAMP_REAL, SND_SEQ_EVENT_LENGTH_MASK
_TAGGED_OUTPUT = 1 << 1 | 1 << 9  # SND_SEQ_REMOVE_OUTPUT, SND_SEQ_REMOVE_TAG_MATCH
_GLOBAL, _HRTIMER = 1, 3  # SND_TIMER_CLASS_GLOBAL, SND_TIMER_GLOBAL_HRTIMER
_BEGIN_S = (
    0.005  # a timer that drives slower queues too takes this one up when it beats next, and counts anew
)
_GIGA = 1_000_000_000
_ADDRESS = re.compile(r"(\d+):(\d+)$")
_TIMER = re.compile(r"Timer for queue (\d+) : .*\n\s*Period time : (\d+)\.(\d{9})")


class RealTime(ctypes.Structure):
    """snd_seq_real_time_t."""

    _fields_: ClassVar = [("seconds", ctypes.c_uint), ("nanos", ctypes.c_uint)]


class QueueEvent(ctypes.Structure):
    """snd_seq_event_t."""

    _fields_: ClassVar = [
        ("type", ctypes.c_ubyte),
        ("flags", ctypes.c_ubyte),
        ("tag", ctypes.c_ubyte),
        ("queue", ctypes.c_ubyte),
        ("time", RealTime),
        ("source_client", ctypes.c_ubyte),
        ("source_port", ctypes.c_ubyte),
        ("destination_client", ctypes.c_ubyte),
        ("destination_port", ctypes.c_ubyte),
        ("data", ctypes.c_uint * 3),
    ]


class Sequencer:
    """An open client.

    Args:
        client, port: names.
        library: libasound; None loads it.

    Attributes:
        address: its port's, "client:port" in numbers.
        beat_nanos: between two moments at which its queue lets messages go.

    Raises:
        OSError: there is no libasound, no sequencer, or none with a queue that is good enough; says why.
    """

    def __init__(self, client: str, port: str, *, library: Any = None) -> None:  # noqa: ANN401
        self._library = library if library is not None else loaded()
        self._seq, self._encoder, self._status, self._removal = (ctypes.c_void_p() for _ in range(4))
        with stderr_diverted():
            self._call("snd_seq_open", ctypes.byref(self._seq), b"default", _OUTPUT, _NONBLOCK)
        try:
            self._prepare(client, port)
        except OSError:
            self.close()
            raise

    def _prepare(self, client: str, port: str) -> None:
        seq, call = self._seq, self._call
        call("snd_seq_set_client_name", seq, client.encode())
        call("snd_seq_set_client_pool_output", seq, _POOL)
        kinds = _MIDI_GENERIC | _APPLICATION
        self._port = call("snd_seq_create_simple_port", seq, port.encode(), _READ | _SUBS_READ, kinds)
        self.address = f"{call('snd_seq_client_id', seq)}:{self._port}"
        self._queue = call("snd_seq_alloc_named_queue", seq, client.encode())
        self._set_timer()
        call("snd_midi_event_new", _LONGEST, ctypes.byref(self._encoder))
        call("snd_seq_queue_status_malloc", ctypes.byref(self._status))
        call("snd_seq_remove_events_malloc", ctypes.byref(self._removal))
        self._library.snd_seq_remove_events_set_condition(self._removal, _TAGGED_OUTPUT)
        self._library.snd_seq_remove_events_set_queue(self._removal, self._queue)
        call("snd_seq_control_queue", seq, self._queue, _START, 0, None)
        call("snd_seq_drain_output", seq)
        time.sleep(_BEGIN_S)
        self.beat_nanos = beat_nanos(self._queue, TIMERS)
        if not 0 < self.beat_nanos <= MOST_BEAT_NANOS:
            period = f"{self.beat_nanos / 1e6:.3g} ms" if self.beat_nanos else "unknown"
            raise OSError(f"a queue's timer beats too rarely here: {period}")

    def _set_timer(self) -> None:
        """Let the queue be driven by the timer of high resolution, where there is one."""
        library, chosen, timer = self._library, ctypes.c_void_p(), ctypes.c_void_p()
        self._call("snd_timer_id_malloc", ctypes.byref(chosen))
        try:
            library.snd_timer_id_set_class(chosen, _GLOBAL)
            library.snd_timer_id_set_device(chosen, _HRTIMER)
            self._call("snd_seq_queue_timer_malloc", ctypes.byref(timer))
            self._call("snd_seq_get_queue_timer", self._seq, self._queue, timer)
            library.snd_seq_queue_timer_set_id(timer, chosen)
            library.snd_seq_queue_timer_set_resolution(timer, _BEATS)
            self._call("snd_seq_set_queue_timer", self._seq, self._queue, timer)
        finally:
            library.snd_seq_queue_timer_free(timer)
            library.snd_timer_id_free(chosen)

    def _call(self, name: str, *arguments: object) -> int:
        """Call a function of libasound; raises OSError with its own words where it fails."""
        result: int = getattr(self._library, name)(*arguments)
        if result < 0:
            raise OSError(f"{name}: {self._library.snd_strerror(result).decode(errors='replace')}")
        return result

    def connect_to(self, name: str) -> None:
        """Be heard by a port of another client, by its name as it is listed; raises OSError."""
        self._call("snd_seq_connect_to", self._seq, self._port, *address(name))

    def nanos(self) -> int:
        """Return how long the queue has run by its own count."""
        self._library.snd_seq_get_queue_status(self._seq, self._queue, self._status)
        count = self._library.snd_seq_queue_status_get_real_time(self._status).contents
        return int(count.seconds) * _GIGA + int(count.nanos)

    def send(self, data: bytes) -> None:
        """Send a whole message now; a receiver that has no room for it loses it."""
        for event in self._events(data):
            event.queue = _DIRECT
            self._library.snd_seq_event_output_direct(self._seq, ctypes.byref(event))

    def send_at(self, data: bytes, nanos: int, *, tag: int) -> None:
        """Let a whole message leave at a moment by the queue's count; raises OSError.

        Args:
            data: the message.
            nanos: at least 0.
            tag: 0..255, by which it can be taken back.
        """
        for event in self._events(data):
            event.queue, event.tag = self._queue, tag
            event.flags |= _REAL_TIME
            event.time.seconds, event.time.nanos = divmod(nanos, _GIGA)
            self._call("snd_seq_event_output_direct", self._seq, ctypes.byref(event))

    def _events(self, data: bytes) -> Iterator[QueueEvent]:
        """Yield a message as events to whoever is connected.

        What is exclusive lies in the encoder, until it is asked for the next one.
        """
        library, encoder, sent = self._library, self._encoder, 0
        library.snd_midi_event_reset_encode(encoder)
        while sent < len(data):
            event = QueueEvent()
            used = library.snd_midi_event_encode(encoder, data[sent:], len(data) - sent, ctypes.byref(event))
            if used <= 0:
                break
            sent += used
            if event.type != _NONE:
                event.flags &= _LENGTH
                event.source_port = self._port
                event.destination_client, event.destination_port = _SUBSCRIBERS, _UNKNOWN
                yield event

    def take_back(self, tag: int) -> None:
        """Take back what waits in the queue under a tag; raises OSError."""
        self._library.snd_seq_remove_events_set_tag(self._removal, tag)
        self._call("snd_seq_remove_events", self._seq, self._removal)

    def close(self) -> None:
        """Leave the sequencer, and what waits in the queue with it; safe to call twice."""
        library = self._library
        for name, part in (
            ("snd_midi_event_free", self._encoder),
            ("snd_seq_queue_status_free", self._status),
            ("snd_seq_remove_events_free", self._removal),
            ("snd_seq_close", self._seq),
        ):
            if part:
                getattr(library, name)(part)
                part.value = None


def loaded() -> Any:  # noqa: ANN401
    """Return libasound; raises OSError."""
    library = ctypes.PyDLL(ctypes.util.find_library("asound") or "libasound.so.2")
    library.snd_strerror.restype = ctypes.c_char_p
    library.snd_midi_event_encode.restype = ctypes.c_long
    library.snd_midi_event_encode.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_long, ctypes.c_void_p,
    ]  # fmt: skip
    library.snd_midi_event_new.argtypes = [ctypes.c_size_t, ctypes.c_void_p]
    library.snd_seq_set_client_pool_output.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    library.snd_seq_queue_status_get_real_time.restype = ctypes.POINTER(RealTime)
    return library


def no_queue() -> str:
    """Return why no queue can be had; "" where one can."""
    try:
        Sequencer("twobar-probe", "notes").close()
    except OSError as reason:
        return str(reason)
    return ""


def address(name: str) -> tuple[int, int]:
    """Return the numbers of client and port at the end of a port's name; raises OSError."""
    numbers = _ADDRESS.search(name)
    if numbers is None:
        raise OSError(f"'{name}' has no address")
    return int(numbers[1]), int(numbers[2])


def beat_nanos(queue: int, path: Path) -> int:
    """Return how far apart a queue's moments are by what the kernel tells; 0 where it does not tell."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return 0
    for number, seconds, nanos in _TIMER.findall(text):
        if int(number) == queue:
            return int(seconds) * _GIGA + int(nanos)
    return 0
