"""Open MIDI ports on python-rtmidi: whole stamped messages in, bytes out, and no deadlock between them.

python-rtmidi holds the interpreter while it opens or closes a port.  JACK needs all its clients for that,
and one that wants to deliver waits for the interpreter: measured, both then wait for seconds.  So inputs
queue what they hear while a port is opened or closed, and deliver it right after; JACK's timebase
(`jack/timebase.py`) leaves its graph for that long.  With the extra `jack` nothing here is used on JACK.
"""

import contextlib
import gc
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

import rtmidi

from live import errors
from live.devices.jack.probe import JackProbe, one_at_a_time
from live.devices.parser import MessageParser
from live.timing import midi_bytes
from live.timing.midi_bytes import Received
from live.timing.timeline import Nanos

Deliver = Callable[[Received], object]


class MidiInput(ABC):
    """An open input, of whatever library.

    Attributes:
        name: the port that is listened to, as listed; virtual ports by their own name.
        virtual: others connect to it; it never vanishes by itself.
        api: the MIDI system it is on.
    """

    name: str
    virtual: bool
    api: str

    @property
    @abstractmethod
    def broken(self) -> int:
        """Messages that did not arrive whole: the driver, or the cable, has lost some of what was played."""

    @abstractmethod
    def abandon(self) -> None:
        """Let go of the port of a MIDI system that has died, at once."""

    @abstractmethod
    def close(self) -> None:
        """Stop listening and release the port; safe to call twice, never hangs."""


