"""Mappings: the shipped ones, where files are found, and bytes turned into Commands."""

import json
import re
import tomllib
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.control.curves import CURVES, step_at, value_at
from live.control.mapper import Mapper
from live.control.mappings import library as mapping
from live.control.mappings import mapping_file, mapping_schema
from live.errors import UsageError
from live.ipc.commands import Command, Start, Stop, StoreAnchor, Turn
from live.settings.knobs import ACTIONS, KNOBS
from live.timing.midi_bytes import control, note_off, note_on, program
from tests.fakes.commands import words
from tests.root import ROOT

HEAD = '[controller]\nname = "x"\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own mappings folder."""
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / name))
    folder = tmp_path / "twobar" / "mappings"
    folder.mkdir(parents=True)
    return folder


class Desk:
    """A mapper with the knobs that it moves."""

    def __init__(self, text: str) -> None:
        self.knobs = {name: spec.rest for name, spec in KNOBS.items()}
        parsed = mapping_file.parse(tomllib.loads(HEAD + text), where="desk.toml")
        self.mapper = Mapper(parsed, self.knobs.__getitem__)

    def feed(self, *messages: bytes) -> list[Command]:
        asked = []
        for message in messages:
            for command in self.mapper.feed(message):
                if isinstance(command, Turn):
                    self.knobs[command.knob] = command.value
                asked.append(command)
        return asked

    def values(self, *messages: bytes) -> list[float]:
        return [words(asked).value for asked in self.feed(*messages)]


def one(text: str) -> str:
    return f"[[control]]\n{text}\n"


# -- shipped files and where files are found -----------------------------------------------------


def test_the_schema_is_up_to_date() -> None:
    text = (ROOT / "mappings" / "schema.json").read_text(encoding="utf-8")
    assert text == mapping_schema.schema(), "write mapping_schema.schema() to mappings/schema.json"
    keys = json.loads(text)["$defs"]["Control"]["properties"]
    assert set(keys["knob"]["enum"]) == set(KNOBS)
    assert {action.split()[0] for action in keys["action"]["enum"]} == set(ACTIONS)


def test_the_default_binds_the_promised_controllers(home: Path) -> None:
    found = mapping.find("default")
    promised = ["morph", "vary", "density", "complexity", "register", "range", "dynamics", "temperature"]
    more = ["articulation", "polyphony", "swing", "gate", "feel", "stray"]
    bound = {c.cc: c.knob for c in found.control if c.cc}
    assert bound == dict(zip([*range(20, 32), 89, 90], promised + more, strict=True))
    assert {c.takeover for c in found.control if c.cc} == {"scale"}
    pads = {c.note: c.action for c in found.control if c.note and c.channel == 10}
    assert [pads[36 + number] for number in range(4)] == ["capture A", "capture B", "capture C", "capture D"]


def test_the_default_acts_at_once(home: Path) -> None:
    knobs = {name: spec.rest for name, spec in KNOBS.items()}
    mapper = Mapper(mapping.find("default"), knobs.__getitem__)
    assert mapper.feed(control(1, 22, 64)) == [Turn("density", 0.0, source="midi")]
    assert mapper.feed(control(5, 22, 127)) == [Turn("density", 1.0, source="midi")]
    knobs["density"] = 1.0
    assert mapper.feed(control(1, 20, 90)) == [], "it only tells where the pot is"
    assert mapper.feed(note_on(10, 37, 1)) == [StoreAnchor("B", source="midi")]


def test_the_user_s_mappings_come_first(home: Path) -> None:
    (home / "default.toml").write_text(HEAD)
    mine = '\ufeff[controller]\nname = "mine"\nmatch = ["nanokontrol2 midi"]\n'  # as an editor begins it
    (home / "mine.toml").write_text(mine, encoding="utf-8")
    assert mapping.find("default").controller.name == "x"
    assert mapping.choose("mine").controller.name == "mine"
    assert mapping.Library().file_for("nanoKONTROL2 MIDI 1") == home / "mine.toml"
    assert "mine" not in mapping.shipped()


def test_by_path(tmp_path: Path, home: Path) -> None:
    (tmp_path / "desk.toml").write_text(HEAD)
    assert mapping.find(str(tmp_path / "desk.toml")).controller.name == "x"


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("defalt", ["mapping 'defalt'", "korg-nanokontrol2", "did you mean 'default'"]),
        ("defalt.toml", ["mapping file 'defalt.toml'", "did you mean 'default'"]),
        ("./nowhere/x", ["mapping file './nowhere/x'", "default"]),
    ],
)
def test_unknown_mappings_are_named(name: str, texts: list[str], home: Path) -> None:
    with pytest.raises(UsageError) as caught:
        mapping.find(name)
    for text in texts:
        assert text in str(caught.value)


