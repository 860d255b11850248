"""A client of JACK that outlives its ports: whom JACK's thread finds when it calls, without a server."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jack
import pytest
from _jack import ffi

from live.devices.jack import client
from live.devices.jack.client import resting_or_new


class Server:
    """What stands for a server: how its clients are called, and which ports there are."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[Callable[[int], None]] = []
        self.cut: list[str] = []
        self.ports: list[Any] = []
        self.raised: list[int] = []
        self.lent: list[object] = []
        registers = SimpleNamespace(register=self._register)
        for name, stand_in in {
            "__init__": lambda made, _name, no_start_server: setattr(made, "_ptr", ffi.NULL),
            "set_process_callback": lambda _made, callback: self.calls.append(callback),
            "set_shutdown_callback": lambda _made, _callback: None,
            "activate": lambda _made: None,
            "blocksize": 64,
            "samplerate": 48_000,
            "midi_inports": registers,
            "midi_outports": registers,
        }.items():
            monkeypatch.setattr(jack.Client, name, stand_in)
        monkeypatch.setattr(client, "_clients", [])
        monkeypatch.setattr(client, "LostCycles", lambda _address: None)
        monkeypatch.setattr(client, "lend", self.lent.append)
        monkeypatch.setattr(client, "raise_thread", lambda: self.raised.append(threading.get_ident()))

    def _register(self, name: str) -> Any:
        self.ports.append(
            SimpleNamespace(
                name=f"a:{name}", shortname=name, _ptr=ffi.NULL, disconnect=lambda: self.cut.append(name)
            )
        )
        return self.ports[-1]

    def cycle(self) -> None:
        for call in self.calls:
            call(64)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(monkeypatch)


def beside(server: Server, act: Callable[[], None]) -> None:
    """Act on a thread of its own while the server goes on."""
    thread = threading.Thread(target=act)
    thread.start()
    while thread.is_alive():
        server.cycle()
    thread.join()


def test_a_port_that_is_closed_is_connected_with_nothing_gives_up_its_name_and_is_opened_again(
    server: Server,
) -> None:
    heard: list[int] = []
    first = resting_or_new("twobar-in", "keys", "in")
    first.use(heard.append)
    assert first.port_name == "a:keys"
    assert server.lent == [first]
    assert resting_or_new("twobar-in", "keys", "in") is not first  # it is open
    server.cycle()
    beside(server, first.rest)
    server.cycle()
    assert (heard, server.cut) == ([64], ["keys"])
    assert [port.shortname for port in server.ports] == ["closed", "keys"]
    assert resting_or_new("twobar-in", "keys", "in") is first
    assert [port.shortname for port in server.ports] == ["keys", "keys"]


def test_a_client_stands_in_for_one_of_its_own_names_and_server_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = resting_or_new("twobar-in", "keys", "in")
    assert resting_or_new("twobar-in", "keys", "in") is first
    assert resting_or_new("twobar-out", "notes", "out") is not first
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "another")
    assert resting_or_new("twobar-in", "keys", "in") is not first


def test_a_client_that_the_server_does_not_call_is_not_opened_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_made: Any) -> None:
        raise jack.JackErrorCode("no place in the graph", -1)

    with monkeypatch.context() as patch:
        patch.setattr(jack.Client, "activate", refuse)
        with pytest.raises(jack.JackError):
            resting_or_new("twobar-in", "keys", "in")
    resting_or_new("twobar-in", "keys", "in")
    assert len(server.ports) == 2


def test_a_call_that_is_under_way_is_over_before_the_port_is_closed(server: Server) -> None:
    under_way, go_on = threading.Event(), threading.Event()
    cut_then: list[list[str]] = []

    def called(_frames: int) -> None:
        under_way.set()
        go_on.wait(5)
        cut_then.append(list(server.cut))

    one = resting_or_new("twobar-out", "notes", "out")
    one.use(called)
    calling = threading.Thread(target=server.cycle)
    calling.start()
    under_way.wait(5)
    resting = threading.Thread(target=one.rest)
    resting.start()
    go_on.set()
    calling.join()
    server.cycle()
    resting.join()
    assert (cut_then, server.cut) == ([[]], ["notes"])


def test_a_client_of_a_dead_server_is_used_no_more_and_left_alone(server: Server) -> None:
    one = resting_or_new("twobar-in", "keys", "in")
    one.use(lambda _frames: None)
    one.abandon()
    one.rest()
    assert server.cut == []
    assert resting_or_new("twobar-in", "keys", "in") is not one


def test_it_leaves_with_the_process_once_jack_s_thread_cannot_be_ended(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(client, "_CANCELS", True)
    monkeypatch.setattr(client, "_outlive_cancelling", lambda: done.append("outlives"))
    monkeypatch.setattr(client, "_deactivate_apart", lambda _client: done.append("leaves"))
    resting_or_new("twobar-in", "keys", "in").use(lambda _frames: done.append("called"))
    beside(server, client._end)
    in_order = [what for at, what in enumerate(done) if done[at - 1 : at] != [what]]
    assert in_order in (["outlives", "leaves"], ["outlives", "leaves", "outlives"])


def test_where_jack_cancels_no_thread_it_ends_by_itself(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_CANCELS", False)
    resting_or_new("twobar-in", "keys", "in").end()
    with pytest.raises(jack.CallbackExit):
        server.cycle()


def test_a_server_that_stands_still_is_left_alone_at_the_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(client, "_deactivate_apart", lambda _client: pytest.fail("it would wait"))
    resting_or_new("twobar-in", "keys", "in")
    client._end()


def test_the_thread_that_calls_is_given_its_priority_once(server: Server) -> None:
    resting_or_new("twobar-in", "keys", "in")
    server.cycle()
    server.cycle()
    assert server.raised == [threading.get_ident()]
