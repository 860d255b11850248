"""Links between the processes: msgpack frames over local sockets that never block the engine.

The engine listens; the worker, dashboards and the supervisor call.  A frame is a four-byte big-endian
length and a message of live.messages.  Every caller shows the session's token first.
"""

import contextlib
import os
import secrets
import socket
import struct
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from live.messages import Hello, Message

LENGTH = struct.Struct(">I")
LARGEST_FRAME = 1 << 22
LARGEST_BACKLOG = 1 << 22
HAS_UNIX = hasattr(socket, "AF_UNIX")

M = TypeVar("M")


class Address(msgspec.Struct, frozen=True):
    """Where an engine listens, and the token it wants to see.

    Attributes:
        place: a path, or "host:port" where the system has no Unix sockets.
        token: hexadecimal secret of the session.

    """

    place: str
    token: str

    def connect(self) -> socket.socket:
        """Return a connected socket; raises OSError when nobody listens."""
        if HAS_UNIX and ":" not in self.place:
            caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            target: Any = self.place
        else:
            caller = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            host, _, port = self.place.rpartition(":")
            target = (host, int(port))
        try:
            caller.connect(target)
        except OSError:
            caller.close()
            raise
        return caller


def new_address() -> Address:
    """Return a fresh address: a socket in a private folder, or any free loopback port."""
    token = secrets.token_hex(16)
    if HAS_UNIX:
        return Address(str(Path(tempfile.mkdtemp(prefix="twobar-")) / "engine.sock"), token)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Address(f"127.0.0.1:{free.getsockname()[1]}", token)


class Link(Generic[M]):
    """One end of a connection.

    Args:
        connection: a connected stream socket.
        kind: union of the messages that may come in.

    """

    def __init__(self, connection: socket.socket, kind: Any) -> None:  # noqa: ANN401  a union is no type object
        """Take over the socket."""
        self._socket = connection
        self._encoder = msgspec.msgpack.Encoder()
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
            body = self._encoder.encode(message)
            self._backlog += LENGTH.pack(len(body)) + body
            self._flush()
            if len(self._backlog) > LARGEST_BACKLOG:
                self.close()
            return self.open

    def flush(self) -> bool:
        """Send what waits, as far as the pipe takes it; True when nothing waits any more."""
        with self._lock:
            return self._flush()

    def _flush(self) -> bool:
        flags = getattr(socket, "MSG_DONTWAIT", 0) | getattr(socket, "MSG_NOSIGNAL", 0)
        while self._backlog and self.open:
            try:
                sent = self._socket.send(self._backlog, flags)
            except BlockingIOError:
                return False
            except OSError:
                self.close()
                return False
            del self._backlog[:sent]
        return True

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
    link.send(
        msgspec.convert({"type": "Hello", "role": role, "token": address.token, "pid": os.getpid()}, Hello)
    )
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
        """Listen at once."""
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
            host, _, port = address.place.rpartition(":")
            self._listener.bind((host, int(port)))
            self.address = Address("{}:{}".format(*self._listener.getsockname()), address.token)
        self._listener.listen(8)
        threading.Thread(target=self._accept, name="accept", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
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
        return secrets.compare_digest(token.encode(), self._token.encode())

    def close(self) -> None:
        """Stop listening and remove the socket's file."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or `accept` would take one more caller
        self._listener.close()
        if HAS_UNIX and ":" not in self.address.place:
            path = Path(self.address.place)
            with contextlib.suppress(OSError):
                path.unlink()
                path.parent.rmdir()
