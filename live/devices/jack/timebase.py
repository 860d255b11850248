"""JACK's timebase: bars, beats and tempo that all programs on a JACK server can read beside the transport.

One client at most says them, the "timebase master"; it is called once a cycle while the transport rolls.
We do it where nobody else does, and leave it to whoever takes it over.  The call comes on a thread of JACK's,
which needs the interpreter: while python-rtmidi opens or closes a port nothing is said.  A client that has
been called is closed with the process alone (why: `client.py`); until then the next one that is opened is it.
Owns: whether the beats are ours to say.  Threads: one asks the server now and then, for that may stand still;
JACK's calls; `say`, `leading` and `close` any.
Tested in tests/drivers/test_timebase_jack.py.
"""

import atexit
import contextlib
import ctypes
import threading
import time

from live.devices.jack.probe import JackProbe, one_at_a_time, server_name
from live.devices.jack.transport import BBT, Position
from live.devices.rtmidi_port import registered, unregistered
from live.timing.clock import raise_thread
from live.timing.tempo_map import TempoMap

_NAME = "twobar-timebase"
_ASK_S = 0.5
_PATIENCE_S = 1.0
_CALLBACK = ctypes.CFUNCTYPE(
    None, ctypes.c_int, ctypes.c_uint32, ctypes.POINTER(Position), ctypes.c_int, ctypes.c_void_p
)
_ONLY_IF_FREE = 1
_CYCLES_AFTER = 2  # that a call may still be under way


class JackTimebase(JackProbe):
    """Says bars, beats and tempo on the server that JACK_DEFAULT_SERVER names, where nobody else does.

    Attributes:
        leading: whether they are ours; a client that takes them over is noticed within half a second.

    Raises:
        OSError: no libjack, or no such server.
    """

    def __init__(self) -> None:
        super().__init__(_NAME)
        jack = self._jack
        jack.jack_set_timebase_callback.argtypes = [
            ctypes.c_void_p, ctypes.c_int, _CALLBACK, ctypes.c_void_p,
        ]  # fmt: skip
        jack.jack_release_timebase.argtypes = jack.jack_deactivate.argtypes = [ctypes.c_void_p]
        self.leading = False
        self.server = server_name()
        self._map: TempoMap | None = None
        self._callback = _CALLBACK(self._called)  # referenced here: C holds only its address
        self._active = False
        self._calls = False  # JACK has called
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def say(self, tempo_map: TempoMap) -> None:
        """Let this be what is said from the next cycle on."""
        self._map = tempo_map
        if self._thread is None:
            registered(self)
            self._thread = threading.Thread(target=self._ask, name="jack-timebase", daemon=True)
            self._thread.start()

    def _ask(self) -> None:
        while self.alive and not self._closed.is_set():
            self._lead()
            self._closed.wait(_ASK_S)

    def _lead(self) -> None:
        """Ask for what may be ours already."""
        with contextlib.suppress(OSError), one_at_a_time():
            client = self._client
            if client is None or not self.alive:
                return
            refused = self._jack.jack_set_timebase_callback(client, _ONLY_IF_FREE, self._callback, None)
            self.leading = not refused and not self._closed.is_set()
            if self.leading and not self._active:
                self._active = not self._jack.jack_activate(client)
                atexit.register(self.leave)

    def _called(
        self, _state: int, _frames: int, position: "ctypes._Pointer[Position]", _new: int, _data: object
    ) -> None:
        place, tempo_map = position.contents, self._map
        if not self._calls:
            self._calls = True
            raise_thread()
        if tempo_map is None:
            return
        bbt = tempo_map.bar_beat_tick(place.frame / max(1, place.frame_rate))
        place.bar, place.beat, place.tick, place.bar_start_tick = bbt[:4]
        place.beats_per_bar, place.beat_type, place.ticks_per_beat = bbt[4:]
        place.beats_per_minute = tempo_map.tempo_bpm
        place.valid = place.valid | BBT

    def pause(self) -> bool:
        """Say nothing for a moment."""
        return self._release()

    def resume(self) -> None:
        """Say it again, where nobody else does meanwhile."""
        self._lead()

    def _release(self) -> bool:
        """Be called no more, nor be at it still; whether the beats were ours."""
        self.leading = False
        with contextlib.suppress(OSError), one_at_a_time():
            if not self._active or self._client is None or not self.alive:
                return False
            ours = not self._jack.jack_release_timebase(self._client)
            if ours:
                time.sleep(_CYCLES_AFTER * self.period_frames / self.sample_rate)
            return ours
        return False

    def close(self) -> None:
        """Leave the beats to others; safe to call twice."""
        unregistered(self)
        self._closed.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_PATIENCE_S)
        self._release()
        if not self._active:
            super().close()
        elif thread is not None and not thread.is_alive():
            _resting.append(self)

    def leave(self) -> None:
        """Leave the server with the process: it would wait for the thread that it called."""
        self._closed.set()
        self._release()
        with contextlib.suppress(OSError), one_at_a_time(_PATIENCE_S):
            if self._active and self._client is not None and self.alive:
                self._jack.jack_deactivate(self._client)

    def reopen(self) -> None:
        """Be as new, once closed."""
        self._closed.clear()
        self._map = None


_resting: list[JackTimebase] = []


def open_timebase() -> JackTimebase | None:
    """Return a place among the clients that may say the beats; None where there is none."""
    while _resting:
        if (one := _resting.pop()).alive and one.server == server_name():
            one.reopen()
            return one
    try:
        return JackTimebase()
    except OSError:
        return None
