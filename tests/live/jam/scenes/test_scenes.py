"""Scenes: the whole state stored and called back, at once or over bars, and those of live.toml."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import platformdirs
import pytest

from live.control.desk import Desk
from live.engine.links.osc_state import OscState
from live.ipc.commands import CallScene, ChooseMapping, ChooseModel, Command, StoreScene, Turn
from live.ipc.jam_memory import JamState, ScenesMemory, StoredScene
from live.jam.scenes.jam_state import state_of
from live.settings.schema import Config, Scene
from live.timing.timeline import Nanos, Tick
from tests.fakes.commands import command
from tests.fakes.stage import MS, EchoModel, Stage

STEP, BAR = 120, 1920
CELL = 2 * BAR


def do(stage: Stage, *asked: Command) -> None:
    for each in asked:
        stage.at(stage.nanos, each)
    stage.run_to(stage.nanos + 60 * MS)


def said(stage: Stage) -> str:
    return stage.jam.notices.lines[-1].text


def playing(*, others: tuple[str, ...] = (), config: Config | None = None) -> Stage:
    """A stage in hold mode that sounds the second of two phrases; A holds the first, B the second."""
    stage = Stage(config=config or Config())
    stage.model.others = {"echo": stage.model, **{name: EchoModel(ident=name) for name in others}}
    stage.begin()
    for number, name in enumerate("AB"):
        stage.press(number * CELL + 4 * STEP, 200, 60 + 7 * number)
        stage.act((number + 1) * CELL + 4 * STEP, "capture", name)
    stage.act(2 * CELL + 5 * STEP, "mode", "hold")
    stage.run_to_tick(2 * CELL + 6 * STEP)
    return stage


def state(stage: Stage) -> JamState:
    return state_of(stage.jam)


@pytest.fixture
def stage() -> Stage:
    return playing()


def test_a_scene_brings_everything_back(stage: Stage) -> None:
    do(
        stage,
        Turn("density", 0.5),
        Turn("swing", 0.3),
        command("mute", "bass"),
        command("condition", "key D"),
    )
    do(stage, Turn("tempo", 96.0), Turn("morph", 0.25), command("metre", "3/4"))
    stored = state(stage)
    do(stage, StoreScene(2))
    assert said(stage) == "scene 2 stored"
    do(stage, command("mode", "follow"), command("condition", "key auto"), command("metre", "4/4"))
    do(stage, *(Turn(name, 0.0) for name in ("density", "swing", "volume", "morph")), Turn("tempo", 140.0))
    do(stage, command("recall", "A"), command("capture", "B"), command("freeze"))
    assert state(stage) != stored
    do(stage, CallScene(2))
    assert said(stage) == "scene 2"
    assert state(stage) == stored
    assert stage.jam.transport.tempo_bpm == 96.0


def test_what_is_held_in_a_scene_sounds_at_the_next_step(stage: Stage) -> None:
    do(stage, command("recall", "A"), StoreScene(1), command("recall", "B"))
    stage.run_to_tick(3 * CELL + 2 * STEP)
    do(stage, CallScene(1))
    stage.run_to_tick(4 * CELL)
    assert (3 * CELL + 4 * STEP, 60) in stage.note_ons(first=3 * CELL)


def test_a_stored_scene_hides_the_one_of_live_toml_and_keeps_its_name() -> None:
    config = msgspec.structs.replace(
        Config(), scene=[Scene(number=1, name="verse", knobs={"density": -1.0}), Scene(number=4)]
    )
    stage = playing(config=config)
    do(stage, StoreScene(1), Turn("density", 0.5), CallScene(1))
    assert stage.jam.knobs["density"] == 0.0
    assert said(stage) == "scene 1: verse"
    assert [(view.number, view.name, view.stored) for view in stage.commands.scenes.views()] == [
        (1, "verse", True),
        (4, "", False),
    ]


def test_a_scene_that_was_called_is_the_one_that_is_shown(stage: Stage) -> None:
    do(stage, StoreScene(7))
    assert stage.commands.scenes.called == 7
    do(stage, StoreScene(8), CallScene(7))
    assert stage.commands.scenes.called == 7


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (StoreScene(0), "a scene's number is 1 to 99, not 0"),
        (StoreScene(100), "a scene's number is 1 to 99, not 100"),
        (CallScene(3), "scene 3 is empty: store it first; there is: 1"),
        (CallScene(1, 65), "a scene comes over 1 to 64 bars, not 65"),
    ],
)
def test_what_cannot_be_a_scene_is_refused(asked: Command, sentence: str, stage: Stage) -> None:
    do(stage, StoreScene(1), asked)
    assert said(stage) == sentence


# -- over bars -----------------------------------------------------------------------------------


def glided(stage: Stage, number: int, bars: int) -> list[float]:
    """Call a scene over some bars, and return density at each sixteenth of the way and one after it."""
    stage.commands.run(CallScene(number, bars), Nanos(stage.nanos))
    start = stage.jam.sent_to(Nanos(stage.nanos))
    values = []
    for step in range(bars * 16 + 2):
        stage.run_to_tick(start + step * STEP + 1)
        values.append(stage.jam.knobs["density"])
    return values


def test_a_glide_goes_straight_and_arrives_on_its_last_tick(stage: Stage) -> None:
    do(stage, Turn("density", 0.8), command("mode", "drift"), StoreScene(2))
    do(stage, Turn("density", -0.8), command("mode", "hold"))
    values = glided(stage, 2, 2)
    assert all(a <= b for a, b in pairwise(values))
    assert values[16] == pytest.approx(0.0, abs=0.06)
    assert max(b - a for a, b in pairwise(values)) <= 2 * 1.6 / 32
    assert values[-1] == 0.8
    assert stage.jam.history.state.mode == "drift"


def test_the_base_glides_the_arc_and_arrives_where_it_was_stored(stage: Stage) -> None:
    do(stage, command("recall", "A"), StoreScene(1), command("recall", "B"))
    stage.commands.run(CallScene(1, 2), Nanos(stage.nanos))
    start = stage.jam.tick(Nanos(stage.nanos))
    seen = []
    for step in range(0, 36, 4):
        stage.run_to_tick(start + step * STEP + 30)
        base = stage.jam.history.state.base
        assert base is not None
        seen.append(float(stage.model.places.latent(base.place).z[0]))
    assert all(a >= b for a, b in pairwise(seen))
    assert seen[0] == pytest.approx(2.0, abs=0.1)
    assert seen[-1] == 1.0
    assert 1.2 < seen[4] < 1.8


def test_a_knob_that_the_performer_turns_meanwhile_is_the_performers(stage: Stage) -> None:
    do(
        stage,
        Turn("density", 0.8),
        Turn("stray", 0.4),
        StoreScene(2),
        Turn("density", 0.0),
        Turn("stray", 0.0),
    )
    stage.commands.run(CallScene(2, 1), Nanos(stage.nanos))
    stage.run_to(stage.nanos + 500 * MS)
    do(stage, Turn("density", -0.5))
    stage.run_to(stage.nanos + 4000 * MS)
    assert (stage.jam.knobs["density"], stage.jam.knobs["stray"]) == (-0.5, 0.4)


def test_one_undo_takes_a_glide_back_on_its_way_and_redo_takes_it_to_its_end(stage: Stage) -> None:
    do(stage, Turn("density", 0.8), StoreScene(2), Turn("density", -0.8))
    before = state(stage)
    stage.commands.run(CallScene(2, 2), Nanos(stage.nanos))
    stage.run_to(stage.nanos + 1000 * MS)
    do(stage, command("undo"))
    assert said(stage) == "undone: scene 2 called"
    stage.run_to(stage.nanos + 5000 * MS)
    assert state(stage) == before
    do(stage, command("redo"))
    assert stage.jam.knobs["density"] == 0.8


def test_a_transport_that_stands_still_has_no_bars_to_glide_over(stage: Stage) -> None:
    do(stage, Turn("density", 0.8), StoreScene(2), Turn("density", -0.8), command("stop"), CallScene(2, 4))
    assert stage.jam.knobs["density"] == 0.8


def test_a_start_anew_ends_a_glide_where_it_leads(stage: Stage) -> None:
    do(stage, Turn("density", 0.8), StoreScene(2), Turn("density", -0.8), CallScene(2, 4), command("start"))
    stage.run_to(stage.nanos + 200 * MS)
    assert stage.jam.knobs["density"] == 0.8
    assert stage.commands.scenes.next_tick(Tick(0)) is None


# -- another model -------------------------------------------------------------------------------


def test_a_scene_of_another_model_brings_its_model_and_its_places() -> None:
    stage = playing(others=("lead",))
    do(stage, ChooseModel("echo"))
    first = state(stage)
    do(stage, StoreScene(1), ChooseModel("lead"))
    stage.run_to(stage.nanos + 100 * MS)
    second = state(stage)
    assert second.model_ident == "lead"
    do(stage, StoreScene(2), CallScene(1))
    stage.run_to(stage.nanos + 100 * MS)
    assert state(stage) == first
    do(stage, command("undo"))
    stage.run_to(stage.nanos + 100 * MS)
    assert state(stage) == second
    do(stage, command("redo"))
    stage.run_to(stage.nanos + 100 * MS)
    assert state(stage) == first


def test_a_scene_whose_model_does_not_load_is_found_again_in_the_one_that_plays(stage: Stage) -> None:
    do(stage, ChooseModel("echo"), StoreScene(1))
    scenes = stage.commands.scenes.memory()
    (scene,) = scenes.scenes
    gone = msgspec.structs.replace(
        scene, state=msgspec.structs.replace(scene.state, model="gone", model_ident="gone-1")
    )
    stage.commands.scenes.restore(ScenesMemory([gone]))
    do(stage, command("recall", "A"), CallScene(1))
    stage.run_to(stage.nanos + 200 * MS)
    assert "there is no gone" in [line.text for line in stage.jam.notices.lines]
    assert set(stage.jam.history.state.anchors) == {"A", "B"}
    assert stage.jam.history.state.base is not None
    assert stage.jam.history.state.base.origin == "played"


def test_the_scenes_of_one_jam_are_taken_up_by_the_next(stage: Stage) -> None:
    do(stage, Turn("density", 0.8), StoreScene(12))
    memory = msgspec.msgpack.decode(msgspec.msgpack.encode(stage.commands.scenes.memory()), type=ScenesMemory)
    other = playing()
    other.commands.scenes.restore(memory)
    do(other, CallScene(12))
    assert other.jam.knobs["density"] == 0.8
    assert other.commands.scenes.memory() == memory


def test_a_scene_brings_its_mapping_back_and_without_the_file_all_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / name))
    stage, told, port = playing(), list[str](), "nanoKONTROL2 24:0"
    desk = Desk(stage.jam.knobs.__getitem__, say=told.append, tell=told.append, aside=lambda work: work())
    desk.plug(port)
    stage.jam.mappings = desk
    stored = state(stage)
    assert stored.mapping == {"nanoKONTROL2": "korg-nanokontrol2"}
    for number, name in ((1, "footswitch"), (2, "lost")):
        there = msgspec.structs.replace(stored, mapping={"nanoKONTROL2": name}, knobs={"density": number / 4})
        stage.commands.scenes.restore(ScenesMemory([StoredScene(number, there)]))
        do(stage, CallScene(number))
        assert stage.jam.knobs["density"] == number / 4
    assert desk.chosen() == {"nanoKONTROL2": "footswitch"}
    assert told[0].startswith("unknown mapping 'lost'; ")
    do(stage, command("undo"), command("undo"))
    assert desk.chosen() == {"nanoKONTROL2": "korg-nanokontrol2"}
    assert len(told) == 1
    assert stage.jam.knobs["density"] == 0.0


def test_a_mapping_that_is_chosen_by_hand_is_undone_and_a_slip_is_no_gesture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / name))
    stage, late = playing(), list[Callable[[], None]]()
    do(stage, ChooseMapping("footswitch"))
    assert stage.jam.notices.lines[-1].text.startswith("no controllers are listened to")
    stage.jam.mappings = desk = Desk(
        stage.jam.knobs.__getitem__, aside=late.append, tell=lambda text: stage.jam.notices.add("info", text)
    )
    desk.plug("nanoKONTROL2 24:0")
    do(stage, ChooseMapping("footswitch", "nanoKONTROL2"))
    late.pop()()
    assert stage.jam.notices.lines[-1].text == "mapping footswitch for nanoKONTROL2"
    do(stage, ChooseMapping("footswich"))
    assert stage.jam.notices.lines[-1].text.endswith("; did you mean 'footswitch'?")
    assert state(stage).mapping == {"nanoKONTROL2": "footswitch"}
    assert OscState(stage.jam, print).whole(Nanos(0))["mapping"] == "nanoKONTROL2: footswitch"
    do(stage, command("undo"))
    late.pop()()
    assert stage.jam.notices.lines[-1].text == "undone: mapping footswitch for nanoKONTROL2"
    assert state(stage).mapping == {"nanoKONTROL2": "korg-nanokontrol2"}
    do(stage, command("redo"))
    late.pop()()
    assert stage.jam.notices.lines[-1].text == "made again: mapping footswitch for nanoKONTROL2"
    assert state(stage).mapping == {"nanoKONTROL2": "footswitch"}
