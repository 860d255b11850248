"""A variation is asked for two beats before its phrase closes, and swapped in when it is there."""

import msgspec
import pytest

from live.ipc.messages import Answer, Closing, Decoded, Rewritten, ToWorker, VaryAhead
from live.timing.timeline import Nanos
from tests.fakes.stage import EchoModel, Stage, configured

STEP, BEAT, BAR = 120, 480, 1920
CELL = 2 * BAR


class Varying(EchoModel):
    """Answers with the phrase, and says how it was varied."""

    def __init__(self, vary: str) -> None:
        super().__init__()
        self.vary = vary

    def answer(self, message: ToWorker) -> Answer:
        reply = super().answer(message)
        return msgspec.structs.replace(reply, vary=self.vary) if isinstance(reply, Decoded) else reply


def played(model: Varying, **settings: object) -> Stage:
    """A stage on which two bars are played."""
    stage = Stage.begun(configured(**settings), model=model)
    for step in range(0, 32, 4):
        stage.press(step * STEP, 100, 60 + step // 4)
    return stage


def asked(stage: Stage) -> list[VaryAhead]:
    return [message for message in stage.asked if isinstance(message, VaryAhead)]


def test_it_asks_two_beats_ahead_with_what_was_played_by_then() -> None:
    stage = played(Varying("written"), vary=0.4, seed=7)
    stage.run_to_tick(CELL - 2 * BEAT - STEP // 2 - 1)
    assert asked(stage) == []
    stage.run_to_tick(CELL - 2 * BEAT)
    (request,) = asked(stage)
    assert [note.onset for note in request.notes] == [0, 4, 8, 12, 16, 20]
    assert [row[0] for row in request.struck] == [step * STEP for step in range(0, 24, 4)]
    assert (request.amount, request.turn, request.seed, request.key) == (0.4, 1, 7, "auto")
    (closing,) = (message for message in stage.asked if isinstance(message, Closing))
    assert closing.in_nanos == pytest.approx(2 * BEAT * request.tick_nanos, rel=0.01)


@pytest.mark.parametrize(("settings", "count"), [({}, 2), ({"mode": "hold"}, 0), ({"mode": "answer"}, 1)])
def test_the_model_process_is_told_when_each_phrase_closes_that_is_taken_up(
    settings: dict[str, object], count: int
) -> None:
    stage = played(Varying("written"), **settings)
    stage.press(CELL, 100, 60)
    stage.press(2 * CELL, 100, 60)
    stage.run_to_tick(2 * CELL + STEP)
    assert sum(isinstance(message, Closing) for message in stage.asked) == count


@pytest.mark.parametrize(
    ("settings", "count"), [({}, 0), ({"mode": "hold", "vary": 0.5}, 0), ({"mode": "answer"}, 1)]
)
def test_only_what_will_be_varied_is_asked_for(settings: dict[str, object], count: int) -> None:
    stage = played(Varying("written"), **settings)
    stage.run_to_tick(2 * CELL - STEP)
    assert len(asked(stage)) == count


def test_what_was_awaited_is_asked_for_again_when_it_is_written() -> None:
    model = Varying("awaited")
    stage = played(model, vary=0.4)
    stage.run_to_tick(CELL + BEAT)
    before = len(model.decodes)
    stage.run_to_tick(CELL + 2 * BEAT)
    assert len(model.decodes) == before
    model.vary = "written"
    stage.jam.from_worker(Rewritten(), Nanos(stage.nanos))
    stage.run_to_tick(CELL + 3 * BEAT)
    again = model.decodes[before:]
    assert [decode.bar for decode in again] == [2, 4]
    stage.jam.from_worker(Rewritten(), Nanos(stage.nanos))
    stage.run_to_tick(CELL + 4 * BEAT)
    assert model.decodes[before:] == again


def test_without_a_writer_it_says_so_once_and_counts() -> None:
    stage = played(Varying("recombined"), vary=0.4)
    stage.run_to_tick(3 * CELL)
    said = [line.text for line in stage.jam.notices.lines if "no writer" in line.text]
    assert said == ["vary has no writer for this: it makes its variations of your own notes alone"]
    assert stage.jam.decoding.recombined >= 3
