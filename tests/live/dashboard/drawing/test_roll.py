"""Piano roll and map of the dashboard, as rows of text."""

import math

from hypothesis import given
from hypothesis import strategies as st

from live.dashboard.drawing import beat, drum_lanes, latent_map, roll, rows, status
from live.dashboard.drawing import knobs as controls
from live.dashboard.drawing.theme import INK
from live.ipc.snapshot import AnchorView, BarView
from tests.fakes.drawn import inks, roll_rows, row_text, texts
from tests.fakes.snapshots import BEAT, cloud, scene

BAR = 4 * BEAT


# -- roll ------------------------------------------------------------------------------------------

TWO_BARS = [
    BarView(
        0,
        "decoded",
        [(0, 480, 60, 90, 0), (960, 240, 64, 90, 0)],
        [(0, 240, 67, 80, 0), (960, 120, 64, 80, 0)],
    ),
    BarView(1, "repeated", [(0, 480, 60, 90, 0), (1440, 480, 55, 90, 0)], []),
]


def test_a_roll_shows_sounded_planned_and_performed_notes_in_three_glyphs() -> None:
    drawn = roll_rows(TWO_BARS, BAR - 100, 4, width=36, height=8)
    assert texts(drawn) == [
        "    │1 decoded     ▼│2 ↻ repeated   ",
        " C5 │┈┈┈┊┈┈┈┊┈┈┈┊┈┈┃│┈┈┈┊┈┈┈┊┈┈┈┊┈┈┈",
        "    │   ┊   ┊   ┊  ┃│   ┊   ┊   ┊   ",
        "    ●━  ┊   ┊   ┊  ┃│   ┊   ┊   ┊   ",
        "    │   ┊   ◆▆  ┊  ┃│   ┊   ┊   ┊   ",
        " C4 █▆▆▆┊┈┈┈┊┈┈┈┊┈┈┃▓▒▒▒┊┈┈┈┊┈┈┈┊┈┈┈",
        "    │   ┊   ┊   ┊  ┃│   ┊   ┊   ┊   ",
        "    │   ┊   ┊   ┊  ┃│   ┊   ┊   ▓▒▒▒",
    ]


def test_the_three_kinds_of_notes_differ_in_glyph_and_in_colour() -> None:
    drawn = roll_rows(TWO_BARS, BAR - 100, 4, width=36, height=12)
    look = {
        ink: set(text) for row in drawn[1:] for text, ink in row if ink in ("sounded", "planned", "performer")
    }
    assert look == {"sounded": {"█"}, "planned": {"▓"}, "performer": {"●"}}
    assert len({INK[ink].color for ink in look}) == 3


