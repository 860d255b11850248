"""The desk: a mapping for each port, what was touched last, and controls that learn."""

from pathlib import Path

import platformdirs
import pytest

from live.control.desk import Desk, Learned
from live.errors import UsageError
from live.ipc.commands import Command, StoreAnchor, Turn
from live.ipc.snapshot import ControllerView, TouchView
from live.settings.knobs import KNOBS
from live.timing.midi_bytes import Received, control, note_off, note_on, program
from live.timing.timeline import Nanos

MS = 1_000_000
MPK, NANO, PLAIN = "MPK mini 3:MPK mini 3 MIDI 1 20:0", "nanoKONTROL2 24:0", "Old keys:Old keys MIDI 1 28:0"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own mappings folder."""
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / name))
    folder = tmp_path / "twobar" / "mappings"
    folder.mkdir(parents=True)
    return folder


class Hands:
    """A desk, its knobs and its time."""

    def __init__(self, *ports: str, choice: str = "auto") -> None:
        self.knobs = {name: spec.rest for name, spec in KNOBS.items()}
        self.said: list[str] = []
        self.told: list[str] = []
        self.desk = Desk(
            self.knobs.__getitem__,
            choice=choice,
            say=self.said.append,
            tell=self.told.append,
            aside=lambda work: work(),
        )
        self.ms = 1000
        for port in ports:
            self.desk.plug(port)

    def received(self, port: str, data: bytes) -> Received:
        return Received(Nanos(self.ms * MS), data, port)

    def touch(self, port: str, *messages: bytes) -> list[Command]:
        asked = []
        for data in messages:
            self.ms += 20
            for command in self.desk.feed(self.received(port, data)):
                if isinstance(command, Turn):
                    self.knobs[command.knob] = command.value
                asked.append(command)
        return asked

    def learn(self, target: str, port: str, *messages: bytes) -> Learned | None:
        self.desk.learn(target)
        self.touch(port, *messages)
        return self.wait()

    def wait(self) -> Learned | None:
        for _ in range(60):
            self.ms += 50
            learned = self.desk.advance(self.ms * MS)
            if learned is not None:
                return learned
        return None


def turned(number: int, *, channel: int = 1) -> list[bytes]:
    """A pot that is turned up and back."""
    return [control(channel, number, value) for value in (*range(50, 76, 2), *range(76, 40, -2))]


def test_two_controllers_have_a_mapping_each(home: Path) -> None:
    hands = Hands(MPK, NANO, PLAIN)
    assert hands.desk.name == "Akai MPK mini mk3, Korg nanoKONTROL2, Any controller"
    centre = [control(1, number, 64) for number in (70, 16, 22)]
    assert [turn.knob for turn in hands.touch(MPK, *centre) if isinstance(turn, Turn)] == ["density"]
    morph = [control(1, 16, 0), control(1, 16, 10)]
    assert [turn.knob for turn in hands.touch(NANO, *morph) if isinstance(turn, Turn)] == ["morph", "morph"]
    assert hands.touch(PLAIN, control(1, 22, 64)) == [Turn("density", 0.0, source="midi")]


def test_a_named_mapping_holds_for_all_but_each_port_has_its_own_hands(home: Path) -> None:
    hands = Hands(MPK, NANO, choice="default")
    hands.touch(MPK, control(1, 22, 64), control(1, 22, 90))
    assert hands.touch(NANO, control(1, 22, 20)) == []
    assert hands.desk.waiting() == {}
    with pytest.raises(UsageError, match="did you mean 'default'"):
        Hands(choice="defualt")


def test_a_typo_in_a_mapping_costs_one_sentence_and_that_control(home: Path) -> None:
    (home / "akai-mpk-mini-mk3.toml").write_text(
        '[controller]\nname = "mine"\nmatch = ["MPK mini 3"]\n'
        '[[control]]\ncc = 1\nknob = "densty"\n[[control]]\ncc = 2\nknobb = "stray"\n'
        '[[control]]\ncc = 3\nknob = "gate"\n[[control]]\ncc = 3\nknob = "feel"\n'
    )
    hands = Hands(MPK)
    assert [c.knob for c in hands.desk.mapping_of(MPK).control] == ["gate"]
    assert len(hands.said) == 3
    assert "control 1 (CC 1)" in hands.said[0]
    assert "did you mean 'density'" in hands.said[0]
    assert "'knobb' in control 2" in hands.said[1]
    assert "control 4 (CC 3) listens to what control 3 already has" in hands.said[2]
    (home / "akai-mpk-mini-mk3.toml").write_text(
        '[controller]\nname = "mine"\nmatch = ["MPK mini 3"]\n[[cont'
    )
    hands = Hands(MPK)
    assert hands.desk.mapping_of(MPK).controller.name == "Any controller"
    assert len(hands.said) == 1
    assert "not valid TOML" in hands.said[0]


def test_what_was_touched_last_and_what_it_does(home: Path) -> None:
    hands = Hands(MPK)
    assert hands.desk.touched() is None
    hands.touch(MPK, control(1, 70, 64))
    assert hands.desk.touched() == TouchView("MPK mini 3 MIDI 1", "CC 70", "density")
    hands.touch(MPK, control(1, 22, 64), note_on(1, 60, 90), note_off(1, 60))
    assert hands.desk.touched() == TouchView("MPK mini 3 MIDI 1", "CC 22", "")
    hands.touch(MPK, control(1, 70, 65), note_on(10, 36, 90), control(1, 22, 65))
    assert hands.desk.touched() == TouchView("MPK mini 3 MIDI 1", "note 36 on channel 10", "capture A")
    hands.desk.commanded(Turn("stray", 0.3, source="osc"))
    assert hands.desk.touched() == TouchView("OSC", "", "stray")
    hands.touch(MPK, program(1, 3))
    assert hands.desk.touched() == TouchView("MPK mini 3 MIDI 1", "program 3", "")
    assert hands.desk.touched(calls_songs=True) == TouchView("MPK mini 3 MIDI 1", "program 3", "song 4")


def test_a_knob_is_learned_while_it_plays_and_active_at_once(home: Path) -> None:
    hands = Hands(MPK)
    hands.desk.learn("density")
    assert hands.desk.consumes(hands.received(MPK, control(1, 74, 3)))
    assert not hands.desk.consumes(hands.received(MPK, note_on(1, 60, 90)))
    assert hands.touch(MPK, control(1, 70, 64), note_on(1, 60, 90)) == [], "it listens only"
    hands.desk.learn("density")
    hands.touch(MPK, *turned(20, channel=3))
    learned = hands.wait()
    assert learned is not None
    assert (learned.control.cc, learned.control.channel, learned.control.knob) == (20, 3, "density")
    assert learned.fitting
    view = hands.desk.lesson_view()
    assert view is not None
    assert (view.state, view.text) == ("learned", "MPK mini 3 MIDI 1 · CC 20 on channel 3, a knob or fader")
    assert [type(one) for one in hands.touch(MPK, *turned(20, channel=3))][:1] == [Turn]
    assert hands.desk.touched() == TouchView("MPK mini 3 MIDI 1", "CC 20 on channel 3", "density")
    hands.desk.unlearn(learned)
    assert hands.desk.touched() == TouchView("MPK mini 3 MIDI 1", "CC 20", "")
    hands.knobs["density"] = 0.0
    assert hands.touch(MPK, *turned(20, channel=3)) == []
    assert hands.touch(MPK, control(1, 70, 64)) == [Turn("density", 0.0, source="midi")]


def test_a_knob_that_still_moves_from_the_lesson_before_is_not_taken_for_the_next(home: Path) -> None:
    hands = Hands(MPK)
    hands.desk.learn("density")
    hands.touch(MPK, *turned(20))
    assert hands.desk.advance(hands.ms * MS + 2000 * MS) is not None
    hands.desk.learn("stray")
    hands.touch(MPK, *turned(20), *turned(21))
    learned = hands.wait()
    assert learned is not None
    assert (learned.control.cc, learned.control.knob) == (21, "stray")
    hands.ms += 500
    learned = hands.learn("gate", MPK, *turned(20))  # it has rested meanwhile: touched anew
    assert learned is not None
    assert (learned.control.cc, learned.instead_of) == (20, "density")


def test_what_it_did_before_it_does_no_more(home: Path) -> None:
    hands = Hands(MPK)
    learned = hands.learn("gate", MPK, *turned(70))
    assert learned is not None
    assert {c.knob for c in hands.desk.mapping_of(MPK).control if c.cc == 70} == {"gate"}
    assert hands.learn("capture B", MPK, note_on(10, 36, 90), note_off(10, 36)) is not None
    assert hands.touch(MPK, note_on(10, 36, 90)) == [StoreAnchor("B", source="midi")]


@pytest.mark.parametrize(
    ("target", "messages", "sentence"),
    [
        ("panic", [control(1, 9, value) for value in (1, 1, 2, 1, 127, 127, 126)], "calls no action"),
        ("panic", [bytes((0xE0, 0, 64 + n)) for n in range(9)], "springs back"),
        ("density", [bytes((0xC0, 5))], "turns no knob"),
        ("density", [note_on(10, 40, 90), note_off(10, 40)] * 2, "a pad or key turns no knob"),
    ],
)
def test_what_cannot_do_it_is_said_and_it_listens_on(
    target: str, messages: list[bytes], sentence: str, home: Path
) -> None:
    hands = Hands(MPK)
    assert hands.learn(target, MPK, *messages) is None
    view = hands.desk.lesson_view()
    assert view is not None
    assert view.state == "refused"
    assert sentence in view.text
    hands.touch(MPK, *(turned(20) if target == "density" else [control(1, 41, 127), control(1, 41, 0)]))
    assert hands.wait() is not None


def test_nothing_known_by_that_name(home: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'density'"):
        Hands().desk.learn("densty")


def test_a_controller_that_comes_back_has_the_file_as_it_is_by_then(home: Path) -> None:
    hands = Hands(PLAIN)
    hands.desk.unplug(PLAIN)
    (home / "old-keys.toml").write_text('[controller]\nname = "mine"\nmatch = ["Old keys"]\n')
    hands.desk.plug(PLAIN)
    assert hands.desk.name == "mine"


# -- mappings chosen by name -------------------------------------------------------------------------

MINE = """
[controller]
name = "Mine"
[[control]]
cc = 99
knob = "swing"
"""


def test_a_mapping_is_chosen_by_name_for_the_port_that_is_meant_and_who_calls_a_scene_is_told_nothing(
    home: Path,
) -> None:
    (home / "mine.toml").write_text(MINE)
    hands = Hands(MPK, NANO)
    before = hands.desk.chosen()
    assert before == {"MPK mini 3 MIDI 1": "akai-mpk-mini-mk3", "nanoKONTROL2": "korg-nanokontrol2"}
    wanted = before | {"nanoKONTROL2": "mine"}
    hands.desk.choose(wanted)
    hands.desk.choose(wanted)
    assert hands.desk.chosen() == wanted
    assert (hands.told, hands.said) == ([], [])
    assert [type(asked) for asked in hands.touch(NANO, control(1, 99, 0), control(1, 99, 5))] == [Turn, Turn]
    assert hands.touch(NANO, control(1, 16, 0), control(1, 16, 10)) == []
    hands.desk.choose(before)
    assert hands.desk.chosen() == before
    assert hands.touch(NANO, control(1, 99, 9)) == []


def test_a_mapping_that_is_not_there_is_said_once_and_nothing_changes(home: Path) -> None:
    hands = Hands(NANO)
    for _ in range(3):
        hands.desk.choose({"nanoKONTROL2": "mime"})
    assert hands.desk.chosen() == {"nanoKONTROL2": "korg-nanokontrol2"}
    (sentence,) = hands.said
    assert sentence.startswith("unknown mapping 'mime'; ")
    assert sentence.endswith("; nanoKONTROL2 stays with korg-nanokontrol2")


def test_a_mapping_is_picked_by_hand_for_one_controller_or_for_all(home: Path) -> None:
    (home / "mine.toml").write_text(MINE)
    hands = Hands(MPK, NANO)
    assert {"mine", "korg-nanokontrol2"} <= set(hands.desk.names)
    hands.desk.pick("mine", "nanoKONTROL2")
    assert hands.desk.controllers() == [
        ControllerView("MPK mini 3 MIDI 1", "akai-mpk-mini-mk3"),
        ControllerView("nanoKONTROL2", "mine"),
    ]
    hands.desk.pick("footswitch")
    assert [*hands.desk.chosen().values()] == ["footswitch", "footswitch"]
    hands.desk.pick("auto")
    assert [*hands.desk.chosen().values()] == ["akai-mpk-mini-mk3", "korg-nanokontrol2"]
    (home / "late.toml").write_text(MINE)
    hands.told.clear()
    hands.desk.pick("late", "nanoKONTROL2")
    assert hands.told == ["mapping late for nanoKONTROL2"]
    assert hands.desk.chosen()["nanoKONTROL2"] == "late"
    assert "late" in hands.desk.names


@pytest.mark.parametrize("choice", ["auto", "footswitch"])
def test_auto_chooses_among_all_mappings_that_there_are_by_then(choice: str, home: Path) -> None:
    hands = Hands(NANO, PLAIN, choice=choice)
    hands.desk.pick("footswitch")
    (home / "mine.toml").write_text(MINE.replace('"Mine"', '"Mine"\nmatch = ["Old keys"]'))
    hands.desk.pick("auto")
    assert hands.desk.chosen() == {"Old keys MIDI 1": "mine", "nanoKONTROL2": "korg-nanokontrol2"}
    assert hands.told[-2:] == [
        "mapping korg-nanokontrol2 for nanoKONTROL2",
        "mapping mine for Old keys MIDI 1",
    ]
    (home / "mine.toml").unlink()
    hands.desk.pick("footswitch", "Old keys MIDI 1")
    hands.desk.pick("auto", "Old keys MIDI 1")
    assert hands.desk.chosen()["Old keys MIDI 1"] == "default"


def test_two_controllers_alike_have_the_mapping_that_is_picked_for_their_name(home: Path) -> None:
    twin = NANO.replace("24:0", "28:0")
    hands = Hands(NANO, twin)
    hands.desk.pick("footswitch", "nanoKONTROL2")
    assert [hands.desk.mapping_of(port).controller.name for port in (NANO, twin)] == ["A footswitch"] * 2


def test_what_cannot_be_picked_is_refused_in_one_sentence_each_time(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no controller is plugged in"):
        Hands().desk.pick("footswitch")
    hands = Hands(NANO)
    for _ in range(2):
        with pytest.raises(UsageError, match="did you mean 'footswitch'"):
            hands.desk.pick("footswich")
        with pytest.raises(UsageError, match="did you mean 'nanoKONTROL2'"):
            hands.desk.pick("footswitch", "nanoKONTROL")
        hands.desk.pick(str(tmp_path / "gone.toml"))
    assert len(hands.said) == 2
    assert hands.desk.chosen() == {"nanoKONTROL2": "korg-nanokontrol2"}


def test_a_port_that_comes_later_has_what_was_chosen_for_it(home: Path) -> None:
    (home / "mine.toml").write_text(MINE)
    hands = Hands()
    hands.desk.choose({"nanoKONTROL2": "mine"})
    hands.desk.plug(NANO)
    assert hands.desk.chosen() == {"nanoKONTROL2": "mine"}
    assert hands.desk.mapping_of(NANO).controller.name == "Mine"


def test_a_mapping_from_elsewhere_is_found_by_its_path(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE)
    hands = Hands(NANO, choice=str(tmp_path / "mine.toml"))
    assert hands.desk.chosen() == {"nanoKONTROL2": str(tmp_path / "mine.toml")}
    other = Hands(NANO)
    other.desk.choose(hands.desk.chosen())
    assert other.desk.mapping_of(NANO).controller.name == "Mine"


def test_what_was_learned_goes_by_the_name_of_the_file_that_it_is_written_into(home: Path) -> None:
    hands = Hands(PLAIN, NANO)
    learned = hands.learn("stray", PLAIN, *turned(55))
    assert learned is not None
    assert hands.desk.chosen()["Old keys MIDI 1"] == "old-keys-midi-1"
    hands.desk.unlearn(learned)
    assert hands.desk.chosen()["Old keys MIDI 1"] == "default"
    assert hands.learn("stray", NANO, *turned(55)) is not None
    assert hands.desk.chosen()["nanoKONTROL2"] == "korg-nanokontrol2"


# -- what a first user meets -------------------------------------------------------------------------

LAUNCHPAD = "Launchpad X:Launchpad X LPX MIDI In 20:1"


def test_pads_that_are_bound_to_nothing_are_no_keys_and_are_named_when_touched(home: Path) -> None:
    hands = Hands(LAUNCHPAD, PLAIN)
    unbound = note_on(1, 64, 90)
    assert hands.desk.consumes(hands.received(LAUNCHPAD, unbound))
    assert not hands.desk.consumes(hands.received(PLAIN, unbound))
    assert hands.touch(LAUNCHPAD, unbound, note_off(1, 64)) == []
    assert hands.desk.touched() == TouchView("Launchpad X LPX MIDI In", "note 64", "")


def test_a_keyboard_plays_under_a_mapping_that_was_made_for_pads(home: Path) -> None:
    hands = Hands(PLAIN, LAUNCHPAD, choice="novation-launchpad-x")
    assert not hands.desk.consumes(hands.received(PLAIN, note_on(1, 64, 90)))
    assert hands.desk.consumes(hands.received(LAUNCHPAD, note_on(1, 64, 90)))


def test_knobs_turn_on_any_channel_and_pads_call_on_channel_10_alone(home: Path) -> None:
    hands = Hands(PLAIN)
    for channel in (16, 1):
        hands.knobs["density"] = 0.0
        assert hands.touch(PLAIN, control(channel, 22, 64), control(channel, 22, 90))
        assert hands.knobs["density"] > 0.1
    assert hands.touch(PLAIN, note_on(10, 36, 90), note_off(10, 36)) == [StoreAnchor("A", source="midi")]
    for channel in (1, 9, 16):
        assert not hands.desk.consumes(hands.received(PLAIN, note_on(channel, 36, 90)))
    assert not hands.desk.consumes(hands.received(PLAIN, note_on(10, 60, 90)))


def test_wheels_and_pedals_that_flood_pass_and_a_newer_value_replaces_an_older_one(home: Path) -> None:
    hands = Hands(PLAIN)
    for data in (control(1, 1, 3), control(1, 64, 127), bytes((0xE0, 1, 64)), bytes((0xD0, 9))):
        one = hands.received(PLAIN, data)
        assert (hands.desk.consumes(one), hands.desk.replaceable(one)) == (False, True)
        assert hands.touch(PLAIN, data) == []
