"""Asks a JACK server which MIDI ports there are, and whether it still lives.

python-rtmidi cannot tell a dead server from a quiet one, and holds the interpreter while it opens a
client.  This probe is a client without a process callback: it costs the server no cycle.  JACK-Client instead
would cost 32 ms of the start to import (this: 3 ms), print to the terminal and list a dead server's ports.
Where a port of ours is open it asks through that one's client: for each client of a process that is killed
the server lets whoever comes next wait, half a second or more (`JackEngine::ClientCloseAux` of jack2).
Tested in tests/drivers/test_ports_jack.py, tests/drivers/test_hotplug_jack.py.
"""

import contextlib
import ctypes
import os
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any, Literal, Protocol

from live.devices.stderr import stderr_diverted

Direction = Literal["in", "out"]

_NO_START_SERVER = 1
_SEMAPHORE_BYTES = 64  # at least a sem_t
_SEMAPHORES: list[object] = []  # a client whose server has died may still count on its own
_STILL_S, _LOOK_S = 0.25, 0.002  # the longest cycle that is used takes 0.19 s
_PATIENCE_S = 5.0
_CLIENTS = threading.RLock()
"""Held by whoever opens or closes a client or a port, or asks of a client what libjack keeps in memory.

libjack's own locks close on each other where one thread opens and another closes.  Where the graph changes it
walks through each client's list of ports on a thread of its own, without a lock, while a port is taken out.
Once a server has died, whoever opens the next client frees all that there were, with what they share
(`JackLibGlobals::Init` of jack2): nobody may be at one then, nor come back to it.
"""
_OPEN: "weakref.WeakSet[Lives]" = weakref.WeakSet()
_died = threading.Event()
_ODD_NAMES: dict[str, bytes] = {}  # of ports, that are not UTF-8: by how they are shown
_IS_INPUT, _IS_OUTPUT = 1, 2
_MIDI_TYPE = b"8 bit raw midi"
_SHUTDOWN = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Lives(Protocol):
    """A client of libjack."""

    alive: bool


class Lends(Lives, Protocol):
    """A client of libjack that stays open and through which others may ask, too.

    Attributes:
        address: libjack's.
        server: that JACK_DEFAULT_SERVER named when it was opened.
        lost_cycles: of the server, since then.
    """

    address: int
    server: str
    lost_cycles: "LostCycles"


_LENT: "list[Lends]" = []


def lend(client: Lends) -> None:
    """Let probes ask through a client for as long as it is alive."""
    _LENT[:] = [*(one for one in _LENT if one.alive), client]


def server_name() -> str:
    """Return the server that is meant, "" for the default one."""
    return os.environ.get("JACK_DEFAULT_SERVER", "")


def opened(client: Lives) -> None:
    """Let a client learn that the server has died, whichever is told first; call it in `one_at_a_time`."""
    _OPEN.add(client)


def server_died(client: Lives) -> None:
    """Take it from one client that the server has died, for all of them.  Threads: any, libjack's own too."""
    if client in _OPEN:  # else all know, and it may be the server before
        _died.set()


def _tell_all() -> None:
    """Tell every client if the server has died."""
    if _died.is_set():
        _died.clear()
        for client in _OPEN:
            client.alive = False
        _OPEN.clear()


def library(kind: type[ctypes.CDLL] = ctypes.CDLL) -> ctypes.CDLL:
    """Return libjack; with ctypes.PyDLL calls hold the interpreter, for those that never wait.

    Raises:
        OSError: it is not installed.
    """
    if sys.platform == "darwin":
        names = ["libjack.0.dylib", "/opt/homebrew/lib/libjack.dylib", "/usr/local/lib/libjack.dylib"]
    elif sys.platform == "win32":
        names = ["libjack64.dll", "libjack.dll"]
    else:
        names = ["libjack.so.0"]
    for name in names:
        with contextlib.suppress(OSError):
            return kind(name)
    raise OSError("libjack is not installed")


