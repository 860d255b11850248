"""A model without a latent: every window is continued, and what a latent is for says so and does nothing."""

import msgspec
import pytest

from live.ipc.messages import Decode, Ready, Warp
from live.ipc.places import Point
from live.settings.config import parse
from live.settings.schema import Config
from live.timing.midi_bytes import note_on
from live.timing.timeline import Nanos
from tests.fakes.commands import command
from tests.fakes.snapshot_of import snapshot_of
from tests.fakes.stage import ContinuingModel, EchoModel, Stage, configured

STEP, BAR = 120, 1920
CELL = 2 * BAR
TUNE = ((0, 60), (4, 62), (8, 64), (16, 65), (24, 67))


def two_bars(stage: Stage, *, start: int = 0, transpose: int = 0) -> None:
    for step, pitch in TUNE:
        stage.press(start + step * STEP, 2 * STEP - 5, pitch + transpose)


def continuing(config: Config | None = None) -> Stage:
    stage = Stage.begun(config or Config(), model=ContinuingModel())
    two_bars(stage)
    return stage


def continued(start: int, *, transpose: int = 2) -> list[tuple[int, int]]:
    return [(start + step * STEP, pitch + transpose) for step, pitch in TUNE]


def texts(stage: Stage) -> list[str]:
    return [notice.text for notice in stage.jam.notices.lines]


# -- every window is continued -------------------------------------------------------------------------


@pytest.fixture
def stage() -> Stage:
    return continuing()


def test_follow_continues_the_last_two_bars(stage: Stage) -> None:
    two_bars(stage, start=CELL, transpose=5)
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons() == [
        *continued(CELL),
        *continued(2 * CELL, transpose=7),
        *continued(3 * CELL, transpose=7),  # nothing new is played: the same bars are continued again
    ]
    assert stage.jam.dialogue.bars.missed == 0


def test_answer_continues_in_its_turn() -> None:
    stage = continuing(configured(mode="answer"))
    two_bars(stage, start=2 * CELL, transpose=5)
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons() == continued(CELL) + continued(3 * CELL, transpose=7)


def test_hold_goes_on_continuing_the_held_bars(stage: Stage) -> None:
    stage.act(CELL + 10, "mode", "hold")
    two_bars(stage, start=CELL, transpose=5)
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons(first=2 * CELL) == continued(2 * CELL) + continued(3 * CELL)


def test_drift_goes_on_from_what_it_has_played_itself(stage: Stage) -> None:
    stage.act(CELL + 10, "mode", "drift")
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons(first=2 * CELL) == [
        *continued(2 * CELL, transpose=4),
        *continued(3 * CELL, transpose=6),
    ]


def test_a_request_has_the_bars_that_were_played_in_place_of_a_vector() -> None:
    stage = continuing(parse({"model": {"top_k": 7, "top_p": 0.9}, "jam": {"temperature": 0.5}}))
    stage.run_to_tick(CELL + 1)
    first = stage.model.decodes[0]
    assert [row[:2] for row in first.context] == list(TUNE)
    assert isinstance(first.place, Point)
    assert (first.place.z, first.top_k, first.top_p, first.temperature) == ([], 7, 0.9, 0.5)


def test_a_model_with_a_latent_gets_no_bars() -> None:
    stage = Stage.begun()
    two_bars(stage)
    stage.run_to_tick(CELL + 1)
    assert {len(decode.context) for decode in stage.model.decodes} == {0}


def test_temperature_takes_effect_in_the_middle_of_a_bar(stage: Stage) -> None:
    stage.turn(CELL + 4 * STEP + 30, "temperature", 0.8)
    stage.run_to_tick(CELL + 6 * STEP)
    again = next(decode for decode in stage.model.decodes if decode.temperature == 0.8)
    assert (again.bar, again.prefix_steps) == (2, 5)
    assert [row[0] for row in again.prefix] == [0, 4]


# -- anchors ---------------------------------------------------------------------------------------------


def test_anchors_hold_phrases(stage: Stage) -> None:
    stage.act(CELL + 10, "capture", "A")
    two_bars(stage, start=CELL, transpose=5)
    stage.act(3 * CELL - 500, "recall", "A")
    stage.act(3 * CELL - 490, "mode", "hold")
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons(first=3 * CELL) == continued(3 * CELL)
    origins = {fields["why"] for kind, fields in stage.logged if kind == "decode"}
    assert origins == {"played", "recall"}


def test_an_anchor_that_is_recalled_in_drift_is_where_it_goes_on_from(stage: Stage) -> None:
    stage.act(CELL + 10, "capture", "A")
    stage.act(CELL + 20, "mode", "drift")
    stage.act(3 * CELL + STEP + 10, "recall", "A")
    stage.run_to_tick(5 * CELL - 1)
    assert stage.note_ons(first=3 * CELL + 2 * STEP, last=4 * CELL) == continued(3 * CELL)[1:]
    # the first note of the phrase before had sounded: it is continued too
    assert stage.note_ons(first=4 * CELL)[1:] == continued(4 * CELL, transpose=4)[1:]


