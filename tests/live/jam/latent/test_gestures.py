"""Gestures on the latent: the warped morph knob, the pad, vectors, and an undo for each."""

import numpy as np
import pytest

from live.ipc.commands import Command, GoOnMap, GoTo
from live.ipc.messages import Answer, ToWorker, Warp, Warped
from live.ipc.places import OnMap
from live.timing.timeline import Nanos
from live.worker.place_solver import point_of
from model.latent.geometry import slerp
from tests.fakes.commands import command, words
from tests.fakes.stage import EchoModel, Stage

STEP, BAR = 120, 1920
CELL = 2 * BAR
A, B = np.array([1.0, 1.0], dtype=np.float32), np.array([2.0, 1.0], dtype=np.float32)


class Uneven(EchoModel):
    """Tells that nine tenths of the way's notes change in the first half of the arc."""

    def __init__(self, lengths: tuple[float, ...] = (0.0, 0.9, 1.0)) -> None:
        super().__init__()
        self.lengths = list(lengths)
        self.warps: list[Warp] = []

    def ways(self) -> list[tuple[list[float], list[float]]]:
        return [
            (point_of(self.places.latent(warp.a)).z, point_of(self.places.latent(warp.b)).z)
            for warp in self.warps
        ]

    def answer(self, message: ToWorker) -> Answer:
        if isinstance(message, Warp):
            self.warps.append(message)
            return Warped(message.ident, self.lengths)
        return super().answer(message)


def two_anchors(model: Uneven | None = None) -> Stage:
    """A stage in hold mode on which A and B are stored; their latents are A and B above."""
    stage = Stage.begun(model=model or Uneven())
    for number, name in enumerate("AB"):
        stage.press(number * CELL + 4 * STEP, 200, 60 + 7 * number)
        stage.act((number + 1) * CELL + 4 * STEP, "capture", name)
    stage.act(2 * CELL + 5 * STEP, "mode", "hold")
    stage.run_to_tick(2 * CELL + 6 * STEP)
    return stage


def do(stage: Stage, asked: Command) -> None:
    stage.at(stage.nanos, asked)
    stage.run_to(stage.nanos + 100_000_000)


def latent(stage: Stage) -> list[float]:
    base = stage.jam.history.state.base
    assert base is not None
    return [round(float(value), 4) for value in stage.model.places.latent(base.place).z]


def at(t: float) -> list[float]:
    return [round(float(value), 4) for value in slerp(A, B, t)]


@pytest.fixture
def stage() -> Stage:
    return two_anchors()


@pytest.mark.parametrize(("turn", "place"), [(0.0, 0.0), (0.45, 0.25), (0.9, 0.5), (0.95, 0.75), (1.0, 1.0)])
def test_equal_turns_of_morph_change_the_notes_equally(turn: float, place: float, stage: Stage) -> None:
    do(stage, command("knob", "morph", turn))
    assert latent(stage) == at(place)


def test_the_way_is_asked_for_once_both_ends_are_there() -> None:
    model = Uneven()
    two_anchors(model)
    assert model.ways() == [([1.0, 1.0], [2.0, 1.0])]


def test_another_anchor_has_another_way() -> None:
    model = Uneven()
    stage = two_anchors(model)
    model.lengths = [0.0, 0.1, 1.0]
    do(stage, command("recall", "A"))
    do(stage, command("capture", "B"))
    assert model.ways()[1:] == [([1.0, 1.0], [1.0, 1.0])]
    do(stage, command("knob", "morph", 0.5))
    assert latent(stage) == at(0.0)


def test_while_the_way_is_unknown_the_knob_is_straight(stage: Stage) -> None:
    stage.worker_present = False
    do(stage, command("capture", "B"))  # the same place anew, and nobody to tell the way to it
    do(stage, command("knob", "morph", 0.45))
    assert latent(stage) == at(0.45)


def test_an_answer_for_older_anchors_is_left(stage: Stage) -> None:
    stage.jam.from_worker(Warped(99, [0.0, 0.1, 1.0]), Nanos(stage.nanos))
    do(stage, command("knob", "morph", 0.9))
    assert latent(stage) == at(0.5)


def test_the_morph_is_heard_at_the_next_step(stage: Stage) -> None:
    stage.run_to_tick(3 * CELL + 2 * STEP)
    do(stage, command("knob", "morph", 1.0))
    stage.run_to_tick(4 * CELL)
    assert (3 * CELL + 4 * STEP, 67) in stage.note_ons(first=3 * CELL)
    do(stage, command("knob", "morph", 0.0))
    stage.run_to_tick(5 * CELL)
    assert (4 * CELL + 4 * STEP, 60) in stage.note_ons(first=4 * CELL)


def test_a_controller_s_vector_is_the_latent(stage: Stage) -> None:
    do(stage, command("latent", values=[1.25, -0.5]))
    assert latent(stage) == [1.25, -0.5]
    assert stage.jam.history.state.base is not None
    assert stage.jam.history.state.base.origin == "osc"


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0]])
def test_a_vector_of_another_length_moves_nothing(values: list[float], stage: Stage) -> None:
    before = latent(stage)
    do(stage, command("latent", values=values))
    assert latent(stage) == before
    assert stage.jam.notices.lines[-1].text == f"a latent has 2 numbers here, not {len(values)}"


@pytest.mark.parametrize(
    "gesture",
    [
        command("knob", "morph", 0.5),
        command("knob", "xy.x", 0.2),
        command("latent", values=[1.5, 0.0]),
        command("recall", "A"),
        command("freeze"),
        command("mode", "drift"),
        command("capture", "C"),
    ],
    ids=lambda asked: "".join(map(str, words(asked)[:2])) if not isinstance(asked, GoTo) else "latent",
)
def test_every_gesture_is_undone_by_one_undo(gesture: Command, stage: Stage) -> None:

    def state() -> tuple[object, ...]:
        now = stage.jam.history.state
        return latent(stage), now.mode, now.frozen, sorted(now.anchors)

    before = state()
    do(stage, gesture)
    assert state() != before
    do(stage, command("undo"))
    assert state() == before


def test_a_sweep_of_a_knob_is_one_gesture(stage: Stage) -> None:
    before = latent(stage)
    for number in range(1, 50):
        do(stage, command("knob", "morph", number / 50))
    do(stage, command("undo"))
    assert latent(stage) == before


def test_a_place_on_the_map_carries_what_was_there_before_the_drag(stage: Stage) -> None:
    base = stage.jam.history.state.base
    assert base is not None
    for x in (0.1, 0.2, 0.3):
        stage.commands.run(GoOnMap(x, 5.0), Nanos(stage.nanos))
    state = stage.jam.history.state
    assert state.base is not None
    assert state.base.place == OnMap(base.place, 0.3, 1.0)
    assert state.base.origin == "map"
    stage.commands.run(command("undo"), Nanos(stage.nanos))
    after = stage.jam.history.state.base
    assert after is not None
    assert after.place == base.place  # the drag was one gesture


def test_there_is_nothing_to_move_before_two_bars() -> None:
    stage = Stage()
    stage.commands.run(GoOnMap(0.0, 0.0), Nanos(stage.nanos))
    assert stage.jam.notices.lines[-1].text == "nothing to move on the map yet: play two bars first"
