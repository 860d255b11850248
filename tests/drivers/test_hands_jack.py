"""Hands on a real driver: a controller that learns, that is lit, and that never makes a knob leap."""

import json
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from live.ipc.commands import Learn, Turn, Undo
from live.ipc.instances import instances
from live.ipc.link import Link, call
from live.ipc.snapshot import Snapshot, ToDashboard, Update, applied
from tests.fakes.jack_harness import JackPeer, JackServer
from tests.fakes.jam_harness import JamProcess

pytestmark = pytest.mark.driver

PACE_NANOS = 4_000_000
STEP = 1 / 63  # of a pot that turns a knob from -1 to 1
MAPPING = """
[controller]
name = "Pads"
match = ["pads"]

[[control]]  # a pot
cc = 70
channel = 1
knob = "density"

[[control]]  # a pad
note = 36
channel = 10
action = "freeze"
light = { on = 5, off = 1 }
"""
LIT, DARK, OUT = (bytes((0x99, 36, value)) for value in (5, 1, 0))
PAD = (bytes((0x99, 36, 100)), bytes((0x89, 36, 0)))


class Hands(NamedTuple):
    """A controller, the jam that it is plugged into, and a dashboard of it with what it was shown last."""

    pads: JackPeer
    jam: JamProcess
    screen: Link[Any]
    mapping: Path
    last: list[Snapshot]

    def until(self, shown: Callable[[Snapshot], object]) -> None:
        """Read what the dashboard is shown until it shows this."""
        while not (self.last and shown(self.last[-1])):
            message = self.screen.receive()
            assert message is not None, "the engine has gone"
            if isinstance(message, Snapshot):
                self.last.append(message)
            elif isinstance(message, Update):
                self.last.append(applied(message, self.last.pop()))

    def until_said(self, words: str) -> None:
        """Read until a notice says so."""
        self.until(lambda snapshot: any(words in notice.text for notice in snapshot.notices))

    def sweep(self, number: int, *places: int) -> None:
        """Turn a pot through these places, one after the other, to the end: hands turn one way at a time."""
        begin = time.monotonic_ns() + 50_000_000
        self.pads.play_all(
            [(begin + n * PACE_NANOS, bytes((0xB0, number, place))) for n, place in enumerate(places)]
        )
        time.sleep(max(0, begin + len(places) * PACE_NANOS - time.monotonic_ns()) / 1e9)


def near(name: str, value: float) -> Callable[[Snapshot], bool]:
    """Tell whether a knob is shown about there."""
    return lambda shown: any(knob.name == name and abs(knob.value - value) < STEP for knob in shown.knobs)


@pytest.fixture
def hands(jack_server: JackServer, tmp_path: Path) -> Iterator[Hands]:
    pads = JackPeer(jack_server, "pads")
    mapping = tmp_path / "pads.toml"
    mapping.write_text(MAPPING)
    options = ("--out", "none", "--in", "pads:out", "--mapping", str(mapping))
    with JamProcess(jack_server, tmp_path, *options) as jam:
        jam.wait_ready("thru")
        (instance,) = [one for one in instances() if one.pid == jam.process.pid]
        screen = call(instance.address, "dashboard", ToDashboard)
        yield Hands(pads, jam, screen, mapping, [])
        screen.close()
        pads.close()


def leaps(log: list[dict[str, Any]]) -> list[float]:
    """Return how far each message of the pot has moved the knob, in steps of the pot's own way to there."""
    found, knob, before, place = [], 0.0, None, None
    for line in log:
        if line["kind"] == "received" and line["data"][:2] == [0xB0, 70]:
            before, place = place, line["data"][2]
        elif line["kind"] == "knob" and line["name"] == "density":
            if line["source"] == "midi":
                way = 1 if before is None else max(1, abs(place - before))  # more where the machine was busy
                found.append(abs(line["value"] - knob) / (way * STEP))
            knob = line["value"]
    return found


def test_no_takeover_leaps_farther_than_a_step_of_the_pot(hands: Hands) -> None:
    hands.screen.send(Turn("density", 0.5, source="dashboard"))
    hands.until(near("density", 0.5))
    hands.sweep(70, *range(128))
    hands.until(near("density", 1.0))
    hands.screen.send(Turn("density", -0.8, source="dashboard"))
    hands.until(near("density", -0.8))
    hands.sweep(70, *range(126, -1, -1))
    hands.until(near("density", -1.0))
    assert hands.jam.end()[0] == 0
    measured = leaps([json.loads(line) for line in hands.jam.log.read_text().splitlines()])
    assert len(measured) > 20
    assert max(measured) <= 1.001


def test_a_pad_is_lit_by_what_it_does_and_dark_at_the_end(hands: Hands) -> None:
    hands.pads.wait_for(lambda received: received and received[-1].data == DARK, timeout=15)
    hands.pads.play(*PAD)
    hands.pads.wait_for(lambda received: received[-1].data == LIT)
    hands.pads.play(*PAD)
    hands.pads.wait_for(lambda received: received[-1].data == DARK)
    assert hands.jam.end()[0] == 0
    hands.pads.wait_for(lambda received: received[-1].data == OUT)


def test_a_pot_is_learned_while_it_plays_and_that_is_undone(hands: Hands) -> None:
    hands.screen.send(Learn("swing", source="dashboard"))
    hands.until(lambda shown: shown.lesson is not None and shown.lesson.state == "listening")
    hands.sweep(55, *range(40, 90), *range(90, 0, -1))
    hands.until_said("learned: pads")
    hands.sweep(55, *range(60))
    hands.until(near("swing", 59 / 127))
    bound = tomllib.loads(hands.mapping.read_text())["control"]
    assert [control["knob"] for control in bound if control.get("cc") == 55] == ["swing"]
    assert "# a pad" in hands.mapping.read_text()
    hands.screen.send(Undo(source="dashboard"))
    hands.until_said("undone: ")
    assert hands.jam.end()[0] == 0
    assert hands.mapping.read_text() == MAPPING
