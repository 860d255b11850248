"""What the kernel tells of ALSA's sequencer clients."""

import os
from pathlib import Path

import pytest

from live.devices.alsa.connections import RefusedEvents, connect, connections

CLIENTS = """\
Client info
  cur  clients : 5
  peak clients : 6
  max  clients : 192

Client   0 : "System" [Kernel Legacy]
  Port   0 : "Timer" (Rwe-) [In/Out]
  Port   1 : "Announce" (R-e-) [Out]
    Connecting To: 144:0
Client  28 : "nanoPAD2" [Kernel Legacy]
  Port   0 : "nanoPAD2 MIDI 1" (RWeX) [In/Out]
    Connecting To: 128:0, 130:0[r:0]
    Connected From: 129:0
Client  36 : "nano \udcff \"x\"" [Kernel]
  Port   0 : "nanoPAD2 MIDI 1" (RWeX)
Client 128 : "twobar-in" [User Legacy]
  Port   0 : "keys" (-We-) [In]
    Connected From: 28:0
  Output pool :
    Pool size          : 500
    Cells in use       : 0
    Peak cells in use  : 0
    Alloc success      : 0
    Alloc failures     : 7
  Input pool :
    Pool size          : 200
    Cells in use       : 0
    Peak cells in use  : 200
    Alloc success      : 1203
    Alloc failures     : 41
Client 129 : "twobar-out" [User Legacy]
  Port   0 : "notes" (R-e-) [Out]
    Connecting To: 28:0
Client 130 : "aseqdump" [User Legacy]
  Port   0 : "aseqdump" (-We-) [In]
    Connected From: 28:0[real:0]
"""


@pytest.mark.parametrize("owners", [{}, None, {128: os.getpid()}, {128: -1}])
def test_what_found_no_room_on_its_way_in_is_counted(tmp_path: Path, owners: dict[int, int] | None) -> None:
    path, library = tmp_path / "clients", FakeLibrary(owners=owners)
    path.write_bytes(CLIENTS.encode(errors="surrogateescape"))
    counted = [
        RefusedEvents(client, path=path, library=library).count()
        for client in ("twobar-in", "twobar-out", "nobody")
    ]
    assert counted == [41, 0, 0]
    assert RefusedEvents("twobar-in", path=tmp_path / "absent", library=library).count() == 0
    assert library.open == 0


def test_what_another_instrument_had_no_room_for_is_not_counted(tmp_path: Path) -> None:
    path, library = tmp_path / "clients", FakeLibrary(owners={128: os.getpid(), 131: os.getpid() + 1})
    theirs = CLIENTS[CLIENTS.index("Client 128") :].replace("Client 128", "Client 131").replace(": 41", ": 7")
    path.write_bytes((CLIENTS + theirs).encode(errors="surrogateescape"))
    events = RefusedEvents("twobar-in", path=path, library=library)
    assert [events.count() for _ in range(3)] == [41, 41, 41]
    assert library.asked == [128, 131]  # once each
    assert library.open == 0


@pytest.mark.parametrize(
    ("name", "peers"),
    [
        (
            "nanoPAD2:nanoPAD2 MIDI 1 28:0",
            {"twobar-in:keys 128:0", "aseqdump:aseqdump 130:0", "twobar-out:notes 129:0"},
        ),
        ("twobar-in:keys 128:0", {"nanoPAD2:nanoPAD2 MIDI 1 28:0"}),
        ('nano \ufffd "x":nanoPAD2 MIDI 1 36:0', set()),
    ],
)
def test_the_peers_of_a_port_are_named_as_they_are_listed(tmp_path: Path, name: str, peers: set[str]) -> None:
    path = tmp_path / "clients"
    path.write_bytes(CLIENTS.encode(errors="surrogateescape"))
    assert connections(name, path) == frozenset(peers)


def test_what_the_kernel_does_not_tell_is_not_known(tmp_path: Path) -> None:
    assert connections("nanoPAD2:nanoPAD2 MIDI 1 28:0", tmp_path / "clients") is None
    (tmp_path / "clients").write_text("Client info\n")
    assert connections("nanoPAD2:nanoPAD2 MIDI 1 28:0", tmp_path / "clients") is None


class FakeLibrary:
    """Stands for libasound: takes down the ends of a cable, and what is still open."""

    def __init__(self, *, answers: bool = True, owners: dict[int, int] | None = None) -> None:
        self.answers, self.open = answers and owners != {}, 0
        self.asked: list[int] = []
        if owners is not None:  # else an old one
            self.snd_seq_client_info_get_pid = lambda _info: owners[self.asked[-1]]
        self.ends: list[bytes] = []
        self.made: list[list[bytes]] = []

    def snd_seq_open(self, *_arguments: object) -> int:
        self.open += self.answers
        return 0 if self.answers else -2

    def snd_seq_port_subscribe_malloc(self, _cable: object) -> None:
        self.open += 1

    snd_seq_client_info_malloc = snd_seq_port_subscribe_malloc

    def snd_seq_get_any_client_info(self, _client: object, number: int, _info: object) -> int:
        self.asked.append(number)
        return 0

    def snd_seq_port_subscribe_set_sender(self, _cable: object, end: bytes) -> None:
        self.ends.append(end)

    snd_seq_port_subscribe_set_dest = snd_seq_port_subscribe_set_sender

    def snd_seq_subscribe_port(self, *_arguments: object) -> None:
        self.made.append(self.ends)

    def snd_seq_port_subscribe_free(self, _cable: object) -> None:
        self.open -= 1

    snd_seq_close = snd_seq_client_info_free = snd_seq_port_subscribe_free


@pytest.mark.parametrize("answers", [True, False])
def test_two_ports_are_connected_by_their_numbers(answers: bool) -> None:
    library = FakeLibrary(answers=answers)
    connect("nanoPAD2:nanoPAD2 MIDI 1 28:0", "twobar-in:keys 128:1", library=library)
    assert library.made == [[bytes((28, 0)), bytes((128, 1))]] * answers
    assert library.open == 0
