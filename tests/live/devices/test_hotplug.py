"""Ports that come and go, seen by a lister of the test's own; no thread, no waiting."""

import threading
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from live.devices import hotplug
from live.devices.hotplug import Change, PortWatch, SystemLister
from live.devices.jack.probe import Direction
from live.errors import PortError, PortMissingError


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
    lost_cycles: int = 0
    closed: bool = False
    opened: list[Cable] = field(default_factory=list)
    refusing: PortError | None = None
    unsure: bool = False
    cables: dict[str, frozenset[str]] = field(default_factory=dict)

    def __call__(self, direction: Direction) -> list[str] | None:
        if self.unsure:
            raise PortError("busy")
        return self.names[direction]

    def connections(self, name: str) -> frozenset[str] | None:
        return self.cables.get(name)

    def close(self) -> None:
        self.closed = True

    def open(self, name: str) -> Cable:
        if self.refusing is not None:
            raise self.refusing
        self.opened.append(Cable("twobar-in:keys", virtual=True) if name == "virtual" else Cable(name))
        return self.opened[-1]


class Room:
    """A watch over a desk's ports, and what it has told."""

    def __init__(self, names: dict[str, list[str] | None], *, adopt: bool = False, **desk: Any) -> None:
        self.desk, self.changes = Desk(names, **desk), list[Change]()
        opened = self.desk.open if adopt else None
        self.watch = PortWatch(self.changes.append, lister=self.desk, adopt=opened)

    def add(self, direction: Direction, cable: Cable, *, wanted: str = "") -> None:
        self.watch.add(direction, cable, self.desk.open, wanted=wanted)

    def look(self, times: int = 1, names: dict[str, list[str] | None] | None = None) -> None:
        self.desk.names |= names or {}
        for _ in range(times):
            self.watch.look()

    def states(self) -> list[str]:
        return [change.state for change in self.changes]

    def named(self) -> list[tuple[str, str]]:
        return [(change.state, change.name) for change in self.changes]

    def summaries(self) -> list[tuple[str, str, str, str]]:
        return [(change.direction, change.state, change.name, change.was) for change in self.changes]


def test_a_cable_kicked_out_and_plugged_in_again_is_back() -> None:
    room = Room({"in": ["MPK mini:MPK mini MIDI 1 24:0"]})
    cable = Cable("MPK mini:MPK mini MIDI 1 24:0")
    room.add("in", cable)
    room.look()
    assert room.changes == []
    room.look(2, {"in": []})
    assert room.changes == [Change("in", cable.name, cable.name, "gone", cable)]
    room.look(2, {"in": ["Midi Through:Midi Through Port-0 14:0", "MPK mini:MPK mini MIDI 1 28:0"]})
    assert room.summaries()[1:] == [
        ("in", "back", "MPK mini:MPK mini MIDI 1 28:0", "MPK mini:MPK mini MIDI 1 24:0")
    ]
    assert room.changes[-1].port is room.desk.opened[0]


def test_a_port_that_is_not_ready_yet_is_tried_again() -> None:
    room = Room({"out": []})
    room.add("out", Cable("synth"))
    room.look()
    room.desk.names["out"], room.desk.refusing = ["synth"], PortError("busy")
    room.look()
    assert room.states() == ["gone"]
    room.desk.refusing = None
    room.look()
    assert room.states() == ["gone", "back"]


def test_virtual_ports_are_lost_only_with_the_whole_system() -> None:
    room = Room({"in": []})
    cable = Cable("twobar-in:keys", virtual=True)
    room.add("in", cable)
    room.look()
    assert room.changes == []
    room.look(1, {"in": None})
    assert room.summaries() == [("in", "gone", "twobar-in:keys", "twobar-in:keys")]
    assert cable.abandoned
    assert not cable.closed
    room.look(1, {"in": []})
    assert room.summaries()[1:] == [("in", "back", "twobar-in:keys", "twobar-in:keys")]


def test_a_system_that_died_and_rose_between_two_looks_took_its_ports_along() -> None:
    room = Room({"in": []})
    room.add("in", Cable("twobar-in:keys", virtual=True))
    room.desk.generation += 1
    room.look(2)
    assert room.states() == ["gone", "back"]


