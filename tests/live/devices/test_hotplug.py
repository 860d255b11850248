"""Ports that come and go, seen by a lister of the test's own; no thread, no waiting."""

import threading
from dataclasses import dataclass, field
from itertools import count

import pytest

from live.devices.hotplug import Change, PortWatch, SystemLister
from live.devices.jack import Direction
from live.errors import PortError


@dataclass
class Cable:
    name: str
    virtual: bool = False
    abandoned: bool = False
    closed: bool = False

    def close(self) -> None:
        self.closed = True

    def abandon(self) -> None:
        self.abandoned = True


@dataclass
class Desk:
    """What is plugged in; None when the MIDI system is dead."""

    names: dict[str, list[str] | None]
    generation: int = 0
    closed: bool = False
    opened: list[Cable] = field(default_factory=list)
    refusing: bool = False
    unsure: bool = False

    def __call__(self, direction: Direction) -> list[str] | None:
        if self.unsure:
            raise PortError("busy")
        return self.names[direction]

    def close(self) -> None:
        self.closed = True

    def open(self, name: str) -> Cable:
        if self.refusing:
            raise PortError("busy")
        self.opened.append(Cable("twobar-in:keys", virtual=True) if name == "virtual" else Cable(name))
        return self.opened[-1]


def summaries(changes: list[Change]) -> list[tuple[str, str, str, str]]:
    return [(change.direction, change.state, change.name, change.was) for change in changes]


def test_a_cable_kicked_out_and_plugged_in_again_is_back() -> None:
    desk, changes = Desk({"in": ["MPK mini:MPK mini MIDI 1 24:0"]}), list[Change]()
    watch = PortWatch(changes.append, lister=desk)
    cable = Cable("MPK mini:MPK mini MIDI 1 24:0")
    watch.add("in", cable, desk.open)
    watch.look()
    assert changes == []
    desk.names["in"] = []
    watch.look()
    watch.look()
    assert changes == [Change("in", cable.name, cable.name, "gone", cable)]
    desk.names["in"] = ["Midi Through:Midi Through Port-0 14:0", "MPK mini:MPK mini MIDI 1 28:0"]
    watch.look()
    watch.look()
    assert summaries(changes[1:]) == [
        ("in", "back", "MPK mini:MPK mini MIDI 1 28:0", "MPK mini:MPK mini MIDI 1 24:0")
    ]
    assert changes[-1].port is desk.opened[0]


def test_a_port_that_is_not_ready_yet_is_tried_again() -> None:
    desk, changes = Desk({"out": []}), list[Change]()
    watch = PortWatch(changes.append, lister=desk)
    watch.add("out", Cable("synth"), desk.open)
    watch.look()
    desk.names["out"], desk.refusing = ["synth"], True
    watch.look()
    assert [change.state for change in changes] == ["gone"]
    desk.refusing = False
    watch.look()
    assert [change.state for change in changes] == ["gone", "back"]


def test_virtual_ports_are_lost_only_with_the_whole_system() -> None:
    desk, changes = Desk({"in": []}), list[Change]()
    watch = PortWatch(changes.append, lister=desk)
    cable = Cable("twobar-in:keys", virtual=True)
    watch.add("in", cable, desk.open)
    watch.look()
    assert changes == []
    desk.names["in"] = None
    watch.look()
    assert summaries(changes) == [("in", "gone", "twobar-in:keys", "twobar-in:keys")]
    assert cable.abandoned
    assert not cable.closed
    desk.names["in"] = []
    watch.look()
    assert summaries(changes[1:]) == [("in", "back", "twobar-in:keys", "twobar-in:keys")]


def test_a_system_that_died_and_rose_between_two_looks_took_its_ports_along() -> None:
    desk, changes = Desk({"in": []}), list[Change]()
    watch = PortWatch(changes.append, lister=desk)
    watch.add("in", Cable("twobar-in:keys", virtual=True), desk.open)
    desk.generation += 1
    watch.look()
    watch.look()
    assert [change.state for change in changes] == ["gone", "back"]


def test_a_look_that_sees_nothing_for_certain_changes_nothing() -> None:
    desk, changes = Desk({"in": None}, unsure=True), list[Change]()
    watch = PortWatch(changes.append, lister=desk)
    watch.add("in", Cable("twobar-in:keys", virtual=True), desk.open)
    watch.look()
    assert changes == []
    desk.unsure = False
    watch.look()
    assert [change.state for change in changes] == ["gone"]


