"""What hands do, in rows."""

from live.dashboard.drawing.rows import Row, row_width
from live.dashboard.drawing.touched import choice_rows, choices, lesson_rows, touched_row
from live.ipc.snapshot import LessonView, TouchView


def text(row: Row) -> str:
    return "".join(part for part, _ in row).rstrip()


def test_what_was_touched_gives_way_to_what_it_does() -> None:
    touch = TouchView("A controller with a long name", "note 36 on channel 10", "capture A")
    assert text(touched_row(touch, 80)) == "A controller with a long name · note 36 on channel 10 · capture A"
    for width in range(16, 80):
        row = touched_row(touch, width)
        assert row_width(row) <= width
        assert text(row).endswith("capture A")
    assert touched_row(None, 80) == ()
    assert touched_row(touch, 5) == ()
    assert text(touched_row(TouchView("OSC", "", "density"), 40)) == "OSC · density"


def test_the_list_shows_the_chosen_line_wherever_it_is() -> None:
    names = [f"scene {number}" for number in range(30)]
    texts = dict.fromkeys(names, "")
    assert choices(texts, "SC 2") == [name for name in names if "2" in name]
    for chosen in range(30):
        rows = choice_rows(names, texts, chosen, width=30, height=7)
        assert len(rows) == 7
        assert f"▸ scene {chosen}" in [text(row) for row in rows]


def test_a_lesson_says_how_far_it_is_and_names_no_key_that_does_nothing_in_it() -> None:
    listening = lesson_rows(LessonView("density", "listening", "turn it"), TouchView("MPK", "CC 7", ""), 60)
    assert [text(row) for row in listening] == [" touch it   density", "", "turn it", "MPK · CC 7 · unbound"]


def test_the_number_of_a_control_is_seen_where_the_port_s_name_is_not() -> None:
    row = text(touched_row(TouchView("MPK mini 3 MIDI 1", "CC 74", "volume.chords"), 40))
    assert row.endswith(" · CC 74 · volume.chords")
    assert row.startswith("MPK mini")
