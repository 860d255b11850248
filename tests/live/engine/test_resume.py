"""The engine that comes after a crash goes on with everything, on the same beat, and leads who followed."""

import msgspec
import pytest

from live.engine.demo.demo_performer import DemoPerformer
from live.engine.engine import Engine
from live.ipc.jam_memory import JamMemory, Zone
from live.ipc.messages import Bye, Load
from live.ipc.places import Point
from live.jam.latent.path import points
from live.timing.midi_bytes import Received, control, note_on
from live.timing.timeline import Tick
from tests.fakes.commands import command
from tests.fakes.engine_stage import SECOND, Ear, FakeClock, Wire, built, hello, run_to
from tests.fakes.stage import MS, EchoModel, configured


def jamming(clock: FakeClock) -> Engine:
    """An engine that has a base, an anchor, turned knobs and a running transport."""
    engine = built(clock)
    supervisor = Wire()
    engine._arrived(supervisor, hello("supervisor"))
    engine.arrivals.put(EchoModel().ready())
    run_to(engine, clock, clock.nanos + SECOND)
    for asked in (command("knob", "density", 0.5), command("knob", "tempo", 96.0), command("mode", "hold")):
        engine.arrivals.put(asked)
    engine.jam.places.go(Point([1.0, 2.0], {"density": 1.0}), "recall", Tick(0))
    engine.arrivals.put(command("capture", "A"))
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    engine.upkeep.do(clock.nanos, clock.nanos + SECOND)
    return engine


def test_the_engine_after_a_crash_goes_on_in_the_metre_and_on_its_bar_lines(clock: FakeClock) -> None:
    first = jamming(clock)
    first.arrivals.put(command("metre", "3/4"))
    run_to(first, clock, clock.nanos + 4 * SECOND)
    lines = first.jam.plan.lines
    assert lines.start > 0
    first.upkeep.do(clock.nanos, clock.nanos + SECOND)
    crossed = memory_of(first)
    second = built(clock, revived=True)
    second._arrived(Wire(), crossed)
    run_to(second, clock, clock.nanos + 1)
    worker = Wire()
    second._arrived(worker, hello())
    second.arrivals.put(EchoModel().ready())
    run_to(second, clock, clock.nanos + SECOND)
    assert (second.jam.plan.lines, second.jam.dialogue.metre) == (lines, "3/4")
    assert second.jam.dialogue.coming is None
    assert [message.metre for message in worker.sent if isinstance(message, Load)][-1] == "3/4"
    assert second.jam.history.state.anchors == first.jam.history.state.anchors


def test_the_engine_after_a_crash_knows_the_fingers_of_an_mpe_keyboard(clock: FakeClock) -> None:
    def arrive(engine: Engine, *messages: bytes) -> None:
        for data in messages:
            engine.arrivals.put(Received(clock.now(), data, "keys"))
        run_to(engine, clock, clock.nanos + SECOND)

    first = jamming(clock)
    arrive(first, control(1, 101, 0), control(1, 100, 6), control(1, 6, 5))
    first.upkeep.do(clock.nanos, clock.nanos + SECOND)
    crossed = memory_of(first)
    assert crossed.zones == {"keys": [Zone(1, frozenset((2, 3, 4, 5, 6)))]}
    second = built(clock, revived=True)
    second._arrived(Wire(), crossed)
    ear = Ear()
    second.output.sinks.append(ear)
    arrive(second, bytes((0xE2, 0, 0x7F)), bytes((0xE7, 0, 0x70)))
    assert bytes((0xE0, 0, 0x70)) in ear.received
    assert bytes((0xE0, 0, 0x7F)) not in ear.received


@pytest.mark.parametrize("model_first", [False, True])
def test_the_engine_after_a_crash_goes_on_with_everything(clock: FakeClock, *, model_first: bool) -> None:
    first = jamming(clock)
    crossed = memory_of(first)
    clock.nanos += SECOND  # it dies, and another one comes
    second = built(clock, revived=True)
    if model_first:
        second.arrivals.put(EchoModel().ready())
        run_to(second, clock, clock.nanos + 1)
    second._arrived(Wire(), crossed)
    second.arrivals.put(EchoModel().ready())
    run_to(second, clock, clock.nanos + SECOND)
    old, new = first.jam, second.jam
    assert new.knobs == old.knobs
    assert new.history.state.anchors == old.history.state.anchors
    assert new.history.state.base == old.history.state.base
    assert (new.history.state.mode, new.transport.tempo_bpm) == ("hold", 96.0)
    assert new.transport.timeline.tick(clock.now()) == old.transport.timeline.tick(clock.now())


