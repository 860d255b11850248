"""MIDI time code in: which second it is by quarter frames, at each rate, through losses, jumps and jitter."""

import random

import pytest

from live.timing.midi_clock.time_code import (
    PULL_DOWN,
    RATES,
    CodePlace,
    FrameRate,
    TimeCodeIn,
    TimeOfCode,
    read_time,
)
from live.timing.timeline import Nanos
from model.errors import ConfigError
from tests.fakes.time_codes import FIRST, full_frame, quarter_frames

MS = 1_000_000
FILM, VIDEO, DROP, FULL = RATES


def fed(source: TimeCodeIn, code: list[tuple[int, bytes]]) -> Nanos:
    for moment, data in code:
        source.feed(data, Nanos(moment))
    return Nanos(code[-1][0])


def _place(source: TimeCodeIn, code: list[tuple[int, bytes]]) -> CodePlace | None:
    fed(source, code)
    return source.place


@pytest.mark.parametrize("rate", RATES)
def test_the_code_s_second_is_known_after_two_frames(rate: FrameRate) -> None:
    source = TimeCodeIn()
    frames = rate.frames_before(TimeOfCode(1, 2, 3, 4))
    code = quarter_frames(rate, frames=frames, count=8)
    assert _place(source, code[:7]) is None
    place, now = _place(source, code[7:]), Nanos(code[-1][0])
    assert place is not None
    true = frames / rate.per_second + (now - FIRST) / 1e9
    assert place.seconds(now) == pytest.approx(true, abs=1e-6)
    assert place.speed == 1.0


@pytest.mark.parametrize(
    ("time", "frames"),
    [
        (TimeOfCode(0, 0, 59, 29), 1799),
        (TimeOfCode(0, 1, 0, 2), 1800),
        (TimeOfCode(0, 10, 0, 0), 17_982),
        (TimeOfCode(1, 0, 0, 0), 107_892),
        (TimeOfCode(23, 59, 59, 29), 2_589_407),
    ],
)
def test_dropped_numbers_are_no_frames(time: TimeOfCode, frames: int) -> None:
    assert DROP.frames_before(time) == frames
    assert DROP.text(frames) == "{:02}:{:02}:{:02}:{:02}".format(*time)


def test_an_hour_of_dropping_code_is_an_hour() -> None:
    assert DROP.frames_before(TimeOfCode(1, 0, 0, 0)) / DROP.per_second == pytest.approx(3600, abs=0.01)


def test_each_frame_has_one_time_by_dropping_code() -> None:
    for frames in range(0, 40_000, 7):
        assert DROP.frames_before(read_time(DROP.text(frames))) == frames


@pytest.mark.parametrize("rate", RATES)
def test_jitter_of_quarter_frames_is_averaged_away(rate: FrameRate) -> None:
    chance, source, off = random.Random(3), TimeCodeIn(), []
    for number, (moment, data) in enumerate(quarter_frames(rate, frames=0, count=1200)):
        received = Nanos(moment + round(chance.uniform(-3, 3) * MS))
        source.feed(data, received)
        if number > 200 and source.place is not None:
            off.append(abs(source.place.seconds(received) - (received - FIRST) / 1e9))
    assert len(off) == 999
    assert sorted(off)[-10] < 0.001


def test_lost_quarter_frames_cost_no_place() -> None:
    chance, source = random.Random(4), TimeCodeIn()
    code = [one for one in quarter_frames(VIDEO, frames=100, count=2000) if chance.random() > 0.02]
    late = []
    for moment, data in code:
        source.feed(data, Nanos(moment))
        if source.place is not None:
            late.append(abs(source.place.seconds(Nanos(moment)) - 4.0 - (moment - FIRST) / 1e9))
    assert max(late[100:]) < 0.001


def test_a_jump_is_known_with_the_next_time_that_is_told() -> None:
    source = TimeCodeIn()
    now = fed(source, quarter_frames(FULL, frames=0, count=80))
    later = Nanos(now + round(1e9 / 120))
    now = fed(source, quarter_frames(FULL, frames=30 * 600, count=8, first=later))
    assert source.place is not None
    assert source.place.seconds(now) == pytest.approx(600 + 7 / 120, abs=1e-4)


def test_code_that_stands_still_is_lost_and_its_place_is_not_guessed() -> None:
    source = TimeCodeIn()
    now = fed(source, quarter_frames(FULL, frames=0, count=80))
    assert not source.lost(Nanos(now + 100 * MS))
    assert source.lost(Nanos(now + 150 * MS))
    source.feed(quarter_frames(FULL, frames=0, count=1)[0][1], Nanos(now + 200 * MS))
    assert source.place is None


