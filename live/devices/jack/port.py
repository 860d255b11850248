"""Ports on JACK through JACK-Client: called once a cycle, in which each message has its frame.

JACK calls on a thread of its own, which needs the interpreter.  So nothing else that holds it may wait for
JACK: where these ports are used python-rtmidi opens none.
Needs the extra `jack`; imported when a port is opened, for JACK-Client takes its time.
Tested in tests/live/devices/jack/test_output.py, tests/live/devices/jack/test_input.py.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import jack

from live import errors
from live.devices.jack.client import JackClient, resting_or_new
from live.devices.jack.probe import Direction, one_at_a_time
from live.devices.rtmidi_port import close_in_time
from live.devices.stderr import silence_jack, stderr_diverted
from live.timing.host_line import HostLine
from live.timing.timeline import Nanos

_FRAMES = 1 << 32  # after which JACK counts from 0 again


class JackPort(ABC):
    """An open port.

    Attributes:
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
        self.virtual, self._closed = not peer, False
        self.missed = self.faults = 0
        self._nanos = nanos
        self._cycles = self._frame = 0
        with _alone():
            try:
                with stderr_diverted():
                    self._client = made = resting_or_new(client, port, self.direction)
                    silence_jack()
            except jack.JackError:
                raise errors.PortError(errors.NO_JACK) from None
            self._line = HostLine(1e9 / made.samplerate)
            self._period_nanos = round(made.blocksize * 1e9 / made.samplerate)
            self.name = peer or made.port_name
            made.use(self._cycle)
            try:
                if peer:
                    ends = (peer, made.port_name) if self.direction == "in" else (made.port_name, peer)
                    made.join(*ends)
            except jack.JackError as reason:
                self._leave()
                raise errors.PortMissingError(
                    f"the MIDI {self.direction}put '{peer or port}' could not be opened: {reason}"
                ) from None

    @property
    def alive(self) -> bool:
        """False as soon as the server has died."""
        return self._client.alive

    def _cycle(self, frames: int) -> None:
        """Be called once a cycle."""
        client, now = self._client, self._nanos()
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

    def _leave(self) -> None:
        """Give the client back."""
        if not self._closed:
            self._closed = True
            self._client.rest()

    def abandon(self) -> None:
        """Let go of the port of a server that has died, at once."""
        if not self._closed:
            self._closed = True
            self._client.abandon()

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
