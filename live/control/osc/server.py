"""OSC over UDP: one thread receives Commands, one publishes to subscribers what happens."""

import contextlib
import errno
import heapq
import ipaddress
import queue
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from pythonosc.osc_message_builder import BuildError, build_msg

from live.control.osc.messages import (
    ROOT,
    BadPacketError,
    Piece,
    TimedMessage,
    commands_of,
    newest,
    pieces,
    read,
    sameness,
)
from live.errors import FailureError
from live.ipc.commands import Command
from live.settings.schema import OscSettings

MOST_SUBSCRIBERS = 16
MOST_WAITING = 4_096
"""Messages of bundles that are due later, and messages to be sent; more are counted and left out."""

FARTHEST_SECONDS = 3_600.0
"""A time tag farther ahead than this comes from a clock that is not ours."""

NOTICE_EVERY_SECONDS = 1.0
LONGEST_SILENCE_SECONDS, CALM_SECONDS = 64.0, 10.0
"""Bad packets without end are told of after 1, 2, 4, ... seconds; so long without any, and it begins anew."""

LARGEST_DATAGRAM = 65_535

ECHO_SECONDS, NOTE_ECHO_SECONDS = 0.1, 0.5
"""What is published and comes in again within so long is an echo."""

MOST_PUBLISHED = 1_024
MOST_AT_ONCE = 1_024  # datagrams
BURST, CALM_RATE = 128.0, 500.0  # messages at once, and a second, before a flood is suspected
FLOOD_PAUSE_SECONDS = 0.004  # the system has room for about 270 small datagrams: 60,000 a second
FLOOD, FLOOD_NOTICE_SECONDS = 256, 5.0
RECEIVE_BYTES = 1 << 20  # as much room as the system gives
SO_RXQ_OVFL = 40  # of Linux: count what found no room
COUNTS_LOST = sys.platform == "linux"

UdpAddress = tuple[str, int]


class _Outgoing(NamedTuple):
    """What is published: to one subscriber, or to all for None."""

    address: str
    arguments: tuple[object, ...]
    peer: UdpAddress | None = None


