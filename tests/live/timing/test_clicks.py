"""Clicks: higher on the one, and each ends before the shortest beat there is does."""

from live.timing.clicks import FIRST, OTHER, click, click_end
from live.timing.timeline import Tick
from model.music.grid import Grid
from model.music.metre import METRES, grid_in


def test_the_one_is_higher_and_louder() -> None:
    assert click(10, first=True) == bytes((0x99, *FIRST))
    assert click(3, first=False) == bytes((0x92, *OTHER))


def test_a_click_ends_before_the_next_beat_of_every_metre() -> None:
    grids = [grid for metre in METRES.values() if (grid := grid_in(Grid(), metre)) is not None]
    assert len(grids) > 3
    for first, (key, _) in ((True, FIRST), (False, OTHER)):
        tick, data = click_end(10, Tick(480), first=first)
        assert data[:2] == bytes((0x89, key))
        assert 480 < tick < 480 + min(grid.ticks_per_beat for grid in grids)
