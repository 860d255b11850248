"""Cables between ports of ALSA's sequencer, and what got lost on them: read from what the kernel tells.

RtMidi names a port "client:port 28:0", with the numbers of client and port; these are the names here too.
"""

import ctypes
import os
import re
from pathlib import Path
from typing import Any

from live.devices.alsa.sequencer import address, loaded
from live.devices.stderr import stderr_diverted

CLIENTS = Path("/proc/asound/seq/clients")

_CLIENT = re.compile(r'Client\s+(\d+) : "(.*)" \[')
_PORT = re.compile(r'\s+Port\s+(\d+) : "(.*)" \(')
_CONNECTED = re.compile(r"\s+Connect(?:ing To|ed From): (.*)")
_REFUSED = re.compile(r"\s+Alloc failures\s*: (\d+)")
_ADDRESS = re.compile(r"(\d+):(\d+)(?:\[[^\]]*\])?(?:,|$)")


def connections(name: str, path: Path = CLIENTS) -> frozenset[str] | None:
    """Return the names of the ports that a port is connected with, in either direction.

    None where that is not known: the kernel tells nothing, or the port is not there.
    """
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return None
    names, peers = _read(text)
    address = next((place for place, full in names.items() if full == name), None)
    if address is None:
        return None
    return frozenset(names[place] for place in peers[address] if place in names)


class RefusedEvents:
    """Counts events for which clients of this process had no room on their way in; what waited is lost, too.

    Clients are found by their name.  Another instrument's may have the same: libasound tells whose each is,
    and is asked once for each that has lost any.  Where it cannot tell, all of the name count.

    Threads: any.
    """

    def __init__(self, client: str, *, path: Path = CLIENTS, library: Any = None) -> None:  # noqa: ANN401
        self._client, self._path, self._library = client, path, library
        self._ours: dict[int, bool] = {}  # by the client's number

    def count(self) -> int:
        """Return how many there have been; fewer than before where a client has gone."""
        try:
            text = self._path.read_text(errors="replace")
        except OSError:
            return 0
        counts: dict[int, int] = {}
        number, inside = -1, False
        for line in text.splitlines():
            if found := _CLIENT.match(line):
                number = int(found[1]) if found[2] == self._client else -1
            elif line.endswith("pool :"):
                inside = line.strip() == "Input pool :"
            elif inside and number >= 0 and (found := _REFUSED.match(line)) and found[1] != "0":
                counts[number] = int(found[1])
        before = self._ours
        self._ours = ours = {
            number: before[number] if number in before else self._is_ours(number) for number in counts
        }
        return sum(count for number, count in counts.items() if ours[number])

    def _is_ours(self, number: int) -> bool:
        """Ask libasound whose a client is."""
        client, info = ctypes.c_void_p(), ctypes.c_void_p()
        try:
            library = self._library = self._library or loaded()
            process = library.snd_seq_client_info_get_pid  # since 1.1.2
        except (OSError, AttributeError):
            return True
        with stderr_diverted():
            if library.snd_seq_open(ctypes.byref(client), b"default", 1, 0) < 0:
                return True
        library.snd_seq_client_info_malloc(ctypes.byref(info))
        known = library.snd_seq_get_any_client_info(client, number, info) >= 0
        owner = process(info) if known else -1  # -1: an older kernel
        library.snd_seq_client_info_free(info)
        library.snd_seq_close(client)
        return owner in (-1, os.getpid())


def connect(source: str, destination: str, *, library: Any = None) -> None:  # noqa: ANN401
    """Connect two ports by their names as they are listed; raises OSError where there is no libasound.

    A port that has gone, or two that are connected already, are left as they are.
    """
    sender, receiver = bytes(address(source)), bytes(address(destination))
    library = library if library is not None else loaded()
    client, cable = ctypes.c_void_p(), ctypes.c_void_p()
    with stderr_diverted():
        if library.snd_seq_open(ctypes.byref(client), b"default", 1, 0) < 0:
            return
    library.snd_seq_port_subscribe_malloc(ctypes.byref(cable))
    library.snd_seq_port_subscribe_set_sender(cable, sender)
    library.snd_seq_port_subscribe_set_dest(cable, receiver)
    library.snd_seq_subscribe_port(client, cable)
    library.snd_seq_port_subscribe_free(cable)
    library.snd_seq_close(client)


def _read(text: str) -> tuple[dict[tuple[int, int], str], dict[tuple[int, int], set[tuple[int, int]]]]:
    """Return each port's name and its peers, by (client, port)."""
    names: dict[tuple[int, int], str] = {}
    peers: dict[tuple[int, int], set[tuple[int, int]]] = {}
    client, client_name, address = 0, "", (0, 0)
    for line in text.splitlines():
        if found := _CLIENT.match(line):
            client, client_name = int(found[1]), found[2]
        elif found := _PORT.match(line):
            address = client, int(found[1])
            names[address] = f"{client_name}:{found[2]} {client}:{found[1]}"
            peers[address] = set()
        elif (found := _CONNECTED.match(line)) and address in peers:
            places = _ADDRESS.findall(found[1].replace(" ", ""))
            peers[address] |= {(int(of_client), int(port)) for of_client, port in places}
    return names, peers
