"""JACK's transport: who uses this JACK server starts, stops and jumps together.

An inactive client: it costs the server no cycle, and no code of ours runs in its threads.  It reads bars,
beats and tempo of the client that says them (JACK's "timebase master"; `timebase.py` is ours).
Threads: one.
Tested in tests/drivers/test_clock_jack.py, tests/live/jam/leaders/test_jack_clock.py.
"""

import ctypes
import time
from typing import ClassVar, NamedTuple

from live.devices.jack.probe import JackProbe, if_nobody_else
from live.errors import PortError
from live.timing.timeline import Nanos

_ROLLING = (1, 2)  # JackTransportRolling, JackTransportLooping; one that starts waits for its clients
BBT = 0x10  # JackPositionBBT: bar, beat and tempo are valid
_NAME = "twobar-transport"


class Position(ctypes.Structure):
    """The beginning of JACK's jack_position_t (jack/types.h); what follows is left alone."""

    _fields_: ClassVar = [
        ("unique_1", ctypes.c_uint64),
        ("usecs", ctypes.c_uint64),
        ("frame_rate", ctypes.c_uint32),
        ("frame", ctypes.c_uint32),
        ("valid", ctypes.c_uint32),
        ("bar", ctypes.c_int32),
        ("beat", ctypes.c_int32),
        ("tick", ctypes.c_int32),
        ("bar_start_tick", ctypes.c_double),
        ("beats_per_bar", ctypes.c_float),
        ("beat_type", ctypes.c_float),
        ("ticks_per_beat", ctypes.c_double),
        ("beats_per_minute", ctypes.c_double),
        ("rest", ctypes.c_uint8 * 184),
    ]


class TransportState(NamedTuple):
    """JACK's transport at a moment.

    Attributes:
        rolling: whether it runs.
        seconds: its place in time.
        beat: its place in quarters, and
        tempo_bpm: its tempo in quarters a minute, where a client says them, else None.
    """

    rolling: bool
    seconds: float
    beat: float | None = None
    tempo_bpm: float | None = None

    def after(self, seconds: float) -> "TransportState":
        """Return what it is some time later, if nobody moves it."""
        if not self.rolling:
            return self
        beat = None if self.beat is None else self.beat + seconds * (self.tempo_bpm or 0.0) / 60
        return self._replace(seconds=self.seconds + seconds, beat=beat)


class JackTransport(JackProbe):
    """Reads and moves the transport of the server that JACK_DEFAULT_SERVER names.

    Raises:
        OSError: no libjack, or no such server.
    """

    def __init__(self) -> None:
        super().__init__(_NAME)
        jack = self._jack
        jack.jack_transport_query.argtypes = [ctypes.c_void_p, ctypes.POINTER(Position)]
        jack.jack_transport_query.restype = ctypes.c_int
        for name in ("jack_transport_start", "jack_transport_stop"):
            getattr(jack, name).argtypes, getattr(jack, name).restype = [ctypes.c_void_p], None
        jack.jack_transport_locate.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        jack.jack_get_time.restype = ctypes.c_uint64
        self._position = Position()
        self._last: tuple[TransportState, int] = TransportState(rolling=False, seconds=0.0), 0
        self._rolls: bool | None = None  # what everyone is to be told

    def state(self, now: Nanos) -> TransportState:
        """Return the transport at a moment; a server that has died stands still at 0."""
        with if_nobody_else() as alone:
            if alone:
                self._tell()
                self._last = self._asked(now), now
        state, asked = self._last
        return state.after((now - asked) / 1e9)

    def _asked(self, now: Nanos) -> TransportState:
        if not self.alive or self._client is None:
            return TransportState(rolling=False, seconds=0.0)
        place = self._position
        rolling = self._jack.jack_transport_query(self._client, ctypes.byref(place)) in _ROLLING
        ahead = self._jack.jack_get_time() * 1000 - time.monotonic_ns()
        gone_by = ((now + ahead) / 1000 - place.usecs) / 1e6 if rolling and place.usecs else 0.0
        seconds = place.frame / max(1, place.frame_rate) + gone_by
        if not place.valid & BBT or place.beats_per_minute <= 0 or place.ticks_per_beat <= 0:
            return TransportState(rolling, seconds)
        beat = (place.bar - 1) * place.beats_per_bar + place.beat - 1 + place.tick / place.ticks_per_beat
        beat *= 4 / place.beat_type if place.beat_type > 0 else 1  # of eighths in 6/8
        tempo_bpm = place.beats_per_minute  # quarters, as most programs have it, in every metre
        return TransportState(rolling, seconds, beat + gone_by * tempo_bpm / 60, tempo_bpm)

    def start(self) -> None:
        """Let everyone start from the beginning; with the next `state` where a client is opened."""
        self._rolls = True
        with if_nobody_else() as alone:
            if alone:
                self._tell()

    def stop(self) -> None:
        """Let everyone stop; when, see `start`."""
        self._rolls = False
        with if_nobody_else() as alone:
            if alone:
                self._tell()

    def _tell(self) -> None:
        rolls, self._rolls = self._rolls, None
        if rolls is None or not self.alive or self._client is None:
            return
        if rolls:
            self._jack.jack_transport_locate(self._client, 0)
            self._jack.jack_transport_start(self._client)
        else:
            self._jack.jack_transport_stop(self._client)


def open_transport() -> JackTransport:
    """Return the transport of the server there is; raises PortError."""
    try:
        return JackTransport()
    except OSError as reason:
        raise PortError(f"the clock 'jack' needs a JACK server: {reason}") from None
