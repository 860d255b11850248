"""Answers that are asked for before their phrase has closed, and give way to the answer to all of it."""

import pytest

from tests.fakes.stage import EchoModel, Stage, configured

STEP, BEAT, BAR = 120, 480, 1920
CELL = 2 * BAR
FAST_BPM = 240.0
PITCHES = [60 + number for number in range(8)]


def played(*, bpm: float = FAST_BPM, answer_ms: float = 3.0, cells: int = 1, **settings: object) -> Stage:
    """A stage on which a quarter is played on each beat, in each cell an octave higher."""
    stage = Stage.begun(configured(bpm=bpm, **settings), model=EchoModel(), answer_ms=answer_ms)
    for cell in range(cells):
        for beat, pitch in enumerate(PITCHES):
            stage.press(cell * CELL + beat * BEAT, 100, pitch + 12 * cell)
    return stage


def beats(octave: int = 0, *, cell: int = 1) -> list[tuple[int, int]]:
    return [(cell * CELL + beat * BEAT, pitch + 12 * octave) for beat, pitch in enumerate(PITCHES)]


def warnings(stage: Stage) -> list[str]:
    return [notice.text for notice in stage.jam.notices.lines if notice.level != "info"]


@pytest.mark.parametrize("mode", ["follow", "answer"])
def test_an_answer_that_comes_behind_its_bar_line_has_begun_on_it(mode: str) -> None:
    stage = played(answer_ms=40.0, mode=mode, vary=0.0)
    stage.run_to_tick(2 * CELL - STEP)
    assert stage.note_ons() == beats()
    assert (stage.jam.dialogue.bars.missed, stage.jam.dialogue.bars.begun) == (0, 1)
    assert warnings(stage) == []


def test_each_phrase_is_answered_with_itself() -> None:
    stage = played(answer_ms=40.0, cells=3)
    stage.run_to_tick(4 * CELL - STEP)
    assert stage.note_ons() == beats() + beats(1, cell=2) + beats(2, cell=3)
    assert (stage.jam.dialogue.bars.missed, stage.jam.dialogue.bars.begun) == (0, 3)


def test_where_the_whole_answer_is_there_in_time_nothing_else_is_counted() -> None:
    stage = played()
    stage.run_to_tick(2 * CELL - STEP)
    assert stage.note_ons() == beats()
    assert [encode.begun for encode in stage.model.encodes] == [True, False]
    assert (stage.jam.dialogue.bars.missed, stage.jam.dialogue.bars.begun) == (0, 0)


def test_what_was_played_until_then_is_asked_for_once_for_the_cell_alone() -> None:
    stage = played()
    stage.run_to_tick(CELL - STEP)
    (begun,) = stage.model.encodes
    assert [note.pitch for note in begun.notes] == PITCHES[:7]
    assert [decode.bar for decode in stage.model.decodes] == [2]


def test_a_phrase_that_is_not_taken_up_after_all_leaves_what_was_there() -> None:
    stage = played(cells=2)
    stage.act(2 * CELL - STEP, "mode", "hold")
    stage.run_to_tick(3 * CELL - STEP)
    assert stage.note_ons(first=2 * CELL) == beats(cell=2)


def test_at_slower_tempos_a_phrase_is_asked_for_early_once_an_answer_was_late() -> None:
    stage = played(bpm=120.0, cells=3)
    stage.run_to_tick(CELL + BEAT)
    assert [encode.begun for encode in stage.model.encodes] == [False]
    stage.answer_ms = 80.0
    stage.run_to_tick(3 * CELL + BEAT)
    assert [encode.begun for encode in stage.model.encodes] == [False, False, True, False]
    assert (stage.jam.dialogue.bars.missed, stage.jam.dialogue.bars.begun) == (1, 1)


def test_a_phrase_of_which_nothing_was_played_in_time_is_missed() -> None:
    stage = Stage.begun(configured(bpm=FAST_BPM), model=EchoModel(), answer_ms=40.0)
    for cell in range(2):
        stage.press(CELL + cell * CELL - BEAT // 2, 100, 60)
    stage.run_to_tick(3 * CELL)
    assert (stage.jam.dialogue.bars.missed, stage.jam.dialogue.bars.begun) == (2, 0)


def test_an_answer_whose_last_note_is_let_go_just_before_it_begins_is_there_in_time() -> None:
    stage = played(bpm=300.0, answer_ms=12.0)
    stage.press(CELL - STEP, STEP - 3, 80)
    stage.run_to_tick(2 * CELL - STEP)
    assert stage.note_ons() == [*beats(), (2 * CELL - STEP, 80)]
    assert (stage.jam.dialogue.bars.missed, stage.jam.dialogue.bars.begun) == (0, 0)
    assert warnings(stage) == []


@pytest.mark.parametrize("answer_ms", [3.0, 14.0])
def test_a_storm_of_turns_keeps_no_answer_waiting(answer_ms: float) -> None:
    stage = played(answer_ms=answer_ms, cells=3)
    for number in range(3 * CELL // 10):
        stage.turn(10 * number, "density", 0.2 if number % 2 else 0.1)
    stage.run_to_tick(3 * CELL + BEAT)
    assert stage.jam.dialogue.bars.missed == stage.jam.dialogue.bars.begun == 0
    assert warnings(stage) == []


def test_nothing_is_decoded_while_a_phrase_closes() -> None:
    stage = played(answer_ms=10.0, cells=2)  # 19 ticks
    close = 2 * CELL - STEP // 2
    for tick in range(close - 2 * BEAT, close + 30, 10):
        stage.turn(tick, "density", 0.2 if tick % 20 else 0.1)
    stage.run_to_tick(close - 20)
    before, encoded = len(stage.model.decodes), len(stage.model.encodes)
    stage.run_to_tick(close + 15)
    assert len(stage.model.decodes) == before
    assert len(stage.model.encodes) == encoded + 1
    stage.run_to_tick(close + 25)
    assert [decode.bar for decode in stage.model.decodes[before:]] == [4]
