"""Bar lines: every tick lies in one bar, one phrase and one beat, and a metre begins where a bar ends."""

from hypothesis import given
from hypothesis import strategies as st

from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick
from model.music.grid import Grid
from model.music.metre import METRES, grid_in

GRIDS = st.sampled_from([grid for metre in METRES.values() if (grid := grid_in(Grid(), metre)) is not None])
TICKS = st.integers(-20_000, 200_000)


@st.composite
def lines(draw: st.DrawFn) -> BarLines:
    """A few metres after one another."""
    found = BarLines(draw(GRIDS))
    for grid, after in draw(st.lists(st.tuples(GRIDS, st.integers(-2000, 9000)), max_size=3)):
        found = found.changed(grid, found.start + after)
    return found


@given(lines(), TICKS)
def test_every_tick_lies_in_its_bar_its_phrase_and_its_beat(found: BarLines, tick: int) -> None:
    grid, bar, cell = found.grid, found.bar_of(tick), found.cell_of(tick)
    assert 0 <= tick - found.tick_of_bar(bar) < grid.ticks_per_bar
    assert 0 <= tick - found.tick_of_cell(cell) < grid.ticks
    assert found.tick_of_bar(found.bar_of_cell(cell)) == found.tick_of_cell(cell)
    at, beat = found.beat_of(tick)
    assert at == bar
    assert 0 <= beat < grid.beats_per_bar
    assert 0 < found.next_beat(tick) - tick <= grid.ticks_per_beat
    assert found.beat_of(found.next_beat(tick)) != (at, beat)


@given(lines(), TICKS)
def test_the_first_step_not_before_a_tick_is_the_nearest_at_or_after_it(found: BarLines, tick: int) -> None:
    step = found.step_at_or_after(tick)
    assert 0 <= found.tick_of_step(step) - tick < found.grid.ticks_per_step
    cell, onset = found.cell_of_step(step)
    assert found.step_of_cell(cell) + onset == step
    assert found.tick_of_cell(cell) + onset * found.grid.ticks_per_step == found.tick_of_step(step)


@given(lines(), GRIDS, st.integers(-4000, 40_000))
def test_a_metre_begins_on_the_next_bar_line_with_a_phrase(before: BarLines, grid: Grid, after: int) -> None:
    after += before.start
    found = before.changed(grid, after)
    assert found.start > after
    assert found.start >= before.start
    assert before.tick_of_bar(found.bar) == found.start
    assert found.bar_of(found.start) == found.bar
    if after >= before.start:
        assert found.start - after <= before.grid.ticks_per_bar
    assert found.cell % 2 == 0
    assert found.cell > before.cell_of(found.start - 1)
    assert found.tick_of_step(found.step) == before.tick_of_step(found.step) == found.start


def test_the_beats_of_six_eighths_are_dotted_and_those_of_seven_are_eighths() -> None:
    compound, odd = (grid_in(Grid(), METRES[name]) for name in ("6/8", "7/8"))
    assert compound is not None
    assert odd is not None
    assert [BarLines(compound).beat_of(tick) for tick in (0, 719, 720, 1440)] == [
        (0, 0),
        (0, 0),
        (0, 1),
        (1, 0),
    ]
    assert [BarLines(odd).beat_of(tick) for tick in (0, 240, 1679, 1680)] == [(0, 0), (0, 1), (0, 6), (1, 0)]
    assert BarLines(Grid()).next_beat(Tick(-481)) == -480
