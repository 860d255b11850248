"""Golden traces: stored takes, played on a fake clock, give exactly the stored (tick, bytes).

A take is JSON: settings, the codec of the model that answers, and gestures in ticks.  A trace is text: a
tick, a voice and a message in hexadecimal on each line.  After a change that is meant to be sent, write
the traces anew with `pytest tests/live/jam/test_golden.py --regenerate-golden`, and read the difference.
"""

from pathlib import Path

import msgspec
import pytest

from live.ipc.commands import Command
from live.timing.midi_bytes import note_off, note_on
from tests.fakes.commands import command
from tests.fakes.stage import EchoModel, Stage, configured

FOLDER = Path(__file__).parent / "golden"
TAKES = sorted(path.name.removesuffix(".take.json") for path in FOLDER.glob("*.take.json"))


class Key(msgspec.Struct, tag="key", array_like=True, forbid_unknown_fields=True):
    tick: int
    length: int
    pitch: int
    velocity: int


class Knob(msgspec.Struct, tag="knob", array_like=True, forbid_unknown_fields=True):
    tick: int
    name: str
    value: float


class Action(msgspec.Struct, tag="action", array_like=True, forbid_unknown_fields=True):
    tick: int
    name: str
    argument: str


class Take(msgspec.Struct, forbid_unknown_fields=True):
    """What happens, in the order in which it is written where ticks are equal; it ends with `end_tick`."""

    text: str
    settings: dict[str, str | float | bool | int]
    codec: str
    answer_ms: float
    end_tick: int
    gestures: list[Key | Knob | Action]


def replay(take: Take) -> Stage:
    """Play a take; gestures fall on ticks of the timeline that then runs."""
    stage = Stage.begun(
        configured(**take.settings), model=EchoModel(codec=take.codec), answer_ms=take.answer_ms
    )
    cues: list[tuple[int, int, bytes | Command]] = []
    for gesture in take.gestures:
        if isinstance(gesture, Key):
            cues.append((gesture.tick, 1, note_on(1, gesture.pitch, gesture.velocity)))
            cues.append((gesture.tick + gesture.length, 0, note_off(1, gesture.pitch)))
        elif isinstance(gesture, Knob):
            cues.append((gesture.tick, 1, command("knob", gesture.name, gesture.value, source="take")))
        else:
            cues.append((gesture.tick, 1, command(gesture.name, gesture.argument, source="take")))
    for tick, _, item in sorted(cues, key=lambda cue: cue[:2]):
        stage.run_to_tick(tick)
        stage.at(stage.nanos, item)
        stage.run_to(stage.nanos)
    if stage.jam.transport.running:
        stage.run_to_tick(take.end_tick)
    return stage


def trace(stage: Stage) -> list[str]:
    return [f"{sent.tick} {sent.voice} {sent.data.hex(' ')}" for sent in stage.sent]


def stored(name: str) -> Take:
    return msgspec.json.decode((FOLDER / f"{name}.take.json").read_bytes(), type=Take)


@pytest.mark.parametrize("name", TAKES)
def test_a_stored_take_gives_its_stored_trace(name: str, request: pytest.FixtureRequest) -> None:
    path = FOLDER / f"{name}.trace.txt"
    sent = trace(replay(stored(name)))
    if request.config.getoption("--regenerate-golden"):
        path.write_text("".join(f"{line}\n" for line in sent))
        pytest.skip(f"{path.name} was written anew: read the difference")
    assert sent == path.read_text().splitlines()


@pytest.mark.parametrize("name", TAKES)
def test_a_stored_take_leaves_no_note_hanging(name: str) -> None:
    stage = replay(stored(name))
    assert stage.jam.sender.dropped_notes == 0
    assert not stage.jam.transport.running  # each take ends with a stop
    assert stage.hanging() == set()


@pytest.mark.parametrize("answer_ms", [0.0, 1.0, 20.0])
def test_how_long_the_model_takes_within_a_step_is_not_heard(answer_ms: float) -> None:
    """Knobs in the golden takes are turned at least 20 ms before a step, so any quicker model is as good."""
    take = stored("evening")
    quicker = msgspec.structs.replace(take, answer_ms=answer_ms)
    assert trace(replay(quicker)) == trace(replay(take))


def test_the_takes_cover_what_they_should() -> None:
    gestures = [gesture for name in TAKES for gesture in stored(name).gestures]
    knobs = {gesture.name for gesture in gestures if isinstance(gesture, Knob)}
    actions = {gesture.name for gesture in gestures if isinstance(gesture, Action)}
    assert knobs >= {"density", "morph", "tempo", "swing", "gate", "stray"}
    assert actions >= {"capture", "mode", "undo", "freeze", "panic", "stop"}
