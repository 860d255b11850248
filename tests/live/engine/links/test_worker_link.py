"""The model process as the engine sees it: what it loads, when it owes an answer, when it is given up."""

import os

import pytest

from live.engine.engine import Engine
from live.ipc.messages import BeatFound, Bye, Decoded, Listen, Load, LoadFailed
from live.ipc.places import Point
from live.jam.asking.model_choice import MODEL
from live.jam.dialogue import Dialogue
from live.settings.config import parse
from model.music.metre import METRES
from tests.fakes.commands import command
from tests.fakes.engine_stage import SECOND, FakeClock, Wire, built, hello, run_to
from tests.fakes.stage import EchoModel


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


def test_that_no_model_process_has_come_is_told_once_and_over_when_one_plays(clock: FakeClock) -> None:
    engine = built(clock)
    states = []
    for seconds in (9, 20):
        run_to(engine, clock, clock.nanos + seconds * SECOND)
        states.append(engine.jam.model_choice.state)
    assert states == ["loading", "lost"]
    assert [notice.text for notice in engine.jam.notices.lines if notice.about == MODEL] == [
        "no model process has come yet: `twobar doctor` says what is missing"
    ]
    engine._arrived(Wire(), hello())
    run_to(engine, clock, clock.nanos)
    assert engine.jam.model_choice.state == "loading"
    engine.jam.from_worker(EchoModel().ready(), clock.now())
    assert engine.jam.notices.lines[-1].text == "the model is back"


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


def test_a_model_process_learns_where_a_keyboard_is_split(clock: FakeClock) -> None:
    engine = built(clock, config=parse({"model": {"split": "F#2"}}))
    wire = Wire()
    engine._arrived(wire, hello())
    run_to(engine, clock, clock.nanos)
    engine.jam.model_choice.load("lead", "auto")
    engine.worker.load_wanted()
    assert wire.sent == [Load(name, split="F#2") for name in ("keys", "lead", "lead")]


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


def test_a_model_process_that_comes_is_told_what_to_listen_for(clock: FakeClock) -> None:
    engine = built(clock, config=parse({"jam": {"mode": "listen"}}))
    run_to(engine, clock, clock.nanos)
    engine.jam.start(clock.now())
    wires = Wire(), Wire()
    for wire in wires:
        engine._arrived(wire, hello())
        run_to(engine, clock, clock.nanos)
    (first,), (second,) = (
        [message for message in wire.sent if isinstance(message, Listen)] for wire in wires
    )
    assert (first.metre, first.line) == (METRES["4/4"], None)
    assert second.number > first.number
    engine._arrived(wires[1], BeatFound(first.number, 0, clock.nanos, 90.0))
    run_to(engine, clock, clock.nanos)
    assert not engine.jam.transport.running
    engine._arrived(wires[1], BeatFound(second.number, 0, clock.nanos, 90.0))
    run_to(engine, clock, clock.nanos)
    assert engine.jam.transport.tempo_bpm == 90


def test_what_is_heard_is_no_answer_that_a_model_owes(
    engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dialogue, "waiting", property(lambda _self: True))
    engine.output.worker = wire = Wire()
    engine.jam.model_choice.state = "ready"
    for _ in range(4):
        run_to(engine, clock, clock.nanos + SECOND)
        engine._arrived(wire, BeatFound(1, 0, clock.nanos, 90.0))
    assert not wire.open


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


def test_a_first_model_that_cannot_be_loaded_is_replaced_by_the_standard_one(clock: FakeClock) -> None:
    engine = built(clock, config=parse({"jam": {"model": "lead"}}))
    wire = Wire()
    engine._arrived(wire, hello())
    run_to(engine, clock, clock.nanos)
    engine._arrived(wire, LoadFailed("model 'lead' could not be loaded: it is damaged"))
    run_to(engine, clock, clock.nanos + SECOND)
    assert wire.sent == [Load("lead"), Load("keys")]
    assert [line.text for line in engine.jam.notices.lines][-2:] == [
        "model 'lead' could not be loaded: it is damaged",
        "'keys' plays instead",
    ]
    assert not engine.jam.transport.running, "it begins with the model that plays"
    engine._arrived(wire, LoadFailed("model 'keys' could not be loaded: it is damaged"))
    run_to(engine, clock, clock.nanos + SECOND)
    assert len(wire.sent) == 2
    assert engine.jam.model_choice.state == "none"
    assert engine.jam.transport.running


def test_a_model_that_hangs_once_is_tried_again(clock: FakeClock, waiting: None) -> None:
    engine = built(clock, model="slow.safetensors")
    assert hangs(engine, clock, loads=True) == [Load("slow.safetensors")]
    assert hangs(engine, clock, loads=True) == [Load("slow.safetensors")]
    assert hangs(engine, clock, loads=True) == [Load("keys")]


def dies(engine: Engine, clock: FakeClock, *, owes: bool) -> list[Load]:
    """Let a model process call and die, while it loads or once it has; returns what it was to load."""
    wire = Wire()
    engine._arrived(wire, hello())
    run_to(engine, clock, clock.nanos)
    if not owes:
        engine._arrived(wire, EchoModel().ready())
    run_to(engine, clock, clock.nanos + SECOND)
    engine._arrived(wire, None)
    run_to(engine, clock, clock.nanos)
    return [message for message in wire.sent if isinstance(message, Load)]


def test_a_model_over_which_processes_die_again_and_again_is_given_up(clock: FakeClock) -> None:
    engine = built(clock, model="poison.safetensors")
    loaded = [dies(engine, clock, owes=True) for _ in range(4)]
    assert loaded == [[Load("poison.safetensors")]] * 3 + [[Load("keys")]]
    told = "model 'poison.safetensors' ends its process again and again: it is given up, and 'keys' plays"
    assert told in [line.text for line in engine.jam.notices.lines]
    assert [dies(engine, clock, owes=True) for _ in range(3)] == [[Load("keys")]] * 3


def test_the_end_of_a_process_that_hangs_is_no_death_of_its_own(clock: FakeClock, waiting: None) -> None:
    engine = built(clock, model="slow.safetensors")
    hangs(engine, clock, loads=True)
    loaded = [dies(engine, clock, owes=True) for _ in range(3)]
    assert loaded == [[Load("slow.safetensors")]] * 3


def test_a_model_is_not_blamed_for_processes_that_die_while_they_owe_nothing(clock: FakeClock) -> None:
    engine = built(clock, model="lead")
    assert [dies(engine, clock, owes=False) for _ in range(5)] == [[Load("lead")]] * 5


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
