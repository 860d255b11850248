"""Clients of JACK through JACK-Client: each has one port, and lives as long as the process.

None is closed before that.  JACK ends the thread of a client that leaves where it stands
(`JackClient::Deactivate` of jack2 cancels it), and where that waits for the interpreter nobody gets it any
more.  Nor is a port taken out of a client that runs: another thread of JACK's may be walking through its
ports (`HandleLatencyCallback`).  So what was closed rests, under another name and connected with nothing,
until it is opened again, and leaves with the process.
Owns: the clients of this process.  Threads: JACK calls each on one of its own; the rest one at a time
(`live.devices.jack.probe.one_at_a_time`).
Tested in tests/live/devices/jack/test_client.py and, on a server, tests/drivers/test_ports_jack.py.
"""

import atexit
import contextlib
import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar

import jack
from _jack import ffi

from live.devices.jack.probe import (
    Direction,
    LostCycles,
    lend,
    library,
    opened,
    port_bytes,
    server_died,
    server_name,
)
from live.timing.clock import raise_thread

_RESTING = "closed"  # name of a port
_PATIENCE_S = 0.3  # with JACK that does not call
_CYCLES_AFTER = 4  # without a call, and none will come
_CANCELS = sys.platform == "linux"  # where JACK ends a thread so; elsewhere ours ends by itself
_CANCEL_DISABLE = 1  # PTHREAD_CANCEL_DISABLE
_clients: "list[JackClient]" = []  # of dead servers too: to close one of those takes a second, or crashes


