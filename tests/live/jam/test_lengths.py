"""Phrases of one to eight bars, and loops of the last bars."""

from collections.abc import Sequence

import pytest

from live.ipc.messages import Encode
from tests.fakes.commands import command
from tests.fakes.stage import ContinuingModel, Stage, configured

BEAT, BAR = 480, 1920
C, D, E, F = 60, 62, 64, 65


def stage_of(bars: Sequence[int | None], **options: object) -> Stage:
    """Play a note on the first two beats of each bar, one pitch a bar; None is a bar of silence."""
    stage = Stage.begun(configured(**options))
    play(stage, bars, 0)
    return stage


def play(stage: Stage, bars: Sequence[int | None], first: int) -> None:
    for bar, pitch in enumerate(bars, first):
        if pitch is not None:
            stage.press(bar * BAR, BEAT - 20, pitch)
            stage.press(bar * BAR + BEAT, BEAT - 20, pitch)


def heard(stage: Stage, first: int, last: int) -> list[int | None]:
    """Return what sounded in each of some bars, as `stage_of` writes it."""
    stage.run_to_tick(last * BAR - 120)
    found: list[int | None] = []
    for bar in range(first, last):
        pitches = {pitch for _, pitch in stage.note_ons(first=bar * BAR, last=(bar + 1) * BAR - 120)}
        assert len(pitches) < 2, (bar, pitches)
        found.append(pitches.pop() if pitches else None)
    return found


def test_four_bars_are_answered_with_four() -> None:
    stage = stage_of([C, D, E, F], mode="answer", phrase="4", vary=0.0)
    assert heard(stage, 0, 8) == [None, None, None, None, C, D, E, F]
    speaker, until = stage.jam.turns.speaker(stage.jam.tick(stage.nanos))  # type: ignore[arg-type]
    assert (speaker, until) == ("instrument", 8 * BAR)
    play(stage, [F, F, D, D], 8)
    assert heard(stage, 8, 16) == [None, None, None, None, F, F, D, D]
    assert ("missed", ()) not in stage.published
    assert stage.jam.dialogue.bars.missed == 0


def test_in_follow_a_phrase_sounds_while_the_next_one_is_played() -> None:
    stage = stage_of([C, D, E, F, F, E, D, C], phrase="4")
    assert heard(stage, 0, 4) == [None] * 4, "it waits for the whole"
    assert heard(stage, 4, 12) == [C, D, E, F, F, E, D, C]
    assert heard(stage, 12, 16) == [F, E, D, C], "silence leaves it as it was"


def test_eight_bars_are_one_phrase() -> None:
    phrase = [C, C, D, D, E, E, F, F]
    stage = stage_of(phrase, mode="answer", phrase="8", vary=0.0)
    assert heard(stage, 8, 16) == phrase


def test_one_bar_is_a_phrase_that_the_model_hears_twice() -> None:
    stage = stage_of([C, D, E], phrase="1")
    assert heard(stage, 0, 5) == [None, C, D, E, E]
    (first, *_) = (message for message in stage.asked if isinstance(message, Encode))
    assert first.grid is not None
    assert first.grid.bars == 1


def test_what_was_not_played_of_a_phrase_is_the_part_before_it() -> None:
    stage = stage_of([C, D, None, None], mode="answer", phrase="4", vary=0.0)
    assert heard(stage, 4, 8) == [C, D, C, D]
    stage = stage_of([None, None, E, F], mode="answer", phrase="4", vary=0.0)
    assert heard(stage, 4, 8) == [E, F, E, F]


def test_a_longer_phrase_begins_where_two_bars_end_and_a_shorter_one_too() -> None:
    stage = stage_of([C, D, E, F, F, E, D, C])
    stage.act(BAR + BEAT, "phrase", "4")
    assert heard(stage, 2, 10) == [C, D, C, D, E, F, F, E], "from bar 3 on four bars are one"
    assert stage.jam.plan.lines.period_bars == 4
    stage.act(10 * BAR + BEAT, "phrase", "1")
    play(stage, [C, D, E], 12)
    assert heard(stage, 13, 16) == [C, D, E]
    stage.act(16 * BAR + BEAT, "phrase", "auto")
    stage.run_to_tick(18 * BAR)
    assert stage.jam.plan.lines.period_bars == 2


