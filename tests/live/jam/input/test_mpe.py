"""MPE keyboards: which channels are fingers', and how each finger's bend is kept in thru."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.jam.jam import PANIC
from live.settings.config import parse
from live.timing.midi_bytes import (
    Stream,
    channel_of,
    control,
    is_channel_message,
    is_note_off,
    is_note_on,
    note_off,
    note_on,
    program,
)
from live.timing.timeline import Nanos
from tests.fakes.keyboards import from_hex, play, thru
from tests.fakes.stage import Stage

NOW = Nanos(0)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def said(stage: Stage) -> list[str]:
    return [notice.text for notice in stage.jam.notices.lines if "MPE" in notice.text]


def declared(fingers: int, channel: int = 1) -> list[tuple[str, bytes]]:
    return [("A", control(channel, number, value)) for number, value in ((101, 0), (100, 6), (6, fingers))]


def test_fingers_of_a_declared_zone_bend_nothing_and_it_is_said_once(stage: Stage) -> None:
    play(stage, *declared(5), *declared(5))
    assert thru(stage) == ["b0 65 00", "b0 65 00"]
    (sentence,) = said(stage)
    assert 'mpe = "thru"' in sentence
    fingers = ["A 91 3c 5a", "A e1 00 7f", "A d1 50", "A b1 4a 60", "A b1 65 00", "A b1 64 00", "A b1 06 30"]
    play(stage, *from_hex(fingers))
    assert thru(stage) == ["90 3c 5a"]
    play(stage, *from_hex(["A e0 00 7f", "A e6 00 20", "A b1 40 7f", "B e1 00 7f", "A 81 3c 00"]))
    assert thru(stage) == ["e0 00 7f", "e0 00 20", "b0 40 7f", "e0 00 7f", "80 3c 00"]


def test_an_upper_zone_has_its_fingers_below_its_channel(stage: Stage) -> None:
    play(stage, *declared(3, channel=16))
    thru(stage)
    play(stage, *from_hex(["A ec 00 7f", "A ee 00 10", "A eb 00 20", "A ef 00 30"]))
    assert thru(stage) == ["e0 00 20", "e0 00 30"]


def test_a_zone_that_is_closed_or_whose_keyboard_goes_is_none(stage: Stage) -> None:
    play(stage, *declared(5), *declared(0))
    thru(stage)
    play(stage, *from_hex(["A e1 00 7f"]))
    assert thru(stage) == ["e0 00 7f"]
    play(stage, *declared(5))
    stage.jam.performer.release(NOW, port="A")
    thru(stage)
    play(stage, *from_hex(["A e1 00 7f"]))
    assert thru(stage) == ["e0 00 7f"]


def test_fingers_of_an_undeclared_zone_are_known_by_their_different_bends(stage: Stage) -> None:
    play(stage, *from_hex(["A 91 3c 5a", "A 92 40 5a", "A 93 43 5a", "A e1 00 41", "A e2 00 42"]))
    thru(stage)
    play(stage, *from_hex(["A e3 00 43", "A e1 00 50", "A e2 00 51"]))
    assert thru(stage) == ["e0 00 40"]
    assert len(said(stage)) == 1


def test_the_wheel_of_a_split_keyboard_is_no_finger(stage: Stage) -> None:
    play(stage, *from_hex(["A 91 3c 5a", "A 92 40 5a", "A 93 43 5a"]))
    for place in range(0x41, 0x7F):
        play(stage, *from_hex([f"A e{channel} 00 {place:02x}" for channel in (1, 2, 3)]))
    assert said(stage) == []


def test_another_registered_parameter_passes(stage: Stage) -> None:
    play(stage, *from_hex(["A b0 65 00", "A b0 64 00", "A b0 06 0c", "A b0 26 00"]))
    assert thru(stage) == ["b0 65 00", "b0 64 00", "b0 06 0c", "b0 26 00"]


# -- each finger on its own channel ------------------------------------------------------------------

CLEAR_OF_PARTS = {"instrument_channel": 13, "chords_channel": 14, "bass_channel": 15, "drum_channel": 16}


def following(**midi: object) -> Stage:
    return Stage(parse({"midi": {"mpe": "thru", "output": "virtual", **CLEAR_OF_PARTS, **midi}}))


def left(stage: Stage, voice: Stream = Stream.THRU) -> list[str]:
    """Return what has left as a voice since the last time, and forget it all."""
    messages = [sent.data.hex(" ") for sent in stage.sent if sent.voice is voice]
    stage.sent.clear()
    return messages


def zone_message(shared: int, fingers: int) -> list[str]:
    return [control(shared, number, value).hex(" ") for number, value in ((101, 0), (100, 6), (6, fingers))]


FINGERS = [
    "91 3c 5a",
    "e1 00 7f",
    "d1 50",
    "b1 4a 60",
    "92 40 5a",
    "e2 00 20",
    "a1 3c 10",
    "b0 40 7f",
    "e0 00 30",
]


def test_each_finger_leaves_on_its_channel_and_what_all_share_on_the_zones() -> None:
    stage = following(performer_channel=12)
    play(stage, *declared(5))
    assert left(stage)[-3:] == zone_message(1, 5)
    play(stage, *from_hex(f"A {message}" for message in FINGERS))
    assert left(stage) == FINGERS
    play(stage, *from_hex(["A 81 3c 10", "A 82 40 10", "A b0 40 00"]))
    assert left(stage) == ["81 3c 10", "82 40 10", "b0 40 00"]
    assert [notice.level for notice in stage.jam.notices.lines] == ["info"]


def test_other_keyboards_and_channels_outside_the_zone_leave_on_the_performers() -> None:
    stage = following(performer_channel=12)
    play(stage, *declared(5))
    left(stage)
    play(stage, *from_hex(["B 91 3c 5a", "B e1 00 7f", "A 98 3e 5a"]))
    assert left(stage) == ["9b 3c 5a", "eb 00 7f", "9b 3e 5a"]


def test_one_pitch_under_two_fingers_is_two_notes() -> None:
    stage = following()
    play(stage, *declared(5), *from_hex(["A 91 3c 5a", "A 92 3c 5a", "A 81 3c 00"]))
    assert stage.hanging() == {(2, 60)}


def test_a_key_held_while_a_zone_comes_or_goes_ends_where_it_began() -> None:
    stage = following(performer_channel=12)
    play(stage, *from_hex(["A 91 3c 5a", "A e1 00 7f"]), *declared(5))
    assert "eb 00 40" in left(stage)
    play(stage, *from_hex(["A 92 40 5a", "A 81 3c 00"]), *declared(0))
    assert left(stage) == ["92 40 5a", "8b 3c 00", "b0 65 00", *zone_message(1, 0)]
    play(stage, *from_hex(["A 82 40 00", "A 92 40 5a"]))
    assert left(stage) == ["82 40 00", "9b 40 5a"]


def test_a_key_struck_again_after_a_zone_has_come_ends_on_the_channel_before() -> None:
    stage = following(performer_channel=12)
    play(stage, *from_hex(["A 91 3c 5a"]), *declared(5), *from_hex(["A 91 3c 60"]))
    assert stage.hanging() == {(1, 60)}


def test_an_undeclared_zone_is_followed_without_declaring_it() -> None:
    stage = following()
    play(stage, *from_hex(["A 95 3c 5a", "A 96 40 5a", "A 97 43 5a", "A e5 00 41", "A e6 00 42"]))
    left(stage)
    play(stage, *from_hex(["A e7 00 43", "A 85 3c 00", "A 95 3c 50"]))
    assert left(stage) == ["e0 00 40", "e7 00 43", "80 3c 00", "95 3c 50"]


def test_all_notes_off_on_the_shared_channel_is_the_end_of_the_fingers_keys() -> None:
    stage = following()
    play(stage, *declared(5), *from_hex(["B 95 3c 5a", "A 91 3c 5a", "A 92 40 5a", "A b0 7b 00"]))
    assert stage.hanging() == {(0, 60)}
    assert stage.jam.performer.down() == [60]


BENT_FINGER = ["A 91 3c 5a", "A e1 00 7f", "A d1 50"]
AT_REST = ["81 3c 40", "e1 00 40", "d1 00"]


def test_a_finger_is_let_go_and_centred_when_its_keyboard_goes() -> None:
    stage = following()
    play(stage, *declared(5), *from_hex(BENT_FINGER))
    left(stage)
    stage.jam.performer.release(NOW, port="A")
    assert left(stage) == AT_REST


def test_thru_switched_off_lets_go_and_on_again_declares_the_zone_and_bends() -> None:
    stage = following()
    play(stage, *declared(5), *from_hex(BENT_FINGER))
    left(stage)
    stage.jam.performer.thru.toggle(NOW)
    assert left(stage) == AT_REST
    play(stage, *from_hex(["A 92 40 5a", "A e1 00 60"]))
    assert left(stage) == []
    stage.jam.performer.thru.toggle(NOW)
    bend_range = [message.hex(" ") for message in (control(2, 101, 0), control(2, 100, 0), control(2, 6, 48))]
    assert left(stage) == [*zone_message(1, 5), *bend_range, "e1 00 60", "d1 50"]


def test_after_a_panic_nothing_of_a_finger_is_left() -> None:
    stage = following()
    play(stage, *declared(5), *from_hex(BENT_FINGER))
    stage.jam.panic(NOW)
    assert {"b1 7b 00", "b1 79 00", "e1 00 40"} <= set(thru(stage))
    stage.jam.performer.release(NOW)
    assert left(stage) == []


def test_fingers_on_the_parts_channels_sound_unbent_on_the_performers_and_it_is_said_once() -> None:
    stage = Stage(parse({"midi": {"mpe": "thru", "output": "virtual"}}))
    play(stage, *declared(8), *declared(8))
    (sentence,) = said(stage)
    assert "fingers on channel 2, 3, 4 sound unbent" in sentence
    left(stage)
    play(stage, *from_hex(["A 91 3c 5a", "A e1 00 7f", "A 94 40 5a", "A e4 00 7f"]))
    assert left(stage) == ["90 3c 5a", "94 40 5a", "e4 00 7f"]


def test_channel_10_of_the_built_in_synth_is_no_fingers() -> None:
    stage = following(output="fluidsynth")
    play(stage, *declared(10), *from_hex(["A 99 3c 5a"]))
    assert "channel 10 sound unbent" in said(stage)[0]
    assert stage.hanging() == {(0, 60)}


def test_who_knows_no_mpe_gets_the_sound_the_range_and_the_pedal_on_each_channel() -> None:
    stage = following()
    play(stage, *declared(2))
    setup = left(stage, Stream.SETUP)
    for finger in (2, 3):
        assert program(finger, 0).hex(" ") in setup
        assert control(finger, 6, 48).hex(" ") in setup
    play(stage, *from_hex(["A b1 65 00", "A b1 64 00", "A b1 06 18"]))
    assert control(3, 6, 24).hex(" ") in left(stage, Stream.SETUP)
    play(stage, *from_hex(["A b0 40 7f"]))
    assert left(stage, Stream.SETUP) == ["b1 40 7f", "b2 40 7f"]
    play(stage, *declared(1))
    assert "b2 40 00" in left(stage, Stream.SETUP)
    stage.jam.performer.release(NOW, port="A")
    assert "b1 40 00" in left(stage, Stream.SETUP)


def test_a_pedal_that_another_keyboard_still_holds_leaves_the_fingers_of_the_one_that_goes() -> None:
    stage = following()
    play(stage, *declared(2), *from_hex(["B b0 40 7f", "A b0 40 7f"]))
    left(stage)
    stage.jam.performer.release(NOW, port="A")
    assert [(sent.voice, sent.data.hex(" ")) for sent in stage.sent] == [
        (Stream.SETUP, "b1 40 00"),
        (Stream.SETUP, "b2 40 00"),
    ]


def test_an_output_that_comes_is_told_of_the_zone() -> None:
    stage = following()
    play(stage, *declared(2))
    left(stage)
    stage.jam.performer.thru.set_up(NOW)
    assert left(stage)[:3] == zone_message(1, 2)


PORTS = st.sampled_from("AB")
CHANNELS = st.sampled_from([1, 2, 3, 4, 15, 16])
PITCHES = st.sampled_from([60, 61])
MESSAGES = st.one_of(
    st.builds(lambda channel, pitch: [note_on(channel, pitch, 90)], CHANNELS, PITCHES),
    st.builds(lambda channel, pitch: [note_off(channel, pitch)], CHANNELS, PITCHES),
    st.builds(lambda channel, bend: [bytes((0xDF + channel, 0, bend))], CHANNELS, st.integers(0, 127)),
    st.builds(lambda channel, pressure: [bytes((0xCF + channel, pressure))], CHANNELS, st.integers(0, 127)),
    st.builds(lambda channel, value: [control(channel, 64, value)], CHANNELS, st.sampled_from([0, 127])),
    st.builds(
        lambda channel, number: [control(channel, number, 0)], CHANNELS, st.sampled_from([120, 121, 123, 126])
    ),
    st.builds(
        lambda shared, count: [data for _, data in declared(count, shared)],
        st.sampled_from([1, 16]),
        st.integers(0, 3),
    ),
)
DEEDS = st.one_of(
    st.tuples(PORTS, MESSAGES),
    st.tuples(PORTS, st.just("unplug")),
    st.just(("", "thru")),
    st.just(("", PANIC)),
)


class Receiver:
    """What a synth that knows no MPE has on its channels."""

    def __init__(self) -> None:
        self.notes: set[tuple[int, int]] = set()
        self.moved: dict[int, dict[str, int]] = defaultdict(dict)

    def take(self, data: bytes) -> None:
        channel, kind = channel_of(data), data[0] & 0xF0
        if is_note_on(data):
            self.notes.add((channel, data[1]))
        elif is_note_off(data):
            self.notes.discard((channel, data[1]))
        elif kind == 0xE0:
            self.moved[channel]["bend"] = data[2] - 64
        elif kind == 0xD0:
            self.moved[channel]["pressure"] = data[1]
        elif kind == 0xB0 and data[1] == 64:
            self.moved[channel]["pedal"] = data[2]
        elif kind == 0xB0 and data[1] == 121:
            self.moved[channel].clear()
        elif kind == 0xB0 and data[1] >= 120:
            self.notes = {note for note in self.notes if note[0] != channel}

    def away(self) -> list[tuple[int, str]]:
        return [(channel, name) for channel, at in self.moved.items() for name, value in at.items() if value]


@given(st.lists(DEEDS, max_size=40), st.sampled_from([1, 12]))
def test_nothing_hangs_and_nothing_stays_bent_whatever_is_played(
    deeds: list[tuple[str, list[bytes] | str]], performer_channel: int
) -> None:
    stage, receiver = following(performer_channel=performer_channel), Receiver()
    for port, deed in deeds:
        if deed == "unplug":
            stage.jam.performer.release(NOW, port=port)
        elif deed == "thru":
            stage.jam.performer.thru.toggle(NOW)
        elif deed == PANIC:
            stage.jam.panic(NOW)
        else:
            play(stage, *((port, data) for data in deed if isinstance(data, bytes)))
        for sent in stage.sent:
            if is_channel_message(sent.data):
                receiver.take(sent.data)
        stage.sent.clear()
        assert {pitch for _, pitch in receiver.notes} <= set(stage.jam.performer.down())
    for port in "AB":
        stage.jam.performer.release(NOW, port=port)
    for sent in stage.sent:
        receiver.take(sent.data)
    assert receiver.notes == set()
    assert receiver.away() == []
