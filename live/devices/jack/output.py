"""MIDI outputs on JACK through JACK-Client: each message leaves on its frame.

JACK calls an output once a cycle, on a thread of JACK's, which needs the interpreter: while python-rtmidi
opens an input, which holds it, outputs are paused (`port.calls_paused`).
Needs the extra `jack`; imported when a port is opened, for JACK-Client takes its time.
Tested in tests/live/devices/jack/test_output.py and, on a server, tests/drivers/test_ports_jack.py.
"""

import contextlib
import ctypes
import time
from collections.abc import Callable, Iterator

import jack
from _jack import ffi

from live import errors
from live.devices.jack.probe import library, one_at_a_time, opened, server_died
from live.devices.rtmidi_port import MidiOutput, PlayedChannels, close_in_time, registered, unregistered
from live.devices.stderr import silence_jack, stderr_diverted
from live.timing.ahead import AheadQueue
from live.timing.clock import raise_thread
from live.timing.host_line import HostLine
from live.timing.timeline import Nanos

MARGIN_NANOS = 6_000_000
"""By how much more than a cycle ahead a message is given: the loop that gives it may wake late."""

_FRAMES = 1 << 32  # after which JACK counts from 0 again
_MOST_WAITING = 4096  # messages that JACK has not taken: it stands still
_CYCLES_AFTER = 2  # that a message needs to reach whoever hears it
_PATIENCE_S, _LOOK_S = 0.3, 0.002


class _Client(jack.Client):  # type: ignore[misc]  # it has no types
    """A client whose calls inside a cycle keep the interpreter.

    JACK-Client lets it go with every call, and whoever takes it meanwhile may keep it past the cycle's end.
    None of these calls waits for anything.
    """

    def __init__(self, name: str, port: str) -> None:
        """Become a client with one output; raises jack.JackError."""
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
        self._own = self.midi_outports.register(port)
        self._port = _address(self._own._ptr)  # noqa: SLF001  for lack of another way
        self.port_name: str = self._own.name

    def peers(self) -> list[str]:
        """Return the names of the ports that ours is connected with."""
        return [port.name for port in self.get_all_connections(self._own)]

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

    def __del__(self) -> None:
        """Stay open: closing a dead server's client takes a second, for ever, or crashes."""

    def leave_open(self) -> None:
        """Live as long as the process: libjack's threads may still call us."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))


def _address(pointer: object) -> int:
    """Return the address that a pointer of JACK-Client's holds."""
    return int(ffi.cast("uintptr_t", pointer))


