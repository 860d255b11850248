"""Links between the processes: msgpack frames over local sockets that never block the engine.

The engine listens; the worker, dashboards and the supervisor call.  A frame is a four-byte big-endian
length and a message of live.ipc.messages.  Every caller shows the session's token first.
"""

import contextlib
import os
import select
import socket
import stat
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from live.ipc.messages import Hello, Message
from live.ipc.runtime_folder import folders, private
from model.files import all_readable

LENGTH = struct.Struct(">I")
LARGEST_FRAME = 1 << 22
LARGEST_BACKLOG = 1 << 22
LONGEST_PLACE = 100  # bytes; systems take a socket's path up to about 104
HAS_UNIX = hasattr(socket, "AF_UNIX")
DONT_WAIT = getattr(socket, "MSG_DONTWAIT", 0)
NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
ACCEPT_SECONDS = AT_ONCE_SECONDS = 0.1
PIECE = 4096  # bytes sent at once where a send cannot be told not to wait
TYPES_READ = threading.Lock()
"""Held while msgspec reads the types of messages: another thread would crash on what is half read."""

M = TypeVar("M")


class Address(msgspec.Struct, frozen=True):
    """Where an engine listens, and the token it wants to see.

    Attributes:
        place: a path, or "host:port" where the system has no Unix sockets.
        token: hexadecimal secret of the session.
    """

    place: str
    token: str

    def answers(self) -> bool:
        """Tell at once whether somebody listens, as an engine does that stands still and lets nobody in."""
        try:
            self.connect(AT_ONCE_SECONDS).close()
        except (BlockingIOError, TimeoutError):
            return True
        except (OSError, ValueError):
            return False
        return True

    def connect(self, patience_s: float | None = None) -> socket.socket:
        """Return a connected socket; raises OSError when nobody listens, or takes callers in time."""
        if HAS_UNIX and ":" not in self.place:
            caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            target: Any = self.place
        else:
            caller = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host, _, port = self.place.rpartition(":")
            target = (host, int(port))
        try:
            caller.settimeout(patience_s)
            caller.connect(target)
            caller.settimeout(None)
        except OSError:
            caller.close()
            raise
        return caller


def new_address() -> Address:
    """Return a fresh address: a socket in the private folder, or, where none can be, a free loopback port."""
    token = os.urandom(16).hex()
    for folder in folders() if HAS_UNIX else ():
        place = folder / f"engine-{os.getpid()}-{token[:8]}.sock"
        if len(os.fsencode(place)) <= LONGEST_PLACE and ":" not in str(place):
            with contextlib.suppress(OSError):
                private(folder)
                return Address(str(place), token)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Address(f"127.0.0.1:{free.getsockname()[1]}", token)


def is_left(address: Address) -> bool:
    """Tell whether a socket is there: of an engine that lives, or that has not ended in order."""
    with contextlib.suppress(OSError):
        return stat.S_ISSOCK(Path(address.place).lstat().st_mode)
    return False


def remove_place(address: Address) -> None:
    """Remove the socket that a killed engine left; no other file, whatever is given."""
    with contextlib.suppress(OSError):
        if is_left(address):
            Path(address.place).unlink()


