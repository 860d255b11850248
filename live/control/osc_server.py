"""OSC over UDP: one thread receives Commands, one publishes to subscribers what happens."""

import contextlib
import errno
import heapq
import ipaddress
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable

from pythonosc.osc_message_builder import BuildError, build_msg

from live.control.osc_messages import ROOT, BadPacketError, TimedMessage, commands_of, unpack
from live.errors import FailureError
from live.ipc.commands import Command
from live.settings.config import OscSettings

MOST_SUBSCRIBERS = 16
MOST_WAITING = 4_096
"""Messages of bundles that are due later, and messages to be sent; more are counted and left out."""

FARTHEST_SECONDS = 3_600.0
"""A time tag farther ahead than this comes from a clock that is not ours."""

NOTICE_EVERY_SECONDS = 1.0
LARGEST_DATAGRAM = 65_535

UdpAddress = tuple[str, int]


class OscServer:
    """Listens on a UDP port, and publishes to subscribers.

    Attributes:
        bad_packets: datagrams and messages that were not understood.
        unsent: published messages that were left out or could not be sent.
        port: the UDP port that is listened on.

    Threads: `publish`, the attributes and `close` any; `deliver` and `notice` are called from the
    listening thread.  Realtime: `publish` yes.
    """

    def __init__(
        self,
        settings: OscSettings,
        deliver: Callable[[Command], None],
        notice: Callable[[str], None],
        *,
        wall_seconds: Callable[[], float] = time.time,
    ) -> None:
        """Open the port; nothing is received before `start`.

        Args:
            settings: host, port, and hosts beside this machine that may subscribe.
            deliver: takes each command.
            notice: takes a line for the human, at most one a second.
            wall_seconds: seconds since 1970, the scale of time tags.

        Raises:
            FailureError: the port is busy, or the host is not this machine's.

        """
        self._deliver = deliver
        self._notice = notice
        self._wall_seconds = wall_seconds
        self._allowed = frozenset(settings.allow)
        self._socket = _bound(settings.host, settings.port)
        self.port: int = self._socket.getsockname()[1]
        self.bad_packets = 0
        self.unsent = 0
        self._unsaid = 0
        self._noticed_at = float("-inf")
        self._subscribers: tuple[UdpAddress, ...] = ()
        self._later: list[tuple[float, int, TimedMessage, UdpAddress]] = []
        self._order = 0
        self._outbox: queue.SimpleQueue[tuple[str, tuple[object, ...]] | None] = queue.SimpleQueue()
        self._wake, self._waker = socket.socketpair()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._listen, name="osc-in", daemon=True),
            threading.Thread(target=self._send_all, name="osc-out", daemon=True),
        ]

    def start(self) -> None:
        """Begin to receive and to publish."""
        for thread in self._threads:
            thread.start()

    def publish(self, address: str, *arguments: float | str) -> None:
        """Tell the subscribers, soon and without waiting; address as `/twobar/beat`."""
        if not self._subscribers:
            return
        if self._outbox.qsize() >= MOST_WAITING:
            self.unsent += 1
        else:
            self._outbox.put((address, arguments))

    def close(self) -> None:
        """Send what is left, stop, and free the port; safe to call twice."""
        if self._closing:
            return
        self._closing = True
        self._outbox.put(None)
        self._waker.send(b"\0")
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=1.0)
        for opened in (self._socket, self._wake, self._waker):
            opened.close()

    # -- receiving -----------------------------------------------------------------------------

    def _listen(self) -> None:
        """Receive until closed; nothing that arrives ends it."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while not self._closing:
                self._do_due()
                pause = max(0.0, self._later[0][0] - self._wall_seconds()) if self._later else None
                for key, _ in selector.select(pause):
                    if key.fileobj is self._socket:
                        self._receive()

    def _receive(self) -> None:
        """Take one datagram; what is due now is done now."""
        try:
            datagram, sender = self._socket.recvfrom(LARGEST_DATAGRAM)
        except OSError:
            return  # an earlier answer of ours found nobody there
        now = self._wall_seconds()
        try:
            messages = unpack(datagram)
        except BadPacketError as error:
            self._bad(sender, str(error))
            return
        for message in messages:
            if message.due is None or message.due <= now:
                self._do(message, sender)
            elif message.due - now > FARTHEST_SECONDS:
                self._bad(sender, "a time tag more than an hour ahead; are both clocks right?")
            elif len(self._later) >= MOST_WAITING:
                self._bad(sender, f"more than {MOST_WAITING} messages wait for their time tags")
            else:
                self._order += 1
                heapq.heappush(self._later, (message.due, self._order, message, sender))

    def _do_due(self) -> None:
        """Do what has waited for its time tag."""
        while self._later and self._later[0][0] <= self._wall_seconds():
            _, _, message, sender = heapq.heappop(self._later)
            self._do(message, sender)

    def _do(self, message: TimedMessage, sender: UdpAddress) -> None:
        """Do what one message asks for."""
        try:
            if message.address == ROOT + "subscribe":
                self._subscribe(message.arguments, sender)
            elif message.address == ROOT + "unsubscribe":
                gone = _peer(message.arguments, sender)
                self._subscribers = tuple(peer for peer in self._subscribers if peer != gone)
            else:
                for command in commands_of(message.address, message.arguments):
                    self._deliver(command)
        except BadPacketError as error:
            self._bad(sender, str(error))
        except Exception as error:  # noqa: BLE001 - whatever the taker raises, the port stays open
            self._bad(sender, f"{message.address} could not be taken: {error}")

    def _subscribe(self, arguments: tuple[object, ...], sender: UdpAddress) -> None:
        """Add a subscriber; once is enough, twice does no harm."""
        peer = _peer(arguments, sender)
        if peer in self._subscribers:
            return
        host = peer[0]
        if not (ipaddress.ip_address(host).is_loopback or host in self._allowed or "*" in self._allowed):
            raise BadPacketError(f"'{host}' may not subscribe; add it to allow in [osc] of live.toml")
        if len(self._subscribers) >= MOST_SUBSCRIBERS:
            raise BadPacketError(f"there are {MOST_SUBSCRIBERS} subscribers already")
        self._subscribers = (*self._subscribers, peer)

    def _bad(self, sender: UdpAddress, reason: str) -> None:
        """Count what was not understood, and say so now and then."""
        self.bad_packets += 1
        now = self._wall_seconds()
        if 0.0 <= now - self._noticed_at < NOTICE_EVERY_SECONDS:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more before)" if self._unsaid else ""
        self._noticed_at, self._unsaid = now, 0
        with contextlib.suppress(Exception):  # whoever takes notices cannot end the receiving
            self._notice(f"OSC from {sender[0]}:{sender[1]}: {reason}{more}")

    # -- publishing ----------------------------------------------------------------------------

    def _send_all(self) -> None:
        """Send what is published until closed."""
        with contextlib.ExitStack() as stack:
            opened: dict[socket.AddressFamily, socket.socket] = {}
            while (item := self._outbox.get()) is not None:
                try:
                    datagram = build_msg(item[0], item[1]).dgram
                except (BuildError, ValueError):
                    self.unsent += 1
                    continue
                for peer in self._subscribers:
                    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
                    try:
                        if family not in opened:
                            opened[family] = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                        opened[family].sendto(datagram, peer)
                    except OSError:
                        self.unsent += 1


def _peer(arguments: tuple[object, ...], sender: UdpAddress) -> UdpAddress:
    """Return who subscribes: the host and port in the arguments, or where the message came from."""
    match arguments:
        case ():
            return sender[0], sender[1]
        case (str(host), int(port)) if 0 < port <= 65535:
            try:
                return str(ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)), port
            except ValueError:
                raise BadPacketError(f"subscriber '{host}' is no IP address") from None
        case _:
            raise BadPacketError(
                "subscribing takes a host (an IP address) and a port from 1 to 65535, or nothing"
            )


def _bound(host: str, port: int) -> socket.socket:
    """Return a UDP socket that listens."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        opened = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError):
        raise FailureError(f"OSC cannot listen on '{host}': there is no such host") from None
    try:
        opened.bind(address)
    except OSError as error:
        opened.close()
        reason = (
            "another program listens there"
            if error.errno == errno.EADDRINUSE
            else str(error.strerror).lower()
        )
        raise FailureError(
            f"OSC cannot listen on {host}, port {port}: {reason}; choose another in [osc] of live.toml"
        ) from None
    opened.setblocking(False)
    return opened
