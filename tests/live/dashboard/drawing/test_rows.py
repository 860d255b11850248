"""Rows of exactly their width, whatever is written in them."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from live.dashboard.drawing import rows
from tests.fakes.drawn import row_text


@given(st.text(), st.integers(0, 40))
def test_fit_gives_exactly_the_width_whatever_the_text(text: str, width: int) -> None:
    assert cell_len(rows.fit(rows.clean(text), width)) == width


@given(st.lists(st.text(max_size=8), max_size=6), st.integers(0, 30))
def test_fit_row_gives_exactly_the_width(parts: list[str], width: int) -> None:
    row = tuple((rows.clean(part), "dim") for part in parts)
    assert rows.row_width(rows.fit_row(row, width)) == width


def test_clean_lets_no_control_character_through() -> None:
    assert rows.clean("a\x1b[31m\nb\tc\x00") == "a [31m b c"


def test_what_does_not_fit_at_the_right_edge_goes_from_its_end() -> None:
    left, right = [("left", "")], [("one", ""), ("two", "")]
    assert row_text(rows.spread(left, right, 12)) == "left  onetwo"
    assert row_text(rows.spread(left, right, 9)) == "left  one"
    assert row_text(rows.spread(left, right, 6)) == "left  "
