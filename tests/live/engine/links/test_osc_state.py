"""OSC subscribers: all of the state at once, then what changes, when there is time for it."""

from live.engine.links.osc_state import LOOK_NANOS, OscState
from live.ipc.commands import MutePart, SetMode, StoreAnchor, Turn
from live.settings.knobs import KNOBS
from live.timing.timeline import Nanos
from tests.fakes.stage import Stage

LATER = 10 * LOOK_NANOS


def looking(stage: Stage) -> tuple[OscState, dict[str, object]]:
    told: dict[str, object] = {}
    return OscState(stage.jam, told.__setitem__), told


def test_the_whole_state_names_everything() -> None:
    state, _ = looking(Stage())
    whole = state.whole(Nanos(0))
    assert {f"knob/{name}" for name in KNOBS} <= set(whole)
    assert {"mode", "transport", "tempo", "key", "chord", "model", "metre", "scene"} <= set(whole)
    assert [whole[f"anchor/{name}"] for name in "ABCD"] == [0, 0, 0, 0]
    assert [whole[f"mute/{part}"] for part in ("melody", "chords", "bass", "drums")] == [0, 0, 0, 0]
    assert whole["transport"] == "stopped"


def test_afterwards_only_what_changes_is_told() -> None:
    stage = Stage.begun()
    for step in range(0, 32, 4):
        stage.press(step * 120, 100, 60 + step)
    stage.run_to_tick(3900)
    state, told = looking(stage)
    state.look(Nanos(stage.nanos), stage.nanos + LATER)
    assert told["mode"] == "follow"
    told.clear()
    for command in (SetMode("hold"), StoreAnchor("B"), MutePart("drums"), Turn("density", 0.5)):
        stage.commands.run(command, Nanos(stage.nanos))
    state.look(Nanos(stage.nanos + LOOK_NANOS), stage.nanos + LATER)
    assert told == {"mode": "hold", "anchor/B": 1}  # one part plays, and the knob has told of itself
    told.clear()
    state.look(Nanos(stage.nanos + 2 * LOOK_NANOS), stage.nanos + LATER)
    assert told == {}


def test_a_note_that_is_due_goes_first_and_so_does_haste() -> None:
    stage = Stage()
    state, told = looking(stage)
    state.look(Nanos(LOOK_NANOS), LOOK_NANOS + 1000)
    assert told == {}
    state.look(Nanos(LOOK_NANOS), LOOK_NANOS + LATER)
    assert told
    told.clear()
    stage.commands.run(SetMode("drift"), Nanos(LOOK_NANOS))
    state.look(Nanos(LOOK_NANOS + 1000), LOOK_NANOS + LATER)
    assert told == {}
