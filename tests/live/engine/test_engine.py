"""The engine's loop on a fake clock: turns, storms and faults."""

import json
import os
import sys
import weakref
from itertools import count

import pytest

from live.engine import engine as engine_module
from live.engine.engine import READY_NANOS, Engine
from live.engine.faults import FAULTS_IN_A_ROW, BrokenEngineError
from live.engine.upkeep import TIDY_NANOS
from live.ipc.messages import Bye, Decoded
from live.ipc.places import Point
from live.ipc.snapshot import Notice, Snapshot, Update
from live.record.line_writer import LineWriter
from live.timing.midi_bytes import Received, note_off, note_on
from live.timing.timeline import Nanos, Tick
from tests.fakes.commands import command
from tests.fakes.engine_stage import SECOND, Ear, FakeClock, Pad, Wire, built, run_to
from tests.fakes.stage import MS, EchoModel


def test_a_storm_of_messages_does_not_delay_what_is_due(engine: Engine, clock: FakeClock) -> None:
    engine.jam.start(clock.now())
    clock.nanos += 5 * SECOND
    for number in range(1000):
        engine.arrivals.put(Received(clock.now(), bytes((0x90, number % 128, number % 2)), "keys"))
    coming = engine._turn(clock.now())
    assert len(engine.arrivals) == 1000 - engine_module.MESSAGES_A_TURN
    assert min(coming) <= clock.nanos
    run_to(engine, clock, clock.nanos + MS)
    assert not engine.arrivals


def test_a_circle_that_has_outlived_one_tidying_is_collected_by_a_later_one(
    engine: Engine, clock: FakeClock
) -> None:
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    held: list[Circle] = [Circle()]
    known = weakref.ref(held[0])
    for _ in range(2):
        assert known() is not None
        clock.nanos += TIDY_NANOS + 1
        engine.upkeep.memory_nanos = clock.nanos
        engine.upkeep.do(clock.nanos, clock.nanos + SECOND)
        held.clear()
    assert known() is None


def shown(wire: Wire) -> list[int]:
    return [message.nanos for message in wire.sent if isinstance(message, Snapshot | Update)]


