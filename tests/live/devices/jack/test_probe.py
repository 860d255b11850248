"""Clients of libjack while a server dies and threads ask and open, at which libjack itself would crash."""

import threading
from collections.abc import Callable

import pytest

from live.devices.jack import probe as jack_probe
from live.devices.jack.probe import JackProbe, LostCycles, lend
from live.devices.jack.transport import JackTransport
from live.timing.timeline import Nanos


class Library:
    """Stands for libjack: remembers what is called, and calls back while a client is opened."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.opening: Callable[[], object] = lambda: None
        self.opened = 0
        self._functions: dict[str, Callable[..., int]] = {}

    def __getattr__(self, name: str) -> Callable[..., int]:
        def function(client: int = 0, *_arguments: object) -> int:
            self.calls.append((name, client))
            return {"jack_last_frame_time": 640, "jack_get_buffer_size": 64}.get(name, 0)

        return self._functions.setdefault(name, function)

    def jack_client_open(self, _name: bytes, _options: int, _status: object) -> int:
        self.opening()
        self.opened += 1
        return self.opened


class Stub:
    """A function of C's: it takes `restype` and `argtypes`."""

    def __init__(self, function: Callable[..., int]) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> int:
        return self._function(*arguments)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()
    monkeypatch.setattr(made, "jack_client_open", Stub(made.jack_client_open))
    monkeypatch.setattr(jack_probe, "library", lambda: made)
    return made


def test_where_one_client_learns_that_the_server_has_died_all_do_before_the_next_is_opened(
    library: Library,
) -> None:
    first, second = JackProbe(), JackProbe()
    first._shut_down(None)
    assert second.alive  # libjack calls each on a thread of its own
    library.opening = lambda: library.calls.append(("opening", second.alive))
    third = JackProbe()
    assert ("opening", False) in library.calls
    assert third.alive
    library.calls.clear()
    assert (second.frame(), second.ports("in"), second.connections("synth:in")) == (0, [], None)
    second.close()
    assert library.calls == []
    assert third.frame() == 640


class Lender:
    """Stands for a client with a port."""

    def __init__(self) -> None:
        self.alive, self.address, self.server = True, 77, jack_probe.server_name()
        self.lost_cycles = LostCycles(None)


def test_a_probe_asks_through_a_client_that_is_open_already_and_leaves_it_open(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jack_probe, "_LENT", [])
    lender = Lender()
    lend(lender)
    probe = JackProbe(shared=True)
    probe.count_xruns()
    assert (probe.ports("in"), probe.frame(), probe.xruns) == ([], 640, 0)
    probe.close()
    named = [call for call in library.calls if call[0] in ("jack_get_ports", "jack_last_frame_time")]
    assert named == [("jack_get_ports", 77), ("jack_last_frame_time", 77)]
    assert library.opened == 0
    assert {"jack_activate", "jack_client_close", "jack_on_shutdown"}.isdisjoint(dict(library.calls))
    assert JackProbe()._client == 1  # one that wants a client of its own
    lender.alive = False
    assert JackProbe(shared=True)._client == 2
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "another")
    lend(Lender())
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "a third")
    assert JackProbe(shared=True)._client == 3


def test_who_asks_through_a_client_that_dies_asks_no_more(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jack_probe, "_LENT", [])
    lender = Lender()
    lend(lender)
    probe = JackProbe(shared=True)
    lender.alive = False
    library.calls.clear()
    assert (probe.frame(), probe.ports("in"), probe.connections("synth:in")) == (0, [], None)
    assert library.calls == []


def test_nobody_asks_while_another_thread_opens_a_client(library: Library) -> None:
    probe, frames = JackProbe(), list[int]()
    asking = threading.Thread(target=lambda: frames.append(probe.frame()))

    def meanwhile() -> None:
        asking.start()
        asking.join(5)

    library.opening = meanwhile
    JackProbe()
    assert frames == [0]
    assert probe.frame() == 640


def test_a_start_while_another_thread_opens_a_client_is_told_with_the_next_look(library: Library) -> None:
    transport = JackTransport()

    def meanwhile() -> None:
        starting = threading.Thread(target=transport.start)
        starting.start()
        starting.join(5)

    library.opening = meanwhile
    JackProbe()
    assert "jack_transport_start" not in [name for name, _ in library.calls]
    transport.state(Nanos(0))
    assert ("jack_transport_start", 1) in library.calls
    library.calls.clear()
    transport.state(Nanos(0))
    assert "jack_transport_start" not in [name for name, _ in library.calls]