def test_a_look_that_sees_nothing_for_certain_changes_nothing() -> None:
    room = Room({"in": None}, unsure=True)
    room.add("in", Cable("twobar-in:keys", virtual=True))
    room.look()
    assert room.changes == []
    room.desk.unsure = False
    room.look()
    assert room.states() == ["gone"]


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
    room = Room({"in": ["Midi Through:Midi Through Port-0 14:0", "twobar-out:notes"]}, adopt=True)
    room.look()
    assert room.changes == []
    room.look(2, {"in": ["KeyStep 24:0"]})
    assert room.summaries() == [("in", "new", "KeyStep 24:0", "")]
    room.look(1, {"in": []})
    room.look(1, {"in": ["KeyStep 28:0"]})
    assert room.states() == ["new", "gone", "back"]


def test_a_keyboard_that_a_busy_system_refused_is_tried_again() -> None:
    room = Room({"in": ["KeyStep 24:0"]}, refusing=PortError("busy"), adopt=True)
    room.look()
    assert room.changes == []
    room.desk.refusing = None
    room.look()
    assert room.summaries() == [("in", "new", "KeyStep 24:0", "")]


def test_a_keyboard_that_cannot_be_opened_is_not_tried_every_second() -> None:
    held = PortMissingError("another program has it")
    room = Room({"in": ["KeyStep 24:0"]}, refusing=held, adopt=True)
    room.look()
    room.desk.refusing = None
    room.look()
    assert room.changes == []
    room.look(1, {"in": []})
    room.look(1, {"in": ["KeyStep 24:0"]})
    assert room.states() == ["new"]


# -- a name is not a device --------------------------------------------------------------------------

TWO_PADS = ["nanoPAD2:nanoPAD2 MIDI 1 28:0", "nanoPAD2:nanoPAD2 MIDI 1 36:0"]


@pytest.mark.parametrize("pulled", [0, 1])
def test_of_two_equal_keyboards_the_one_that_was_pulled_is_gone_and_comes_back(pulled: int) -> None:
    room = Room({"in": list(TWO_PADS)})
    for name in TWO_PADS:
        room.add("in", Cable(name))
    room.look()
    room.look(2, {"in": [TWO_PADS[1 - pulled]]})
    assert room.summaries() == [("in", "gone", TWO_PADS[pulled], TWO_PADS[pulled])]
    room.look(2, {"in": list(TWO_PADS)})
    assert room.summaries()[1:] == [("in", "back", TWO_PADS[pulled], TWO_PADS[pulled])]


def test_a_second_equal_keyboard_that_is_plugged_in_later_is_adopted() -> None:
    room = Room({"in": TWO_PADS[:1]}, adopt=True)
    room.look()
    room.look(2, {"in": list(TWO_PADS)})
    assert room.named() == [("new", TWO_PADS[0]), ("new", TWO_PADS[1])]


@pytest.mark.parametrize(
    ("name", "wanted", "later"),
    [
        ("a2j:Keystation 49 [20] (capture): MIDI 1", "", "a2j:Keystation 49 [24] (capture): MIDI 1"),
        ("Keystation 49:Keystation 49 MIDI 1 20:0", "keystation", "a2j:Keystation 49 [24] (capture): MIDI 1"),
    ],
)
def test_it_may_come_back_under_another_name_that_fits(name: str, wanted: str, later: str) -> None:
    room = Room({"in": []})
    room.add("in", Cable(name), wanted=wanted)
    room.look()
    room.look(1, {"in": ["another", later]})
    assert room.summaries() == [("in", "gone", name, name), ("in", "back", later, name)]


def test_a_port_that_went_and_came_between_two_looks_is_opened_anew() -> None:
    room = Room({"in": ["keys"], "out": ["synth"]})
    room.desk.cables = {
        "keys": frozenset({"twobar-in:keys"}),
        "synth": frozenset({"twobar-out:notes", "other"}),
    }
    room.add("in", Cable("keys"))
    room.add("out", Cable("synth"))
    room.look(2)
    assert room.changes == []
    room.desk.cables = {"keys": frozenset(), "synth": frozenset({"other"})}
    room.look()
    assert room.summaries() == [
        ("in", "gone", "keys", "keys"),
        ("out", "gone", "synth", "synth"),
        ("in", "back", "keys", "keys"),
        ("out", "back", "synth", "synth"),
    ]


