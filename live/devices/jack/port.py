"""Ports on JACK through JACK-Client: called once a cycle, in which each message has its frame.

JACK calls on a thread of its own, which needs the interpreter.  So nothing else that holds it may wait for
JACK: where these ports are used python-rtmidi opens none.
Needs the extra `jack`; imported when a port is opened, for JACK-Client takes its time.
Tested in tests/live/devices/jack/test_output.py, tests/live/devices/jack/test_input.py.
"""

import contextlib
import ctypes
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import ClassVar

import jack
from _jack import ffi

from live import errors
from live.devices.jack.probe import Direction, library, one_at_a_time, opened, port_bytes, server_died
from live.devices.rtmidi_port import close_in_time
from live.devices.stderr import silence_jack, stderr_diverted
from live.timing.clock import raise_thread
from live.timing.host_line import HostLine
from live.timing.timeline import Nanos

_PATIENCE_S = 0.3  # with JACK that does not call, before its thread is ended all the same
_FRAMES = 1 << 32  # after which JACK counts from 0 again


class _Event(ctypes.Structure):
    """JACK's jack_midi_event_t (jack/midiport.h)."""

    _fields_: ClassVar = [("place", ctypes.c_uint32), ("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]


class JackClient(jack.Client):  # type: ignore[misc]  # it has no types
    """A client with one port, whose calls inside a cycle keep the interpreter.

    JACK-Client lets it go with every call, and whoever takes it meanwhile may keep it past the cycle's end.
    None of these calls waits for anything.
    """

    def __init__(self, name: str, port: str, direction: Direction) -> None:
        """Become a client; raises jack.JackError."""
        super().__init__(name, no_start_server=True)
        self._lib = lib = library(ctypes.PyDLL)
        self._address = _address(self._ptr)
        lib.jack_last_frame_time.argtypes, lib.jack_last_frame_time.restype = (
            [ctypes.c_void_p],
            ctypes.c_uint32,
        )
        lib.jack_port_get_buffer.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        lib.jack_port_get_buffer.restype = ctypes.c_void_p
        lib.jack_midi_clear_buffer.argtypes, lib.jack_midi_clear_buffer.restype = [ctypes.c_void_p], None
        lib.jack_midi_event_write.argtypes = [
            ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t,
        ]  # fmt: skip
        lib.jack_midi_get_event_count.argtypes = [ctypes.c_void_p]
        lib.jack_midi_event_get.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32]
        self._event = _Event()
        own = (self.midi_inports if direction == "in" else self.midi_outports).register(port)
        self._port = _address(own._ptr)  # noqa: SLF001  for lack of another way
        self.port_name: str = own.name

    def join(self, source: str, destination: str) -> None:
        """Connect ports by their names as they are listed; raises jack.JackError.

        JACK-Client's own takes none that is not UTF-8.
        """
        jack_connect = library().jack_connect  # it waits for the server, and lets the interpreter go
        jack_connect.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
        if fault := jack_connect(self._address, port_bytes(source), port_bytes(destination)):
            raise jack.JackErrorCode(f"{source} cannot be connected with {destination}", fault)

    def be_punctual(self) -> None:
        """Give JACK's thread that calls us our own priority: it has none where the server was given none."""
        raise_thread()

    def frame(self) -> int:
        """Return the first frame of the present cycle, of 32 bits."""
        frame: int = self._lib.jack_last_frame_time(self._address)
        return frame

    def buffer(self, frames: int) -> int:
        """Return where this cycle's messages are."""
        buffer: int = self._lib.jack_port_get_buffer(self._port, frames)
        return buffer

    def clear(self, buffer: int) -> None:
        """Begin to write."""
        self._lib.jack_midi_clear_buffer(buffer)

    def write(self, buffer: int, place: int, data: bytes) -> bool:
        """Write a message on a frame of the cycle; False where there is no room."""
        return not self._lib.jack_midi_event_write(buffer, place, data, len(data))

    def read(self, buffer: int) -> Iterator[tuple[int, bytes]]:
        """Yield each message of the cycle, after the frame that it lies on."""
        event, get = self._event, self._lib.jack_midi_event_get
        for number in range(self._lib.jack_midi_get_event_count(buffer)):
            if not get(ctypes.byref(event), buffer, number):
                yield event.place, ctypes.string_at(event.data, event.size)

    def __del__(self) -> None:
        """Stay open: closing a dead server's client takes a second, for ever, or crashes."""

    def leave_open(self) -> None:
        """Live as long as the process: libjack's threads may still call us."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))


def _address(pointer: object) -> int:
    """Return the address that a pointer of JACK-Client's holds."""
    return int(ffi.cast("uintptr_t", pointer))


class JackPort(ABC):
    """An open port.

    Attributes:
        alive: False as soon as the server has died.
        missed: cycles that went by without us.
        faults: what our own code failed on.

    Threads: JACK calls once a cycle on its own; the rest any.
    """

    api = "jack"
    direction: Direction

    def __init__(self, client: str, port: str, *, peer: str, nanos: Callable[[], int]) -> None:
        """Be connected with a port, or be one, `client:port`, that others connect to.

        Raises:
            PortError: no server answers.
            PortMissingError: the port could not be connected.
        """
        self.virtual, self.alive = not peer, True
        self.missed = self.faults = 0
        self._nanos = nanos
        self._cycles = self._frame = 0
        self._client: JackClient | None = None
        self._passed = threading.Event()  # a call has found no client, and is over but for its return
        with _alone():
            try:
                with stderr_diverted():
                    self._client = made = JackClient(client, port, self.direction)
                    silence_jack()
                self.name = peer or made.port_name
                self._line = HostLine(1e9 / made.samplerate)
                self._period_nanos = round(made.blocksize * 1e9 / made.samplerate)
                made.set_process_callback(self._cycle)
                made.set_shutdown_callback(self._shut_down)
                made.activate()
                opened(self)
                if peer:
                    ends = (peer, made.port_name) if self.direction == "in" else (made.port_name, peer)
                    made.join(*ends)
            except jack.JackOpenError:
                raise errors.PortError(errors.NO_JACK) from None
            except jack.JackError as reason:
                self._leave()
                raise errors.PortMissingError(
                    f"the MIDI {self.direction}put '{peer or port}' could not be opened: {reason}"
                ) from None

    def _cycle(self, frames: int) -> None:
        """Be called by JACK, once a cycle; an exception would end that."""
        client, now = self._client, self._nanos()
        if client is None:
            self._passed.set()
            return
        if not self._cycles:
            client.be_punctual()
        start = client.frame()
        start += self._frame - self._frame % _FRAMES
        if start < self._frame:
            start += _FRAMES
        if start == self._frame and self._cycles:
            return  # a call that JACK makes up for: what is in this cycle was read or written
        if self._cycles:
            self.missed += (start - self._frame) // frames - 1
        self._frame = start
        self._line.observe(start, now)
        try:
            self._process(client, frames)
        except Exception:  # noqa: BLE001  the next cycle may do better
            self.faults += 1
        self._cycles += 1

    @abstractmethod
    def _process(self, client: JackClient, frames: int) -> None:
        """Read or write what belongs to a cycle of so many frames, the first of which is `_frame`."""

    def moment(self, frame: float) -> Nanos | None:
        """Return when a frame of 32 bits near the present one is; None before the first cycle."""
        if not (self.alive and self._line.known):
            return None
        apart = (frame - self._frame + _FRAMES / 2) % _FRAMES - _FRAMES / 2
        return self._line.nanos(self._frame + apart)

    def _shut_down(self, _status: object, _reason: str) -> None:
        self.alive = False
        server_died(self)

    def _leave(self) -> None:
        """Close the client.

        JACK ends its thread where it stands; if that is where it waits for the interpreter, nobody gets that
        any more.  So it is ended between two calls.
        """
        client, self._client = self._client, None
        if client is None:
            return
        if not self.alive:
            client.leave_open()
            return
        self._passed.wait(_PATIENCE_S)  # right after a call, with a cycle's time until the next one
        client.deactivate()
        client.close()

    def abandon(self) -> None:
        """Let go of the port of a server that has died, at once."""
        self.alive = False
        client, self._client = self._client, None
        if client is not None:
            client.leave_open()

    def _release(self) -> None:
        """Leave, in the time that a driver may take."""

        def closing() -> None:
            with contextlib.suppress(errors.PortError), _alone():
                self._leave()

        close_in_time(closing)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let no other thread open or close a client meanwhile; raises PortError."""
    try:
        with one_at_a_time():
            yield
    except OSError as reason:
        raise errors.PortError(str(reason)) from None
