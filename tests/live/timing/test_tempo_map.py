"""Seconds to bars, beats and ticks."""

import pytest

from live.timing.bar_lines import BarLines
from live.timing.tempo_map import BarBeatTick, TempoMap
from model.music.grid import Grid
from model.music.metre import METRES


def at(metre: str, second: float, *, tempo_bpm: float = 120.0) -> BarBeatTick:
    found = METRES[metre]
    grid = Grid(beats_per_bar=found.beats_per_bar, ticks_per_beat=found.ticks_per_beat)
    return TempoMap(0.0, 0.0, tempo_bpm, BarLines(grid)).bar_beat_tick(second)


@pytest.mark.parametrize(
    ("metre", "second", "expected"),
    [
        ("4/4", 0.0, (1, 1, 0, 0.0, 4, 4, 480)),
        ("4/4", 2.25, (2, 1, 240, 1920.0, 4, 4, 480)),
        ("3/4", 2.0, (2, 2, 0, 1440.0, 3, 4, 480)),
        ("6/8", 1.5, (2, 1, 0, 1440.0, 6, 8, 240)),
        ("6/8", 1.0, (1, 5, 0, 0.0, 6, 8, 240)),
        ("7/8", 2.0, (2, 2, 0, 1680.0, 7, 8, 240)),
        ("4/4", -1.0, (1, 1, 0, 0.0, 4, 4, 480)),
    ],
)
def test_places_are_counted_in_written_beats(metre: str, second: float, expected: tuple[float, ...]) -> None:
    assert at(metre, second) == expected


def test_a_place_read_back_in_quarters_is_the_place() -> None:
    for metre in ("4/4", "5/4", "6/8", "7/8"):
        for second in (0.3, 1.7, 12.9):
            bbt = at(metre, second, tempo_bpm=97.0)
            written = (bbt.bar - 1) * bbt.beats_per_bar + bbt.beat - 1 + bbt.tick / bbt.ticks_per_beat
            assert written * 4 / bbt.beat_type == pytest.approx(second * 97 / 60, abs=1 / 480)


def test_bars_after_a_change_of_metre_go_on_from_it() -> None:
    lines = BarLines(Grid(), start=BarLines(Grid()).tick_of_bar(4), bar=4)
    tempo_map = TempoMap(4.0, 8.0, 60.0, lines)
    assert tempo_map.bar_beat_tick(12.0)[:3] == (5, 1, 0)
