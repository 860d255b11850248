"""OSC over the wire: commands, time tags, subscribers; no packet ends the hearing."""

import queue
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY
from pythonosc.osc_message import OscMessage

from live.control.osc.server import MOST_SUBSCRIBERS, OscServer
from live.errors import FailureError
from live.ipc.commands import ChooseModel, Command, Panic, PlayKey, StoreAnchor, Turn
from live.settings.schema import OscSettings
from tests.fakes.osc_packets import bundle, knob, message

PATIENCE_SECONDS = 10.0


class Wall:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


class Stage:
    """A server on a free port, and a client that sends to it."""

    def __init__(self, *, tells: object = False, **options: object) -> None:
        self.commands: queue.Queue[Command] = queue.Queue()
        self.notices: queue.Queue[str] = queue.Queue()
        self.wall = Wall()
        self.server = OscServer(
            OscSettings(**{"port": 0, **options}),  # type: ignore[arg-type]
            self.commands.put,
            self.notices.put,
            wall_seconds=self.wall,
            subscribed=(lambda tell: tell("/twobar/mode", "hold")) if tells else (lambda _tell: None),
        )
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.settimeout(PATIENCE_SECONDS)
        self.client.bind(("127.0.0.1", 0))
        self.server.start()

    def send(self, datagram: bytes) -> None:
        self.client.sendto(datagram, ("127.0.0.1", self.server.port))

    def command(self) -> Command:
        return self.commands.get(timeout=PATIENCE_SECONDS)

    def caught_up(self) -> None:
        """Return when everything sent before has been taken."""
        self.send(message("/twobar/model", "last"))
        assert self.command() == ChooseModel("last", source="osc")

    def published(self) -> OscMessage:
        return OscMessage(self.client.recv(65_535))

    def close(self) -> None:
        self.server.close()
        self.client.close()


def turned(command: Command) -> float:
    assert isinstance(command, Turn)
    return command.value


@pytest.fixture
def stage() -> Iterator[Stage]:
    opened = Stage()
    yield opened
    opened.close()


