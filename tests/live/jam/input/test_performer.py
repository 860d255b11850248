"""The performer's thru: what keyboards share on one channel, and what they leave behind."""

import pytest

from live.timing.midi_bytes import control, is_channel_message, note_off, note_on
from live.timing.timeline import Nanos
from tests.fakes.commands import command
from tests.fakes.keyboards import from_hex, play, thru
from tests.fakes.stage import Stage

NOW = Nanos(0)
BENT, CENTRED = b"\xe0\x00\x7f", b"\xe0\x00\x40"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize(
    ("moved", "rest"),
    [
        (control(3, 64, 127), "b0 40 00"),
        (control(3, 66, 127), "b0 42 00"),
        (control(3, 1, 90), "b0 01 00"),
        (control(3, 11, 0), "b0 0b 7f"),
        (b"\xe2\x00\x7f", "e0 00 40"),
        (b"\xd2\x50", "d0 00"),
        (b"\xa2\x3c\x50", "a0 3c 00"),
    ],
)
def test_what_springs_back_goes_to_rest_when_the_cable_is_pulled(moved: bytes, rest: str) -> None:
    stage = Stage()
    play(stage, ("A", note_on(3, 60, 90)), ("A", moved), ("A", note_off(3, 60)))
    thru(stage)
    stage.jam.performer.release(NOW, port="A")
    assert thru(stage) == [rest]
    stage.jam.performer.release(NOW, port="A")
    assert thru(stage) == []


def test_one_keyboard_s_cable_leaves_the_other_s_pedal_and_wheel(stage: Stage) -> None:
    play(stage, ("A", control(1, 64, 127)), ("B", note_on(1, 60, 90)), ("A", BENT))
    thru(stage)
    stage.jam.performer.release(NOW, port="B")
    assert thru(stage) == ["80 3c 40"]


def test_a_pedal_that_two_hold_lifts_with_the_last_foot(stage: Stage) -> None:
    play(stage, ("A", control(1, 64, 127)), ("B", control(1, 64, 127)), ("A", control(1, 64, 0)))
    assert thru(stage) == ["b0 40 7f"]
    play(stage, ("B", control(1, 64, 0)))
    assert thru(stage) == ["b0 40 00"]


def test_half_a_pedal_under_another_s_foot_is_what_is_left(stage: Stage) -> None:
    play(stage, ("A", control(1, 64, 50)), ("B", control(1, 64, 127)))
    thru(stage)
    stage.jam.performer.release(NOW, port="B")
    assert thru(stage) == ["b0 40 32"]


def test_of_two_wheels_the_one_moved_last_counts(stage: Stage) -> None:
    play(stage, ("A", BENT), ("B", CENTRED), ("A", BENT))
    assert thru(stage) == ["e0 00 7f", "e0 00 40", "e0 00 7f"]
    stage.jam.performer.release(NOW, port="A")
    assert thru(stage) == ["e0 00 40"]


def test_thru_switched_off_under_a_pedal_lifts_it_and_on_again_finds_it(stage: Stage) -> None:
    play(stage, ("A", control(1, 64, 127)), ("A", note_on(1, 60, 90)), ("A", BENT))
    thru(stage)
    stage.jam.performer.thru.toggle(NOW)
    assert thru(stage) == ["80 3c 40", "b0 40 00", "e0 00 40"]
    play(stage, ("A", CENTRED), ("A", note_on(1, 64, 90)))
    assert thru(stage) == []
    stage.jam.performer.thru.toggle(NOW)
    assert thru(stage) == ["b0 40 7f"]
    play(stage, ("A", control(1, 64, 0)))
    assert thru(stage) == ["b0 40 00"]


def test_a_key_that_outlasts_thru_off_stays_with_the_capture() -> None:
    stage = Stage.begun()
    stage.at_tick(0, note_on(1, 60, 90))
    stage.at_tick(240, command("thru"))
    stage.at_tick(960, note_off(1, 60))
    stage.run_to_tick(1000)
    (note,) = stage.jam.capture.between(-10, 100, 1000)  # type: ignore[arg-type]
    assert (note.start, note.end) == (0, 960)
    assert stage.hanging() == set()


