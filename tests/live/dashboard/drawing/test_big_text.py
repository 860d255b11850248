"""Large text of half blocks."""

from string import ascii_uppercase, digits

import pytest

from live.dashboard.drawing import big_text


def test_big_digits_are_drawn_with_pixels_of_the_scale() -> None:
    assert big_text.big_text("1.2", 2) == [
        "████        ██████",
        "  ██            ██",
        "  ██        ██████",
        "  ██        ██    ",
        "██████  ██  ██████",
    ]
    assert big_text.big_text("1", 1) == ["▀█ ", " █ ", "▀▀▀"]


@pytest.mark.parametrize("text", ["0123456789", "-1.4", "1234.5", "YOU", "TWOBAR", "F#m 7", "Bb"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_big_text_has_the_size_it_says(text: str, scale: int) -> None:
    lines = big_text.big_text(text, scale)
    assert len(lines) == big_text.big_height(scale)
    assert {len(line) for line in lines} == {big_text.big_width(text, scale)}


def test_letters_look_like_letters() -> None:
    assert big_text.big_text("YOU", 1) == [
        "█ █ █▀█ █ █",
        " █  █ █ █ █",
        " ▀  ▀▀▀ ▀▀▀",
    ]
    assert set(ascii_uppercase + digits + "#bm/[]+osu ") <= big_text.LETTERS


def test_the_largest_scale_that_fits_is_at_least_one() -> None:
    assert big_text.best_scale("YOU", 22, 5) == 2
    assert big_text.best_scale("YOU", 21, 5) == 1
    assert big_text.best_scale("YOU", 1, 1) == 1


def test_no_two_characters_look_the_same() -> None:
    seen: dict[str, str] = {}
    for char in sorted(
        big_text.LETTERS - {"O", "5", "B"}
    ):  # capitals that are digits: O, S, and B at this size
        shape = "\n".join(big_text.big_text(char, 1))
        assert seen.setdefault(shape, char) == char
