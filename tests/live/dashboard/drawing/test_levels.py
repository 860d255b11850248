"""How loud both play."""

from live.dashboard.drawing import levels
from live.ipc.snapshot import BarView
from tests.fakes.snapshots import scene


def test_levels_follow_velocities_and_fade() -> None:
    bar = BarView(0, "decoded", [(0, 120, 60, 127, 0)], [(960, 480, 60, 64, 0)])
    s = scene(0, bars=[bar])
    assert levels.levels_at(s, 0) == (0, levels.LEVELS)
    fading = [levels.levels_at(s, tick).instrument for tick in range(0, 960, 60)]
    assert fading == sorted(fading, reverse=True)
    assert fading[-1] == 0
    assert levels.levels_at(s, 960).performer == levels.LEVELS // 2
    assert levels.levels_at(s, 5000) == (0, 0)
    held = scene(0, bars=[BarView(0, "decoded", [(0, 1920, 60, 127, 0)], [])])
    assert levels.levels_at(held, 1900).instrument == levels.LEVELS // 2