def test_the_playhead_turns_planned_notes_into_sounded_ones() -> None:
    def kinds(tick: int) -> tuple[int, int]:
        joined = "".join(texts(roll_rows(TWO_BARS, tick, 4, width=36, height=12))[1:])
        return joined.count("█"), joined.count("▓")

    assert kinds(1) == (0, 3)  # the one under the playhead is planned still
    assert kinds(BAR // 2) == (1, 2)
    assert kinds(BAR + 200) == (2, 1)
    assert kinds(2 * BAR + 5) == (3, 0)


def test_the_origin_of_every_bar_is_named() -> None:
    bars = [BarView(0, "decoded", [], []), BarView(1, "repeated", [], []), BarView(2, "silent", [], [])]
    head = row_text(roll_rows(bars, 0, 4, width=80, height=4)[0])
    assert "1 decoded" in head
    assert "2 ↻ repeated" in head
    assert "3 ∅ silent" in head


def test_keys_that_are_held_are_marked_at_their_pitch() -> None:
    drawn = texts(roll_rows(TWO_BARS, 0, 4, width=36, height=20, held=[60]))
    assert [line[:4] for line in drawn if "▶" in line] == [" C4▶"]


def test_a_narrow_roll_keeps_the_sounding_bar_and_two_ahead() -> None:
    bars = [BarView(bar, "decoded", [], []) for bar in range(4, 10)]
    frame = roll.frame_of(bars, 6 * BAR + 10, 4, width=4 + 64, height=9)
    assert (frame.first, frame.shown) == (5, 4)
    assert roll.frame_of(bars, 6 * BAR, 4, width=4 + 48, height=9).first == 6


def test_a_wide_roll_shows_all_bars_on_more_columns() -> None:
    bars = [BarView(bar, "decoded", [], []) for bar in range(4, 9)]
    frame = roll.frame_of(bars, 6 * BAR, 4, width=150, height=20)
    assert (frame.first, frame.shown, frame.per_beat) == (4, 5, 7)


note = st.tuples(
    st.integers(-10, 3000),
    st.integers(-5, 9000),
    st.integers(0, 127),
    st.integers(1, 127),
    st.integers(0, 3),
)
bar_views = st.builds(
    BarView,
    st.integers(-3, 12),
    st.sampled_from(["", "decoded", "repeated", "silent"]),
    st.lists(note, max_size=20),
    st.lists(note, max_size=20),
)


@given(
    st.lists(bar_views, max_size=8),
    st.integers(-5000, 30000),
    st.integers(0, 12),
    st.integers(0, 160),
    st.integers(0, 30),
)
def test_a_roll_fits_whatever_the_size(
    bars: list[BarView], tick: int, beats: int, width: int, height: int
) -> None:
    drawn = roll_rows(bars, tick, beats, width=width, height=height)
    assert len(drawn) == height
    assert all(rows.row_width(row) == width for row in drawn)


BAND = [
    BarView(
        0,
        "decoded",
        [
            (0, 480, 64, 90, 0), (0, 480, 55, 90, 1), (0, 480, 48, 90, 2),
            (0, 60, 36, 90, 3), (0, 60, 49, 90, 3),
            (240, 60, 42, 90, 3), (480, 60, 38, 90, 3), (720, 60, 46, 90, 3), (960, 60, 45, 90, 3),
        ],
        [(960, 240, 40, 90, 0)],
    )
]  # fmt: skip


def test_drums_stand_in_lanes_at_the_foot() -> None:
    drawn = roll_rows(BAND, 2 * BAR, 4, width=20, height=12)
    assert texts(drawn)[-3:] == [
        " hh █ █ ┊ █ ┊   ┊   ",
        " sn │   █   █   ┊   ",
        " bd █   ┊   ┊   ┊   ",
    ]
    assert not any("█" in line or "●" in line for line in texts(drawn)[-4:-3])
    tall = texts(roll_rows(BAND, 2 * BAR, 4, width=20, height=24))
    assert [line[1:3] for line in tall[-5:]] == ["cy", "hh", "tm", "sn", "bd"]
    assert [line.count("█") for line in tall[-5:]] == [1, 2, 1, 1, 1]


def test_a_roll_without_drums_has_no_lanes_and_a_low_one_shows_them_in_one() -> None:
    assert not any("bd" in line for line in texts(roll_rows(TWO_BARS, 0, 4, width=36, height=20)))
    low = texts(roll_rows(BAND, 2 * BAR, 4, width=20, height=4))
    assert low[-1] == " dr █ █ █ █ █   ┊   "


def test_drums_do_not_stretch_the_pitches_that_are_shown() -> None:
    only = [BarView(0, "decoded", [(0, 60, 36, 90, 3), (0, 480, 72, 90, 0)], [])]
    frame = roll.frame_of(only, 0, 4, width=40, height=20)
    assert frame.per_row == 1
    assert frame.row(36) is None


def test_no_two_parts_share_a_colour() -> None:
    for tick, kind in ((-1, "planned"), (2 * BAR, "sounded")):
        used = inks(roll_rows(BAND, tick, 4, width=36, height=20))
        parts = {f"{kind}{part}" for part in ("", "-chords", "-bass", "-drums")}
        assert parts <= used
        assert len({INK[ink].color for ink in parts}) == 4


@given(st.integers(0, 127), st.integers(1, 5))
def test_every_drum_key_has_a_lane(pitch: int, lanes: int) -> None:
    lane = drum_lanes.lane_of(pitch, lanes)
    assert lane is not None
    assert 0 <= lane < lanes
    assert len(drum_lanes.lane_name(lane, lanes)) == 2


def test_note_names() -> None:
    assert [roll.note_name(pitch) for pitch in (0, 60, 61, 127)] == ["C-1", "C4", "C♯4", "G9"]


# -- map -------------------------------------------------------------------------------------------


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


def test_every_ink_that_is_drawn_with_is_in_the_theme() -> None:
    used = set()
    for tick in range(6 * BAR, 7 * BAR, 150):
        s = scene(tick)
        used |= inks(beat.beat_rows(tick, 4, width=128, height=11, tempo_bpm=120.0))
        used |= inks(roll_rows(s.bars, tick, 4, width=100, height=20, held=s.held_keys))
        used |= inks(controls.knob_rows(s.knobs, tick % 15, width=120, height=5))
        used |= inks(status.status_rows(s, width=60, height=12))
        ground = latent_map.ground(cloud(), 30, 14)
        used |= inks(
            latent_map.map_canvas(
                ground, anchors=s.anchors, performer=s.performer_xy, here=s.here, trail=[(0, 0), (1, 1)]
            ).rows()
        )
    assert used <= set(INK)
