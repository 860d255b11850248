"""Sessions to text and back: a thousand random sets are saved, restored, and go on as they were."""

import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from live.engine.resume import remembered, restore
from live.errors import UsageError
from live.ipc.commands import CallScene, ChooseModel, Command, GoTo, LockKey, StoreScene, SwitchThru, Turn
from live.ipc.jam_memory import JamMemory, ScenesMemory
from live.ipc.messages import Answer, Encoded, ToWorker
from live.jam.scenes.jam_state import state_of
from live.session.saved import load, memories, saved_session, to_text
from live.settings.knobs import ANCHORS, KNOBS, MODES
from live.timing.timeline import Nanos
from model.music.tracks import TRACKS
from tests.fakes.commands import command
from tests.fakes.stage import MS, EchoModel, Sent, Stage
from tests.live.jam.scenes.test_scenes import CELL, STEP, do, playing

SEQUENCES = 1000
ENDS = 10  # of them, after as many the set goes on in two stages, beside each other


def gesture(draw: random.Random) -> Command:
    """Return anything a performer may do, but start, stop and quit."""
    kinds: list[Callable[[], Command]] = [
        lambda: Turn(name := draw.choice([*KNOBS]), draw.uniform(KNOBS[name].low, KNOBS[name].high)),
        lambda: Turn(name := draw.choice([*KNOBS]), draw.uniform(KNOBS[name].low, KNOBS[name].high)),
        lambda: command("capture", draw.choice(ANCHORS)),
        lambda: command("recall", draw.choice(ANCHORS)),
        lambda: command("mode", draw.choice([mode for mode in MODES if mode != "listen"])),
        lambda: command("metre", draw.choice(["auto", "3/4", "6/8"])),
        lambda: command("mute", draw.choice(["drums", "bass"])),
        lambda: command("solo", draw.choice(TRACKS)),
        lambda: command("metronome"),
        lambda: command("vary", draw.choice(["up", "down"])),
        lambda: command("phrase", draw.choice(["1", "2", "4", "auto"])),
        lambda: command("loop", draw.choice(["1", "2", "off"])),
        lambda: command("condition", draw.choice(["key D minor", "key off", "key auto"])),
        lambda: command("model", draw.choice(["one", "two"])),
        lambda: GoTo([draw.uniform(1, 4), 1.0]),
        lambda: StoreScene(draw.randint(1, 4)),
        lambda: CallScene(draw.randint(1, 4)),
        lambda: command("freeze"),
        lambda: command("undo"),
        lambda: command("redo"),
        lambda: LockKey(source="test"),
        lambda: SwitchThru(source="test"),
    ]
    return draw.choice(kinds)()


class Found(EchoModel):
    """Finds the same phrase at the same place, as a model does."""

    def __init__(self, *, ident: str) -> None:
        super().__init__(ident=ident, codec="multitrack")

    def answer(self, message: ToWorker) -> Answer:
        answer = super().answer(message)
        if isinstance(answer, Encoded) and self.phrases and self.phrases[-1] in self.phrases[:-1]:
            number = self.phrases.index(self.phrases[-1]) + 1
            self.phrases.pop()
            return msgspec.structs.replace(answer, z=[float(number), self.second])
        return answer


def stage_of(model: EchoModel) -> Stage:
    stage = Stage(model=model)
    stage.model.others = {"one": model, "two": model.others["two"]}
    return stage


def models() -> Found:
    one, two = Found(ident="one"), Found(ident="two")
    one.others = {"one": one, "two": two}
    two.others = one.others
    return one


def at_rest(stage: Stage) -> None:
    """Stop, and let the model answer all that it was asked."""
    stage.commands.run(command("stop"), Nanos(stage.nanos))
    stage.run_to(stage.nanos + 60 * MS)


def saved_and_loaded(stage: Stage, path: Path) -> tuple[JamMemory, ScenesMemory]:
    memory = remembered(stage.jam, started=False, demo=True)
    session = saved_session(memory, stage.commands.scenes.memory(), seed=0, ended=False)
    path.write_text(to_text(session, "test"), encoding="utf-8")
    loaded = load(path)
    assert loaded.faults == []
    assert msgspec.structs.replace(loaded.session, saved=None) == session
    return memories(loaded.session)


def restored(memory: JamMemory, scenes: ScenesMemory, model: EchoModel, nanos: int) -> Stage:
    """Return a stage that goes on from a session, with the models that know what they were shown."""
    stage = stage_of(model)
    stage.nanos = nanos
    stage.commands.scenes.restore(scenes)
    restore(stage.jam, memory, Nanos(nanos))
    wanted = model.others[memory.state.model]
    model.loaded = wanted
    stage.jam.from_worker(wanted.ready(), Nanos(nanos))
    stage.run_to(nanos + 60 * MS)
    return stage


