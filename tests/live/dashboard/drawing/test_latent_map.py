"""The map: anchors, the performer, the latent, the cloud and the trail."""

import math

from live.dashboard.drawing import latent_map
from live.ipc.snapshot import AnchorView
from tests.fakes.drawn import texts
from tests.fakes.snapshots import cloud


def drawn_map(width: int = 21, height: int = 11, **parts: object) -> list[str]:
    drawn_parts = {"anchors": [], "performer": None, "here": None, "trail": [], **parts}
    return texts(latent_map.map_canvas(latent_map.ground([], width, height), **drawn_parts).rows())  # type: ignore[arg-type]


def test_the_map_shows_anchors_the_performer_and_here_where_they_are() -> None:
    anchors = [AnchorView("A", (-1.0, 1.0)), AnchorView("B", None), AnchorView("D", (1.0, -1.0))]
    lines = drawn_map(anchors=anchors, performer=(0.0, 0.0), here=(1.0, 1.0))
    assert lines[0] == "A" + " " * 19 + "◉"
    assert lines[5][10] == "◎"
    assert lines[10] == " " * 20 + "D"
    assert "B" not in "".join(lines)


def test_places_outside_stand_at_the_edge_and_nan_in_the_middle() -> None:
    assert drawn_map(here=(9.0, -math.inf))[10][20] == "◉"
    assert drawn_map(here=(math.nan, math.nan))[5][10] == "◉"


def test_the_cloud_is_drawn_in_dots_and_the_trail_over_it() -> None:
    ground = latent_map.ground(cloud(), 20, 10)
    assert sum(char != " " for line in ground.cells for char, _ in line) > 60
    parts = latent_map.map_canvas(
        ground, anchors=[], performer=None, here=None, trail=[(-0.5, 0.0), (0.5, 0.0)]
    )
    assert sum(ink == "trail" for line in parts.cells for _, ink in line) >= 10
    assert "trail" not in {ink for line in ground.cells for _, ink in line}


def test_a_small_map_thins_its_cloud() -> None:
    def lit(width: int, height: int) -> int:
        return sum(
            char != " " for line in latent_map.ground(cloud(5000), width, height).cells for char, _ in line
        )

    assert lit(12, 9) < 100


def test_a_map_of_no_size_is_empty() -> None:
    assert drawn_map(0, 0, here=(0.0, 0.0)) == []
