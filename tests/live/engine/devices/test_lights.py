"""Lights in the engine: opened beside their controller, shown at leisure, and never in the way of a note."""

from itertools import pairwise
from pathlib import Path

import platformdirs
import pytest

from live.control.desk import Desk
from live.engine.devices.lights import PERIOD_NANOS, Lights
from live.engine.engine import Engine
from live.errors import PortError
from live.ipc.commands import Freeze, Start
from live.timing.timeline import Nanos
from tests.fakes.engine_stage import SECOND, FakeClock, built, run_to
from tests.live.devices.test_light_port import Device

PORT = "My pads:My pads MIDI 1 20:0"
MAPPING = """
[controller]
name = "mine"
match = ["My pads"]
hello = ["F0 01 F7"]
[[control]]
note = 36
action = "freeze"
light = { on = 5 }
[[control]]
note = 37
action = "tap"
light = { on = 6 }
[[control]]
note = 38
action = "record"
light = { on = 7 }
[roll]
rows = [[81, 82, 83, 84, 85, 86, 87, 88]]
on = 5
playhead = 3
"""


class Rig:
    """An engine with lights whose devices are pretended."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / name))
        home = tmp_path / "twobar" / "mappings"
        home.mkdir(parents=True)
        (home / "mine.toml").write_text(MAPPING)
        self.clock = FakeClock()
        self.engine: Engine = built(self.clock)
        self.said: list[str] = []
        self.opened: dict[str, Device] = {}
        self.fault = ""
        desk: Desk = self.engine.devices.set_desk(self.engine.jam.knobs)
        desk.plug(PORT)
        self.lights = Lights(desk, self.engine.jam, self._open, recording=self._records, say=self._say)
        self.engine.devices.lights = self.lights

    def _say(self, text: str, _about: str) -> None:
        if text:
            self.said.append(text)

    def _open(self, name: str) -> Device:
        if self.fault:
            raise PortError(self.fault)
        self.opened[name] = Device()
        return self.opened[name]

    def _records(self) -> bool:
        return bool(self.engine.devices.recording.shown)

    def look(self, *outputs: str, inputs: tuple[str, ...] = (PORT,)) -> None:
        self.lights.look(inputs, lambda: [*outputs])


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(tmp_path, monkeypatch)


def test_a_state_is_shown_on_the_controller_s_own_port_and_again_when_it_comes_back(rig: Rig) -> None:
    rig.look("Synth 28:0", "My pads:My pads MIDI 1 20:0")
    device = rig.opened[PORT]
    rig.engine.arrivals.put(Freeze(source="midi"))
    run_to(rig.engine, rig.clock, rig.clock.nanos + SECOND)
    device.wait(bytes((0x90, 36, 5)))
    assert device.sent[0] == bytes((0xF0, 1, 0xF7))
    rig.look(inputs=())
    rig.look("My pads:My pads MIDI 1 20:0")
    run_to(rig.engine, rig.clock, rig.clock.nanos + SECOND)
    again = rig.opened[PORT]
    assert again is not device
    again.wait(bytes((0x90, 36, 5)))
    rig.lights.close()
    last = {data[:2]: data[2] for data in again.sent if data[0] < 0xF0}
    assert len(last) == 11
    assert set(last.values()) == {0}, "cleared at the end"


def test_a_take_under_way_is_lit_and_dark_when_it_has_ended(rig: Rig) -> None:
    rig.look(PORT)
    device = rig.opened[PORT]
    for taken, value in (("takes/one.mid", 7), ("", 0)):
        rig.engine.devices.recording.shown = taken
        run_to(rig.engine, rig.clock, rig.clock.nanos + SECOND)
        device.wait(bytes((0x90, 38, value)))
    rig.lights.close()


def test_the_beat_and_the_roll_are_shown_while_it_plays(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.look(PORT)
    shown: list[dict[tuple[int, int], bytes]] = []
    monkeypatch.setattr(rig.lights._ports[PORT], "show", shown.append)
    rig.engine.arrivals.put(Start(source="midi"))
    run_to(rig.engine, rig.clock, rig.clock.nanos + 5 * SECOND)
    playheads = [note for lamps in shown for note in range(81, 89) if lamps[0x90, note][2] == 3]
    assert list(dict.fromkeys(playheads)) == [*range(81, 89)], "a quarter each, two bars in four seconds"
    beats = [lamps[0x90, 37][2] for lamps in shown]
    assert 9 <= sum(before != after for before, after in pairwise(beats)) <= 21
    rig.lights.close()


def test_no_light_is_drawn_just_before_something_is_due(rig: Rig) -> None:
    rig.look(PORT)
    now = Nanos(rig.clock.now() + SECOND)
    assert rig.lights.show(now, now + SECOND) == now + PERIOD_NANOS
    later = Nanos(now + PERIOD_NANOS)
    assert rig.lights.show(later, later + 100_000) == later + 100_000
    rig.lights.close()


def test_what_stays_dark_is_said_once(rig: Rig) -> None:
    for _ in range(3):
        rig.look("Synth 28:0")
    assert rig.said == ["My pads MIDI 1 has no port for its lights: they stay dark"]
    rig.look(inputs=())
    rig.fault = "the MIDI output 'My pads' could not be opened"
    for _ in range(3):
        rig.look(PORT)
    assert rig.said[1:] == [
        "the lights of My pads MIDI 1 stay dark: the MIDI output 'My pads' could not be opened"
    ]


def test_a_virtual_port_of_ours_has_no_lamps_to_miss(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = rig.lights._desk.mapping_of(PORT)
    monkeypatch.setattr(rig.lights._desk, "mapping_of", lambda _name: mapping)
    rig.look("Synth 28:0", inputs=("twobar-in:keys",))
    assert rig.said == []
    rig.look("Synth 28:0", inputs=("twobar-in:keys", "Other pads 24:0"))
    assert rig.said == ["Other pads has no port for its lights: they stay dark"]