class Server:
    """Hears of its death and its return."""

    def __init__(self) -> None:
        self.reports: list[str] = []
        self.willing = True

    def died(self) -> None:
        self.reports.append("died")

    def revived(self) -> bool:
        self.reports.append("revived")
        return self.willing


def test_the_death_and_the_return_of_the_whole_system_are_reported_without_any_port() -> None:
    desk, server = Desk({"out": []}), Server()
    watch = PortWatch(lambda _change: None, lister=desk, died=server.died, revived=server.revived)
    watch.look()
    assert server.reports == []
    desk.names["out"] = None
    watch.look()
    desk.generation += 1
    watch.look()
    assert server.reports == ["died"]
    desk.names["out"] = []
    watch.look()
    watch.look()
    assert server.reports == ["died", "revived"]


def test_a_system_that_died_and_rose_between_two_looks_is_reported_as_both() -> None:
    desk, server = Desk({"out": []}), Server()
    watch = PortWatch(lambda _change: None, lister=desk, died=server.died, revived=server.revived)
    watch.look()
    desk.generation += 1
    server.willing = False
    watch.look()
    assert server.reports == ["died", "revived"]
    server.willing = True
    watch.look()  # what could not be done is tried again
    watch.look()
    assert server.reports == ["died", "revived", "revived"]


def test_a_system_that_was_never_found_has_not_died() -> None:
    desk, server = Desk({"out": None}), Server()
    watch = PortWatch(lambda _change: None, lister=desk, died=server.died, revived=server.revived)
    watch.look()
    desk.names["out"] = []
    watch.look()
    assert server.reports == []


def test_a_keyboard_plugged_in_later_is_adopted_and_watched() -> None:
    desk, changes = (
        Desk({"in": ["Midi Through:Midi Through Port-0 14:0", "twobar-out:notes"]}),
        list[Change](),
    )
    watch = PortWatch(changes.append, lister=desk, adopt=desk.open)
    watch.look()
    assert changes == []
    desk.names["in"] = ["KeyStep 24:0"]
    watch.look()
    watch.look()
    assert summaries(changes) == [("in", "new", "KeyStep 24:0", "")]
    desk.names["in"] = []
    watch.look()
    desk.names["in"] = ["KeyStep 28:0"]
    watch.look()
    assert [change.state for change in changes] == ["new", "gone", "back"]


def test_a_keyboard_that_cannot_be_opened_is_not_tried_every_second() -> None:
    desk, changes = Desk({"in": ["KeyStep 24:0"]}, refusing=True), list[Change]()
    watch = PortWatch(changes.append, lister=desk, adopt=desk.open)
    watch.look()
    desk.refusing = False
    watch.look()
    assert changes == []
    desk.names["in"] = []
    watch.look()
    desk.names["in"] = ["KeyStep 24:0"]
    watch.look()
    assert [change.state for change in changes] == ["new"]


def test_the_first_look_does_not_wait() -> None:
    looked = threading.Event()

    class Looked(Desk):
        def __call__(self, direction: Direction) -> list[str] | None:
            looked.set()
            return []

    watch = PortWatch(lambda _change: None, lister=Looked({}), revived=lambda: True, period_s=1000.0)
    watch.start()
    assert looked.wait(20)
    watch.close()


def test_a_fault_of_any_kind_is_reported_once_and_the_looking_goes_on() -> None:
    reported: list[str] = []
    looks, enough = count(), threading.Event()

    class Broken(Desk):
        def __call__(self, direction: Direction) -> list[str] | None:
            if next(looks) == 4:
                enough.set()
            raise ZeroDivisionError("in the driver")

    watch = PortWatch(
        lambda _change: None,
        lister=Broken({}),
        revived=lambda: True,
        failed=reported.append,
        period_s=0.001,
    )
    watch.start()
    assert enough.wait(20)
    watch.close()
    assert reported == ["a fault while looking for ports: ZeroDivisionError('in the driver')"]


@pytest.mark.parametrize("started", [True, False])
def test_closing_ends_the_looking(*, started: bool) -> None:
    desk = Desk({})
    watch = PortWatch(lambda _change: None, lister=desk, period_s=0.001)
    if started:
        watch.start()
    watch.close()
    watch.close()
    assert desk.closed


def test_a_jack_server_that_never_answers_is_dead_after_a_few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "twobar-nobody")
    lister = SystemLister("jack")
    for _ in range(2):
        with pytest.raises(PortError):
            lister("in")
    assert lister("in") is None
    lister.close()
