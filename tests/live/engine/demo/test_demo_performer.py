"""The demo: it begins at the top, follows the metre, and ends with the first key of the performer."""

import pytest

from live.engine.demo.demo_performer import DemoPerformer
from live.engine.demo.tune import FIRST, TURNS, VERSE_BARS
from live.engine.engine import Engine
from live.ipc.commands import PlayKey, Turn
from live.timing.midi_bytes import Received, note_on
from model.music.metre import name_of
from tests.fakes.commands import command
from tests.fakes.engine_stage import SECOND, Ear, FakeClock, Pad, run_to


def test_a_stop_ends_the_demo_s_keys(engine: Engine, clock: FakeClock, ear: Ear) -> None:
    engine.demo = DemoPerformer(engine.jam)
    engine.jam.start(clock.now())
    run_to(engine, clock, clock.nanos + SECOND // 2)
    assert ear.sounding()
    engine.jam.stop(clock.now())  # as a controller's pad does, past the engine's own commands
    run_to(engine, clock, clock.nanos + SECOND)
    assert ear.sounding() == set()


def test_the_performer_s_keys_outlive_a_stop_of_the_demo(engine: Engine, clock: FakeClock, ear: Ear) -> None:
    engine.demo = DemoPerformer(engine.jam)
    engine.jam.start(clock.now())
    engine._received(Received(clock.now(), note_on(1, 30, 90), "keys"), clock.now())
    run_to(engine, clock, clock.nanos + SECOND // 2)
    engine.jam.stop(clock.now())
    run_to(engine, clock, clock.nanos + SECOND)
    assert ear.sounding() == {(0, 30)}


def test_each_start_plays_the_demo_from_the_top(engine: Engine, clock: FakeClock, ear: Ear) -> None:
    opening = [pitch for beat, _, pitch, _ in FIRST if beat < 1.0]
    engine.demo = DemoPerformer(engine.jam)
    for _ in range(2):
        engine.jam.start(clock.now())  # the second one while the first still runs
        run_to(engine, clock, clock.nanos + SECOND // 4)
        ear.received.clear()
        run_to(engine, clock, clock.nanos + 3 * SECOND)
    engine.jam.start(clock.now())
    ear.received.clear()
    run_to(engine, clock, clock.nanos + SECOND // 2)
    assert ear.note_ons() == opening


def test_the_demo_follows_a_metre_from_its_bar_line_on(engine: Engine, clock: FakeClock, ear: Ear) -> None:
    engine.demo = DemoPerformer(engine.jam)
    engine.jam.start(clock.now())
    run_to(engine, clock, clock.nanos + SECOND // 2)
    engine.arrivals.put(command("metre", "3/4"))
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    lines = engine.jam.plan.lines
    assert (lines.start, name_of(lines.grid)) == (1920, "3/4")
    assert engine.demo is not None
    assert engine.demo._demo.lines == lines
    assert ear.note_ons().count(FIRST[0][2]) == 2  # once in each metre, on the one


@pytest.mark.parametrize(("key", "goes_on"), [(36, True), (60, False)])
def test_the_demo_ends_when_the_performer_plays_not_at_a_pad(
    engine: Engine, clock: FakeClock, key: int, *, goes_on: bool
) -> None:
    engine.jam.performer.bindings = Pad()
    engine.demo = DemoPerformer(engine.jam)
    engine.arrivals.put(Received(clock.now(), note_on(1, key, 90), "keys"))
    run_to(engine, clock, clock.nanos)
    assert (engine.demo is not None) is goes_on


@pytest.mark.parametrize(("velocity", "goes_on"), [(0, True), (96, False)])
def test_the_demo_ends_when_the_performer_plays_without_a_keyboard(
    engine: Engine, clock: FakeClock, velocity: int, *, goes_on: bool
) -> None:
    engine.demo = DemoPerformer(engine.jam)
    engine.arrivals.put(PlayKey(60, velocity, source="keyboard"))
    run_to(engine, clock, clock.nanos)
    assert (engine.demo is not None) is goes_on


@pytest.mark.parametrize(("turned", "kept"), [(None, 0.0), (-0.3, -0.3)])
def test_a_knob_that_the_demo_turned_is_put_back_at_its_end_unless_the_performer_has_turned_it(
    engine: Engine, clock: FakeClock, turned: float | None, kept: float
) -> None:
    (knob, value), (again, _), *_ = TURNS
    assert knob == again  # in the next verse
    verse = VERSE_BARS * 2 * SECOND
    engine.demo = DemoPerformer(engine.jam)
    engine.jam.start(clock.now())
    run_to(engine, clock, clock.nanos + verse - SECOND)
    assert engine.jam.knobs[knob] == value
    if turned is not None:
        engine.arrivals.put(Turn(knob, turned))
        run_to(engine, clock, clock.nanos + verse)
        assert engine.jam.knobs[knob] == turned  # the demo leaves it alone from now on
    engine.arrivals.put(PlayKey(60, 96, source="keyboard"))
    run_to(engine, clock, clock.nanos)
    assert engine.jam.knobs[knob] == kept