def test_the_engine_after_a_crash_stands_still_where_the_performer_had_stopped(clock: FakeClock) -> None:
    first = jamming(clock)
    first.arrivals.put(command("stop"))
    run_to(first, clock, clock.nanos + SECOND)
    first.upkeep.do(clock.nanos + SECOND, clock.nanos + 2 * SECOND)
    second = built(clock, revived=True)
    second._arrived(Wire(), memory_of(first))
    second.arrivals.put(EchoModel().ready())
    run_to(second, clock, clock.nanos + 3 * SECOND)
    assert not second.jam.transport.running


def after(first: Engine, clock: FakeClock, **options: object) -> Engine:
    """Return the engine that goes on from another one."""
    first.upkeep.do(clock.nanos + SECOND, clock.nanos + 2 * SECOND)
    second = built(clock, revived=True, **options)
    second._arrived(Wire(), memory_of(first))
    run_to(second, clock, clock.nanos + SECOND)
    return second


def test_the_engine_after_a_crash_knows_solo_and_metronome(clock: FakeClock) -> None:
    first = jamming(clock)
    for asked in (command("mute", "melody"), command("metronome")):
        first.arrivals.put(asked)
    first.arrivals.put(EchoModel(codec="multitrack", ident="band").ready())
    run_to(first, clock, clock.nanos + SECOND)
    first.arrivals.put(command("solo", "bass"))
    run_to(first, clock, clock.nanos + SECOND)
    second = after(first, clock)
    assert second.jam.mixer.mutes == first.jam.mixer.mutes
    assert second.jam.mixer.mutes.solo == "bass"
    assert second.jam.plan.muted == {0, 1, 3}
    assert second.jam.sender.metronome.on
    ear = second.output.sinks[0]
    assert isinstance(ear, Ear)
    run_to(second, clock, clock.nanos + 2 * SECOND)
    assert {76, 77} & {*ear.note_ons()}


def test_the_engine_after_a_crash_still_waits_for_the_first_note(clock: FakeClock) -> None:
    first = jamming(clock)
    for asked in (command("stop"), command("arm")):
        first.arrivals.put(asked)
    run_to(first, clock, clock.nanos + SECOND)
    second = after(first, clock)
    run_to(second, clock, clock.nanos + 3 * SECOND)
    assert second.jam.state(clock.now()) == "armed"
    second.arrivals.put(Received(clock.now(), note_on(1, 60, 90), "keys"))
    run_to(second, clock, clock.nanos + SECOND)
    assert second.jam.state(clock.now()) == "playing"


def test_what_has_not_changed_is_remembered_once(clock: FakeClock) -> None:
    engine = jamming(clock)
    assert isinstance(engine.supervisor.link, Wire)
    before = len(engine.supervisor.link.sent)
    for _ in range(3):
        clock.nanos += SECOND
        engine.upkeep.do(clock.nanos, clock.nanos + SECOND)
    assert len(engine.supervisor.link.sent) == before


def memory_of(engine: Engine) -> JamMemory:
    engine.supervisor.forget()
    engine._send_memory()
    assert isinstance(engine.supervisor.link, Wire)
    last = [message for message in engine.supervisor.link.sent if isinstance(message, JamMemory)][-1]
    return msgspec.msgpack.decode(msgspec.msgpack.encode(last), type=JamMemory)


def test_an_engine_that_another_follows_says_no_goodbye_and_stops_nothing(clock: FakeClock) -> None:
    engine = jamming(clock)
    worker, ear = Wire(), engine.output.sinks[0]
    engine._arrived(worker, hello())
    run_to(engine, clock, clock.nanos + MS)
    engine.options = msgspec.structs.replace(engine.options)
    engine.close(crashed=True)
    assert isinstance(engine.supervisor.link, Wire)
    assert isinstance(ear, Ear)
    assert not [
        message for message in (*engine.supervisor.link.sent, *worker.sent) if isinstance(message, Bye)
    ]
    assert ear.sounding() == set()
    assert bytes((0xFC,)) not in ear.received


def test_the_engine_after_a_crash_asks_for_the_chosen_model_at_once(clock: FakeClock) -> None:
    engine = built(clock, revived=True, model="lead")
    wire = Wire()
    engine._arrived(wire, hello())  # before the memory has come
    assert wire.sent == [Load("lead")]