class JackOutput(MidiOutput):
    """An open output; a `live.timing.midi_bytes.TimedSink`.

    Attributes:
        alive: False as soon as the server has died.
        lead_nanos: so long before it is due a message must be given to leave on its frame.
        late: messages that left later than on their frame.
        missed: cycles that went by without us.
        faults: cycles that our own code failed in.

    Threads: JACK calls once a cycle on its own; the rest any.  Realtime: yes, a few us for a message.
    """

    api = "jack"

    def __init__(
        self, client: str, port: str, *, peer: str = "", nanos: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Play to a port, or be one, `client:port`, that others connect to.

        Raises:
            PortError: no server answers.
            PortMissingError: the port could not be connected.
        """
        self.virtual, self.alive = not peer, True
        self.late = self.missed = self.faults = 0
        self._nanos = nanos
        self._queue = AheadQueue()
        self._played = PlayedChannels()
        self._cycles = self._frame = 0
        self._new_thread = True  # calls us
        self._peers: list[str] = []  # while it is paused
        self._client: _Client | None = None
        with _alone():
            try:
                with stderr_diverted():
                    self._client = made = _Client(client, port)
                    silence_jack()
                self.name, self._ours = peer or made.port_name, made.port_name
                self._line = HostLine(1e9 / made.samplerate)
                self.lead_nanos = round(made.blocksize * 1e9 / made.samplerate) + MARGIN_NANOS
                made.set_process_callback(self._cycle)
                made.set_shutdown_callback(self._shut_down)
                made.activate()
                opened(self)
                if peer:
                    made.connect(self._ours, peer)
            except jack.JackOpenError as reason:
                raise errors.PortError(f"no JACK server answers ({reason}); start one") from None
            except jack.JackError as reason:
                self._leave()
                raise errors.PortMissingError(
                    f"the MIDI output '{peer or port}' could not be opened: {reason}"
                ) from None
        registered(self)

    def _cycle(self, frames: int) -> None:
        """Be called by JACK, once a cycle; an exception would end that."""
        client, now = self._client, self._nanos()
        if client is None:
            return
        if self._new_thread:
            self._new_thread = False
            client.be_punctual()
        start = client.frame()
        start += self._frame - self._frame % _FRAMES
        if start < self._frame:
            start += _FRAMES
        if start == self._frame and self._cycles:
            return  # a call that JACK makes up for: what was written in this cycle is being read
        if self._cycles:
            self.missed += (start - self._frame) // frames - 1
        self._frame = start
        self._line.observe(start, now)
        try:
            self._write(client, start, frames)
        except Exception:  # noqa: BLE001  the next cycle may do better
            self.faults += 1
        self._cycles += 1

    def moment(self, frame: float) -> Nanos | None:
        """Return when a frame of 32 bits near the present one is; None before the first cycle."""
        if not (self.alive and self._line.known):
            return None
        apart = (frame - self._frame + _FRAMES / 2) % _FRAMES - _FRAMES / 2
        return self._line.nanos(self._frame + apart)

    def _write(self, client: _Client, start: int, frames: int) -> None:
        """Write what leaves in a cycle of so many frames, the first of which is `start`."""
        buffer, queue, line = client.buffer(frames), self._queue, self._line
        client.clear(buffer)
        if not queue:
            return
        while (data := queue.take_now()) is not None:
            if not client.write(buffer, 0, data):
                queue.put_first(data)
                return
        end, place = line.nanos(start + frames - 0.5), 0
        while (planned := queue.take_due(end)) is not None:
            frame = round(line.count(planned.due)) - start
            self.late += frame < 0
            place = min(max(place, frame), frames - 1)
            if not client.write(buffer, place, planned.data):
                queue.put_back(planned)
                return

    def _shut_down(self, _status: object, _reason: str) -> None:
        self.alive = False
        server_died(self)

    def pause(self) -> bool:
        """Leave JACK's graph for a moment, cables unplugged; what is sent waits."""
        client = self._client
        with contextlib.suppress(errors.PortError, jack.JackError), _alone():
            if client is None or not self.alive:
                return False
            self._peers = client.peers()
            client.deactivate()
            return True
        return False

    def resume(self) -> None:
        """Come back into JACK's graph, with the cables that were plugged in."""
        client = self._client
        if client is None:
            return
        try:
            with _alone():
                if not self.alive:
                    return
                self._new_thread = True
                client.activate()
                for peer in self._peers:
                    with contextlib.suppress(jack.JackError):  # it has gone meanwhile
                        client.connect(self._ours, peer)
        except (errors.PortError, jack.JackError):
            self.alive = False  # the next message finds out, and it is opened anew

    def _leave(self) -> None:
        """Close the client: first of the thread that calls us, which must not be ended inside Python."""
        client, self._client = self._client, None
        if client is None:
            return
        if not self.alive:
            client.leave_open()
            return
        client.deactivate()
        client.close()

    def abandon(self) -> None:
        """Let go of the port of a server that has died, at once."""
        unregistered(self)
        self.alive = False
        client, self._client = self._client, None
        if client is not None:
            client.leave_open()

    def send(self, data: bytes) -> None:
        """Send one whole message with the next cycle.

        Raises:
            PortError: the port is closed, or the server stands still.
        """
        self._check(data)
        self._queue.now(data)

    def send_at(self, data: bytes, due: Nanos) -> None:
        """Send one whole message on the frame of a moment; raises as `send`."""
        self._check(data)
        self._queue.later(data, due)

    def _check(self, data: bytes) -> None:
        if self._client is None or not self.alive:
            raise errors.PortError(f"the MIDI output '{self.name}' is closed")
        if len(self._queue) > _MOST_WAITING:
            raise errors.PortError(
                f"the MIDI output '{self.name}' takes nothing: the JACK server stands still"
            )
        self._played.add(data)

    def close(self, *, silently: bool = False) -> None:
        """Silence the channels that were played on and release the port; safe to call twice."""
        with contextlib.suppress(errors.PortError):
            for data in () if silently else self._played.silence():
                self.send(data)
            self._drain()
        unregistered(self)

        def closing() -> None:
            with contextlib.suppress(errors.PortError), _alone():
                self._leave()

        close_in_time(closing)

    def _drain(self) -> None:
        """Wait until JACK has taken what it was given."""
        end = time.monotonic() + _PATIENCE_S
        while self._queue and self.alive and time.monotonic() < end:
            time.sleep(_LOOK_S)
        last = self._cycles + _CYCLES_AFTER
        while self._cycles < last and self.alive and time.monotonic() < end:
            time.sleep(_LOOK_S)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let no other thread open or close a client meanwhile; raises PortError."""
    try:
        with one_at_a_time():
            yield
    except OSError as reason:
        raise errors.PortError(str(reason)) from None
