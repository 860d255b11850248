"""An input on JACK-Client: when what it hears was played, without a server."""

import random

import pytest

from live.devices.jack.input import JackInput
from live.devices.jack.output import JackOutput
from live.timing.midi_bytes import Received, note_on
from live.timing.timeline import Nanos
from tests.fakes import masters
from tests.fakes.followed import followed
from tests.fakes.jack_client import FRAME, RATE, WRAP, FakeClient

KEY = note_on(1, 60, 90)


class Ear:
    """An input, and what it hands on."""

    def __init__(self, server: FakeClient, monkeypatch: pytest.MonkeyPatch, *, peer: str = "") -> None:
        server.stand_in(monkeypatch)
        self.got: list[Received] = []
        self.port = JackInput("twobar-in", "keys", self.got.append, peer=peer, nanos=lambda: server.nanos)


@pytest.fixture
def server() -> FakeClient:
    return FakeClient()


@pytest.fixture
def ear(server: FakeClient, monkeypatch: pytest.MonkeyPatch) -> Ear:
    return Ear(server, monkeypatch)


def test_a_clock_and_a_quarter_frame_are_stamped_with_their_frame_and_a_key_with_the_moment_of_the_call(
    server: FakeClient, ear: Ear
) -> None:
    server.cycle()
    server.coming = [(70, b"\xf8"), (70, b"\xf1\x00"), (70, KEY)]
    server.cycle(late=300_000)
    assert [one.data for one in ear.got] == [b"\xf8", b"\xf1\x00", KEY]
    assert [one.nanos for one in ear.got[:2]] == pytest.approx([server.moment(70)] * 2, abs=2)
    assert ear.got[2].nanos == server.moment(64) + 300_000


@pytest.mark.parametrize(("period", "late_nanos"), [(64, 300_000), (256, 600_000), (1024, 1_500_000)])
def test_one_instrument_follows_another_s_clock_on_its_place_however_late_it_is_called(
    monkeypatch: pytest.MonkeyPatch, period: int, late_nanos: int
) -> None:
    due = masters.sent(120.0, 240)
    server, chance = FakeClient(frame=WRAP - 48_000 * 20, period=period), random.Random(3)
    ear = Ear(server, monkeypatch)
    server.coming = [(server.begun + round(moment / FRAME), b"\xf8") for moment in due]
    called: list[int] = []
    while len(ear.got) < len(due):
        before = len(ear.got)
        server.cycle(late=round(chance.expovariate(1.0) * late_nanos))
        called += [server.nanos] * (len(ear.got) - before)
    zero = server.moment(server.begun)
    found = followed(due, [one.nanos - zero for one in ear.got])
    apart = sorted(abs(one.late_ms) for one in found if one.beat >= 16)
    assert apart[int(0.99 * len(apart))] < 0.1
    raw = [abs(one.late_ms) for one in followed(due, [moment - zero for moment in called]) if one.beat >= 16]
    assert sum(raw) / len(raw) > 0.2  # what there is to be mended


def test_two_instruments_keep_together_while_their_server_loses_a_cycle_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leader, follower, chance = FakeClient(), FakeClient(), random.Random(1)
    leader.stand_in(monkeypatch)
    output = JackOutput("twobar-out", "notes", nanos=lambda: leader.nanos)
    ear = Ear(follower, monkeypatch)
    due = [moment + 2 * leader.nanos for moment in masters.sent(120.0, 60)]
    behind, given = 0.0, 0
    while len(ear.got) < len(due):
        behind += chance.uniform(500_000, 1_500_000) * (chance.random() < leader.blocksize / RATE)
        while given < len(due) and due[given] - output.lead_nanos <= leader.moment(leader.first) + behind:
            output.send_at(b"\xf8", Nanos(due[given]))
            given += 1
        leader.cycle(late=round(behind + chance.expovariate(1 / 40_000)))
        follower.coming = leader.left
        follower.cycle(late=round(behind + chance.expovariate(1 / 40_000)))
    found = followed(due, [one.nanos for one in ear.got])
    apart = sorted(abs(one.late_ms) for one in found if one.beat >= 16)
    assert apart[len(apart) // 2] < 0.05
    assert apart[int(0.99 * len(apart))] < 1.0


def test_an_output_on_the_same_server_tells_when_a_frame_is(
    server: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Output:
        def moment(self, frame: float) -> Nanos | None:
            return None if frame < 100 else Nanos(int(frame) * 1_000)

    server.stand_in(monkeypatch)
    got: list[Received] = []
    JackInput("twobar-in", "keys", got.append, nanos=lambda: server.nanos, output=Output)
    server.coming = [(70, b"\xf8"), (200, b"\xf8")]
    for _ in range(4):
        server.cycle()
    assert got[0].nanos == pytest.approx(server.moment(70), abs=2)  # that has seen no cycle yet
    assert got[1].nanos == 200_000


def test_a_call_that_jack_makes_up_for_hands_nothing_on_twice(server: FakeClient, ear: Ear) -> None:
    server.coming = [(3, KEY)]
    server.cycle(calls=3)
    assert [one.data for one in ear.got] == [KEY]


def test_what_one_message_breaks_the_next_does_not_feel(
    server: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deliver(received: Received) -> None:
        if received.data == b"\xf8":
            raise RuntimeError
        got.append(received.data)

    server.stand_in(monkeypatch)
    got: list[bytes] = []
    port = JackInput("twobar-in", "keys", deliver, nanos=lambda: server.nanos)
    server.coming = [(1, b"\xf8"), (1, KEY), (70, KEY)]
    server.cycle()
    server.cycle()
    assert (got, port.faults) == ([KEY, KEY], 1)


def test_active_sensing_says_nothing(server: FakeClient, ear: Ear) -> None:
    server.coming = [(1, b"\xfe"), (2, KEY)]
    server.cycle()
    assert [one.data for one in ear.got] == [KEY]


def test_what_is_cut_short_is_counted(server: FakeClient, ear: Ear) -> None:
    server.coming = [(1, KEY[:2]), (2, KEY)]
    server.cycle()
    assert ([one.data for one in ear.got], ear.port.broken) == ([KEY], 1)


def test_it_is_connected_with_a_named_port_and_leaves_a_living_server_alone(
    server: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear(server, monkeypatch, peer="keyboard:out")
    assert (ear.port.name, ear.port.virtual) == ("keyboard:out", False)
    assert server.cables == {("keyboard:out", "twobar-in:keys")}
    ear.port.close()
    ear.port.close()
    assert (server.used, server.alive) == (None, True)
    server.coming = [(1, KEY)]
    server.cycle()
    assert ear.got == []


def test_a_server_that_is_taken_for_dead_calls_nobody_any_more(server: FakeClient, ear: Ear) -> None:
    ear.port.abandon()
    server.coming = [(1, KEY)]
    server.cycle()
    assert (ear.port.alive, ear.got) == (False, [])


def test_a_port_that_is_closed_leaves_the_next_one_of_its_client_alone(
    server: FakeClient, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear.port.close()
    after = Ear(server, monkeypatch)
    ear.port.close()
    ear.port.abandon()
    server.coming = [(1, KEY)]
    server.cycle()
    assert (ear.got, [one.data for one in after.got]) == ([], [KEY])