class Link(Generic[M]):
    """One end of a connection.  `kind`: union of the messages that may come in."""

    def __init__(self, connection: socket.socket, kind: Any) -> None:  # noqa: ANN401  a union is no type object
        self._socket = connection
        self._encoder = msgspec.msgpack.Encoder()
        with TYPES_READ:
            self._decoder = msgspec.msgpack.Decoder(kind)
        self._backlog = bytearray()
        self._lock = threading.Lock()
        self.open = True

    def send(self, message: Message, *, droppable: bool = False) -> bool:
        """Send without blocking; what the pipe does not take waits, up to 4 MiB.

        A droppable message is left out while older ones wait.  False when it was left out or the
        other side has gone.  Threads: any.  Realtime: yes.
        """
        with self._lock:
            if not self.open or (droppable and self._backlog and not self._flush()):
                return False
            body = self._encoded(message)
            self._backlog += LENGTH.pack(len(body)) + body
            self._flush()
            if len(self._backlog) > LARGEST_BACKLOG:
                self.close()
            return self.open

    def _encoded(self, message: Message) -> bytes:
        try:
            return self._encoder.encode(message)
        except UnicodeEncodeError:  # the name of a file in it is no UTF-8
            return self._encoder.encode(all_readable(msgspec.to_builtins(message, builtin_types=(bytes,))))

    def _flush(self) -> bool:
        """Send what waits, as far as the pipe takes it; True when nothing waits any more."""
        while self._backlog and self.open:
            try:
                sent = self._send_some()
            except BlockingIOError:
                return False
            except (OSError, ValueError):  # ValueError: closed meanwhile, on another thread
                self.close()
                return False
            del self._backlog[:sent]
        return True

    def _send_some(self) -> int:
        if DONT_WAIT:
            return self._socket.send(self._backlog, DONT_WAIT | NO_SIGNAL)
        if not select.select([], [self._socket], [], 0)[1]:
            raise BlockingIOError
        return self._socket.send(self._backlog[:PIECE], NO_SIGNAL)

    def receive(self) -> M | None:
        """Block for the next message; None when the other side has gone or talks nonsense."""
        head = self._exactly(LENGTH.size)
        if head is None:
            return None
        (length,) = LENGTH.unpack(head)
        if length > LARGEST_FRAME:
            self.close()
            return None
        body = self._exactly(length)
        if body is None:
            return None
        try:
            message: M = self._decoder.decode(body)
        except msgspec.MsgspecError:
            self.close()
            return None
        return message

    def _exactly(self, size: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            try:
                part = self._socket.recv(size - len(parts))
            except OSError:
                part = b""
            if not part:
                self.close()
                return None
            parts += part
        return bytes(parts)

    def close(self) -> None:
        """Hang up; safe to call twice, and from another thread than the one that receives."""
        self.open = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def call(address: Address, role: str, kind: Any) -> Link[Any]:  # noqa: ANN401  a union is no type object
    """Connect to an engine and introduce oneself.

    Raises:
        OSError: nobody listens there.
    """
    link: Link[Any] = Link(address.connect(), kind)
    hello = {"type": "Hello", "role": role, "token": address.token, "pid": os.getpid()}
    with TYPES_READ:
        said = msgspec.convert(hello, Hello)
    link.send(said)
    return link


class Switchboard:
    """The engine's listening side: a thread that accepts, and one that reads from each caller.

    Args:
        address: where to listen; its token is asked for.
        kind: union of the messages that may come in.
        arrived: called on the reader's thread with (link, message); None for a caller that has gone.
    """

    def __init__(
        self,
        address: Address,
        kind: Any,  # noqa: ANN401  a union is no type object
        arrived: Callable[[Link[Any], Any], None],
    ) -> None:
        self._kind, self._arrived, self._token = kind, arrived, address.token
        if HAS_UNIX and ":" not in address.place:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with contextlib.suppress(FileNotFoundError):
                Path(address.place).unlink()
            self._listener.bind(address.place)
            Path(address.place).chmod(0o600)
            self.address = address
        else:
            self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            if os.name == "posix":  # a killed engine's connections must not keep the next one waiting
                self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            host, _, port = address.place.rpartition(":")
            self._listener.bind((host, int(port)))
            self.address = Address("{}:{}".format(*self._listener.getsockname()), address.token)
        self._listener.listen(8)
        self._closed = threading.Event()
        threading.Thread(target=self._accept, name="accept", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._closed.wait(ACCEPT_SECONDS):
                    return
                continue  # too many open files, say: the next caller may find room
            if connection.family == socket.AF_INET:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._read, args=(connection,), name="link", daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        link: Link[Any] = Link(connection, self._kind)
        hello = link.receive()
        if not isinstance(hello, Hello) or not self._known(hello.token):
            link.close()
            return
        self._arrived(link, hello)
        while (message := link.receive()) is not None:
            self._arrived(link, message)
        self._arrived(link, None)

    def _known(self, token: str) -> bool:
        from hmac import compare_digest  # noqa: PLC0415  who calls comes after the keys sound

        return compare_digest(token.encode(), self._token.encode())

    def close(self) -> None:
        """Stop listening and remove the socket's file."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or `accept` would take one more caller
        self._listener.close()
        remove_place(self.address)
