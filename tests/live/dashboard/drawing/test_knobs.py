"""Knobs as rows."""

import math

import pytest

from live.dashboard.drawing import knobs as controls
from live.ipc.snapshot import KnobView
from tests.fakes.drawn import row_text, texts
from tests.fakes.snapshots import scene


def knob(value: float, *, low: float = -1.0, **more: object) -> KnobView:
    return KnobView("density", value, low, 1.0, 0.0, "", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("view", "bar"),
    [
        (knob(0.0), "─────╂─────"),
        (knob(1.0), "─────┼━━━━█"),
        (knob(-1.0), "█━━━━┼─────"),
        (knob(0.5), "─────┼━━█──"),
        (knob(0.5, waiting=-0.9), "◇────┼━━█──"),
        (knob(0.0, low=0.0), "█──────────"),
        (knob(0.5, low=0.0), "━━━━━█─────"),
        (knob(1.0, low=0.0, waiting=0.0), "◇━━━━━━━━━█"),
        (knob(0.5, available=False), " · · · · · "),
        (knob(math.nan), "█━━━━┼─────"),
    ],
)
def test_a_knobs_bar(view: KnobView, bar: str) -> None:
    assert row_text(controls.knob_bar(view, 11)) == bar


def test_the_chosen_knob_has_an_arrow_and_an_unavailable_one_says_so() -> None:
    assert row_text(controls.knob_row(knob(0.25), 30, chosen=True)) == "▸density      ─────┼█─── +0.25"
    assert row_text(controls.knob_row(knob(0.25, available=False), 30)).endswith("   n/a")


def test_values_read_as_people_write_them() -> None:
    tempo = KnobView("tempo", 120.0, 40.0, 240.0, 120.0, "")
    values = [controls.value_text(k) for k in (knob(0.0), knob(0.5), knob(-0.5), knob(0.5, low=0.0), tempo)]
    assert values == ["0.00", "+0.50", "-0.50", "0.50", "120"]


@pytest.mark.parametrize(
    ("width", "height"), [(80, 5), (120, 5), (40, 5), (60, 1), (19, 3), (5, 2), (200, 20)]
)
@pytest.mark.parametrize("chosen", [0, 7, 14])
def test_the_chosen_knob_is_always_in_sight(width: int, height: int, chosen: int) -> None:
    drawn = texts(controls.knob_rows(scene().knobs, chosen, width=width, height=height))
    assert all(len(line) == width for line in drawn)
    assert sum(line.count("▸") for line in drawn) == 1


def test_a_long_name_has_the_room_that_its_value_leaves() -> None:
    rows = [controls.knob_row(KnobView("density.chords", value, -1, 1, 0, ""), 20) for value in (0, -0.25)]
    assert [row_text(row) for row in rows] == [" density.chords 0.00", " density.chor… -0.25"]


def test_names_longer_than_usual_are_whole_beside_a_bar() -> None:
    views = [KnobView(name, 0.5, 0, 1, 0, "") for name in ("swing", "volume.melody")]
    drawn = texts(controls.knob_rows(views, 0, width=60, height=1))
    assert "▸swing         ━" in drawn[0]
    assert " volume.melody ━" in drawn[0]
    spot = controls.knob_at(views, 0, 30 + 15, 0, width=60, height=1)
    assert spot == controls.KnobSpot(1, 0.0)


@pytest.mark.parametrize(
    ("view", "lighter"),
    [
        (knob(0.0), ""),
        (knob(1.0), "    +1.00"),
        (knob(-0.5), "ty   "),
        (knob(0.5, low=0.0), "density   "),
        (knob(1.0, low=0.0), "density        1.00"),
        (knob(0.5, available=False), ""),
        (knob(0.5, low=0.0, waiting=0.1), "density   "),
    ],
)
def test_without_room_for_a_bar_the_ground_is_one(view: KnobView, lighter: str) -> None:
    row = controls.knob_row(view, 20)
    assert "".join(text for text, ink in row if ink.endswith("-over")) == lighter
    assert (" ◇0.50" in row_text(row)) is (view.waiting is not None)