class MidiOutput(ABC):
    """An open output, of whatever library; a `live.timing.midi_bytes.Sink`.

    Attributes:
        name: the port that is played to, as listed; virtual ports by their own name.
        virtual: others connect to it; it never vanishes by itself.
        api: the MIDI system it is on.
        punctual: how it keeps the moment of what it is given ahead, in words; "" where nothing is.
    """

    name: str
    virtual: bool
    api: str
    punctual: str = ""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send one whole message now; raises PortError where the port is closed, or the driver refuses."""

    @abstractmethod
    def abandon(self) -> None:
        """Let go of the port of a MIDI system that has died, at once."""

    @abstractmethod
    def close(self, *, silently: bool = False) -> None:
        """Silence the channels that were played on and release the port; safe to call twice.

        Silently: nothing sounds there, and nothing is sent.
        """


@runtime_checkable
class FrameTimes(Protocol):
    """An output that sees every cycle of its driver: one on JACK."""

    def moment(self, frame: float) -> Nanos | None:
        """Return when a frame of 32 bits near the present one is; None before the first cycle."""


_SENDING_S = 0.05  # JACK sends what it has taken in its next cycles, and nothing after the port is closed
_CLOSE_PATIENCE_S = 1.5
_LOOK_S = 0.002
_QUIET_S = 0.02  # how long to wait for a call under way on a port that was quiet,
_BUSY_S = 0.3  # and on one that was not: JACK would wait for it for seconds, or end its thread inside Python
_RECENT_NANOS = 100_000_000
_LENGTH_BYTES = 4  # that RtMidi puts before each message in its buffer
_UNSURE_BYTES, _FULL_BYTES = 2048, 8192
_BUSY = threading.RLock()  # as process-wide as the interpreter's own lock
_ABANDONED: list[object] = []  # ports of a dead server: to release one takes a second, interpreter held
_CALLED: "weakref.WeakSet[Called]" = weakref.WeakSet()


class Called(Protocol):
    """An open port that the driver calls into Python for."""

    def pause(self) -> bool:
        """Let the driver not call meanwhile; tells whether that is needed."""

    def resume(self) -> None:
        """Be called again, and make up for what came meanwhile."""


def registered(port: Called) -> None:
    """Take part in `calls_paused` from now on."""
    _CALLED.add(port)


def unregistered(port: Called) -> None:
    """Take part no longer."""
    _CALLED.discard(port)


class PlayedChannels:
    """The channels that an output was ever played on."""

    def __init__(self) -> None:
        self._bits = 0

    def add(self, data: bytes) -> None:
        """Take note of a message."""
        if data[0] < 0xF0:
            self._bits |= 1 << (data[0] & 0x0F)

    def silence(self) -> list[bytes]:
        """Return what ends everything on them."""
        used = [channel for channel in range(1, 17) if self._bits >> (channel - 1) & 1]
        return [data for channel in used for data in midi_bytes.silence(range(channel, channel + 1))]


def close_in_time(closing: Callable[..., object], *in_use: object) -> None:
    """Close a port on a thread of its own, and wait for it so long as a driver may take; never hangs.

    Args:
        closing: called with
        in_use: what must live as long.
    """
    thread = threading.Thread(target=closing, args=in_use, name="close-port", daemon=True)
    thread.start()
    thread.join(_CLOSE_PATIENCE_S)


class InputPort(MidiInput):
    """An open input: every whole message is stamped and handed on, from the driver's thread.

    Attributes:
        faults: messages that the receiver's code failed on (never raised in the driver's thread).

    Threads: `deliver` is called on the driver's; the rest on any.
    """

    def __init__(
        self,
        midi: rtmidi.MidiIn,
        name: str,
        deliver: Deliver,
        nanos: Callable[[], int],
        *,
        api: str,
        virtual: bool,
    ) -> None:
        """Use open_input."""
        self.name = name
        self.api = api
        self.virtual = virtual
        self.faults = 0
        self._midi: rtmidi.MidiIn | None = midi
        self._deliver = deliver
        self._nanos = nanos
        self._called_nanos = 0
        self._parser = MessageParser()
        self._in_use: list[object] = []
        # Windows wants buffers for system exclusive, whose release its drivers do not all survive
        midi.ignore_types(sysex=api == "winmm", timing=False, active_sense=True)
        self._listen(midi)
        registered(self)

    @property
    def broken(self) -> int:
        """Messages that did not arrive whole: the driver, or the cable, has lost some of what was played."""
        return self._parser.broken

    def _listen(self, midi: rtmidi.MidiIn) -> None:
        """Be called from now on.

        A call that waits for the interpreter has python-rtmidi's own tuple in hand, which cancelling frees:
        measured, it crashes.  So each tuple is held for as long as the port.
        """
        midi.set_callback(self._received)
        self._in_use += gc.get_referents(midi)

    def pause(self) -> bool:
        """Let the driver queue instead of call; tells whether that is needed."""
        if self._midi is None or self.api != "jack":
            return False
        self._calls_over(self._midi)
        return True

    def _calls_over(self, midi: rtmidi.MidiIn) -> None:
        """Cancel the callback and wait until no call can be under way.

        A message in the queue proves it: it came after the cancelling, on the thread that made the calls.
        """
        busy = time.monotonic_ns() - self._called_nanos < _RECENT_NANOS
        midi.cancel_callback()
        give_up = time.monotonic() + (_BUSY_S if busy else _QUIET_S)
        while time.monotonic() < give_up:
            time.sleep(_LOOK_S)
            queued = midi.get_message()
            if queued:
                self._received(queued)
                return

    def resume(self) -> None:
        """Deliver what was queued, and be called again.

        What comes between the last look into the queue and the next line stays in it until the next pause;
        that is half a microsecond, so nothing is done in between.
        """
        midi, received = self._midi, self._received
        if midi is None:
            return
        look, listen = midi.get_message, midi.set_callback
        while queued := look():
            received(queued)
        listen(received)
        self._in_use += gc.get_referents(midi)

    def _received(self, message_and_delta: tuple[list[int], float], _data: object = None) -> None:
        nanos = Nanos(self._nanos())  # first: everything below is lateness
        self._called_nanos = time.monotonic_ns()
        try:
            for data in self._parser.feed(message_and_delta[0]):
                self._deliver(Received(nanos, data, self.name))
        except Exception:  # noqa: BLE001 - an exception here would end in the driver's C code
            self.faults += 1

    def abandon(self) -> None:
        """Let go of the port of a MIDI system that has died, at once."""
        midi, self._midi = self._midi, None
        unregistered(self)
        if midi is not None:
            midi.cancel_callback()
            _ABANDONED.extend((midi, self))

    def close(self) -> None:
        """Stop listening and release the port; safe to call twice, never hangs."""
        midi, self._midi = self._midi, None
        unregistered(self)
        if midi is not None:
            self._calls_over(midi)
            _release(midi, tuple(self._in_use))


class OutputPort(MidiOutput):
    """An open output on python-rtmidi.

    RtMidi's buffer for JACK holds 16,384 bytes; once it is full, `send_message` waits until JACK takes some,
    interpreter held: for ever, where the server stands still.  So no more than half of it is sent without a
    sign that a cycle has gone by.

    Threads: any, one at a time.  Realtime: yes, about 1 us.
    """

    def __init__(
        self, midi: rtmidi.MidiOut, name: str, *, api: str, virtual: bool, jack: JackProbe | None = None
    ) -> None:
        """Use open_output; `jack` tells whether JACK's cycles go by, and goes with the port."""
        self._jack = jack
        self._frame = self._unsure_bytes = 0
        self.name = name
        self.api = api
        self.virtual = virtual
        self._midi: rtmidi.MidiOut | None = midi
        self._played = PlayedChannels()

    def send(self, data: bytes) -> None:
        """Send one whole message now.

        Raises:
            PortError: the port is closed, or the driver refuses.
        """
        midi = self._midi
        if midi is None:
            raise errors.PortError(f"the MIDI output '{self.name}' is closed")
        self._unsure_bytes += len(data) + _LENGTH_BYTES
        if self._unsure_bytes > _UNSURE_BYTES:
            self._look_for_cycle()
        self._played.add(data)
        try:
            midi.send_message(data)
        except (rtmidi.RtMidiError, ValueError) as reason:
            raise errors.PortError(f"the MIDI output '{self.name}' failed: {reason}") from None

    def _look_for_cycle(self) -> None:
        """Take what was sent before the present cycle as gone; raises PortError if too much may be left."""
        frame = self._jack.frame() if self._jack is not None else self._frame + 1
        if frame != self._frame:
            self._frame, self._unsure_bytes = frame, 0
        elif self._unsure_bytes > _FULL_BYTES:
            raise errors.PortError(
                f"the MIDI output '{self.name}' takes nothing: the JACK server stands still"
            )

    def abandon(self) -> None:
        """Let go of the port of a MIDI system that has died, at once."""
        midi, self._midi = self._midi, None
        if midi is not None:
            _ABANDONED.extend((midi, self._jack))

    def close(self, *, silently: bool = False) -> None:
        """Silence the channels that were played on and release the port; safe to call twice.

        Silently: nothing sounds there, and nothing is sent.
        """
        midi = self._midi
        if midi is None:
            return
        with contextlib.suppress(errors.PortError):
            for data in () if silently else self._played.silence():
                self.send(data)
        self._midi = None
        _release(midi, pause_s=_SENDING_S, jack=self._jack)


@contextlib.contextmanager
def calls_paused() -> Iterator[None]:
    """Let no port call into Python meanwhile; around whatever holds the interpreter and needs JACK."""
    with _BUSY:
        paused = [port for port in tuple(_CALLED) if port.pause()]
        try:
            yield
        finally:
            for port in paused:
                port.resume()


def _release(
    midi: rtmidi.MidiIn | rtmidi.MidiOut,
    in_use: tuple[object, ...] = (),
    *,
    pause_s: float = 0.0,
    jack: JackProbe | None = None,
) -> None:
    def closing(*_in_use: object) -> None:
        time.sleep(pause_s)
        with calls_paused(), contextlib.suppress(rtmidi.RtMidiError, OSError), one_at_a_time():
            if jack is not None and not jack.alive:  # the server has died meanwhile, and the client with it
                _ABANDONED.extend((midi, jack))
                return
            # before the port: libjack may end the thread that hears of its going while that holds a lock
            if jack is not None:
                jack.close()
            midi.close_port()
            midi.delete()

    close_in_time(closing, *in_use)
