"""A hand on the knobs: OSC messages to a running instrument."""

import socket
from contextlib import closing

from pythonosc.osc_message_builder import OscMessageBuilder


def free_port() -> int:
    """Return a UDP port of this machine that nobody listens on."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Remote:
    """Sends to an instrument's OSC port."""

    def __init__(self, port: int) -> None:
        self._place = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, address: str, *values: float | str) -> None:
        """Send one message below /twobar/."""
        builder = OscMessageBuilder(f"/twobar/{address}")
        for value in values:
            builder.add_arg(value)
        self.datagram(builder.build().dgram)

    def datagram(self, data: bytes) -> None:
        """Send any bytes."""
        self._socket.sendto(data, self._place)

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()