@pytest.fixture
def stages() -> Iterator[Callable[..., Stage]]:
    opened: list[Stage] = []

    def make(**options: object) -> Stage:
        opened.append(Stage(**options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


# -- over the wire -------------------------------------------------------------------------------


def test_a_message_becomes_a_command(stage: Stage) -> None:
    stage.send(message("/twobar/knob/density", 0.5))
    assert stage.command() == knob("density", 0.5)
    assert stage.server.bad_packets == 0


def test_a_bundle_without_a_time_is_done_at_once_in_order(stage: Stage) -> None:
    inner = bundle(stage.wall.seconds - 5.0, message("/twobar/action/panic"))
    stage.send(bundle(IMMEDIATELY, message("/twobar/xy", 0.0, 1.0), inner))
    assert [stage.command() for _ in range(3)] == [knob("xy.x", 0.0), knob("xy.y", 1.0), Panic(source="osc")]


def test_a_bundle_for_later_waits_and_holds_up_nobody(stage: Stage) -> None:
    stage.send(bundle(stage.wall.seconds + 30.0, message("/twobar/tempo", 100)))
    stage.send(bundle(stage.wall.seconds + 20.0, message("/twobar/tempo", 90)))
    stage.caught_up()
    assert stage.commands.empty()
    stage.wall.seconds += 31.0
    stage.send(message("/twobar/tempo", 110))
    assert sorted(turned(stage.command()) for _ in range(3)) == [90.0, 100.0, 110.0]


def test_what_was_due_first_is_done_first(stage: Stage) -> None:
    for ahead in (3, 1, 2):
        stage.send(bundle(stage.wall.seconds + ahead, message("/twobar/tempo", 100 + ahead)))
    stage.caught_up()
    stage.wall.seconds += 5.0
    stage.send(b"wake")
    assert [turned(stage.command()) for _ in range(3)] == [101.0, 102.0, 103.0]


def test_a_time_tag_of_another_age_is_refused(stage: Stage) -> None:
    stage.send(bundle(stage.wall.seconds + 7200.0, message("/twobar/tempo", 100)))
    assert "more than an hour ahead" in stage.notices.get(timeout=PATIENCE_SECONDS)
    assert stage.server.bad_packets == 1


def test_bad_packets_are_counted_and_noticed_once_a_second(stage: Stage) -> None:
    for _ in range(5):
        stage.send(message("/twobar/knob/densty", 0.5))
    stage.caught_up()
    assert stage.server.bad_packets == 5
    assert "did you mean 'density'" in stage.notices.get(timeout=PATIENCE_SECONDS)
    assert stage.notices.empty()
    stage.wall.seconds += 1.5
    stage.send(b"garbage")
    line = stage.notices.get(timeout=PATIENCE_SECONDS)
    assert "neither an OSC message nor a bundle" in line
    assert "(4 more before)" in line
    assert "127.0.0.1" in line


def test_a_flood_that_does_not_end_is_told_of_ever_more_rarely_until_it_is_calm(stage: Stage) -> None:
    def bad(times: int, *, apart_s: float) -> list[str]:
        for _ in range(times):
            stage.wall.seconds += apart_s
            stage.server._bad(("127.0.0.1", 1), "unknown")
        return [stage.notices.get_nowait() for _ in range(stage.notices.qsize())]

    said = bad(100, apart_s=0.25)
    assert [line.partition("(")[2] for line in said] == [
        "", "3 more before)", "7 more before)", "15 more before)", "31 more before)"
    ]  # fmt: skip
    assert stage.server.bad_packets == 100
    assert len(bad(1, apart_s=11.0)) == 1
    assert len(bad(1, apart_s=1.5)) == 1  # it has begun anew


def test_one_wrong_message_of_a_bundle_does_not_spoil_the_others(stage: Stage) -> None:
    stage.send(bundle(IMMEDIATELY, message("/twobar/nothing"), message("/twobar/tempo", 99)))
    assert stage.command() == knob("tempo", 99.0)
    assert stage.server.bad_packets == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(datagrams=st.lists(st.binary(max_size=120), max_size=20))
def test_no_datagrams_end_the_hearing(stage: Stage, datagrams: list[bytes]) -> None:
    for datagram in datagrams:
        stage.send(datagram)
    stage.caught_up()
    assert stage.server._threads[0].is_alive()


def test_whoever_takes_commands_cannot_end_the_hearing(stage: Stage) -> None:
    taken = stage.server._deliver

    def refuse(command: Command) -> None:
        if command == Panic(source="osc"):
            raise RuntimeError("no")
        taken(command)

    stage.server._deliver = refuse
    stage.send(message("/twobar/action/panic"))
    stage.caught_up()
    assert stage.server.bad_packets == 1


# -- subscribers ---------------------------------------------------------------------------------


def test_a_subscriber_gets_what_is_published(stage: Stage) -> None:
    host, port = stage.client.getsockname()
    for _ in range(3):
        stage.send(message("/twobar/subscribe", host, port))
    stage.caught_up()
    assert stage.server._subscribers == ((host, port),)
    stage.server.publish("/twobar/beat", 3)
    stage.server.publish("/twobar/knob/density", 0.25)
    stage.server.publish("/twobar/note", 60, 100)
    stage.server.publish("/twobar/latent", *[0.5] * 128)
    stage.server.publish("/twobar/notice", "the model is back")
    published = [stage.published() for _ in range(5)]
    assert [(each.address, each.params) for each in published] == [
        ("/twobar/beat", [3]),
        ("/twobar/knob/density", [0.25]),
        ("/twobar/note", [60, 100]),
        ("/twobar/latent", [0.5] * 128),
        ("/twobar/notice", ["the model is back"]),
    ]


def test_a_new_subscriber_alone_is_told_how_everything_stands(stages: Callable[..., Stage]) -> None:
    stage = stages(tells=True)
    stage.send(message("/twobar/subscribe"))
    assert [(each.address, each.params) for each in [stage.published()]] == [("/twobar/mode", ["hold"])]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.settimeout(PATIENCE_SECONDS)
        other.bind(("127.0.0.1", 0))
        other.sendto(message("/twobar/subscribe"), ("127.0.0.1", stage.server.port))
        assert OscMessage(other.recv(1024)).params == ["hold"]
    stage.server.publish("/twobar/beat", 1)
    assert stage.published().address == "/twobar/beat"  # the other's state did not come here


def test_who_unsubscribes_gets_no_more(stage: Stage) -> None:
    stage.send(message("/twobar/subscribe"))
    stage.caught_up()
    assert list(stage.server._subscribers) == [stage.client.getsockname()]
    stage.send(message("/twobar/unsubscribe", "localhost", stage.client.getsockname()[1]))
    stage.caught_up()
    assert not stage.server._subscribers
    stage.server.publish("/twobar/beat", 1)
    assert stage.server._outbox.empty()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("192.0.2.7", 9001), "'192.0.2.7' may not subscribe"),
        (("mixer.local", 9001), "'mixer.local' is no IP address"),
        (("127.0.0.1", 0), "a port from 1 to 65535"),
        (("127.0.0.1",), "a host"),
    ],
)
def test_subscribers_that_are_refused(stage: Stage, arguments: tuple[object, ...], words: str) -> None:
    stage.send(message("/twobar/subscribe", *arguments))
    assert words in stage.notices.get(timeout=PATIENCE_SECONDS)
    assert stage.server._subscribers == ()


