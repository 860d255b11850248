"""The engine's loop on a fake clock: turns, who calls and who goes, the demo, and an end that always ends."""

import json
import os
import sys
from collections.abc import Iterator
from itertools import count

import msgspec
import pytest

from live.devices import ableton_link
from live.devices.ableton_link import LinkSession
from live.engine import engine as engine_module
from live.engine.beginning import Beginning
from live.engine.demo.demo_performer import DemoPerformer
from live.engine.demo.tune import FIRST
from live.engine.engine import READY_NANOS, BrokenEngineError, Engine
from live.engine.memory import remembered
from live.ipc.commands import Command
from live.ipc.messages import (
    Beat,
    Bye,
    Decoded,
    Load,
    LoadFailed,
    MidiOut,
    PlayMidi,
    Point,
    WantMidi,
)
from live.ipc.snapshot import Notice, Snapshot, Update
from live.jam.dialogue import Dialogue
from live.record.line_writer import LineWriter
from live.settings.config import parse
from live.timing.midi_bytes import Received, control, note_off, note_on, program
from live.timing.timeline import Nanos, Tick
from model.music.metre import name_of
from tests.fakes.commands import command
from tests.fakes.engine_stage import SECOND, Ear, FakeClock, Wire, built, hello, run_to
from tests.fakes.link_network import FakeLink, LinkNetwork
from tests.fakes.stage import MS, EchoModel, configured


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
    sink = engine.output.sinks[0]
    assert isinstance(sink, Ear)
    return sink


# -- the demo ------------------------------------------------------------------------------------


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


class Pad:
    """Bindings that take one key for an action."""

    def feed(self, received: Received) -> list[Command]:
        return []

    def consumes(self, received: Received) -> bool:
        return received.data[1] == 36

    def waiting(self) -> dict[str, float]:
        return {}


@pytest.mark.parametrize(("key", "goes_on"), [(36, True), (60, False)])
def test_the_demo_ends_when_the_performer_plays_not_at_a_pad(
    engine: Engine, clock: FakeClock, key: int, *, goes_on: bool
) -> None:
    engine.jam.performer.bindings = Pad()
    engine.demo = DemoPerformer(engine.jam)
    engine.arrivals.put(Received(clock.now(), note_on(1, key, 90), "keys"))
    run_to(engine, clock, clock.nanos)
    assert (engine.demo is not None) is goes_on


# -- the model process ---------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "patience_s"), [("loading", 30), ("ready", 3)])
def test_a_model_process_that_owes_an_answer_is_hung_up_on_in_time(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, state: str, patience_s: int
) -> None:
    monkeypatch.setattr(Dialogue, "waiting", property(lambda _self: True))
    engine.output.worker = wire = Wire()
    engine.jam.model_choice.state = state  # type: ignore[assignment]
    run_to(engine, clock, clock.nanos + patience_s * SECOND)
    assert wire.open
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert not wire.open


def test_a_new_model_process_counts_as_loading(engine: Engine, clock: FakeClock) -> None:
    engine.jam.worker_lost()
    engine._arrived(Wire(), hello())
    run_to(engine, clock, clock.nanos)
    assert engine.jam.model_choice.state == "loading"


def test_a_model_process_learns_what_to_load_before_the_ports_are_open(clock: FakeClock) -> None:
    engine = built(clock)
    wire = Wire()
    engine._arrived(wire, hello())  # on the link's thread
    assert wire.sent == [Load("keys")]
    run_to(engine, clock, clock.nanos)
    assert wire.sent == [Load("keys")]
    engine.close()


def test_a_model_process_learns_where_a_keyboard_is_split(clock: FakeClock) -> None:
    engine = built(clock, config=parse({"model": {"split": "F#2"}}))
    wire = Wire()
    engine._arrived(wire, hello())
    run_to(engine, clock, clock.nanos)
    engine.jam.model_choice.load("lead", "auto")
    engine.worker.load_wanted()
    assert wire.sent == [Load(name, split="F#2") for name in ("keys", "lead", "lead")]
    engine.close()


