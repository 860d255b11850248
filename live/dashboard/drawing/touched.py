"""What hands do: the control that was touched last, and the lesson under way.

Pure: views and widths in, rows out.
"""

from collections.abc import Mapping

from live.dashboard.drawing.rows import Row, TextSpan, clean, fit, fit_row, row_width, shorten
from live.ipc.snapshot import LessonView, TouchView

UNBOUND = "unbound: l to bind"
NAME_WIDTH = 16
_CHIPS = {
    "listening": ("touch it", "chip-count"),
    "refused": ("not that", "chip-rec"),
    "learned": ("learned", "chip-play"),
}


def touched_row(touched: TouchView | None, width: int, *, unbound: str = UNBOUND) -> Row:
    """Draw the control that was touched last and what it does, in at most `width` cells; nothing before."""
    if touched is None or width < NAME_WIDTH:
        return ()
    does: TextSpan = (clean(touched.does), "sounded") if touched.does else (unbound, "warn")
    room = width - row_width((does,)) - 3
    if room < 1:
        return ((shorten(does[0], width), does[1]),)
    port, control = clean(touched.port), clean(touched.control)
    if port and control:  # the port is known sooner than the number
        port = shorten(port, max(0, room - row_width(((control, ""),)) - 3))
    words = [word for word in (port, control) if word]
    return ((shorten(" · ".join(words), room), ""), (" · ", "dim"), does)


def choices(bindable: Mapping[str, str], typed: str) -> list[str]:
    """Return what of all that can be bound holds every typed word, in its name or its text."""
    words = typed.lower().split()
    return [
        name for name, text in bindable.items() if all(word in f"{name} {text}".lower() for word in words)
    ]


def choice_rows(
    names: list[str], texts: Mapping[str, str], chosen: int, *, width: int, height: int
) -> tuple[Row, ...]:
    """Draw the part of a list that holds the chosen line."""
    first = max(0, min(chosen - height // 2, len(names) - height))
    rows = []
    for number, name in enumerate(names[first : first + height], first):
        mark, ink = ("▸ ", "key") if number == chosen else ("  ", "")
        rows.append(fit_row(((mark, ink), (fit(name, NAME_WIDTH), ink), (texts[name], "dim")), width))
    return (*rows, *(() for _ in range(height - len(rows))))


def lesson_rows(lesson: LessonView, touched: TouchView | None, width: int) -> tuple[Row, ...]:
    """Draw what is learned, and how far it has got."""
    word, ink = _CHIPS[lesson.state]
    return (
        fit_row(((f" {word} ", ink), ("  ", ""), (clean(lesson.target), "strong")), width),
        (),
        fit_row(((shorten(clean(lesson.text), width), ""),), width),
        fit_row(touched_row(touched, width, unbound="unbound"), width),
    )