@pytest.mark.parametrize("allow", [["192.0.2.7"], ["*"]])
def test_other_machines_subscribe_when_allowed(stages: Callable[..., Stage], allow: list[str]) -> None:
    stage = stages(allow=allow)
    stage.send(message("/twobar/subscribe", "192.0.2.7", 9001))
    stage.caught_up()
    assert stage.server._subscribers == (("192.0.2.7", 9001),)


def test_only_so_many_may_subscribe(stage: Stage) -> None:
    for port in range(20_000, 20_000 + MOST_SUBSCRIBERS + 1):
        stage.send(message("/twobar/subscribe", "127.0.0.1", port))
    stage.caught_up()
    assert len(stage.server._subscribers) == MOST_SUBSCRIBERS
    assert stage.server.bad_packets == 1


def test_what_cannot_be_sent_is_counted(stage: Stage) -> None:
    stage.send(message("/twobar/subscribe"))
    stage.caught_up()
    stage.server.publish("/twobar/beat", complex(1, 2))  # type: ignore[arg-type]
    stage.server.publish("/twobar/beat", 2)
    assert stage.published().params == [2]
    assert stage.server.unsent == 1


# -- opening and closing -------------------------------------------------------------------------


def test_a_busy_port_is_reported(stage: Stage) -> None:
    with pytest.raises(FailureError) as caught:
        OscServer(OscSettings(port=stage.server.port), stage.commands.put, stage.notices.put)
    assert f"port {stage.server.port}: another program listens there" in str(caught.value)
    assert "live.toml" in str(caught.value)


@pytest.mark.parametrize("host", ["192.0.2.7", "no.such.host.invalid"])
def test_a_host_that_is_not_ours_is_reported(host: str, stage: Stage) -> None:
    with pytest.raises(FailureError, match=host):
        OscServer(OscSettings(host=host, port=0), stage.commands.put, stage.notices.put)


def test_closing_twice_frees_the_port_and_ends_the_threads() -> None:
    first = Stage()
    port = first.server.port
    first.close()
    first.server.close()
    assert not any(thread.is_alive() for thread in first.server._threads)
    second = OscServer(OscSettings(port=port), first.commands.put, first.notices.put)
    second.close()


def test_what_was_published_leaves_before_closing(stage: Stage) -> None:
    stage.send(message("/twobar/subscribe"))
    stage.caught_up()
    for beat in range(50):
        stage.server.publish("/twobar/beat", beat)
    stage.server.close()
    assert [stage.published().params for _ in range(50)] == [[beat] for beat in range(50)]


def test_neither_torch_nor_textual_is_loaded() -> None:
    heavy = "{'torch', 'textual', 'onnxruntime'}"
    modules = "live.control.osc.server, live.control.mapper"
    code = f"import {modules}, sys; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- floods and echoes ---------------------------------------------------------------------------