def test_a_model_process_that_comes_back_loads_what_was_chosen(engine: Engine, clock: FakeClock) -> None:
    engine.jam.model_choice.load("lead", "auto")
    first, wire = Wire(), Wire()
    engine._arrived(first, hello())
    assert first.sent == [Load("lead")]
    engine._arrived(wire, hello())
    engine.jam.model_choice.wanted = "echo"  # while its greeting waits to be taken
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
    monkeypatch.setattr(engine.devices, "keep_worker", lambda: started.append(1))
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


def hangs(engine: Engine, clock: FakeClock, *, loads: bool) -> list[Load]:
    """Let a model process call that loads, or not, and then owes every answer; returns what it is to load."""
    wire = Wire()
    engine._arrived(wire, hello())
    run_to(engine, clock, clock.nanos)
    if loads:
        engine._arrived(wire, EchoModel().ready())
    run_to(engine, clock, clock.nanos + (4 if loads else 32) * SECOND)
    assert not wire.open
    engine._arrived(wire, None)
    run_to(engine, clock, clock.nanos)
    return [message for message in wire.sent if isinstance(message, Load)]


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dialogue, "waiting", property(lambda _self: True))


@pytest.mark.parametrize("loads", [False, True])
def test_after_a_model_that_hangs_the_last_one_that_answered_comes_back(
    engine: Engine, clock: FakeClock, waiting: None, *, loads: bool
) -> None:
    wire = Wire()
    engine._arrived(wire, hello())
    engine._arrived(wire, EchoModel().ready())
    engine._arrived(wire, Decoded(1, [], Point([]), (0.0, 0.0), 1.0))
    run_to(engine, clock, clock.nanos)
    engine._command(command("model", "poison.safetensors"), clock.now())
    if loads:
        engine._arrived(wire, EchoModel(ident="poison").ready())
    begun = clock.nanos
    while wire.open:
        run_to(engine, clock, clock.nanos + SECOND // 4)
    assert clock.nanos - begun <= (4 if loads else 21) * SECOND
    assert "model 'poison.safetensors' does not " in engine.jam.notices.lines[-1].text
    assert engine.jam.notices.lines[-1].text.endswith("it is given up, and 'keys' plays")
    engine._arrived(wire, None)
    assert hangs(engine, clock, loads=True) == [Load("keys")]


def test_a_first_model_that_never_loads_is_replaced_by_the_standard_one(clock: FakeClock) -> None:
    engine = built(clock, model="poison.safetensors")
    assert hangs(engine, clock, loads=False) == [Load("poison.safetensors")]
    assert hangs(engine, clock, loads=False) == [Load("keys")]
    assert hangs(engine, clock, loads=False) == [Load("keys")]
    engine.close()


def test_a_model_that_hangs_once_is_tried_again(clock: FakeClock, waiting: None) -> None:
    engine = built(clock, model="slow.safetensors")
    assert hangs(engine, clock, loads=True) == [Load("slow.safetensors")]
    assert hangs(engine, clock, loads=True) == [Load("slow.safetensors")]
    assert hangs(engine, clock, loads=True) == [Load("keys")]
    engine.close()


# -- turns ---------------------------------------------------------------------------------------


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
    engine.close()


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


def test_a_model_that_does_not_load_lets_the_jam_start(engine: Engine, clock: FakeClock) -> None:
    engine.arrivals.put(LoadFailed("it is foreign"))
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert engine.jam.transport.running


def test_an_engine_after_a_dead_one_silences_what_may_still_sound(
    engine: Engine, clock: FakeClock, ear: Ear
) -> None:
    engine.beginning = Beginning(engine.jam, engine.devices, revived=True)
    engine._model_loaded(EchoModel().ready(), clock.now())
    ear.received.clear()
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert engine.jam.transport.running
    offs = [data for data in ear.received if data[:1] < b"\xf0" and data[1] == 120]
    assert len(offs) == 16


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


# -- faults --------------------------------------------------------------------------------------


def test_a_fault_at_every_turn_ends_the_engine_for_another_one(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = clock.nanos

    def broken(_now: Nanos) -> None:
        raise ZeroDivisionError("for ever")

    monkeypatch.setattr(engine.jam, "advance", broken)
    with pytest.raises(BrokenEngineError, match="turns in a row failed: ZeroDivisionError"):
        engine.run()
    assert engine.faults == engine_module.FAULTS_IN_A_ROW
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
    assert engine.faults > engine_module.FAULTS_IN_A_ROW


def test_a_model_process_that_hangs_while_it_loads_the_first_model_is_killed(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _signal: killed.append(pid))
    wire = Wire()
    engine._arrived(wire, hello(pid=4711))
    run_to(engine, clock, clock.nanos + 29 * SECOND)
    assert killed == []
    run_to(engine, clock, clock.nanos + 3 * SECOND)
    assert killed == [4711]
    assert not wire.open


def test_an_early_stop_is_not_overruled_by_the_model_s_coming(engine: Engine, clock: FakeClock) -> None:
    engine.arrivals.put(command("stop"))
    run_to(engine, clock, clock.nanos + MS)
    engine.arrivals.put(EchoModel().ready())
    run_to(engine, clock, clock.nanos + 3 * SECOND)
    assert not engine.jam.transport.running
    engine.arrivals.put(command("start"))
    run_to(engine, clock, clock.nanos + MS)
    assert engine.jam.transport.running


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


# -- the heartbeat -------------------------------------------------------------------------------


@pytest.mark.parametrize("playing", [False, True])
def test_the_loop_beats_for_the_supervisor_as_long_as_it_turns(clock: FakeClock, *, playing: bool) -> None:
    engine = built(clock, duration_s=5.0)
    supervisor = Wire()
    engine._arrived(supervisor, hello("supervisor"))
    if playing:
        engine.jam.start(clock.now())
    engine.run()
    beats = [message for message in supervisor.sent if isinstance(message, Beat)]
    assert 18 <= len(beats) <= 21
    assert beats[-1] == Beat(worker=False)
    engine._arrived(Wire(), hello())
    engine.options = msgspec.structs.replace(engine.options, duration_s=6.0)
    engine.run()
    assert Beat(worker=True) in supervisor.sent
    engine.close()


@pytest.mark.parametrize("crashed", [False, True])
def test_the_supervisor_learns_that_the_engine_closes(clock: FakeClock, *, crashed: bool) -> None:
    engine = built(clock)
    wires = {"supervisor": Wire(), "dashboard": Wire()}
    for role, wire in wires.items():
        engine._arrived(wire, hello(role))
    run_to(engine, clock, clock.nanos)
    engine.close(crashed=crashed)
    said = {role: any(isinstance(each, Bye) for each in wire.sent) for role, wire in wires.items()}
    assert said == {"supervisor": not crashed, "dashboard": not crashed}
    assert (Beat(worker=False, closing=True) in wires["supervisor"].sent) is crashed


def test_an_engine_after_another_does_not_wait_for_a_model_process_that_never_calls(clock: FakeClock) -> None:
    engine = built(clock, revived=True)
    engine.open()
    run_to(engine, clock, clock.nanos + 3 * SECOND)
    assert engine.jam.transport.running
    beginning = engine.jam.run
    engine.arrivals.put(EchoModel().ready())
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert engine.jam.run == beginning
    engine.close()


# -- in time with others -------------------------------------------------------------------------


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
    engine.close()


def test_with_midi_clock_the_jam_starts_when_the_master_does(clock: FakeClock) -> None:
    engine = built(clock, config=configured(input=["none"], output=["none"], clock="midi"))
    engine._handle(None, EchoModel().ready(), clock.now())
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert not engine.jam.transport.running
    engine.arrivals.put(Received(clock.now(), bytes((0xFA,)), "box"))
    zero = clock.nanos + 25 * MS
    for number in range(49):
        run_to(engine, clock, zero + number * 25 * MS)  # 100 bpm
        engine.arrivals.put(Received(Nanos(zero + number * 25 * MS), bytes((0xF8,)), "box"))
    run_to(engine, clock, zero + 48 * 25 * MS + MS)
    assert engine.jam.tick(Nanos(zero + 48 * 25 * MS)) == pytest.approx(2 * 480, abs=2)
    assert engine.jam.transport.tempo_bpm == pytest.approx(100, rel=1e-3)
    run_to(engine, clock, clock.nanos + SECOND)
    assert any(
        "MIDI clock of box is lost: the tempo stays" in notice.text for notice in engine.jam.notices.lines
    )
    engine.close()


def test_with_its_own_clock_a_master_s_bytes_mean_nothing(engine: Engine, clock: FakeClock) -> None:
    for status in (0xFA, 0xF8, 0xFB, 0xFC):
        engine.arrivals.put(Received(clock.now(), bytes((status,)), "box"))
    run_to(engine, clock, clock.nanos + SECOND // 10)
    assert not engine.jam.transport.running
    assert engine.jam.leader is None


def test_with_link_the_jam_begins_in_the_session_and_leaves_it_at_the_end(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = LinkNetwork(nanos=clock.nanos)

    def opened(bpm: float) -> LinkSession:
        return LinkSession(FakeLink(network, bpm), clock.now)

    monkeypatch.setattr(ableton_link, "open_session", opened)
    engine = built(clock, config=configured(input=["none"], output=["none"], clock="link", record=False))
    engine.open()
    engine._handle(None, EchoModel().ready(), clock.now())
    for _ in range(300):
        run_to(engine, clock, clock.nanos + 10 * MS)
        network.nanos = clock.nanos
    assert engine.jam.transport.running
    assert network.session.playing
    engine.close()
    assert network.members == []


# -- browsers ------------------------------------------------------------------------------------


def test_a_browser_s_keys_are_played_and_let_go_when_it_goes(
    engine: Engine, clock: FakeClock, ear: Ear
) -> None:
    page, port = Wire(), "page: keys"
    engine._handle(page, PlayMidi(port, note_on(1, 60, 90), clock.nanos), clock.now())
    engine._handle(page, PlayMidi(port, note_on(1, 64, 90), clock.nanos), clock.now())
    assert {pitch for _, pitch in ear.sounding()} == {60, 64}
    engine._handle(page, PlayMidi(port, note_off(1, 60), clock.nanos), clock.now())
    engine._handle(page, PlayMidi(port, b"", clock.nanos), clock.now())
    assert ear.sounding() == set()
    engine._handle(page, PlayMidi(port, note_on(1, 67, 90), clock.nanos), clock.now())
    engine._gone(page)  # the page's process has died
    assert ear.sounding() == set()


def test_a_key_of_a_browser_is_as_old_as_it_says_but_no_older_than_can_be(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    monkeypatch.setattr(
        engine, "_received", lambda received, _now: taken.append(received.nanos - clock.nanos)
    )
    for nanos in (clock.nanos - 5 * MS, clock.nanos + SECOND, 0):
        engine._handle(Wire(), PlayMidi("page: keys", note_on(1, 60, 90), nanos), clock.now())
    assert taken == [-5 * MS, 0, -SECOND // 4]


def test_a_page_that_wants_it_is_sent_all_that_leaves(engine: Engine, clock: FakeClock) -> None:
    page = Wire()
    engine._handle(page, WantMidi(wanted=True), clock.now())
    setup = [message.data for message in page.sent if isinstance(message, MidiOut)]
    assert (program(2, 4) in setup, control(2, 7, 102) in setup) == (True, True)
    page.sent.clear()
    engine._handle(page, PlayMidi("page: keys", note_on(1, 60, 90), clock.nanos), clock.now())
    assert [(message.data, message.performer) for message in page.sent if isinstance(message, MidiOut)] == [
        (note_on(1, 60, 90), True)
    ]
    engine._handle(page, WantMidi(wanted=False), clock.now())
    engine._handle(page, PlayMidi("page: keys", note_off(1, 60), clock.nanos), clock.now())
    assert len([message for message in page.sent if isinstance(message, MidiOut)]) == 1


def test_a_model_process_that_gets_no_processor_is_waited_for(clock: FakeClock, waiting: None) -> None:
    engine, wire, began = built(clock), Wire(), clock.nanos
    engine.worker._waited = lambda _pid: min(10 * SECOND, clock.nanos - began)
    engine._arrived(wire, hello())
    engine._arrived(wire, EchoModel().ready())
    opened = []
    for seconds in (12, 15):
        run_to(engine, clock, began + seconds * SECOND)
        opened.append(wire.open)
    assert opened == [True, False]
    engine.close()