class _Event(ctypes.Structure):
    """JACK's jack_midi_event_t (jack/midiport.h)."""

    _fields_: ClassVar = [("place", ctypes.c_uint32), ("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]


class JackClient(jack.Client):  # type: ignore[misc]  # it has no types
    """A client with one port, whose calls inside a cycle keep the interpreter.

    JACK-Client lets it go with every call, and whoever takes it meanwhile may keep it past the cycle's end.
    None of these calls waits for anything.

    Attributes:
        alive: False as soon as the server has died.
        port_name: of its port, in full.
        address, server, lost_cycles: see `live.devices.jack.probe.Lends`.
    """

    def __init__(self, name: str, port: str, direction: Direction) -> None:
        """Become a client that rests; raises jack.JackError."""
        super().__init__(name, no_start_server=True)
        self._lib = lib = library(ctypes.PyDLL)
        self.address = _address(self._ptr)
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
        self._place = _place(name, port, direction)
        self._jack_port = (self.midi_inports if direction == "in" else self.midi_outports).register(port)
        self._port = _address(self._jack_port._ptr)  # noqa: SLF001  for lack of another way
        self.port_name: str = self._jack_port.name
        self._used = False
        self.alive = True
        self._called: Callable[[int], None] | None = None
        self._calls, self._ending = 0, False
        self._rests = threading.Event()  # a call has found nobody, and is over but for its return
        self.set_process_callback(self._cycle)
        self.set_shutdown_callback(self._shut_down)
        self.server, self.lost_cycles = server_name(), LostCycles(self.address)
        opened(self)
        self.activate()
        lend(self)
        _clients.append(self)

    def _cycle(self, frames: int) -> None:
        """Be called by JACK, once a cycle."""
        if not self._calls:  # by a thread that has no priority where the server was given none
            raise_thread()
        self._calls += 1
        if (called := self._called) is not None:
            called(frames)
            return
        if self._ending and _CANCELS:
            _outlive_cancelling()
        self._rests.set()
        if self._ending and not _CANCELS:
            raise jack.CallbackExit

    def _shut_down(self, _status: object, _reason: str) -> None:
        self.alive = False
        server_died(self)

    def wake(self) -> None:
        """Bear the old name again; raises jack.JackError."""
        self._jack_port.shortname = self._place[2]

    def use(self, called: Callable[[int], None]) -> None:
        """Call somebody from now on, with the number of frames of each cycle, on JACK's thread."""
        self._used, self._called = True, called

    def rest(self) -> None:
        """Call nobody any more, and be connected with nothing."""
        self._rests.clear()
        self._called = None
        self._rests.wait(_PATIENCE_S)  # for a call that is under way
        if self.alive:
            with contextlib.suppress(jack.JackError):
                self._jack_port.disconnect()
                self._jack_port.shortname = _RESTING
            self._used = False

    def rests_at(self, place: tuple[str, ...]) -> bool:
        """Tell whether it can be had by who asks for a port of this server and these names."""
        return self.alive and self._place == place and not self._used

    def abandon(self) -> None:
        """Be of a server that has died, or is taken for dead."""
        self.alive, self._called = False, None

    def end(self) -> None:
        """Get ready to leave: from its next call on JACK's thread cannot be ended, or it ends by itself."""
        self._rests.clear()
        self._ending, self._called = True, None

    def leave(self, until: float) -> None:
        """Leave the server after `end`: JACK calls no more then; not at all where it does not call.

        Args:
            until: when to wait no longer, by `time.monotonic`.
        """
        if not (self.alive and self._rests.wait(max(0.0, until - time.monotonic())) and _CANCELS):
            return
        _deactivate_apart(self.address)
        pause, calls = _CYCLES_AFTER * self.blocksize / self.samplerate, -1
        while calls != self._calls and time.monotonic() < until:
            calls = self._calls
            time.sleep(pause)

    def join(self, source: str, destination: str) -> None:
        """Connect ports by their names as they are listed; raises jack.JackError.

        JACK-Client's own takes none that is not UTF-8.
        """
        jack_connect = library().jack_connect  # it waits for the server, and lets the interpreter go
        jack_connect.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
        if fault := jack_connect(self.address, port_bytes(source), port_bytes(destination)):
            raise jack.JackErrorCode(f"{source} cannot be connected with {destination}", fault)

    def frame(self) -> int:
        """Return the first frame of the present cycle, of 32 bits."""
        frame: int = self._lib.jack_last_frame_time(self.address)
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
        """Stay open; JACK-Client would close it."""


def _address(pointer: object) -> int:
    """Return the address that a pointer of JACK-Client's holds."""
    return int(ffi.cast("uintptr_t", pointer))


def _outlive_cancelling() -> None:
    """Go on where JACK wants this thread to end."""
    ctypes.CDLL(None).pthread_setcancelstate(_CANCEL_DISABLE, None)


def _deactivate_apart(client: int) -> None:
    """Have libjack take a client out of the graph on a thread that Python does not know of.

    Where the client's own thread cannot be cancelled that waits for it, until the process ends.
    """
    deactivate = ctypes.cast(library().jack_deactivate, ctypes.c_void_p)
    thread = ctypes.byref(ctypes.c_ulong())
    ctypes.CDLL(None).pthread_create(thread, None, deactivate, ctypes.c_void_p(client))


def _place(name: str, port: str, direction: Direction) -> tuple[str, ...]:
    """Return what clients have in common that can stand in for one another: the server and the names."""
    return server_name(), name, port, direction


def resting_or_new(name: str, port: str, direction: Direction) -> JackClient:
    """Return a client of the server that JACK_DEFAULT_SERVER names; raises jack.JackError.

    Args:
        name: that is wanted; the server adds a number to one that is taken.
        port: name of its port.
        direction: from the instrument's side.
    """
    place = _place(name, port, direction)
    resting = next((one for one in _clients if one.rests_at(place)), None)
    if resting is None:
        return JackClient(name, port, direction)
    resting.wake()
    return resting


@atexit.register
def _end() -> None:
    """Leave while JACK's threads have an interpreter to come back from."""
    until, calling = time.monotonic() + _PATIENCE_S, [one for one in _clients if one.alive]
    for one in calling:
        one.end()
    for one in calling:
        one.leave(until)
