"""The count-in: a click a beat, higher on each one, and none that is past."""

from live.timing.count_in import FIRST, OTHER, count_in
from live.timing.timeline import Tick
from model.music.grid import Grid


def test_every_beat_clicks_and_the_one_is_higher() -> None:
    clicks = count_in(Grid(2, 3, 4), 2, channel=10, since=Tick(-6 * 480))
    ons = [(tick, data[1], data[2]) for tick, data in clicks if data[0] == 0x99]
    assert [tick for tick, _, _ in ons] == [-2880, -2400, -1920, -1440, -960, -480]
    assert [(pitch, velocity) for _, pitch, velocity in ons] == [FIRST, OTHER, OTHER] * 2
    assert len(clicks) == 2 * len(ons)


def test_what_is_past_does_not_click() -> None:
    assert [tick for tick, _ in count_in(Grid(), 1, channel=10, since=Tick(-500))] == [-480, -360]
    assert count_in(Grid(), 0, channel=10, since=Tick(-5000)) == []
