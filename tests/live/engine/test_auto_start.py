"""When the jam begins: with the model, the first note, after another engine."""

import msgspec
import pytest

from live.engine.auto_start import AutoStart
from live.engine.engine import Engine
from live.engine.resume import remembered
from live.ipc.messages import LoadFailed
from live.timing.midi_bytes import Received, note_on
from live.timing.timeline import Tick
from tests.fakes.commands import command
from tests.fakes.engine_stage import SECOND, Ear, FakeClock, built, run_to
from tests.fakes.stage import MS, EchoModel, configured


def test_a_model_that_does_not_load_lets_the_jam_start(engine: Engine, clock: FakeClock) -> None:
    engine.arrivals.put(LoadFailed("it is foreign"))
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert engine.jam.transport.running


def test_an_engine_after_a_dead_one_silences_what_may_still_sound(
    engine: Engine, clock: FakeClock, ear: Ear
) -> None:
    engine.auto_start = AutoStart(engine.jam, engine.devices, revived=True)
    engine._model_loaded(EchoModel().ready(), clock.now())
    ear.received.clear()
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert engine.jam.transport.running
    offs = [data for data in ear.received if data[:1] < b"\xf0" and data[1] == 120]
    assert len(offs) == 16


def test_an_early_stop_is_not_overruled_by_the_model_s_coming(engine: Engine, clock: FakeClock) -> None:
    engine.arrivals.put(command("stop"))
    run_to(engine, clock, clock.nanos + MS)
    engine.arrivals.put(EchoModel().ready())
    run_to(engine, clock, clock.nanos + 3 * SECOND)
    assert not engine.jam.transport.running
    engine.arrivals.put(command("start"))
    run_to(engine, clock, clock.nanos + MS)
    assert engine.jam.transport.running


def test_an_engine_after_another_does_not_wait_for_a_model_process_that_never_calls(clock: FakeClock) -> None:
    engine = built(clock, revived=True)
    engine.open()
    run_to(engine, clock, clock.nanos + 3 * SECOND)
    assert engine.jam.transport.running
    beginning = engine.jam.run
    engine.arrivals.put(EchoModel().ready())
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert engine.jam.run == beginning


@pytest.mark.parametrize("restored", [False, True])
def test_an_engine_that_is_set_to_waits_for_the_first_note(clock: FakeClock, *, restored: bool) -> None:
    config = configured(input=["none"], output=["none"], record=False)
    jam = msgspec.structs.replace(config.jam, start="first note")
    engine = built(clock, config=msgspec.structs.replace(config, jam=jam), demo="off")
    engine.open()
    if restored:  # a session, that has not begun
        engine._handle(None, remembered(engine.jam, started=False, demo=True), clock.now())
    engine._handle(None, EchoModel().ready(), clock.now())
    run_to(engine, clock, clock.nanos + 3 * SECOND)
    assert engine.jam.state(clock.now()) == "armed"
    struck = clock.now()
    engine.arrivals.put(Received(struck, note_on(1, 60, 90), "keys"))
    run_to(engine, clock, clock.nanos + SECOND)
    assert engine.jam.transport.timeline.nanos(Tick(0)) == struck