def played_on(stage: Stage, draw: random.Random) -> list[Sent]:
    """Start, play and turn on for four phrases; return what was sent, counted from the start."""
    first = len(stage.sent)
    stage.commands.run(command("start"), Nanos(stage.nanos))
    begun = stage.nanos
    for number in range(3):
        at = begun + round((number + 0.2) * 3000 * MS)
        stage.at(at, command("note", value=60 + draw.randint(0, 12), values=[90]))
        stage.at(at + 300 * MS, Turn("density", draw.choice([-0.5, 0.0])))
        stage.at(at + 600 * MS, Turn(name := draw.choice([*KNOBS]), draw.uniform(0.1, KNOBS[name].high)))
    stage.run_to(begun + 9000 * MS)
    return [sent._replace(due=sent.due - begun, moment=sent.moment - begun) for sent in stage.sent[first:]]


def test_a_thousand_random_sets_are_saved_and_restored_the_same_and_go_on_the_same(tmp_path: Path) -> None:
    draw, path = random.Random(15), tmp_path / "test.toml"
    stage = stage_of(models())
    stage.jam.model_choice.wanted = "one"
    stage.begin()
    for number, name in enumerate("AB"):
        stage.press(number * CELL + 4 * STEP, 200, 60 + 7 * number)
        stage.act((number + 1) * CELL + 4 * STEP, "capture", name)
    stage.run_to_tick(2 * CELL + 5 * STEP)
    for number in range(SEQUENCES):
        for _ in range(draw.randint(1, 8)):
            stage.commands.run(gesture(draw), Nanos(stage.nanos))
        at_rest(stage)
        memory, scenes = saved_and_loaded(stage, path)
        other = restored(memory, scenes, models_like(stage), stage.nanos)
        stage.run_to(other.nanos)
        assert state_of(other.jam) == state_of(stage.jam), number
        assert other.commands.scenes.memory() == stage.commands.scenes.memory()
        assert other.jam.performer.thru.on == stage.jam.performer.thru.on
        assert other.jam.plan.muted == stage.jam.plan.muted
        if number % (SEQUENCES // ENDS) == 0:
            seed = draw.random()
            both = [played_on(one, random.Random(seed)) for one in (stage, other)]
            assert both[0] == both[1], number
        else:
            stage.commands.run(command("start"), Nanos(stage.nanos))


def models_like(stage: Stage) -> EchoModel:
    """Return models that have been shown what those of a stage were."""
    one = models()
    for name, model in one.others.items():
        model.phrases = [*stage.model.others[name].phrases]
    return one


# -- what is wrong in a file ---------------------------------------------------------------------


def written(tmp_path: Path) -> tuple[Path, str]:
    stage = playing()
    do(stage, Turn("density", 0.5), StoreScene(2), command("mute", "drums"), ChooseModel("echo"))
    path = tmp_path / "friday.toml"
    saved_and_loaded(stage, path)
    return path, path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("thru = true", "thruu = true", "unknown key 'thruu' is left out; did you mean 'thru'?"),
        ("density = 0.5", "densty = 0.5", "unknown knob 'densty' is left out; did you mean 'density'?"),
        ("density = 0.5", "density = 7", "knob 'density' is -1 to 1, not 7"),
        ("density = 0.5", 'density = "high"', "knob 'density' is a number, not 'high'; it is left out"),
        ('mode = "hold"', 'mode = "holt"', "unknown mode 'holt', so it follows; did you mean 'hold'?"),
        ("density = 0.5", "density = nan", "knob 'density' is -1 to 1, not nan"),
        ("muted = []", 'muted = ["tuba"]', "there is no part 'tuba' to mute; there is: melody, chords"),
        ('solo = ""', 'solo = "tuba"', "there is no part 'tuba' to play alone; there is: melody, chords"),
        (
            "[[scenes]]",
            "[[scenes]]\nnmae = 'x'",
            "unknown key 'scenes.1.nmae' is left out; did you mean 'name'?",
        ),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_is_taken(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path, text = written(tmp_path)
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    loaded = load(path)
    assert loaded.faults[0].startswith(f"{path}: {sentence}")
    assert set(loaded.session.state.anchors) == {"A", "B"}
    assert [scene.number for scene in loaded.session.scenes] == [2]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("version = 1", "version = 2", "version 2 is not one that this twobar reads; it reads 1"),
        ("version = 1", "", "version None is not one that this twobar reads; it reads 1"),
        ("[state]", "[state", "not valid TOML: "),
        ("[state]", "[stat]", "state: object missing required field mode"),
        ('mode = "hold"', "mode = 3", "state.mode: expected str, got int"),
    ],
)
def test_what_is_no_session_is_refused_in_one_sentence(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path, text = written(tmp_path)
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {sentence}")
    assert "\n" not in str(caught.value)


def test_a_session_by_hand_may_be_short(tmp_path: Path) -> None:
    path = tmp_path / "short.toml"
    path.write_text('version = 1\n[state]\nmode = "hold"\nmodel = "keys"\nknobs = { density = 0.5 }\n')
    loaded = load(path)
    assert loaded.faults == []
    assert loaded.session.state.knobs == {"density": 0.5}


def test_numbers_of_one_thing_stand_on_one_line(tmp_path: Path) -> None:
    _, text = written(tmp_path)
    assert "\nz = [1.0, 1.0]\n" in text
    assert "\nnotes = [[4, 60, 90, 2, 0.0, 0, 0.0, 0.0]]\n" in text
    assert text.startswith("# A session of twobar")
    assert "`twobar jam --session test`" in text
