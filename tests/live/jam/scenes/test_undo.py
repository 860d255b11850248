"""Undo and redo: every gesture is taken back by one undo, made again by one redo, and named."""

import pytest

from live.ipc.commands import CallScene, Command, GoTo, LockKey, StoreScene, SwitchThru, Turn
from live.jam.scenes.undo import LATELY_NANOS, SWEEP_NANOS, UNDO_DEPTH
from live.timing.timeline import Nanos
from tests.fakes.commands import command
from tests.fakes.stage import MS, EchoModel, Stage
from tests.live.jam.scenes.test_scenes import CELL, STEP, do, playing, said, state

GESTURES: list[tuple[Command, str]] = [
    (Turn("density", 0.5), "density"),
    (Turn("tempo", 90.0), "tempo"),
    (Turn("morph", 0.5), "morph"),
    (command("nudge", "swing", 0.2), "swing"),
    (command("capture", "C"), "anchor C stored"),
    (command("capture", "A"), "anchor A stored"),
    (command("recall", "A"), "anchor A recalled"),
    (command("mode", "drift"), "mode drift"),
    (command("metre", "6/8"), "metre 6/8"),
    (command("condition", "key D minor"), "key D minor"),
    (command("freeze"), "frozen"),
    (SwitchThru(), "thru off"),
    (GoTo([1.5, 0.0]), "a latent that was sent"),
    (StoreScene(3), "scene 3 stored"),
    (CallScene(1), "scene 1 called"),
]


def everything(stage: Stage) -> tuple[object, ...]:
    scenes = stage.commands.scenes
    return state(stage), stage.jam.performer.thru.on, scenes.memory(), scenes.called


@pytest.mark.parametrize(("gesture", "text"), GESTURES, ids=[text for _, text in GESTURES])
def test_every_gesture_is_undone_redone_and_named(gesture: Command, text: str) -> None:
    stage = playing()
    do(stage, Turn("gate", 0.7), StoreScene(1), Turn("gate", 1.0))
    before = everything(stage)
    do(stage, gesture)
    stage.run_to(stage.nanos + 100 * MS)
    after = everything(stage)
    assert after != before
    do(stage, command("undo"))
    assert f"undone: {text}" in [line.text for line in stage.jam.notices.lines]
    stage.run_to(stage.nanos + 100 * MS)
    assert everything(stage) == before
    do(stage, command("redo"))
    stage.run_to(stage.nanos + 100 * MS)
    assert everything(stage) == after


def test_another_model_is_undone_with_all_its_places() -> None:
    stage = playing(others=("lead",))
    do(stage, command("model", "echo"))
    before = everything(stage)
    do(stage, command("model", "lead"))
    stage.run_to(stage.nanos + 100 * MS)
    assert state(stage).model_ident == "lead"
    do(stage, command("undo"))
    stage.run_to(stage.nanos + 100 * MS)
    assert everything(stage) == before
    do(stage, command("redo"))
    stage.run_to(stage.nanos + 100 * MS)
    assert (state(stage).model_ident, set(state(stage).anchors)) == ("lead", {"A", "B"})


def test_a_part_is_muted_and_that_is_undone() -> None:
    stage = Stage.begun(model=EchoModel(codec="multitrack"))
    do(stage, command("mute", "drums"), command("undo"))
    assert said(stage) == "undone: drums muted"
    assert stage.jam.plan.muted == frozenset()
    do(stage, command("redo"), command("mute", "drums"), command("undo"))
    assert said(stage) == "undone: drums not muted"


def test_a_solo_is_undone_and_made_again_exactly() -> None:
    stage = Stage.begun(model=EchoModel(codec="multitrack"))
    do(stage, command("mute", "melody"), command("solo", "bass"), command("solo", "drums"))
    for undone, left_out in (("drums", {0, 1, 3}), ("bass", {0})):
        do(stage, command("undo"))
        assert said(stage) == f"undone: solo {undone}"
        assert stage.jam.plan.muted == left_out
    do(stage, command("redo"), command("redo"), command("solo", "drums"))
    assert stage.jam.plan.muted == {0}


def test_each_press_of_vary_up_is_undone_by_itself() -> None:
    stage = playing()
    do(stage, command("vary", "up"), command("vary", "up"), command("vary", "down"), command("vary", "up"))
    assert stage.jam.knobs["vary"] == 0.2
    do(stage, command("undo"))
    assert said(stage) == "undone: vary up"
    assert stage.jam.knobs["vary"] == 0.1
    do(stage, command("undo"), command("undo"), command("undo"))
    assert (stage.jam.knobs["vary"], stage.jam.vary_set) == (0.0, False)