def test_undo_goes_back_to_the_bars_before(stage: Stage) -> None:
    two_bars(stage, start=CELL, transpose=5)
    stage.act(3 * CELL - 200, "undo")
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons(first=3 * CELL) == continued(3 * CELL)


# -- what does nothing, and says so ------------------------------------------------------------------------


def test_a_model_without_a_latent_is_announced_once() -> None:
    stage = Stage.begun(model=ContinuingModel())
    stage.jam.from_worker(stage.model.ready(), Nanos(stage.nanos))  # the model process is back
    (said,) = (text for text in texts(stage) if "has no latent" in text)
    assert said.startswith("lm continues your bars and has no latent: morph, xy, vary and stray do nothing")
    assert "drift goes on from what it has played itself" in said


def test_knobs_of_the_latent_are_not_available() -> None:
    stage = Stage.begun(model=ContinuingModel())
    shown = {view.name: view.available for view in snapshot_of(stage).knobs}
    assert {name for name, available in shown.items() if not available} >= {"morph", "xy.x", "xy.y", "stray"}
    assert shown["temperature"]
    assert shown["swing"]


@pytest.mark.parametrize(
    ("name", "what"), [("morph", "morph"), ("xy.x", "the pad"), ("xy.y", "the pad"), ("stray", "stray")]
)
def test_a_knob_of_the_latent_changes_nothing_and_says_why(name: str, what: str, stage: Stage) -> None:
    for place, anchor in enumerate(("A", "B", "C", "D")):
        stage.act(CELL + 10 + place, "capture", anchor)
    stage.turn(CELL + 20, name, 0.9)
    stage.run_to_tick(3 * CELL - 1)
    assert stage.note_ons() == continued(CELL) + continued(2 * CELL)
    assert f"{what} does nothing now: lm has no latent" in texts(stage)
    assert not any(isinstance(message, Warp) for message in stage.asked)


def test_a_vector_by_osc_is_refused(stage: Stage) -> None:
    stage.at_tick(CELL + 10, command("latent", values=[0.5, 0.5], source="osc"))
    stage.run_to_tick(3 * CELL - 1)
    assert stage.note_ons() == continued(CELL) + continued(2 * CELL)
    assert "lm has no latent: none can be sent to it" in texts(stage)


def test_without_a_latent_no_place_is_shown_or_published(stage: Stage) -> None:
    stage.run_to_tick(2 * CELL)
    shown = snapshot_of(stage)
    assert (shown.here, shown.performer_xy, shown.model.latent_size) == (None, None, 0)
    assert "latent" not in [topic for topic, _ in stage.published]


# -- the model process comes and goes ------------------------------------------------------------------------


def test_the_model_dies_and_the_bars_repeat(stage: Stage) -> None:

    def die() -> None:
        stage.worker_present = False
        stage.jam.worker_lost()

    stage.at_tick(CELL + 100, die)
    stage.run_to_tick(3 * CELL - 1)
    assert stage.note_ons(first=2 * CELL) == continued(2 * CELL)


# -- conditions ---------------------------------------------------------------------------------------------


class Conditioned(EchoModel):
    def ready(self) -> Ready:
        return msgspec.structs.replace(
            super().ready(), conditions=["key", "style"], styles=["ballad", "waltz"]
        )


def conditioned(settings: dict[str, str]) -> Stage:
    stage = Stage.begun(parse({"model": settings}), model=Conditioned())
    two_bars(stage)
    return stage


def conditions(stage: Stage) -> list[dict[str, str]]:
    return [decode.condition for decode in stage.model.decodes]


def test_what_is_set_goes_with_every_request_and_the_rest_is_the_model_s() -> None:
    stage = conditioned({"style": "waltz", "chords": "C F"})
    stage.run_to_tick(CELL + 10)
    assert conditions(stage)[0] == {"style": "waltz"}


def test_a_style_that_the_model_does_not_know_is_named_and_left() -> None:
    stage = conditioned({"style": "walz", "key": "D"})
    stage.run_to_tick(CELL + 10)
    assert conditions(stage)[0] == {"key": "D"}
    assert "echo does not know the style 'walz'; there is: ballad, waltz" in texts(stage)


def test_conditions_are_set_while_it_plays() -> None:
    stage = conditioned({})
    stage.at_tick(CELL + 9 * STEP, command("condition", "style ballad", source="osc"))
    stage.at_tick(CELL + 12 * STEP, command("condition", "style auto", source="osc"))
    stage.run_to_tick(2 * CELL)
    asked = conditions(stage)
    assert asked[0] == {}
    assert {"style": "ballad"} in asked
    assert asked[-1] == {}


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("stile waltz", "unknown condition 'stile'"),
        ("chords H", "unknown chord 'H'"),
        ("style walz", "did you mean 'waltz'"),
        ("key H", "condition key: unknown key 'H'"),
        ("key", "takes a text"),
        ("", "unknown condition ''"),
    ],
)
def test_a_condition_that_cannot_be_is_a_notice(argument: str, words: str) -> None:
    stage = conditioned({})
    stage.commands.run(command("condition", argument), Nanos(stage.nanos))
    assert words in texts(stage)[-1]
    assert stage.jam.requests.conditions == {}