def test_the_page_names_everything(home: Path) -> None:
    page = (ROOT / "docs" / "mappings.md").read_text(encoding="utf-8")
    keys = json.loads(mapping_schema.schema())["$defs"]["Control"]["properties"]
    for word in (*KNOBS, *ACTIONS, *mapping.shipped(), *keys):
        assert f"`{word}" in page, word
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        assert mapping_file.parse(tomllib.loads(example), where="docs/mappings.md").control


# -- at work -------------------------------------------------------------------------------------


def test_the_same_number_on_two_channels_is_two_sources() -> None:
    desk = Desk(one('cc = 1\nchannel = 1\naction = "start"') + one('cc = 1\nchannel = 2\naction = "stop"'))
    assert desk.feed(control(2, 1, 127), control(1, 1, 127)) == [Stop(source="midi"), Start(source="midi")]


def test_seven_bits_meet_both_ends_and_the_centre() -> None:
    desk = Desk(one('cc = 70\nknob = "density"\ntakeover = "jump"'))
    assert desk.values(control(1, 70, 0), control(9, 70, 64), control(1, 70, 127)) == [-1.0, 0.0, 1.0]


def test_range_and_curve() -> None:
    desk = Desk(one('cc = 1\nknob = "tempo"\ntakeover = "jump"\ncurve = "s"\nrange = [100, 140]'))
    low, middle, high = desk.values(control(1, 1, 0), control(1, 1, 32), control(1, 1, 127))
    assert (low, high) == (100.0, 140.0)
    assert 100.0 < middle < 110.0


def test_pickup_is_what_a_control_does_by_default() -> None:
    desk = Desk(one('cc = 1\nknob = "stray"'))
    desk.knobs["stray"] = 0.5
    assert desk.values(control(1, 1, 10)) == []
    assert desk.mapper.waiting() == {"stray": pytest.approx(10 / 127)}
    assert desk.values(control(1, 1, 70)) == [pytest.approx(70 / 127)]
    assert desk.mapper.waiting() == {}
    desk.knobs["stray"] = 0.0
    assert desk.mapper.waiting() == {"stray": pytest.approx(70 / 127)}
    assert desk.values(control(1, 1, 71)) == []


@pytest.mark.parametrize("upper_first", [True, False])
def test_fourteen_bits(upper_first: bool) -> None:
    desk = Desk(one('cc14 = 3\nchannel = 2\nknob = "density"\ntakeover = "jump"'))
    sent = []
    for number in (0, 8192, 8160, 8230, 16383):
        halves = [control(2, 3, number >> 7), control(2, 35, number & 127)]
        assert desk.values(halves[0 if upper_first else 1]) == []
        sent += desk.values(halves[1 if upper_first else 0])
    assert (sent[0], sent[1], sent[4]) == (-1.0, 0.0, 1.0)
    assert sent[2] == pytest.approx(-32 / 8192)
    assert sent[3] == pytest.approx(38 / 8191)
    assert desk.mapper.consumes(control(2, 3, 0))
    assert desk.mapper.consumes(control(2, 35, 0))
    assert not desk.mapper.consumes(control(1, 3, 0))


def nrpn(channel: int, number: int, value: int) -> list[bytes]:
    return [
        control(channel, 99, number >> 7),
        control(channel, 98, number & 127),
        control(channel, 6, value >> 7),
        control(channel, 38, value & 127),
    ]


def test_nrpn() -> None:
    desk = Desk(
        one('nrpn = 300\nknob = "density"\ntakeover = "jump"')
        + one('nrpn = 5\nknob = "stray"\ntakeover = "jump"')
    )
    assert desk.values(*nrpn(1, 300, 8192), *nrpn(1, 300, 16383)) == [0.0, 1.0]
    assert desk.feed(*nrpn(1, 301, 0)) == []
    assert desk.feed(*nrpn(2, 5, 16383)) == [Turn("stray", 1.0, source="midi")]
    more = [control(2, 6, 0), control(2, 38, 0)]
    assert desk.values(*more) == [0.0]
    assert all(desk.mapper.consumes(part) for part in nrpn(1, 300, 0))


def test_nrpn_of_seven_bits() -> None:
    desk = Desk(one('nrpn = 5\nknob = "stray"\ntakeover = "jump"'))
    first, second = nrpn(1, 5, 127 << 7)[:3], nrpn(1, 5, 0)[:3]
    assert desk.values(*first, *second, *first) == [1.0, 0.0, 1.0]


def test_registered_parameters_pass_beside_nrpns() -> None:
    desk = Desk(one('nrpn = 5\nknob = "stray"\ntakeover = "jump"'))
    desk.feed(*nrpn(1, 5, 100))
    bend_range = [control(1, 101, 0), control(1, 100, 0), control(1, 6, 12), control(1, 38, 0)]
    for message in bend_range:
        assert desk.feed(message) == []
        assert not desk.mapper.consumes(message)