class OscServer:
    """Listens on a UDP port, and publishes to subscribers.

    Attributes:
        bad_packets: datagrams and messages that were not understood.
        unsent: published messages that were left out or could not be sent.
        passed_over: values of knobs that a newer one, in the same moment, made worthless.
        lost: datagrams for which the system had no room, where it counts them.
        echoes: messages that were published a moment before, and came back.
        faults: of our own.
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
        subscribed: Callable[[Callable[[str, float | str], None]], None] = lambda _tell: None,
    ) -> None:
        """Open the port; nothing is received before `start`.

        Args:
            settings: host, port, and hosts beside this machine that may subscribe.
            deliver: takes each command.
            notice: takes a line for the human, at most one a second.
            wall_seconds: seconds since 1970, the scale of time tags.
            subscribed: called for each new subscriber with what tells an address and a value to it alone.

        Raises:
            FailureError: the port is busy, or the host is not this machine's.
        """
        self._deliver = deliver
        self._notice = notice
        self._wall_seconds = wall_seconds
        self._subscribed = subscribed
        self._allowed = frozenset(settings.allow)
        self._socket = _bound(settings.host, settings.port)
        self.port: int = self._socket.getsockname()[1]
        self.bad_packets = 0
        self.unsent = 0
        self._unsaid = 0
        self._noticed_at = self._bad_at = float("-inf")
        self._silence = NOTICE_EVERY_SECONDS
        self._subscribers: tuple[UdpAddress, ...] = ()
        self.passed_over = self.lost = self.echoes = self.faults = 0
        self._reported = self._reported_lost = 0
        self._reported_at = float("-inf")
        self._credit, self._paced_at = BURST, time.monotonic()
        self._published: dict[tuple[object, ...], float] = {}
        self._later: list[tuple[float, int, TimedMessage, UdpAddress]] = []
        self._order = 0
        self._outbox: queue.SimpleQueue[_Outgoing | None] = queue.SimpleQueue()
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
            self._outbox.put(_Outgoing(address, arguments))

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
                try:
                    self._do_due()
                    pause = max(0.0, self._later[0][0] - self._wall_seconds()) if self._later else None
                    for key, _ in selector.select(pause):
                        if key.fileobj is self._socket:
                            self._receive()
                except Exception as fault:  # noqa: BLE001  our own: the next packet may be a panic
                    self._tell_of_fault("receiving", fault)

    def _tell_of_fault(self, doing: str, fault: Exception) -> None:
        """Say the first of our own faults, and go on after a moment."""
        self.faults += 1
        if self.faults == 1:
            with contextlib.suppress(Exception):
                self._notice(f"a fault in {doing} OSC, which goes on: {fault!r}")
        time.sleep(FLOOD_PAUSE_SECONDS)

    def _receive(self) -> None:
        """Take what lies there; what is due now is done now, and of each knob only the newest value."""
        now, found = self._wall_seconds(), list[tuple[Piece, UdpAddress]]()
        for datagram, sender in self._drained():
            try:
                found += [(piece, sender) for piece in pieces(datagram)]
            except BadPacketError as error:
                self._bad(sender, str(error))
        waiting = newest([piece for piece, _ in found], now)
        self.passed_over += len(found) - len(waiting)
        senders = {id(piece): sender for piece, sender in found}
        for piece in waiting:
            sender = senders[id(piece)]
            try:
                message = read(piece)
            except BadPacketError as error:
                self._bad(sender, str(error))
            else:
                self._take(message, sender, now)
        self._tell_of_flood()
        self._pace(len(waiting))

    def _drained(self) -> list[tuple[bytes, UdpAddress]]:
        """Return the datagrams that lie in the socket; those that found no room in it are counted."""
        drained: list[tuple[bytes, UdpAddress]] = []
        with contextlib.suppress(OSError):  # nothing left, or an earlier answer of ours found nobody there
            if COUNTS_LOST:
                datagram, more, _, sender = self._socket.recvmsg(LARGEST_DATAGRAM, 64)
                for level, kind, content in more:
                    if (level, kind) == (socket.SOL_SOCKET, SO_RXQ_OVFL):
                        self.lost = int.from_bytes(content[:4], sys.byteorder)
                drained.append((datagram, sender))
            while len(drained) < MOST_AT_ONCE:
                drained.append(self._socket.recvfrom(LARGEST_DATAGRAM))
        return drained

    def _pace(self, count: int) -> None:
        """In a flood let more arrive before the next look: then less of it must be read."""
        now = time.monotonic()
        self._credit = min(BURST, self._credit + (now - self._paced_at) * CALM_RATE) - count
        self._paced_at = now
        if self._credit < 0:
            self._credit = 0.0
            time.sleep(FLOOD_PAUSE_SECONDS)

    def _tell_of_flood(self) -> None:
        left_out, now = self.passed_over + self.lost, self._wall_seconds()
        if left_out - self._reported < FLOOD and not self.lost > self._reported_lost:
            return
        if 0.0 <= now - self._reported_at < FLOOD_NOTICE_SECONDS:
            return
        text = f"OSC comes faster than it can be heeded: {self.passed_over} older values were passed over"
        if self.lost:
            text += f", and {self.lost} packets were lost, keys perhaps among them"
        self._reported, self._reported_lost, self._reported_at = left_out, self.lost, now
        with contextlib.suppress(Exception):  # whoever takes notices cannot end the receiving
            self._notice(text)

    def _take(self, message: TimedMessage, sender: UdpAddress, now: float) -> None:
        """Do a message, or let it wait for its time tag."""
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
        if self._comes_back(message):
            self.echoes += 1
            if self.echoes == 1:
                self._bad(sender, "it sends back what twobar tells it; such messages are left out")
            return
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
        if peer[1] == self.port and _is_this_machine(host):
            raise BadPacketError(f"port {self.port} is twobar's own: it cannot subscribe to itself")
        if not (ipaddress.ip_address(host).is_loopback or host in self._allowed or "*" in self._allowed):
            raise BadPacketError(f"'{host}' may not subscribe; add it to allow in [osc] of live.toml")
        if len(self._subscribers) >= MOST_SUBSCRIBERS:
            raise BadPacketError(f"there are {MOST_SUBSCRIBERS} subscribers already")
        self._subscribers = (*self._subscribers, peer)
        self._subscribed(lambda address, value: self._outbox.put(_Outgoing(address, (value,), peer)))

    def _comes_back(self, message: TimedMessage) -> bool:
        """Tell whether a message is one that was published a moment ago."""
        told_at = self._published.get(sameness(message.address, message.arguments))
        if told_at is None:
            return False
        window = NOTE_ECHO_SECONDS if message.address == ROOT + "note" else ECHO_SECONDS
        return 0.0 <= self._wall_seconds() - told_at <= window

    def _bad(self, sender: UdpAddress, reason: str) -> None:
        """Count what was not understood, and say so now and then."""
        self.bad_packets += 1
        now = self._wall_seconds()
        calm = not 0.0 <= now - self._bad_at < CALM_SECONDS
        self._bad_at = now
        if calm:
            self._silence = NOTICE_EVERY_SECONDS
        if 0.0 <= now - self._noticed_at < self._silence:
            self._unsaid += 1
            return
        if not calm:
            self._silence = min(2 * self._silence, LONGEST_SILENCE_SECONDS)
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
                    datagram = build_msg(item.address, item.arguments).dgram
                    self._remember(item.address, item.arguments)
                except (BuildError, ValueError):
                    self.unsent += 1
                    continue
                except Exception as fault:  # noqa: BLE001  our own: the next one may be well
                    self.unsent += 1
                    self._tell_of_fault("publishing", fault)
                    continue
                for peer in self._subscribers if item.peer is None else (item.peer,):
                    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
                    try:
                        if family not in opened:
                            opened[family] = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                        opened[family].sendto(datagram, peer)
                    except (OSError, OverflowError):
                        self.unsent += 1

    def _remember(self, address: str, arguments: tuple[object, ...]) -> None:
        """Hold on to what is published, for a while, to know it again if it comes back."""
        if len(self._published) >= MOST_PUBLISHED:
            self._published = dict(list(self._published.items())[MOST_PUBLISHED // 2 :])
        key = sameness(address, arguments)
        self._published.pop(key, None)
        self._published[key] = self._wall_seconds()


def _is_this_machine(host: str) -> bool:
    """Tell whether an IP address is one of ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind((host, 0))
        except OSError:
            return False
    return True


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
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    if COUNTS_LOST:
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    return opened
