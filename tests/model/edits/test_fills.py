"""Fills as drummers play them."""

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.edits.fills import SNARE, fill
from model.music.grid import Grid
from model.music.phrase import Phrase

GRID = Grid()


@given(st.integers(0, 31), st.integers(1, 32), st.integers(0, 9999), st.sampled_from((3, 4, 6)))
def test_a_fill_strikes_a_tom_or_more_often_than_eighths(
    first: int, length: int, seed: int, steps_per_beat: int
) -> None:
    grid = Grid(steps_per_beat=steps_per_beat)
    first %= grid.steps
    last = min(grid.steps, first + length)
    found = fill(grid, first, last, seed=seed)
    Phrase.of(grid, found)
    assert all(first <= note.onset < last for note in found)
    struck = {note.onset for note in found}
    assert struck
    assert any(note.pitch != SNARE for note in found) or 2 * len(struck) > last - first
    assert found == fill(grid, first, last, seed=seed)


def test_fills_swell_and_stop_before_the_bar_line_as_drummers_do() -> None:
    fills = [fill(GRID, 24, 32, seed=seed) for seed in range(300)]
    share = [mean(any(note.onset == step for note in one) for one in fills) for step in range(24, 32)]
    assert share[0] == pytest.approx(0.77, abs=0.1)  # of the drummers' fills
    assert share[-1] == pytest.approx(0.26, abs=0.1)
    level = [mean(note.velocity for one in fills for note in one if note.onset == step) for step in (24, 28)]
    assert level[0] + 5 < level[1]
    loudness = {round(mean(note.velocity for note in one), -1) for one in fills}
    assert len(loudness) > 5, "some are soft, some are loud"
    toms = mean(note.pitch != SNARE for one in fills for note in one)
    assert toms == pytest.approx(0.45, abs=0.1)