def test_a_key_struck_with_thru_off_holds_no_other_s_note_on(stage: Stage) -> None:
    stage.jam.performer.thru.toggle(NOW)
    play(stage, ("A", note_on(1, 60, 90)))
    stage.jam.performer.thru.toggle(NOW)
    play(stage, ("B", note_on(1, 60, 90)), ("B", note_off(1, 60)))
    assert stage.hanging() == set()


ROLAND = ["A 90 3c 5a", "A b0 7b 00"]


def test_all_notes_off_from_one_keyboard_is_the_end_of_its_keys_alone(stage: Stage) -> None:
    play(stage, *from_hex(["B 90 3c 5a", "B 90 40 5a", *ROLAND]))
    assert stage.hanging() == {(0, 60), (0, 64)}
    assert "b0 7b 00" not in thru(stage)
    assert stage.jam.performer.down() == [60, 64]


def test_all_notes_off_as_the_end_of_a_note_leaves_the_next_one_free(stage: Stage) -> None:
    play(stage, *from_hex([*ROLAND, "B 90 3c 5a", "B 80 3c 00"]))
    assert thru(stage) == ["90 3c 5a", "80 3c 40", "90 3c 5a", "80 3c 00"]
    assert stage.jam.performer.down() == []


def test_all_notes_off_ends_the_note_in_the_capture_too() -> None:
    stage = Stage.begun()
    stage.at_tick(0, note_on(1, 60, 90))
    stage.at_tick(480, control(1, 123, 0))
    stage.run_to_tick(960)
    (note,) = stage.jam.capture.between(-10, 100, 960)  # type: ignore[arg-type]
    assert note.end == 480


@pytest.mark.parametrize(
    ("message", "alone", "beside_another"),
    [
        ("b0 78 00", ["80 3c 40", "b0 78 00"], ["80 3c 40"]),
        ("b0 7e 01", ["80 3c 40", "b0 7e 01"], ["80 3c 40"]),
        ("b0 7d 00", ["80 3c 40"], ["80 3c 40"]),
        ("b0 79 00", ["b0 40 00", "b0 79 00"], ["b0 40 00"]),
    ],
)
def test_mode_messages_touch_no_other_keyboard(
    message: str, alone: list[str], beside_another: list[str]
) -> None:
    for others, expected in (([], alone), (["B 90 40 5a", "B e0 00 7f"], beside_another)):
        stage = Stage()
        play(stage, *from_hex([*others, "A 90 3c 5a", "A b0 40 7f"]))
        thru(stage)
        play(stage, *from_hex(["A " + message]))
        assert thru(stage) == expected


def test_what_a_keyboard_leaves_ends_in_the_take_too(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[str] = []
    stage = Stage()
    monkeypatch.setattr(stage, "played", lambda _tick, data: recorded.append(data.hex(" ")))
    play(stage, ("A", note_on(2, 60, 90)), ("A", control(2, 64, 127)))
    recorded.clear()
    stage.jam.performer.release(NOW, port="A")
    assert recorded == ["81 3c 40", "b1 40 00"]


def test_panic_brings_every_channel_s_controllers_to_rest(stage: Stage) -> None:
    play(stage, ("A", BENT), ("A", control(1, 11, 0)), ("A", control(1, 1, 90)))
    stage.sent.clear()
    stage.jam.panic(NOW)
    left = thru(stage)
    for channel in range(16):
        for data in ((0xB0, 121, 0), (0xB0, 11, 127), (0xE0, 0, 64)):
            assert bytes((data[0] | channel, *data[1:])).hex(" ") in left
    stage.jam.performer.release(NOW)
    assert thru(stage) == []


def test_what_is_no_whole_message_goes_nowhere(stage: Stage) -> None:
    for data in (b"\x90", b"\x90\x3c", b"\xb0\x7b", b"\xe0\x00"):
        assert not is_channel_message(data)
        play(stage, ("A", data))
    assert thru(stage) == []