def test_in_hold_a_long_phrase_goes_round() -> None:
    stage = stage_of([C, D, E, F], phrase="4")
    stage.act(5 * BAR, "mode", "hold")
    play(stage, [F, F, F, F], 4)
    assert heard(stage, 4, 12) == [C, D, E, F, C, D, E, F]


def test_a_phrase_that_is_not_complete_is_not_taken_up_by_hold() -> None:
    stage = stage_of([C, D, E, F, F, F], phrase="4")
    stage.act(6 * BAR + BEAT, "mode", "hold")
    assert heard(stage, 4, 12) == [C, D, E, F, C, D, E, F]


@pytest.mark.parametrize(("bars", "repeats"), [(1, [F]), (2, [E, F]), (4, [C, D, E, F])])
def test_a_loop_repeats_the_last_bars_until_it_is_let_go(bars: int, repeats: list[int]) -> None:
    stage = stage_of([None, C, D, E, F])
    stage.act(4 * BAR + 2 * BEAT, "loop", str(bars))
    play(stage, [C, C, C], 6)
    times = 4 // bars
    assert heard(stage, 5, 9) == repeats * times
    stage.act(9 * BAR + BEAT, "loop", str(bars))
    stage.run_to_tick(11 * BAR)

    assert stage.jam.history.state.loop_bars == 0
    assert stage.jam.plan.lines.period_bars == 2
    assert stage.jam.dialogue.bars.missed == 0


def test_a_loop_of_bars_in_which_nothing_was_played_is_of_what_sounds() -> None:
    stage = stage_of([C, D])
    stage.act(6 * BAR + BEAT, "loop", "2")
    assert heard(stage, 7, 11) == [C, D, C, D]
    assert any("nothing was played" in notice.text for notice in stage.jam.notices.lines)


def test_a_loop_goes_round_in_the_performers_turn_and_in_any_mode() -> None:
    stage = stage_of([C, D], mode="answer", vary=0.0)
    stage.act(BAR + BEAT, "loop", "2")
    assert heard(stage, 2, 6) == [C, D, C, D]


def test_a_loop_is_varied_each_time_it_comes_round() -> None:
    stage = stage_of([C, D], vary=0.5)
    stage.act(BAR + BEAT, "loop", "2")
    stage.run_to_tick(8 * BAR)
    turns = {request.place.turn for request in stage.model.decodes[-3:]}  # type: ignore[union-attr]
    assert len(turns) == 3


def test_lengths_are_undone_kept_in_scenes_and_remembered() -> None:
    stage = stage_of([C, D, E, F], phrase="4")
    stage.run_to_tick(5 * BAR)
    stage.act(5 * BAR, "store", "3")
    stage.act(5 * BAR + BEAT, "phrase", "1")
    stage.act(5 * BAR + 2 * BEAT, "undo")
    stage.run_to_tick(6 * BAR)
    assert stage.jam.history.state.phrase_bars == 4
    play(stage, [F, F, F, F, F, F], 8)
    stage.act(9 * BAR, "mode", "hold")
    stage.act(9 * BAR + BEAT, "phrase", "2")
    stage.act(14 * BAR + BEAT, "scene", "3")
    stage.run_to_tick(16 * BAR)
    assert stage.jam.history.state.phrase_bars == 4
    assert set(heard(stage, 16, 20)) == {C, D, E, F}


def test_an_anchor_of_a_long_phrase_brings_all_of_it_back() -> None:
    stage = stage_of([C, D, E, F, F, F, F, F], phrase="4")
    stage.act(7 * BAR, "capture", "A")
    stage.act(12 * BAR - BEAT, "recall", "A")
    assert heard(stage, 12, 16) == [C, D, E, F]


def test_a_loop_needs_music_that_plays_and_a_length_that_there_is() -> None:
    stage = Stage()
    stage.commands.run(command("loop", "2", source="test"), stage.nanos)  # type: ignore[arg-type]
    assert "stands still" in stage.jam.notices.lines[-1].text


def test_a_model_that_continues_takes_no_shorter_phrases() -> None:
    stage = Stage.begun(configured(), model=ContinuingModel())
    stage.act(BAR, "phrase", "1")
    stage.act(BAR + BEAT, "phrase", "4")
    stage.run_to_tick(4 * BAR)
    assert any("continues phrases of 2 bars" in notice.text for notice in stage.jam.notices.lines)
    assert stage.jam.plan.lines.period_bars == 4