@pytest.mark.parametrize(
    ("encoder", "up", "down"),
    [
        ("twos_complement", 1, 127),
        ("sign_magnitude", 1, 65),
        ("binary_offset", 65, 63),
        ("offset_16", 17, 15),
        ("up_down", 127, 0),
    ],
)
def test_encoders_step_and_stay_in_range(encoder: str, up: int, down: int) -> None:
    desk = Desk(one(f'cc = 1\nencoder = "{encoder}"\nknob = "density"\nstep = 0.1'))
    assert desk.values(*[control(1, 1, up)] * 12)[-3:] == [1.0, 1.0, 1.0]
    assert desk.values(*[control(1, 1, down)] * 10)[-1] == 0.0
    assert desk.values(control(1, 1, down)) == [-0.1]


def test_an_encoder_goes_on_from_where_others_left_the_knob() -> None:
    desk = Desk(one('cc = 1\nencoder = "binary_offset"\nknob = "tempo"\nstep = 1\nrange = [60, 180]'))
    desk.knobs["tempo"] = 100.0
    assert desk.values(control(1, 1, 65), control(1, 1, 67)) == [101.0, 104.0]
    desk.knobs["tempo"] = 30.0
    assert desk.values(control(1, 1, 63)) == [60.0]


def test_pads_call_actions_once() -> None:
    desk = Desk(one('note = 36\nchannel = 10\naction = "capture A"'))
    pad = [note_on(10, 36, 100), note_on(10, 36, 0), note_off(10, 36), bytes((0xA9, 36, 50))]
    assert desk.feed(*pad) == [StoreAnchor("A", source="midi")]
    assert all(desk.mapper.consumes(message) for message in pad)
    for other in (note_on(1, 36, 100), note_off(1, 36), note_on(10, 37, 100), note_off(10, 37)):
        assert desk.feed(other) == []
        assert not desk.mapper.consumes(other)


@pytest.mark.parametrize("pressure", [bytes((0xD9, 80)), bytes((0xA9, 37, 80))])
def test_the_pressure_of_a_pad_is_no_vibrato_of_the_keys(pressure: bytes) -> None:
    desk = Desk(one('note = 36\nchannel = 10\naction = "capture A"'))
    assert desk.mapper.consumes(pressure)
    desk.feed(note_on(10, 36, 100))
    assert desk.mapper.consumes(pressure)
    assert not desk.mapper.consumes(bytes((0xD0, 80)))
    desk.feed(note_on(10, 37, 100))  # which sounds
    assert not desk.mapper.consumes(pressure)
    assert desk.mapper.consumes(bytes((0xA9, 36, 80)))


def test_a_pad_of_any_channel_has_its_pressure_and_the_keys_beside_it_theirs() -> None:
    desk = Desk(one('note = 36\naction = "capture A"'))
    assert not desk.mapper.consumes(bytes((0xD0, 80)))
    desk.feed(note_on(1, 36, 100))
    assert desk.mapper.consumes(bytes((0xD0, 80)))
    desk.feed(note_on(1, 60, 100))
    assert not desk.mapper.consumes(bytes((0xD0, 80)))


def test_one_press_is_one_action_however_often_it_repeats_its_value() -> None:
    press, release = control(1, 41, 127), control(1, 41, 0)
    desk = Desk(one('cc = 41\naction = "start"'))
    assert len(desk.feed(press, release, press, press, press, release, press)) == 3
    sweep = [control(1, 41, number) for number in range(128)]
    assert len(desk.feed(*sweep)) == 1, "a fader calls once on its way up"
    pad = Desk(one('note = 41\naction = "start"'))
    assert len(pad.feed(note_on(1, 41, 90), note_on(1, 41, 40), note_off(1, 41), note_on(1, 41, 9))) == 2


def test_a_switch_that_never_tells_its_release_calls_at_each_press() -> None:
    desk = Desk(one('cc = 41\naction = "start"'))
    at = [0, 20, 40, 300, 320, 600]  # ms: pressed three times, and held twice
    pressed = [bool(desk.mapper.feed(control(1, 41, 127), ms * 1_000_000)) for ms in at]
    assert pressed == [True, False, False, True, False, True]


def test_a_button_that_toggles_calls_at_each_change() -> None:
    desk = Desk(one('cc = 41\nbutton = "toggle"\naction = "freeze"'))
    assert len(desk.feed(*(control(1, 41, value) for value in (127, 127, 0, 0, 127)))) == 3


