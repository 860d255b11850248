"""The engine's loop on a fake clock: turns, who calls and who goes, the demo, and an end that always ends."""

import json
import os
import sys
from collections.abc import Iterator

import msgspec
import pytest

from live.engine import engine as engine_module
from live.engine.demo import FIRST, Demo
from live.engine.engine import READY_NANOS, Engine
from live.ipc.messages import Bye, Command, Decoded, Failed, Load, Notice, Snapshot
from live.jam.dialogue import Answers
from live.record.line_writer import LineWriter
from live.timing.midi_bytes import Received, note_on
from live.timing.timeline import Nanos, Tick
from tests.fakes.engine_stage import SECOND, Ear, FakeClock, Wire, built, hello, run_to
from tests.fakes.stage import MS, EchoModel


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(clock: FakeClock) -> Iterator[Engine]:
    made = built(clock)
    yield made
    made.close()


@pytest.fixture
def ear(engine: Engine) -> Ear:
    sink = engine.outlet.sinks[0]
    assert isinstance(sink, Ear)
    return sink


# -- the demo ------------------------------------------------------------------------------------


def test_a_stop_ends_the_demo_s_keys(engine: Engine, clock: FakeClock, ear: Ear) -> None:
    engine.demo = Demo()
    engine.jam.start(clock.now())
    run_to(engine, clock, clock.nanos + SECOND // 2)
    assert ear.sounding()
    engine.jam.stop(clock.now())  # as a controller's pad does, past the engine's own commands
    run_to(engine, clock, clock.nanos + SECOND)
    assert ear.sounding() == set()


def test_her_own_keys_outlive_a_stop_of_the_demo(engine: Engine, clock: FakeClock, ear: Ear) -> None:
    engine.demo = Demo()
    engine.jam.start(clock.now())
    engine.jam.hands.received(Received(clock.now(), note_on(1, 30, 90), "keys"), clock.now())
    run_to(engine, clock, clock.nanos + SECOND // 2)
    engine.jam.stop(clock.now())
    run_to(engine, clock, clock.nanos + SECOND)
    assert ear.sounding() == {(0, 30)}


def test_each_start_plays_the_demo_from_the_top(engine: Engine, clock: FakeClock, ear: Ear) -> None:
    opening = [pitch for beat, _, pitch, _ in FIRST if beat < 1.0]
    engine.demo = Demo()
    for _ in range(2):
        engine.jam.start(clock.now())  # the second one while the first still runs
        run_to(engine, clock, clock.nanos + SECOND // 4)
        ear.heard.clear()
        run_to(engine, clock, clock.nanos + 3 * SECOND)
    engine.jam.start(clock.now())
    ear.heard.clear()
    run_to(engine, clock, clock.nanos + SECOND // 2)
    assert ear.note_ons() == opening


class Pad:
    """A mapper that takes one key for an action."""

    def feed(self, data: bytes) -> list[Command]:
        return []

    def consumes(self, data: bytes) -> bool:
        return data[1] == 36

    def waiting(self) -> dict[str, float]:
        return {}


@pytest.mark.parametrize(("key", "goes_on"), [(36, True), (60, False)])
def test_the_demo_ends_when_she_plays_not_when_she_hits_a_pad(
    engine: Engine, clock: FakeClock, key: int, *, goes_on: bool
) -> None:
    engine.jam.mapper = Pad()
    engine.demo = Demo()
    engine._post(Received(clock.now(), note_on(1, key, 90), "keys"))
    run_to(engine, clock, clock.nanos)
    assert (engine.demo is not None) is goes_on


# -- the model process ---------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "patience_s"), [("loading", 60), ("ready", 3)])
def test_a_model_process_that_owes_an_answer_is_hung_up_on_in_time(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, state: str, patience_s: int
) -> None:
    monkeypatch.setattr(Answers, "waiting", property(lambda _self: True))
    engine.outlet.worker = wire = Wire()
    engine.jam.model_state = state  # type: ignore[assignment]
    run_to(engine, clock, clock.nanos + patience_s * SECOND)
    assert wire.open
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert not wire.open


def test_a_new_model_process_counts_as_loading(engine: Engine, clock: FakeClock) -> None:
    engine.jam.worker_lost()
    engine._arrived(Wire(), hello())
    run_to(engine, clock, clock.nanos)
    assert engine.jam.model_state == "loading"


def test_a_model_process_is_told_what_to_load_before_the_ports_are_open(clock: FakeClock) -> None:
    engine = built(clock)
    jam = engine.__dict__.pop("jam")  # as it is before `open`
    wire = Wire()
    engine._arrived(wire, hello())
    assert wire.sent == [Load("keys")]
    engine.jam = jam
    run_to(engine, clock, clock.nanos)
    assert wire.sent == [Load("keys")]
    engine.close()


def test_a_model_process_that_comes_back_loads_what_was_chosen(engine: Engine, clock: FakeClock) -> None:
    engine.jam.load_model("lead")
    first, wire = Wire(), Wire()
    engine._arrived(first, hello())
    assert first.sent == [Load("lead")]
    engine._arrived(wire, hello())
    engine.jam.wanted_model = "echo"  # while its greeting waits in the inbox
    run_to(engine, clock, clock.nanos)
    assert wire.sent == [Load("lead"), Load("echo")]
    assert isinstance(first.sent[-1], Bye)  # one model process is enough
    assert not first.open


@pytest.mark.parametrize("order", [("worker", "supervisor"), ("supervisor", "worker")])
def test_when_supervisor_and_model_process_die_together_a_new_one_is_started(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, order: tuple[str, str]
) -> None:
    engine = built(clock, headless=False)
    started = list[int]()
    monkeypatch.setattr(engine.rig, "keep_worker", lambda: started.append(1))
    wires = {"worker": Wire(), "supervisor": Wire()}
    for role, wire in wires.items():
        engine._arrived(wire, hello(role))
    run_to(engine, clock, clock.nanos)
    engine._arrived(wires[order[0]], None)
    run_to(engine, clock, clock.nanos)
    assert started == []
    engine._arrived(wires[order[1]], None)
    run_to(engine, clock, clock.nanos)
    assert started == [1]
    assert not engine.ending
    engine.close()


# -- turns ---------------------------------------------------------------------------------------


def test_a_storm_of_messages_does_not_delay_what_is_due(engine: Engine, clock: FakeClock) -> None:
    engine.jam.start(clock.now())
    clock.nanos += 5 * SECOND
    for number in range(1000):
        engine._post(Received(clock.now(), bytes((0xB0, 1, number % 128)), "knobs"))
    coming = engine._turn(clock.now())
    assert len(engine.inbox) == 1000 - engine_module.MESSAGES_A_TURN
    assert min(coming) <= clock.nanos
    run_to(engine, clock, clock.nanos + MS)
    assert not engine.inbox


def pictures(wire: Wire) -> list[int]:
    return [message.nanos for message in wire.sent if isinstance(message, Snapshot)]


def test_no_picture_is_taken_just_before_something_is_due(engine: Engine, clock: FakeClock) -> None:
    wire = Wire()
    engine.pictures.watchers.append(wire)
    engine.jam.start(clock.now())
    beat = engine.jam.transport.timeline.nanos(Tick(480))
    period = SECOND // engine.options.config.dashboard.fps
    run_to(engine, clock, beat - period - MS)
    engine.pictures._latest = beat - period - MS  # the next one falls a millisecond before the beat
    wire.sent.clear()
    run_to(engine, clock, beat + MS)
    assert pictures(wire) == [beat - READY_NANOS]


def test_pictures_come_however_much_is_due(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire()
    engine.pictures.watchers.append(wire)
    monkeypatch.setattr(engine.jam, "advance", lambda now: now + MS)
    run_to(engine, clock, clock.nanos + SECOND)
    assert len(pictures(wire)) >= engine.options.config.dashboard.fps // 2


def test_nothing_undoes_a_quit(engine: Engine, clock: FakeClock) -> None:
    engine._post(Command("quit"))
    engine._arrived(Wire(), Bye())  # a dashboard leaves in the same turn
    run_to(engine, clock, clock.nanos)
    assert engine.ending


def test_the_duration_counts_from_the_command_s_start(clock: FakeClock) -> None:
    engine = built(clock, duration_s=5.0, start_nanos=clock.nanos - 3 * SECOND)  # the second engine of a set
    begun = clock.nanos
    engine.run()
    assert clock.nanos == begun + 2 * SECOND
    engine.close()


def test_a_notice_from_outside_is_not_of_another_age(engine: Engine, clock: FakeClock) -> None:
    run_to(engine, clock, clock.nanos + 5 * SECOND)
    engine._post(Notice(0, "warning", "busy"))
    run_to(engine, clock, clock.nanos)
    said = engine.jam.notices[-1]
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
    engine._post(EchoModel().ready())
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
    with os.fdopen(reading, "rb") as told:
        assert json.loads(told.read()) == {"ready": "model", "ms": 0.0, "model": "keys"}


def test_a_model_that_does_not_load_lets_the_jam_start(engine: Engine, clock: FakeClock) -> None:
    engine._post(Failed(None, "it is foreign"))
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert engine.jam.transport.running


def test_an_engine_after_a_dead_one_silences_what_may_still_sound(
    engine: Engine, clock: FakeClock, ear: Ear
) -> None:
    engine.options = msgspec.structs.replace(engine.options, revived=True)
    engine._from_worker(EchoModel().ready(), clock.now())
    ear.heard.clear()
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert engine.jam.transport.running
    offs = [data for data in ear.heard if data[:1] < b"\xf0" and data[1] == 120]
    assert len(offs) == 16


def test_an_answer_waits_for_the_note_that_is_due_this_moment(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    monkeypatch.setattr(engine.jam, "from_worker", lambda _message, now: taken.append(now))
    due = Nanos(clock.nanos + MS // 2)
    monkeypatch.setattr(engine.jam, "advance", lambda now: due if now < due else None)
    engine._turn(clock.now())
    engine._post(Decoded(1, 0, [], (0.0, 0.0), 1.0))
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
    assert list(engine.jam.lateness_nanos) == [0]