@pytest.mark.parametrize("ended", [False, True])
def test_the_demo_goes_on_at_its_next_verse_after_a_crash_or_stays_ended(
    clock: FakeClock, *, ended: bool
) -> None:
    first = jamming(clock)
    first.demo = None if ended else DemoPerformer(first.jam)
    memory = memory_of(first)
    clock.nanos += 300 * SECOND
    second = built(clock, revived=True)
    second.demo = DemoPerformer(second.jam)
    second._arrived(Wire(), memory)
    run_to(second, clock, clock.nanos + SECOND // 2)
    ear = second.output.sinks[0]
    assert isinstance(ear, Ear)
    assert len(ear.note_ons()) < 3
    assert (second.demo is None) is ended


def test_anchors_stored_on_the_pad_over_and_over_stay_small(clock: FakeClock) -> None:
    engine = jamming(clock)
    for turn in range(8):
        for name in "ABCD":
            engine.arrivals.put(command("capture", name))
        run_to(engine, clock, clock.nanos + SECOND // 10)
        engine.arrivals.put(command("knob", "xy.x", 0.3 + 0.05 * turn))
        run_to(engine, clock, clock.nanos + SECOND // 10)
    anchors = engine.jam.history.state.anchors.values()
    assert max(points(anchor.place) for anchor in anchors) <= 16


def test_what_follows_the_clock_is_led_back_to_its_place_after_a_crash(clock: FakeClock) -> None:
    first = jamming(clock)
    memory = memory_of(first)
    clock.nanos += 10 * SECOND
    second = built(clock, revived=True)
    second.jam.sender.clock_out.wanted = True
    second._arrived(Wire(), memory)
    run_to(second, clock, clock.nanos + SECOND)
    ear = second.output.sinks[0]
    assert isinstance(ear, Ear)
    system = [data for data in ear.received if data[0] >= 0xF0]
    assert [data[0] for data in system[:4]] == [0xFC, 0xF2, 0xFB, 0xF8]
    position = system[1][1] | system[1][2] << 7
    clocks = [data for data in system if data[0] == 0xF8]
    present = second.jam.transport.timeline.tick(clock.now())
    assert abs(position * 120 + (len(clocks) - 1) * 20 - present) <= 20


def test_whoever_connects_again_to_a_virtual_port_is_silenced_too(clock: FakeClock) -> None:
    first = jamming(clock)
    second = built(clock, revived=True)
    second.options = msgspec.structs.replace(
        second.options, config=configured(input=["none"], output=["virtual"])
    )
    second.auto_start.thru_works(clock.now())
    second._arrived(Wire(), memory_of(first))
    run_to(second, clock, clock.nanos + MS)
    ear = second.output.sinks[0]
    assert isinstance(ear, Ear)
    ear.received.clear()
    run_to(second, clock, clock.nanos + SECOND)
    assert len([data for data in ear.received if data[0] & 0xF0 == 0xB0 and data[1] == 120]) == 16


def test_the_take_of_the_engine_after_a_crash_knows_the_tempo(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = jamming(clock)
    second = built(clock, revived=True)
    tempos: list[float] = []
    monkeypatch.setattr(second.output, "tempo", lambda _tick, bpm: tempos.append(bpm))
    second._arrived(Wire(), memory_of(first))
    run_to(second, clock, clock.nanos + MS)
    assert tempos == [96.0]


def test_a_condition_left_to_the_model_is_not_set_again_after_a_crash(clock: FakeClock) -> None:
    first = jamming(clock)
    second = built(clock, revived=True)
    second.jam.requests.conditions["key"] = "C"  # of live.toml, and given up since
    second._arrived(Wire(), memory_of(first))
    run_to(second, clock, clock.nanos + MS)
    assert second.jam.requests.conditions == {}


def test_the_memory_is_sent_though_something_is_always_due(clock: FakeClock) -> None:
    engine = jamming(clock)
    assert isinstance(engine.supervisor.link, Wire)
    engine.arrivals.put(command("knob", "density", -0.7))
    run_to(engine, clock, clock.nanos + MS)
    for _ in range(1000):
        clock.nanos += 5 * MS
        engine.upkeep.do(clock.nanos, clock.nanos + 5 * MS)
    assert [m for m in engine.supervisor.link.sent if isinstance(m, JamMemory)][-1].state.knobs[
        "density"
    ] == -0.7