def test_a_flood_of_knobs_becomes_their_newest_values_and_loses_no_key(stage: Stage) -> None:
    """All of it lies in the socket before the server looks."""
    server = OscServer(OscSettings(port=0), stage.commands.put, stage.notices.put, wall_seconds=stage.wall)
    for number in range(100):
        stage.client.sendto(message("/twobar/knob/density", number / 100), ("127.0.0.1", server.port))
        stage.client.sendto(message("/twobar/xy", number / 100, 0.0), ("127.0.0.1", server.port))
        if number % 10 == 0:
            stage.client.sendto(message("/twobar/note", 60 + number // 10, 90), ("127.0.0.1", server.port))
    server.start()
    taken = [stage.command() for _ in range(13)]
    assert [command.pitch for command in taken if isinstance(command, PlayKey)] == [*range(60, 70)]
    turned = [command for command in taken if isinstance(command, Turn)]
    assert [(command.knob, round(command.value, 2)) for command in turned] == [
        ("density", 0.99),
        ("xy.x", 0.99),
        ("xy.y", 0.0),
    ]
    assert server.passed_over == 198
    server.close()


def test_bundles_of_very_many_knobs_are_read_as_their_newest(stage: Stage) -> None:
    """All of it lies in the socket before the server looks."""
    server = OscServer(OscSettings(port=0), stage.commands.put, stage.notices.put, wall_seconds=stage.wall)
    values = [number / 1500 for number in range(1500)]
    for part in range(0, 1500, 500):  # as large as one datagram may be
        chunk = values[part : part + 500]
        turns = (message("/twobar/knob/morph", value) for value in chunk)
        stage.client.sendto(bundle(IMMEDIATELY, *turns), ("127.0.0.1", server.port))
    server.start()
    assert turned(stage.command()) == pytest.approx(values[-1], abs=1e-6)
    assert server.passed_over == 1499
    assert stage.notices.get(timeout=PATIENCE_SECONDS).startswith("OSC comes faster than it can be heeded: ")
    server.close()


def test_order_stays_where_it_matters(stage: Stage) -> None:
    stage.send(
        bundle(
            IMMEDIATELY,
            message("/twobar/knob/morph", 0.25),
            message("/twobar/action/capture", "A"),
            message("/twobar/knob/morph", 0.75),
            message("/twobar/action/capture", "B"),
        )
    )
    knobs = [knob("morph", 0.25), knob("morph", 0.75)]
    anchors = [StoreAnchor("A", source="osc"), StoreAnchor("B", source="osc")]
    assert [stage.command() for _ in range(4)] == [knobs[0], anchors[0], knobs[1], anchors[1]]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_twobar_does_not_subscribe_to_itself(stage: Stage, host: str) -> None:
    stage.send(message("/twobar/subscribe", host, stage.server.port))
    stage.caught_up()
    assert "is twobar's own: it cannot subscribe to itself" in stage.notices.get(timeout=PATIENCE_SECONDS)
    assert stage.server._subscribers == ()


def test_what_comes_back_is_left_out_and_told_once(stage: Stage) -> None:
    stage.send(message("/twobar/subscribe"))
    stage.caught_up()
    for pitch in (60, 64):
        stage.server.publish("/twobar/note", pitch, 90)
        heard = stage.published()
        stage.send(
            message(heard.address, *map(float, heard.params))
        )  # through a program that knows floats only
    stage.caught_up()
    assert stage.commands.empty()
    assert stage.server.echoes == 2
    assert "sends back what twobar tells it" in stage.notices.get(timeout=PATIENCE_SECONDS)
    assert stage.notices.empty()
    stage.wall.seconds += 1.0
    stage.send(message("/twobar/note", 60, 90))  # nobody's echo
    assert stage.command() == PlayKey(60, 90, source="osc")


def test_a_fault_of_our_own_ends_neither_receiving_nor_publishing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive, remember = stage.server._receive, stage.server._remember
    broken = [True, True]

    def receives() -> None:
        receive()
        if broken.pop():
            raise ZeroDivisionError("in receiving")

    monkeypatch.setattr(stage.server, "_receive", receives)
    stage.send(message("/twobar/tempo", 90))
    assert stage.command() == knob("tempo", 90.0)
    stage.send(message("/twobar/subscribe"))
    broken.append(False)
    broken.append(False)
    stage.caught_up()
    assert "a fault in receiving OSC" in stage.notices.get(timeout=PATIENCE_SECONDS)

    def remembers(address: str, arguments: tuple[object, ...]) -> None:
        monkeypatch.setattr(stage.server, "_remember", remember)
        raise ZeroDivisionError("in publishing")

    monkeypatch.setattr(stage.server, "_remember", remembers)
    broken += [False] * 10
    stage.server.publish("/twobar/beat", 1)
    stage.server.publish("/twobar/beat", 2)
    assert stage.published().params == [2]
