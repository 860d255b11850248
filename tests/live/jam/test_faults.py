"""Faults of a stage injected by chance into a jam that plays: nothing hangs, and the one is the one."""

import random

import pytest

from live.timing.midi_bytes import control, note_off, note_on
from live.timing.timeline import Nanos
from tests.fakes.stage import MS, Stage, configured
from tests.live.jam.test_jam import BEAT, CELL, after_two_bars, expected, two_bars
from tests.live.jam.test_trouble import come_back, die

FAULTS = 12


def still(stage: Stage, still_ms: int) -> None:
    """Let the process be stopped, or the machine sleep."""
    stage.nanos += still_ms * MS


def pull_cable(stage: Stage) -> None:
    stage.jam.performer.release(Nanos(stage.nanos), port="test")


def note_ons_at_once(stage: Stage) -> int:
    """Count the most note-ons that left in one millisecond."""
    moments = [
        sent.moment // MS for sent in stage.sent if sent.voice == "instrument" and sent.data[0] >> 4 == 9
    ]
    return max((moments.count(moment) for moment in set(moments)), default=0)


@pytest.mark.parametrize("still_ms", [120, 900, 5_000, 60_000])
def test_a_clock_that_stood_still_brings_no_burst_of_notes_and_the_next_bar_is_on_the_one(
    still_ms: int,
) -> None:
    stage = after_two_bars()
    stage.run_to_tick(CELL + 3 * BEAT + 30)
    stage.sent.clear()
    still(stage, still_ms)
    woken = stage.jam.tick(Nanos(stage.nanos))
    line = (woken // CELL + 2) * CELL
    stage.run_to_tick(line + CELL - 1)
    assert note_ons_at_once(stage) <= 1  # the phrase is of single notes
    assert stage.note_ons(first=line) == expected(line)
    stage.act(line + CELL, "stop")
    stage.run_to_tick(line + CELL + BEAT)
    assert stage.hanging() == set()


def test_model_and_keyboard_that_go_together_leave_nothing_and_the_music_goes_on() -> None:
    stage = after_two_bars()
    stage.at_tick(CELL + 2 * BEAT, note_on(1, 72, 100))
    stage.at_tick(CELL + 2 * BEAT, control(1, 64, 127))

    def both() -> None:
        die(stage)
        pull_cable(stage)

    stage.at_tick(CELL + 3 * BEAT, both)
    stage.run_to_tick(2 * CELL - 1)
    assert (0, 72) not in stage.hanging()
    pedals = [sent.data for sent in stage.sent if sent.data[:2] == control(1, 64, 0)[:2]]
    assert pedals[-1] == control(1, 64, 0)
    stage.run_to_tick(3 * CELL - 1)
    assert stage.note_ons(first=2 * CELL)[0] == (2 * CELL, 60)  # the last good bar, on the one
    come_back(stage)
    stage.run_to_tick(5 * CELL - 1)
    assert stage.note_ons(first=4 * CELL) == [(4 * CELL + 2 * BEAT, 72)]  # what was struck meanwhile


@pytest.mark.parametrize("seed", range(12))
def test_after_any_faults_nothing_hangs_and_the_next_phrase_is_on_the_one(seed: int) -> None:
    chance = random.Random(seed)
    stage = after_two_bars(configured(clock_out=True), answer_ms=chance.choice((3.0, 60.0)))
    stage.act(CELL + 10, "capture", "A")

    def slow() -> None:
        stage.answer_ms = chance.choice((3.0, 80.0, 700.0))

    def wake_late() -> None:
        stage.late_nanos = chance.choice((0, 5, 70)) * MS

    faults = (
        lambda: die(stage) if stage.worker_present else come_back(stage),
        lambda: still(stage, chance.choice((30, 300, 2_500))),
        lambda: pull_cable(stage),
        slow,
        wake_late,
    )
    tick = CELL
    for _ in range(FAULTS):
        tick += chance.randrange(BEAT // 4, CELL // 2)
        pitch = 40 + chance.randrange(40)
        stage.at_tick(tick - 40, note_on(1, pitch, 90))
        stage.at_tick(tick, chance.choice(faults))
        stage.at_tick(tick + 40, note_off(1, pitch))
        if chance.random() < 0.3:
            stage.act(tick + 60, chance.choice(("panic", "undo", "freeze", "freeze")))
    stage.run_to_tick(tick + CELL)
    if not stage.worker_present:
        come_back(stage)
    stage.answer_ms, stage.late_nanos = 3.0, 0
    if stage.jam.history.state.frozen:
        stage.act(stage.jam.tick(Nanos(stage.nanos)) + 10, "freeze")
    start = (stage.jam.tick(Nanos(stage.nanos)) // CELL + 2) * CELL
    two_bars(stage, start=start)
    stage.sent.clear()
    stage.run_to_tick(start + 2 * CELL - 1)
    assert stage.note_ons(first=start + CELL) == expected(start + CELL)
    stage.act(start + 2 * CELL, "stop")
    stage.run_to_tick(start + 2 * CELL + BEAT)
    assert stage.hanging() == set()