def test_a_cable_that_somebody_has_led_elsewhere_stays_there() -> None:
    room = Room({"in": ["keys"]})
    room.desk.cables = {"keys": frozenset({"twobar-in:keys"})}
    room.add("in", Cable("keys"))
    room.look()
    room.desk.cables = {"keys": frozenset({"filter:in"}), "twobar-in:keys": frozenset({"filter:out"})}
    room.look()
    assert room.changes == []


def test_where_names_tell_nothing_all_that_share_one_are_opened_anew() -> None:
    room = Room({"in": ["Keys", "Keys #2", "Pads"]})
    for name in ("Keys", "Keys #2", "Pads"):
        room.add("in", Cable(name))
    room.look()
    room.look(1, {"in": ["Keys", "Pads"]})
    assert room.named() == [
        ("gone", "Keys"),
        ("gone", "Keys #2"),
        ("back", "Keys"),
    ]
    room.changes.clear()
    room.look(2, {"in": ["Keys", "Keys #2", "Pads"]})
    assert room.named() == [
        ("gone", "Keys"),
        ("back", "Keys"),
        ("back", "Keys #2"),
    ]


def test_a_port_that_was_asked_for_is_waited_for() -> None:
    room = Room({"in": ["Pads"], "out": []}, adopt=True)
    room.watch.wait_for("in", "keystep", room.desk.open)
    room.watch.wait_for("out", "synth", room.desk.open)
    room.look()
    assert room.summaries() == [("in", "new", "Pads", "")]
    room.changes.clear()
    room.desk.names = {"in": ["Pads", "KeyStep 32 24:0"], "out": ["Synth 28:0"]}
    room.desk.refusing = PortError("busy")
    room.look()
    assert room.changes == []
    room.desk.refusing = None
    room.look(2)
    assert room.summaries() == [
        ("in", "new", "KeyStep 32 24:0", "keystep"),
        ("out", "new", "Synth 28:0", "synth"),
    ]


def test_a_virtual_port_waits_for_its_system() -> None:
    room = Room({"out": None})
    room.watch.wait_for("out", "virtual", room.desk.open)
    room.look()
    assert room.changes == []
    room.look(1, {"out": []})
    assert [(change.state, change.was) for change in room.changes] == [("new", "virtual")]


def test_a_port_that_has_failed_is_opened_anew_though_its_name_is_there() -> None:
    room = Room({"out": ["synth"]})
    cable = Cable("synth")
    room.add("out", cable)
    room.look()
    room.watch.lost(cable)
    room.look(2)
    assert room.states() == ["gone", "back"]


def test_a_system_that_comes_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    answering: list[str] = []
    monkeypatch.setattr("live.devices.systems.compiled_apis", lambda: ["alsa", "jack"])
    monkeypatch.setattr("live.devices.systems.answers", answering.__contains__)
    monkeypatch.setattr(SystemLister, "_look_at_jack", lambda _lister, _direction: ["KeyStep"])
    lister = SystemLister("auto")
    assert lister("in") is None
    answering.append("jack")
    assert lister("in") == ["KeyStep"]


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
        lambda _change: None, lister=Broken({}), revived=lambda: True, failed=reported.append, period_s=0.001
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


def test_what_a_look_is_still_made_with_is_not_closed_under_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hotplug, "_CLOSE_PATIENCE_S", 0.01)
    looks, goes_on = threading.Event(), threading.Event()

    class Slow(Desk):
        def __call__(self, direction: Direction) -> list[str] | None:
            looks.set()
            goes_on.wait(10)
            return super().__call__(direction)

    desk = Slow({"in": []})
    watch = PortWatch(lambda _change: None, lister=desk, adopt=desk.open)
    watch.start()
    assert looks.wait(10)
    watch.close()
    assert not desk.closed
    goes_on.set()
    watch._thread.join(10)
    watch.close()
    assert desk.closed
