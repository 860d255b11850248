"""Key and chords, large where there is room."""

import pytest

from live.dashboard.drawing import harmony, rows
from live.dashboard.drawing.big_text import big_text
from tests.fakes.drawn import inks, row_text, texts
from tests.fakes.snapshots import scene


def drawn(width: int, height: int = 3, *, key: str = "", now: str = "", following: str = "") -> list[str]:
    """Draw; a key in brackets is locked."""
    shown = scene(key=key.strip("[]"), key_locked="[" in key, chord=now, next_chord=following)
    made = harmony.harmony_rows(shown, width, height)
    assert [rows.row_width(row) for row in made] == [width] * height
    return texts(made)


def has(text: str, lines: list[str], scale: int = 1) -> bool:
    """Tell whether lines hold a large text."""
    large = big_text(text, scale)
    lowest = lines[-len(large) :]
    return any(
        all(line.startswith(part, at) for line, part in zip(lowest, large, strict=True))
        for at in range(len(lowest[0]))
    )


def test_key_and_chord_are_said_and_a_locked_key_is_in_brackets() -> None:
    assert row_text(harmony.key_row(scene(), 40)).rstrip() == "key none"
    row = harmony.key_row(scene(key="D minor", chord="Gm7"), 40)
    assert row_text(row).rstrip() == "key D minor   chord Gm7"
    assert "[D minor]" in row_text(harmony.key_row(scene(key="D minor", key_locked=True), 40))


@pytest.mark.parametrize("width", [35, 46, 70])  # of the panel at 80x24, 120x40, 200x50
def test_the_key_the_chord_and_the_next_one_are_all_large(width: int) -> None:
    lines = drawn(width, key="A minor", now="Dm", following="E7")
    assert all(has(text, lines) for text in ("Am", "Dm", "E7"))
    shown = scene(key="A minor", chord="Dm", next_chord="E7")
    assert {"digits", "planned", "dim"} <= inks(harmony.harmony_rows(shown, width, 3))


def test_a_locked_key_is_in_brackets_at_any_size() -> None:
    assert has("[C]", drawn(46, key="[C major]", now="F"))
    assert "[C]" in drawn(26, key="[C major]", now="F#m7")[1]


def test_where_room_is_short_the_key_becomes_small_and_then_the_next_chord() -> None:
    lines = drawn(35, key="A minor", now="F#m", following="C#m")
    assert has("F#m", lines)
    assert has("C#m", lines)
    assert [line[:5] for line in lines] == ["key  ", "A    ", "minor"]
    lines = drawn(35, key="A minor", now="F#m7", following="C#m7")
    assert has("F#m7", lines)
    assert lines[2].endswith(" ▸ C#m7")
    assert drawn(18, key="A minor", now="F#m7", following="C#m7")[2].startswith("key A minor   cho")


def test_a_key_that_is_neither_major_nor_minor_is_named_in_small() -> None:
    lines = drawn(46, key="D dorian", now="G")
    assert has("G", lines)
    assert [line[:6] for line in lines] == ["key   ", "D     ", "dorian"]


@pytest.mark.parametrize(
    ("chord", "large"),
    [("Bdim", "Bo"), ("C#aug", "C#+"), ("Gsus4", "Gsus"), ("Fmaj7", "FM7"), ("C/E", "C/E")],
)
def test_qualities_are_written_as_on_lead_sheets(chord: str, large: str) -> None:
    assert has(large, drawn(46, now=chord))


def test_a_chord_that_letters_cannot_write_is_small() -> None:
    assert "chord H♭" in drawn(46, key="A minor", now="H♭")[-1]


def test_a_tall_panel_writes_the_chord_twice_as_large() -> None:
    lines = drawn(70, 5, key="A minor", now="Dm", following="E7")
    assert has("Dm", lines, 2)
    assert has("Am", lines)
