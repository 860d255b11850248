"""Learning in the engine: by command, active at once, written to a file, and undone."""

import threading
from pathlib import Path

import platformdirs
import pytest

from live.control.desk import Desk
from live.control.mappings.mapping_file import read
from live.engine.devices.learning import Learning
from live.engine.engine import Engine
from live.ipc.commands import Freeze, Learn, StopLearning, Undo
from live.timing.midi_bytes import Received, control
from tests.fakes.engine_stage import SECOND, FakeClock, built, run_to

PORT = "MPK mini 3 20:0"
MS = 1_000_000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / name))
    return tmp_path / "twobar" / "mappings"


@pytest.fixture
def engine(clock: FakeClock, home: Path) -> Engine:
    made = built(clock)
    desk = made.devices.set_desk(made.jam.knobs)
    made.jam.performer.bindings = desk
    made.learning = Learning(desk, made.jam.notices, made.arrivals.put)
    desk.plug(PORT)
    return made


def desk_of(engine: Engine) -> Desk:
    assert engine.devices.desk is not None
    return engine.devices.desk


def press_twice(engine: Engine, clock: FakeClock, number: int) -> None:
    for value in (127, 0, 127, 0):
        engine.arrivals.put(Received(clock.now(), control(1, number, value), PORT))
        run_to(engine, clock, clock.nanos + 100 * MS)
    run_to(engine, clock, clock.nanos + 2 * SECOND)


def frozen(engine: Engine) -> bool:
    return engine.jam.history.state.frozen


def notices(engine: Engine) -> list[str]:
    return [notice.text for notice in engine.jam.notices.lines]


def settled(engine: Engine, clock: FakeClock) -> None:
    """Wait for the other thread."""
    assert engine.learning is not None
    done = threading.Event()
    engine.learning._submit(done.set)
    assert done.wait(10)
    run_to(engine, clock, clock.nanos + MS)


def test_learned_while_it_plays_written_and_undone(engine: Engine, clock: FakeClock, home: Path) -> None:
    engine.arrivals.put(Learn("freeze", source="dashboard"))
    press_twice(engine, clock, 41)
    assert "learned: MPK mini 3 · CC 41 on channel 1 is freeze; u undoes it" in notices(engine)
    settled(engine, clock)
    assert read(home / "akai-mpk-mini-mk3.toml").control[-1].action == "freeze"
    assert not frozen(engine), "what was learned from acts only from then on"
    engine.arrivals.put(StopLearning(source="dashboard"))
    engine.arrivals.put(Received(clock.now(), control(1, 41, 127), PORT))
    run_to(engine, clock, clock.nanos + MS)
    assert frozen(engine)
    engine.arrivals.put(Undo(source="dashboard"))
    run_to(engine, clock, clock.nanos + MS)
    assert not frozen(engine), "freeze came later, and goes first"


def test_what_a_control_did_before_is_said(engine: Engine, clock: FakeClock, home: Path) -> None:
    for target in ("freeze", "tap"):
        engine.arrivals.put(Learn(target, source="dashboard"))
        press_twice(engine, clock, 41)
    assert "learned: MPK mini 3 · CC 41 on channel 1 is tap, no more freeze; u undoes it" in notices(engine)
    settled(engine, clock)


def test_u_takes_back_what_was_learned_last(engine: Engine, clock: FakeClock, home: Path) -> None:
    for target, number in (("freeze", 41), ("tap", 42)):
        engine.arrivals.put(Learn(target, source="dashboard"))
        press_twice(engine, clock, number)
    engine.arrivals.put(StopLearning(source="dashboard"))
    engine.arrivals.put(Undo(source="dashboard"))
    run_to(engine, clock, clock.nanos + MS)
    settled(engine, clock)
    assert notices(engine)[-1] == "undone: CC 42 on channel 1 is tap no more"
    assert [c.action for c in read(home / "akai-mpk-mini-mk3.toml").control][-1] == "freeze"
    engine.arrivals.put(Undo(source="dashboard"))
    run_to(engine, clock, clock.nanos + MS)
    settled(engine, clock)
    assert not (home / "akai-mpk-mini-mk3.toml").exists()
    assert "freeze" not in [c.action for c in desk_of(engine).mapping_of(PORT).control if c.cc]


def test_what_cannot_be_learned_or_written_is_a_notice(engine: Engine, clock: FakeClock, home: Path) -> None:
    engine.arrivals.put(Learn("frezee", source="dashboard"))
    run_to(engine, clock, clock.nanos + MS)
    assert "did you mean 'freeze'" in notices(engine)[-1]
    home.parent.mkdir(parents=True)
    home.write_text("no folder")
    engine.arrivals.put(Learn("freeze", source="dashboard"))
    press_twice(engine, clock, 41)
    settled(engine, clock)
    assert "holds until the end only" in notices(engine)[-1]
    engine.arrivals.put(Freeze(source="dashboard"))
    run_to(engine, clock, clock.nanos + MS)
    assert engine.jam.history.state.frozen