def test_a_model_without_conditions_gets_none() -> None:
    stage = Stage.begun(parse({"model": {"style": "waltz"}}))
    two_bars(stage)
    stage.run_to_tick(CELL + 10)
    assert conditions(stage)[0] == {}


# -- from one kind of model to another -----------------------------------------------------------------


def evening(first: str, *others: str) -> Stage:
    """A jam that starts with one model and is asked to play others, each in the middle of a bar."""
    models: dict[str, EchoModel] = {
        "keys": EchoModel(ident="keys-1"),
        "lead": EchoModel(ident="lead-1", codec="melody"),
        "drums": EchoModel(ident="drums-1", codec="drums"),
        "band": EchoModel(ident="band-1", codec="multitrack"),
        "lm": ContinuingModel(),
    }
    start = models[first]
    start.others = models
    stage = Stage.begun(model=start)
    for cell in range(2 * len(others) + 4):
        two_bars(stage, start=cell * CELL, transpose=cell % 3)
    for place, name in enumerate(others):
        stage.at_tick((2 * place + 2) * CELL - 3 * BAR // 2 + 200, command("model", name, source="osc"))
    return stage


def channels(stage: Stage, cell: int) -> set[int]:
    return {
        (data[0] & 0x0F) + 1
        for _, data in stage.instrument(first=cell * CELL, last=(cell + 1) * CELL - 60)
        if data[0] & 0xF0 == 0x90
    }


def test_models_of_other_codecs_take_over_and_leave_nothing_hanging() -> None:
    stage = evening("keys", "drums", "lm", "band", "lead")
    stage.run_to_tick(11 * CELL - 1)
    assert channels(stage, 2) == {10}
    assert channels(stage, 4) == {2}
    assert channels(stage, 6) == {2, 3, 4, 10}
    assert channels(stage, 8) == {2}
    assert stage.jam.sender.dropped_notes == 0
    assert stage.jam.dialogue.bars.missed == 0
    assert not [text for text in texts(stage) if "fault" in text]
    stage.at(stage.nanos, command("stop"))
    stage.run_to(stage.nanos + 1)
    assert stage.hanging() == set()


@pytest.mark.parametrize("first", ["keys", "lead", "drums", "band", "lm"])
@pytest.mark.parametrize("other", ["keys", "lead", "drums", "band", "lm"])
def test_whichever_follows_whichever_the_old_one_s_notes_end(first: str, other: str) -> None:
    stage = evening(first, other)
    stage.run_to_tick(3 * CELL + 7 * STEP)
    old = {(channel - 1) for channel in channels(stage, 1)} - {
        (channel - 1) for channel in channels(stage, 2)
    }
    assert not {place for place in stage.hanging() if place[0] in old}
    stage.at(stage.nanos, command("stop"))
    stage.run_to(stage.nanos + 1)
    assert stage.hanging() == set()


def test_an_anchor_of_a_model_without_a_latent_is_found_in_one_that_has_it() -> None:
    stage = evening("lm", "keys")
    stage.act(CELL + 10, "capture", "A")
    stage.run_to_tick(2 * CELL + 10)
    anchor, keys = stage.jam.history.state.anchors["A"], stage.model.others["keys"]
    assert isinstance(anchor.place, Point)
    number, _ = anchor.place.z
    assert keys.phrases[round(number) - 1] == [*anchor.phrase.notes]
    assert [note[:2] for note in anchor.phrase.notes] == list(TUNE)


def test_a_model_in_the_middle_of_a_held_note_ends_it() -> None:
    stage = Stage.begun(model=EchoModel(ident="keys-1"))
    stage.press(0, CELL - 10, 50)
    stage.run_to_tick(CELL + 4 * STEP)
    assert (1, 50) in stage.hanging()
    stage.jam.from_worker(EchoModel(ident="drums-1", codec="drums").ready(), Nanos(stage.nanos))
    stage.at_tick(CELL + 5 * STEP, note_on(1, 30, 90))
    stage.run_to_tick(2 * CELL)
    assert (1, 50) not in stage.hanging()


def test_decodes_of_the_model_before_do_not_sound() -> None:
    stage = evening("keys", "drums")
    stage.answer_ms = 200.0  # the old model's answers come after the new one is ready
    stage.run_to_tick(4 * CELL - 1)
    assert any(isinstance(message, Decode) for message in stage.asked)
    assert channels(stage, 3) == {10}