def test_code_that_is_wound_has_no_place() -> None:
    source = TimeCodeIn()
    now = fed(source, quarter_frames(FULL, frames=0, count=80))
    for number, (moment, data) in enumerate(reversed(quarter_frames(FULL, frames=0, count=8))):
        del moment
        source.feed(data, Nanos(now + (number + 1) * round(1e9 / 120)))
    assert source.wound
    assert source.place is None


def test_code_at_another_speed_says_which() -> None:
    source = TimeCodeIn()
    now = fed(source, quarter_frames(VIDEO, frames=0, count=400, speed=0.95))
    assert source.place is not None
    assert source.place.speed == pytest.approx(0.95, abs=1e-3)
    assert source.place.seconds(now) == pytest.approx((now - FIRST) / 1e9 * 0.95, abs=1e-3)


def test_what_is_no_time_is_left_out() -> None:
    source = TimeCodeIn()
    for number in range(8):
        source.feed(bytes((0xF1, number << 4 | 0x0F)), Nanos(FIRST + number * 10 * MS))
    source.feed(b"\xf1", Nanos(FIRST + 80 * MS))
    assert source.place is None


@pytest.mark.parametrize("text", ["", "1:00:00:00", "01:00:00", "24:00:00:00", "00:60:00:00", "00:00:00:30"])
def test_a_time_that_is_none_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is no time code: hours:minutes:seconds:frames are"):
        read_time(text)


@pytest.mark.parametrize("rate", [FILM, FULL])
def test_frames_that_are_pulled_down_are_heard_and_counted_in_real_seconds(rate: FrameRate) -> None:
    source = TimeCodeIn()
    code = quarter_frames(rate, frames=0, count=2500, speed=1 / PULL_DOWN)
    now = fed(source, code[:500])
    assert source.place is not None
    assert source.place.seconds(now) == pytest.approx((now - FIRST) / 1e9 / PULL_DOWN, abs=1e-3)
    now = fed(source, code[500:])
    assert source.place.seconds(now) == pytest.approx((now - FIRST) / 1e9, abs=1e-3)
    assert source.place.speed == 1.0


def test_a_full_frame_says_where_the_code_stands() -> None:
    source = TimeCodeIn()
    now = fed(source, quarter_frames(VIDEO, frames=0, count=80))
    source.feed(full_frame(FULL, TimeOfCode(1, 2, 3, 29)), now)
    assert source.label == (TimeOfCode(1, 2, 3, 29), FULL)
    assert source.place is None
    assert source.lost(now)
    assert source.goes_silent is None
    source.feed(full_frame(FILM, TimeOfCode(1, 2, 3, 29)), now)  # no such frame
    assert source.label == (TimeOfCode(1, 2, 3, 29), FULL)


def test_code_that_slowed_down_to_a_stop_begins_at_its_own_speed_again() -> None:
    source, moment = TimeCodeIn(), FIRST
    for number, (_, data) in enumerate(quarter_frames(VIDEO, frames=0, count=160)):
        moment += round(10 * MS * (1 + number / 200))
        source.feed(data, Nanos(moment))
    now = fed(source, quarter_frames(VIDEO, frames=500, count=8, first=moment + 1000 * MS))
    assert source.place is not None
    assert source.place.speed == 1.0
    assert source.place.seconds(now) == pytest.approx(20.07, abs=1e-4)


def test_quarter_frames_that_come_twice_are_taken_once() -> None:
    chance, source, late = random.Random(5), TimeCodeIn(), []
    for moment, data in quarter_frames(VIDEO, frames=0, count=2000):
        for again in range(1 + (chance.random() < 0.05)):
            source.feed(data, Nanos(moment + again * MS))
        if source.place is not None:
            late.append(abs(source.place.seconds(Nanos(moment)) - (moment - FIRST) / 1e9))
    assert max(late) < 0.001


def test_a_delay_on_the_wire_is_no_other_speed() -> None:
    chance, source, speeds = random.Random(2), TimeCodeIn(), []
    last = 0
    for number, (moment, data) in enumerate(quarter_frames(VIDEO, frames=0, count=3000)):
        held = round(chance.expovariate(1 / 15) * MS) if chance.random() < 0.01 else 0
        last = max(last + 1000, moment + round(chance.uniform(-3, 3) * MS) + held)
        source.feed(data, Nanos(last))
        if number > 200 and source.place is not None:
            speeds.append(source.place.speed)
    assert len(speeds) > 2700
    assert max(abs(speed - 1) for speed in speeds) < 0.005