def test_a_locked_key_is_named() -> None:
    stage = playing()
    stage.jam.dialogue.key = "D minor"
    do(stage, LockKey(), command("undo"))
    assert said(stage) == "undone: key D minor"
    assert stage.jam.requests.conditions == {}


def test_a_sweep_is_one_gesture_and_two_hands_sweep_two_knobs() -> None:
    stage = playing()
    for number in range(1, 21):
        do(stage, Turn("density", number / 20), Turn("swing", number / 40))
    do(stage, command("undo"))
    assert said(stage) == "undone: swing"
    assert (stage.jam.knobs["density"], stage.jam.knobs["swing"]) == (1.0, 0.0)
    do(stage, command("undo"))
    assert stage.jam.knobs["density"] == 0.0


def test_a_knob_that_has_rested_begins_a_new_gesture() -> None:
    stage = playing()
    do(stage, Turn("density", 0.3))
    stage.run_to(stage.nanos + SWEEP_NANOS)
    do(stage, Turn("density", 0.6), command("undo"))
    assert stage.jam.knobs["density"] == 0.3


def test_what_stands_between_two_turns_ends_the_sweep() -> None:
    stage = playing()
    do(stage, Turn("density", 0.3), command("freeze"), Turn("density", 0.6), command("undo"))
    assert stage.jam.knobs["density"] == 0.3


def test_a_new_gesture_forgets_what_could_be_made_again() -> None:
    stage = playing()
    do(stage, Turn("density", 0.3), command("undo"), Turn("swing", 0.3), command("redo"))
    assert said(stage) == "nothing to make again"


def test_what_changes_nothing_is_no_gesture() -> None:
    stage = playing()
    do(stage, command("mode", "drift"), command("mode", "drift"), Turn("density", 0.0), command("undo"))
    assert stage.jam.history.state.mode == "hold"


def test_a_refused_command_is_no_gesture() -> None:
    stage = playing()
    do(stage, command("mode", "drift"), CallScene(77), command("undo"))
    assert said(stage) == "undone: mode drift"


def test_undo_goes_back_so_many_gestures_and_no_further() -> None:
    stage = playing()
    for _ in range(UNDO_DEPTH):
        stage.commands.run(command("freeze"), Nanos(stage.nanos))
        stage.commands.run(command("mode", "drift"), Nanos(stage.nanos))
        stage.commands.run(command("mode", "hold"), Nanos(stage.nanos))
    done = 0
    while stage.commands.undo.undo(Nanos(stage.nanos)) not in ("", "your last phrase"):
        done += 1
    assert done == UNDO_DEPTH


def phrases(stage: Stage) -> list[int]:
    """Return the pitch that sounds in the cell after the present one."""
    cell = stage.jam.tick(Nanos(stage.nanos)) // CELL + 1
    stage.run_to_tick((cell + 1) * CELL - 1)
    return [pitch for _, pitch in stage.note_ons(first=cell * CELL)]


def following(*pitches: int) -> Stage:
    stage = Stage.begun()
    for number, pitch in enumerate(pitches):
        stage.press(number * CELL + 4 * STEP, 200, pitch)
    stage.run_to_tick(len(pitches) * CELL + 2 * STEP)
    return stage


def test_the_phrase_before_is_brought_back_and_the_last_one_again() -> None:
    stage = following(60, 67)
    do(stage, command("undo"))
    assert said(stage) == "undone: your last phrase"
    assert phrases(stage) == [60]
    do(stage, command("redo"))
    assert "made again: your last phrase" in [line.text for line in stage.jam.notices.lines]
    assert phrases(stage) == [67]


def test_what_was_changed_lately_goes_before_phrases_that_were_played_since() -> None:
    stage = following(60)
    do(stage, Turn("density", 0.5))
    for number, pitch in enumerate((64, 67), 1):
        stage.press(number * CELL + 4 * STEP, 200, pitch)
    stage.run_to_tick(3 * CELL + 10)
    do(stage, command("undo"))
    assert said(stage) == "undone: density"


def test_what_was_changed_long_ago_goes_after_them() -> None:
    stage = following(60)
    do(stage, Turn("density", 0.5))
    stage.run_to(stage.nanos + LATELY_NANOS)
    cell = stage.jam.tick(Nanos(stage.nanos)) // CELL + 1
    stage.press(cell * CELL + 4 * STEP, 200, 67)
    stage.run_to_tick((cell + 1) * CELL + 10)
    do(stage, command("undo"))
    assert said(stage) == "undone: your last phrase"