def test_a_pot_that_flickers_is_no_touch() -> None:
    desk = Desk(one('cc = 20\nknob = "density"\ntakeover = "jump"'))
    desk.feed(control(1, 20, 80))
    assert desk.feed(*(control(1, 20, 80 + step % 2) for step in range(50))) == []
    turned = desk.values(*(control(1, 20, value) for value in (81, 82, 83, 84, 83, 84, 83)))
    assert turned == pytest.approx([(82 - 64) / 63, (83 - 64) / 63, (84 - 64) / 63])
    assert desk.values(*(control(1, 20, value) for value in (65, 64, 65, 64))) == [pytest.approx(1 / 63), 0.0]


@given(
    st.sampled_from(["pickup", "scale"]),
    st.sampled_from(["linear", "exp", "log", "s"]),
    st.sampled_from(["density", "stray", "gate"]),
    st.lists(st.tuples(st.sampled_from(["pot", "pot", "pot", "knob"]), st.integers(0, 127)), max_size=40),
)
def test_nothing_leaps_farther_than_the_pot(
    law: str, curve: str, knob: str, gestures: list[tuple[str, int]]
) -> None:
    desk = Desk(one(f'cc = 20\nknob = "{knob}"\ntakeover = "{law}"\ncurve = "{curve}"'))
    spec, shape = KNOBS[knob], (KNOBS[knob].low, KNOBS[knob].high, CURVES[curve])
    last: int | None = None
    for who, number in gestures:
        before = desk.knobs[knob]
        if who == "knob":
            desk.knobs[knob] = spec.low + (spec.high - spec.low) * number / 127
            continue
        desk.feed(control(1, 20, number))
        place, step = value_at(number, 127, *shape), step_at(number, 127, *shape)
        moved = 0.0 if last is None else abs(place - value_at(last, 127, *shape))
        assert abs(desk.knobs[knob] - before) <= max(moved, step) + 1e-9
        steady = desk.mapper._bound[0]._steady.number
        last = last if steady is None else steady


def test_nrpn_steps() -> None:
    desk = Desk(one('nrpn = 300\nencoder = "increment"\nknob = "density"\nstep = 0.1'))
    chosen = [control(1, 99, 2), control(1, 98, 44)]
    assert desk.values(*chosen, control(1, 96, 1), control(1, 96, 0), control(1, 97, 127)) == [0.1, 0.2, 0.1]
    assert desk.mapper.consumes(control(1, 96, 0))
    assert desk.feed(control(1, 98, 45), control(1, 96, 0)) == []


def test_other_sources() -> None:
    desk = Desk(
        one('pitch_bend = true\nknob = "register"\ntakeover = "jump"')
        + one('aftertouch = true\nchannel = 1\nknob = "dynamics"\ntakeover = "jump"')
        + one('poly_aftertouch = 60\nknob = "stray"\ntakeover = "jump"')
        + one('program = 4\naction = "scene 3"')
    )
    sent = [
        bytes((0xE3, 0, 64)),
        bytes((0xE3, 127, 127)),
        bytes((0xD0, 127)),
        bytes((0xA5, 60, 127)),
        program(7, 4),
    ]
    assert [*map(words, desk.feed(*sent))] == [
        ("knob", "register", 0.0),
        ("knob", "register", 1.0),
        ("knob", "dynamics", 1.0),
        ("knob", "stray", 1.0),
        ("scene", "3", 0.0),
    ]
    assert all(desk.mapper.consumes(message) for message in sent)
    for other in (bytes((0xD1, 127)), bytes((0xA5, 61, 127)), program(7, 5), note_on(1, 60, 1)):
        assert not desk.mapper.consumes(other)


EVERYTHING = (
    one('cc = 1\nknob = "density"')
    + one('cc14 = 2\nknob = "stray"\ntakeover = "scale"')
    + one('nrpn = 3\nknob = "gate"\ntakeover = "scale"\ncurve = "exp"')
    + one('cc = 7\nencoder = "sign_magnitude"\nknob = "tempo"')
    + one('pitch_bend = true\nknob = "range"')
    + one('aftertouch = true\nknob = "volume"\ncurve = "log"')
    + one('note = 36\naction = "panic"')
    + one('program = 1\naction = "tap"')
)


@given(
    st.lists(
        st.binary(max_size=5)
        | st.builds(
            lambda status, *data: bytes((status, *data)),
            st.integers(0x80, 0xFF),
            st.sampled_from([1, 2, 3, 6, 7, 34, 36, 38, 98, 99]) | st.integers(0, 127),
            st.integers(0, 127),
        ),
        max_size=60,
    )
)
def test_no_bytes_stop_it_or_leave_the_range(messages: list[bytes]) -> None:
    desk = Desk(EVERYTHING)
    for message in messages:
        commands = desk.feed(message)
        assert len(commands) <= 1
        assert not commands or desk.mapper.consumes(message)
        for name, argument, value in map(words, commands):
            if name == "knob":
                assert KNOBS[argument].low <= value <= KNOBS[argument].high
            else:
                assert name in ACTIONS
    assert desk.mapper.waiting().keys() <= KNOBS.keys()
