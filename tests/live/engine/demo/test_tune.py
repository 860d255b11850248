"""The demo plays like a person would: every key it presses it lets go, in order, again from the top."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.engine.demo.tune import BAR, VERSE_BARS, Cue, Demo
from live.ipc.commands import Turn
from live.settings.knobs import ATTRIBUTE_KNOBS, KNOBS
from live.timing.bar_lines import BarLines
from live.timing.midi_bytes import is_note_off, is_note_on
from live.timing.timeline import Tick
from model.music.grid import Grid
from model.music.metre import METRES, grid_in

VERSE = VERSE_BARS * BAR
LONG = 12 * VERSE


def cues(last: int) -> list[Cue]:
    return Demo().due(Tick(last))


def test_every_key_is_let_go_before_it_is_pressed_again() -> None:
    down: set[int] = set()
    for cue in cues(LONG):
        if is_note_on(cue.data):
            assert cue.data[1] not in down
            down.add(cue.data[1])
        elif is_note_off(cue.data):
            down.remove(cue.data[1])
    ended = [cue for cue in cues(LONG) if cue.tick < LONG - VERSE]
    assert sum(is_note_on(cue.data) for cue in ended) == sum(is_note_off(cue.data) for cue in ended)
    assert down <= {cue.data[1] for cue in cues(LONG) if cue.tick >= LONG}


@given(st.lists(st.integers(0, LONG), max_size=20))
def test_it_comes_out_the_same_however_often_one_looks(moments: list[int]) -> None:
    demo = Demo()
    played = [cue for moment in sorted(moments) for cue in demo.due(Tick(moment))]
    assert played == cues(max(moments, default=-1))
    assert [cue.tick for cue in played] == sorted(cue.tick for cue in played)


@given(st.integers(0, LONG))
def test_the_next_cue_is_after_what_was_due(now: int) -> None:
    demo = Demo()
    demo.due(Tick(now))
    assert now < demo.next_tick() <= now + VERSE


def test_it_plays_two_bars_and_listens_for_two() -> None:
    for cue in cues(LONG):
        if is_note_on(cue.data):
            assert cue.tick % VERSE < 2 * BAR


@pytest.mark.parametrize("metre", ["3/4", "5/4", "6/8", "7/8"])
def test_in_another_metre_its_bars_are_as_long_as_they_are_there(metre: str) -> None:
    grid = grid_in(Grid(), METRES[metre])
    assert grid is not None
    demo, start, bar = Demo(), 5 * BAR, grid.ticks_per_bar
    demo.restart(start, BarLines(grid, Tick(start)))
    played = [cue for cue in demo.due(Tick(start + 8 * bar - 1)) if is_note_on(cue.data)]
    assert {(cue.tick - start) // bar for cue in played} == {0, 1, 4, 5}  # it listens in the others
    assert {cue.tick - start for cue in played} >= {0, bar, 4 * bar, 5 * bar}
    down: set[int] = set()
    for cue in demo.due(Tick(start + 40 * bar)):
        if is_note_on(cue.data):
            assert cue.data[1] not in down
            down.add(cue.data[1])
        elif is_note_off(cue.data):
            down.discard(cue.data[1])


def test_it_plays_two_tunes_in_turn() -> None:
    verses = [
        [(cue.tick % VERSE, cue.data) for cue in cues(LONG) if cue.data and cue.tick // VERSE == number]
        for number in range(4)
    ]
    assert verses[0] == verses[2]
    assert verses[1] == verses[3]
    assert verses[0] != verses[1]


def test_it_turns_knobs_and_turns_them_back() -> None:
    turns = [cue.command for cue in cues(LONG) if cue.command]
    rests = dict.fromkeys(ATTRIBUTE_KNOBS, 0.0)
    for turn in turns:
        assert isinstance(turn, Turn)
        assert KNOBS[turn.knob].clip(turn.value) == turn.value
        rests[turn.knob] = turn.value
    assert {turn.knob for turn in turns if isinstance(turn, Turn)} >= {"density", "register"}
    assert set(rests.values()) == {0.0}


def test_a_restart_plays_from_the_top() -> None:
    demo = Demo()
    first = demo.due(Tick(BAR))
    demo.due(Tick(3 * VERSE))
    demo.restart()
    assert demo.due(Tick(BAR)) == first