@contextlib.contextmanager
def one_at_a_time(patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Let no other thread open, activate or close a client of libjack meanwhile, nor a port of one, nor ask.

    Raises:
        OSError: another one has been at it for so long that the server must stand still.
    """
    if not _CLIENTS.acquire(timeout=patience_s):
        raise OSError("the JACK server stands still")
    try:
        _tell_all()
        yield
    finally:
        _tell_all()
        _CLIENTS.release()


@contextlib.contextmanager
def if_nobody_else() -> Iterator[bool]:
    """As `one_at_a_time`, but wait for nobody: yields whether no other thread is at it."""
    alone = _CLIENTS.acquire(blocking=False)
    try:
        if alone:
            _tell_all()
        yield alone
    finally:
        if alone:
            _CLIENTS.release()


def port_bytes(name: str) -> bytes:
    """Return the name of a port that was listed, as libjack knows it."""
    return _ODD_NAMES.get(name) or name.encode()


class LostCycles:
    """Counts the cycles that the server loses, and with them what was played; Linux only.

    The callback is libc's `sem_post`: it counts without the interpreter, for which none of JACK's threads may
    wait.
    """

    def __init__(self, client: int | None) -> None:
        """Count from now on; call it in `one_at_a_time`, before the client is activated."""
        self._semaphore: ctypes.Array[ctypes.c_char] | None = None
        if sys.platform != "linux" or client is None:
            return
        libc, jack = ctypes.CDLL(None), library()
        self._semaphore = ctypes.create_string_buffer(_SEMAPHORE_BYTES)
        _SEMAPHORES.append(self._semaphore)
        libc.sem_init(self._semaphore, 0, 0)
        jack.jack_set_xrun_callback.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        jack.jack_set_xrun_callback(client, libc.sem_post, self._semaphore)

    @property
    def counts(self) -> bool:
        """Whether they are counted."""
        return self._semaphore is not None

    @property
    def number(self) -> int:
        """Return how many there were; 0 where they are not counted."""
        if self._semaphore is None:
            return 0
        count = ctypes.c_int()
        ctypes.CDLL(None).sem_getvalue(self._semaphore, ctypes.byref(count))
        return count.value


class JackProbe:
    """An inactive client of the JACK server that JACK_DEFAULT_SERVER names.

    Args:
        shared: whether it may ask through a client that another one has lent, whatever its name is then.

    Attributes:
        alive: False as soon as the server has died.
        sample_rate: frames a second,
        period_frames: and of a cycle, when it was opened.
        xruns: cycles that the server has lost since `count_xruns`.

    Threads: one; `alive` and `xruns` any.

    Raises:
        OSError: no libjack, or no server answers under the name in JACK_DEFAULT_SERVER.
    """

    def __init__(self, name: str = "twobar-probe", *, shared: bool = False) -> None:
        """Become an inactive client; never starts a server."""
        jack = self._jack = library()
        jack.jack_client_open.restype = ctypes.c_void_p
        jack.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
        jack.jack_client_close.argtypes = [ctypes.c_void_p]
        jack.jack_on_shutdown.argtypes = [ctypes.c_void_p, _SHUTDOWN, ctypes.c_void_p]
        jack.jack_on_shutdown.restype = None
        jack.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
        jack.jack_get_ports.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
        jack.jack_port_by_name.restype = ctypes.c_void_p
        jack.jack_port_by_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        jack.jack_port_get_all_connections.restype = ctypes.POINTER(ctypes.c_char_p)
        jack.jack_port_get_all_connections.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        jack.jack_connect.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
        jack.jack_last_frame_time.restype = ctypes.c_uint32
        jack.jack_last_frame_time.argtypes = [ctypes.c_void_p]
        jack.jack_get_sample_rate.argtypes = jack.jack_get_buffer_size.argtypes = [ctypes.c_void_p]
        jack.jack_get_sample_rate.restype = jack.jack_get_buffer_size.restype = ctypes.c_uint32
        jack.jack_activate.argtypes = [ctypes.c_void_p]
        jack.jack_free.argtypes = [ctypes.c_void_p]
        jack.jack_free.restype = None
        os.environ["JACK_NO_START_SERVER"] = "1"
        self.alive = True
        self._lender: Lends | None = None
        self._lost: LostCycles | None = None
        self._lost_before = 0
        with one_at_a_time(), stderr_diverted():
            self._client: int | None = self._borrowed() if shared else None
            self._client = self._client or jack.jack_client_open(name.encode(), _NO_START_SERVER, None)
            if self._client and self._lender is None:
                self._on_shutdown = _SHUTDOWN(self._shut_down)  # referenced here: C holds only its address
                jack.jack_on_shutdown(self._client, self._on_shutdown, None)
            if self._client:
                self.sample_rate: int = jack.jack_get_sample_rate(self._client)
                self.period_frames: int = jack.jack_get_buffer_size(self._client)
                opened(self)
        if not self._client:
            raise OSError(f"no JACK server answers under the name '{server_name() or 'default'}'")

    def _borrowed(self) -> int | None:
        """Return the client of one that has lent it on this server, None where there is none."""
        server = server_name()
        self._lender = next((one for one in _LENT if one.alive and one.server == server), None)
        return self._lender.address if self._lender is not None else None

    def count_xruns(self) -> None:
        """Count the cycles that the server loses.

        Activated without a process callback, a client of our own still costs the server no cycle.
        """
        if self._lender is not None:
            self._lost = self._lender.lost_cycles
            self._lost_before = self._lost.number
            return
        with contextlib.suppress(OSError), one_at_a_time():
            self._lost = LostCycles(self._client)
            if self._lost.counts:
                self._jack.jack_activate(self._client)

    @property
    def xruns(self) -> int:
        """See above; 0 where they are not counted."""
        return self._lost.number - self._lost_before if self._lost is not None else 0

    @property
    def _connected(self) -> bool:
        """Whether the server can be asked."""
        return self.alive and self._client is not None and (self._lender is None or self._lender.alive)

    def frame(self) -> int:
        """Return the frame at which the present cycle began: it stands still where the server does.

        Waits for nobody: 0 where the server has died, and while a client is opened or closed.
        """
        with if_nobody_else() as alone:
            if not alone or not self._connected:
                return 0
            frame: int = self._jack.jack_last_frame_time(self._client)
            return frame

    def runs(self) -> bool:
        """Tell whether the server goes on; takes a cycle where it does, `_STILL_S` where it does not.

        Time for which another thread opens a client does not count.

        Raises:
            OSError: a client is being opened or closed for so long that it must stand still.
        """
        before = 0
        for _ in range(round(_STILL_S / _LOOK_S)):
            with one_at_a_time():
                frame = self.frame()
            if not self.alive:
                break
            if frame and before and frame != before:
                return True
            before = before or frame
            time.sleep(_LOOK_S)
        return False

    def _shut_down(self, _argument: int | None) -> None:
        self.alive = False
        server_died(self)

    def ports(self, direction: Direction) -> list[str]:
        """Return the MIDI ports that can be heard ("in") or played to ("out"); none if it died.

        Raises:
            OSError: as `runs`.
        """
        with one_at_a_time():
            if not self._connected:
                return []
            flags = _IS_OUTPUT if direction == "in" else _IS_INPUT  # what the server puts out comes in here
            return self._names(self._jack.jack_get_ports(self._client, None, _MIDI_TYPE, flags))

    def connections(self, name: str) -> frozenset[str] | None:
        """Return the ports that a port is connected with; None where that is not known."""
        with contextlib.suppress(OSError), one_at_a_time():
            if not self._connected:
                return None
            port = self._jack.jack_port_by_name(self._client, port_bytes(name))
            if port:
                return frozenset(self._names(self._jack.jack_port_get_all_connections(self._client, port)))
        return None

    def connect(self, source: str, destination: str) -> None:
        """Connect two ports by their names as they are listed, where both are there."""
        with contextlib.suppress(OSError), one_at_a_time():
            if self._connected:
                self._jack.jack_connect(self._client, port_bytes(source), port_bytes(destination))

    def _names(self, found: Any) -> list[str]:  # noqa: ANN401 - C's list of texts
        """Read a list that JACK made, and give it back."""
        if not found:
            return []
        names: list[str] = []
        for name in found:
            if name is None:
                break
            names.append(readable := name.decode(errors="replace"))
            if readable.encode() != name:
                _ODD_NAMES[readable] = name
        self._jack.jack_free(found)
        return names

    def close(self) -> None:
        """Leave; safe to call twice."""
        client, self._client = self._client, None
        if client is not None and self._lender is None:
            with contextlib.suppress(OSError), one_at_a_time():  # of a server that stands still it stays open
                if self.alive:
                    self._jack.jack_client_close(client)


def jack_answers() -> bool:
    """Tell whether a JACK server runs under the name in JACK_DEFAULT_SERVER."""
    try:
        probe = JackProbe(shared=True)
    except OSError:
        return False
    probe.close()
    return True
