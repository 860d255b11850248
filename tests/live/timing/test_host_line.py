"""A device's counter on host time, from observations that come late."""

import random
from itertools import pairwise

import pytest

from live.timing.host_line import BUCKET_NANOS, HostLine

FRAME = 1e9 / 48_000
SECOND = 1_000_000_000
PERIOD = 64


def observed(
    line: HostLine,
    seconds: float,
    *,
    first: int = 0,
    rate: float = FRAME,
    late: float = 200_000,
    seed: int = 1,
) -> int:
    """Let cycles go by that start late by up to so many nanoseconds; returns the last frame."""
    chance, frame = random.Random(seed), first
    for frame in range(first, first + int(seconds * 48_000), PERIOD):
        line.observe(frame, round(frame * rate + chance.expovariate(1.0) * late))
    return frame


def test_lateness_is_taken_out_and_the_rate_is_found() -> None:
    line, rate = HostLine(FRAME), FRAME * 1.001
    frame = observed(line, 20, rate=rate)
    for ahead in (0, 480, 4800):
        assert line.count(round((frame + ahead) * rate)) == pytest.approx(frame + ahead, abs=0.5)
        assert line.nanos(frame + ahead) == pytest.approx((frame + ahead) * rate, abs=10_000)


def test_from_the_first_cycle_on_it_is_no_later_than_the_least_late() -> None:
    line = HostLine(FRAME)
    line.observe(0, 900_000)
    assert line.count(900_000) == 0
    line.observe(64, round(64 * FRAME) + 10_000)
    line.observe(128, round(128 * FRAME) + 700_000)
    assert line.nanos(128) == pytest.approx(128 * FRAME + 10_000, abs=2)


def test_moments_on_a_steady_line_lie_on_even_frames() -> None:
    line = HostLine(FRAME)
    frame, chance, places = observed(line, 30, late=5_000), random.Random(2), list[int]()
    for beat in range(40):  # at 120 bpm, while cycles go by
        moment = round((frame + 24_000 * beat + 4_800) * FRAME)
        places.append(round(line.count(moment)))
        for cycle in range(375):
            at = frame + 24_000 * beat + cycle * PERIOD
            line.observe(at, round(at * FRAME + chance.expovariate(1.0) * 5_000))
    assert {two - one for one, two in pairwise(places)} == {24_000}


def test_an_edge_that_moves_is_glided_to_and_steps_stay_even() -> None:
    line = HostLine(FRAME)
    frame, chance, places = observed(line, 20, late=5_000), random.Random(2), list[int]()
    for step in range(160):
        start = frame + 6_000 * step
        places.append(round(line.count(round((start + 480) * FRAME))))
        early = 40_000 if step >= 16 else 0  # its cycles begin sooner, as by another speed of the processor
        for at in range(start, start + 6_000, PERIOD):
            line.observe(at, round(at * FRAME - early + chance.expovariate(1.0) * 5_000))
    assert {two - one for one, two in pairwise(places)} <= {5_999, 6_000, 6_001}
    assert places[-1] - places[0] - 6_000 * 159 == pytest.approx(40_000 / FRAME, abs=1.5)


@pytest.mark.parametrize("lost", [67, 4_800, -4_800])
def test_a_counter_that_leaps_is_followed_within_two_seconds(lost: int) -> None:
    line = HostLine(FRAME)
    frame = observed(line, 5)
    chance, leap = random.Random(3), round(lost * FRAME)
    for at in range(frame, frame + 3 * 48_000, PERIOD):
        line.observe(at, round(at * FRAME + leap + chance.expovariate(1.0) * 100_000))
    assert line.nanos(at) == pytest.approx(at * FRAME + leap, abs=30_000)


@pytest.mark.parametrize("lost", [10, 40, 80])
def test_a_cycle_or_less_that_is_lost_is_made_up_for_within_a_fifth_of_a_second(lost: int) -> None:
    line = HostLine(FRAME)
    frame = observed(line, 20, late=40_000)
    chance, leap = random.Random(3), round(lost * FRAME)
    for at in range(frame, frame + 48_000 // 5, PERIOD):
        line.observe(at, round(at * FRAME + leap + chance.expovariate(1.0) * 40_000))
    assert line.nanos(at) == pytest.approx(at * FRAME + leap, abs=30_000)


def test_two_that_look_at_one_counter_agree_while_it_loses_cycles() -> None:
    leader, follower, chance = HostLine(FRAME), HostLine(FRAME), random.Random(1)
    start, apart = 0.0, list[int]()
    for cycle in range(120 * 750):
        start += PERIOD * FRAME + chance.uniform(500_000, 1_500_000) * (chance.random() < 1 / 750)
        for line in (leader, follower) if cycle > 200 else (leader,):  # they were not begun together
            line.observe(cycle * PERIOD, round(start + chance.expovariate(1.0) * 40_000))
        if cycle > 8 * 750:
            apart.append(abs(leader.nanos(cycle * PERIOD) - follower.nanos(cycle * PERIOD)))
    assert sorted(apart)[int(0.99 * len(apart))] < 50_000


def test_a_second_in_which_every_cycle_is_late_changes_nothing() -> None:
    line = HostLine(FRAME)
    frame = observed(line, 5, late=20_000)
    assert BUCKET_NANOS <= SECOND // 2
    frame = observed(line, 0.4, first=frame, late=20_000_000, seed=4)
    frame = observed(line, 2, first=frame, late=20_000, seed=5)
    assert line.nanos(frame) == pytest.approx(frame * FRAME, abs=10_000)


@pytest.mark.parametrize("late", [20_000, 200_000])
@pytest.mark.parametrize("drift", [1.0, 1.001, 0.999])
def test_in_a_steady_minute_every_note_of_a_grid_lies_on_its_frame(drift: float, late: float) -> None:
    line, rate = HostLine(FRAME), FRAME * drift
    frame, chance, off = observed(line, 60, rate=rate, late=late), random.Random(4), list[int]()
    first = frame + 48_000
    for note in range(480):  # each 6000 frames: sixteenths at 120 bpm
        due = first + 6_000 * note
        while frame < due - 480:  # as long before it is due as it is given
            frame += PERIOD
            line.observe(frame, round(frame * rate + chance.expovariate(1.0) * late))
        off.append(round(line.count(round(due * rate + FRAME / 4))) - due)
    assert len(set(off)) == 1


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_where_even_the_least_late_are_late_and_slowly_more_or_less_the_line_stays(seed: int) -> None:
    line, chance, places, note, least = HostLine(FRAME), random.Random(seed), list[int](), 125 * 48_000, 0.0
    for number, frame in enumerate(range(0, 240 * 48_000, 1024)):
        if number % 24 == 0:  # each half second
            least = min(60_000, max(0, 20_000 + 0.8 * (least - 20_000) + chance.gauss(0, 10_000)))
        line.observe(frame, round(frame * FRAME + least + chance.expovariate(1 / 30_000)))
        while note < frame + 1024:
            places.append(round(line.count(round((note + 0.25) * FRAME))) - note)
            note += 3_000
    assert len(places) > 1_800
    assert len(set(places)) == 1