def test_no_snapshot_is_drawn_just_before_something_is_due(engine: Engine, clock: FakeClock) -> None:
    wire = Wire()
    engine.snapshots.watch(wire)
    engine.jam.start(clock.now())
    beat = engine.jam.transport.timeline.nanos(Tick(480))
    period = SECOND // engine.options.config.dashboard.fps
    run_to(engine, clock, beat - period - MS // 4 - READY_NANOS)
    engine.snapshots._begun = beat - period - MS // 4 - READY_NANOS  # the next one falls just before the beat
    wire.sent.clear()
    run_to(engine, clock, beat + MS)
    assert shown(wire) == [beat - READY_NANOS]


def test_snapshots_come_however_much_is_due(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire()
    engine.snapshots.watch(wire)
    monkeypatch.setattr(engine.jam, "advance", lambda now: now + MS // 4)
    run_to(engine, clock, clock.nanos + SECOND)
    assert len(shown(wire)) >= engine.options.config.dashboard.fps // 3


def test_a_key_goes_before_a_snapshot_that_is_half_drawn(engine: Engine, clock: FakeClock, ear: Ear) -> None:
    wire = Wire()
    engine.snapshots.watch(wire)
    engine.snapshots._begun = -SECOND
    engine._turn(clock.now())
    assert engine.snapshots._drawing is not None
    engine.arrivals.put(Received(clock.now(), note_on(1, 60, 90), "keys"))
    engine._turn(clock.now())
    assert ear.note_ons() == [60]
    assert shown(wire) == []
    run_to(engine, clock, clock.nanos + 1)
    assert len(shown(wire)) == 1


def test_nothing_undoes_a_quit(engine: Engine, clock: FakeClock) -> None:
    engine.arrivals.put(command("quit"))
    engine._arrived(Wire(), Bye())  # a dashboard leaves in the same turn
    run_to(engine, clock, clock.nanos)
    assert engine.ending


def test_the_duration_counts_from_the_command_s_start(clock: FakeClock) -> None:
    engine = built(clock, duration_s=5.0, start_nanos=clock.nanos - 3 * SECOND)  # the second engine of a set
    begun = clock.nanos
    engine.run()
    assert clock.nanos == begun + 2 * SECOND


def test_a_notice_from_outside_is_not_of_another_age(engine: Engine, clock: FakeClock) -> None:
    run_to(engine, clock, clock.nanos + 5 * SECOND)
    engine.arrivals.put(Notice(0, "warning", "busy"))
    run_to(engine, clock, clock.nanos)
    said = engine.jam.notices.lines[-1]
    assert said.text == "busy"
    assert clock.nanos - SECOND <= said.nanos <= clock.nanos


def test_a_reader_that_has_gone_does_not_keep_the_jam_from_starting(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def write(self, _text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(sys, "stdout", Gone())
    monkeypatch.setattr(engine, "say", LineWriter(writing))
    engine.arrivals.put(EchoModel().ready())
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert engine.jam.transport.running
    engine.say.close()
    os.close(writing)


def test_ready_lines_are_json(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(engine, "say", LineWriter(writing))
    engine._ready("model", model="keys")
    engine.say.close()
    os.close(writing)
    with os.fdopen(reading, "rb") as line:
        assert json.loads(line.read()) == {"ready": "model", "ms": 0.0, "model": "keys"}


def test_an_answer_waits_for_the_note_that_is_due_this_moment(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    monkeypatch.setattr(engine.jam, "from_worker", lambda _message, now: taken.append(now))
    due = Nanos(clock.nanos + MS // 2)
    monkeypatch.setattr(engine.jam, "advance", lambda now: due if now < due else None)
    engine._turn(clock.now())
    engine.arrivals.put(Decoded(1, [], Point([]), (0.0, 0.0), 1.0))
    ready = Nanos(due - READY_NANOS)
    assert min(engine._turn(clock.now())) == ready
    assert taken == []
    clock.wait_until(ready)
    engine._turn(clock.now())
    engine._turn(clock.now())
    assert taken == [ready]


def test_a_note_is_made_ready_ahead_and_leaves_on_its_moment(engine: Engine, clock: FakeClock) -> None:
    engine.jam.start(clock.now())
    engine.jam.scheduler.note(Tick(100), Tick(200), step=1000, channel=2, pitch=60, velocity=90)
    due = engine.jam.transport.timeline.nanos(Tick(100))
    run_to(engine, clock, due - READY_NANOS // 2)
    assert clock.now() == due
    late = engine.jam.sender.lateness.recent()
    assert (late.number, late.worst) == (1, 0.0)


def test_a_fault_at_every_turn_ends_the_engine_for_another_one(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = clock.nanos

    def broken(_now: Nanos) -> None:
        raise ZeroDivisionError("for ever")

    monkeypatch.setattr(engine.jam, "advance", broken)
    with pytest.raises(BrokenEngineError, match="turns in a row failed: ZeroDivisionError"):
        engine.run()
    assert engine.faults.count == FAULTS_IN_A_ROW
    assert clock.nanos - begun < SECOND


def test_a_fault_now_and_then_is_survived(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance, turns = engine.jam.advance, count()

    def shaky(now: Nanos) -> Nanos | None:
        turn = next(turns)
        engine.ending = turn > 40
        if turn % 2:
            raise ZeroDivisionError("now and then")
        return advance(now)

    monkeypatch.setattr(engine.jam, "advance", shaky)
    engine.run()
    assert engine.faults.count > FAULTS_IN_A_ROW


def test_a_storm_is_reported_once_and_loses_no_key(engine: Engine, clock: FakeClock, ear: Ear) -> None:
    engine.jam.performer.bindings = Pad()
    for number in range(4000):
        engine.arrivals.put(Received(clock.now(), bytes((0xB0, 1, number % 128)), "knobs"))
        if number % 100 == 0:
            engine.arrivals.put(Received(clock.now(), note_on(1, number // 100, 90), "keys"))
            engine.arrivals.put(Received(clock.now(), note_off(1, number // 100), "keys"))
    run_to(engine, clock, clock.nanos + SECOND)
    assert ear.note_ons() == [pitch for pitch in range(40) if pitch != 36]
    assert ear.sounding() == set()
    assert [data[2] for data in ear.received if data[:2] == b"\xb0\x01"][-1] == 3999 % 128
    said = [notice.text for notice in engine.jam.notices.lines if "passed over" in notice.text]
    assert len(said) == 1
    assert engine.arrivals.coalesced > 3000
