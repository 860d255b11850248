"""The piano roll: notes, parts, drums and the playhead, as rows of text."""

from hypothesis import given
from hypothesis import strategies as st

from live.dashboard.drawing import roll, rows
from live.dashboard.drawing.theme import INK
from live.ipc.snapshot import BarView
from tests.fakes.drawn import inks, roll_rows, row_text, texts
from tests.fakes.snapshots import BEAT

BAR = 4 * BEAT


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
        "    │1             ▼│2 ↻ repeated   ",
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


def test_a_bar_that_was_not_decoded_for_its_place_says_what_it_is() -> None:
    bars = [BarView(0, "decoded", [], []), BarView(1, "repeated", [], []), BarView(2, "silent", [], [])]
    head = row_text(roll_rows(bars, 0, 4, width=80, height=4)[0])
    assert "decoded" not in head  # an engineer's word, for the second screen
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


def test_bars_of_six_eighths_lie_on_dotted_beats() -> None:
    bars = [BarView(bar, "decoded", [], []) for bar in range(2)]
    frame = roll.frame_of(bars, 0, 2, width=4 + 48, height=9, ticks_per_beat=720)
    assert (frame.shown, frame.beats, frame.per_beat) == (2, 2, 12)
    assert [frame.column(tick) for tick in (0, 360, 720, 1440, 2160)] == [0, 6, 12, 24, 36]


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


def test_note_names() -> None:
    assert [roll.note_name(pitch) for pitch in (0, 60, 61, 127)] == ["C-1", "C4", "C♯4", "G9"]
