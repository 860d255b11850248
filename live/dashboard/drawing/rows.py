"""Rows of styled text: what the drawing functions return, widgets paint and tests read.

A row is a tuple of spans (text, name of a style in `drawing.theme.INK`).  Widths are in terminal
cells, so that wide characters count twice.
"""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from rich.cells import cell_len, chop_cells

TextSpan = tuple[str, str]
Row = tuple[TextSpan, ...]
ScreenCell = tuple[str, str]

ELLIPSIS = "…"

_CHAR, _INK = itemgetter(0), itemgetter(1)


def clean(text: str) -> str:
    """Return the text on one line: what a foreign port's name holds must not move the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def fit(text: str, width: int) -> str:
    """Return the text in exactly `width` cells: padded, or cut with an ellipsis."""
    width = max(0, width)
    length = cell_len(text)
    if length > width:
        text = (chop_cells(text, width - 1)[0] if width > 1 else "") + ELLIPSIS[:width]
        length = cell_len(text)
    return text + " " * (width - length)


def shorten(text: str, width: int) -> str:
    """Return the text in at most `width` cells, cut with an ellipsis."""
    return text if cell_len(text) <= width else fit(text, width).rstrip()


def row_width(row: Row) -> int:
    """Return the cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def span_at(row: Row, x: int) -> int | None:
    """Return the place in the row of the span that lies on a cell; None beyond its end."""
    for index, (text, _) in enumerate(row):
        x -= cell_len(text)
        if x < 0:
            return index
    return None


def fit_row(row: Iterable[TextSpan], width: int) -> Row:
    """Return the row in exactly `width` cells."""
    spans: list[TextSpan] = []
    left = width
    for text, ink in row:
        length = cell_len(text)
        if length >= left:
            spans.append((fit(text, left), ink))
            return tuple(span for span in spans if span[0])
        if text:
            spans.append((text, ink))
            left -= length
    return (*spans, (" " * left, "")) if left > 0 else tuple(spans)


def spread(left: Iterable[TextSpan], right: Iterable[TextSpan], width: int) -> Row:
    """Return a row with one part at each edge; of the right one, the last spans go when not all fit."""
    head, tail = tuple(left), tuple(right)
    while tail and row_width(head) + row_width(tail) >= width:
        tail = tail[:-1]
    gap = width - row_width(head) - row_width(tail)
    return (*head, (" " * gap, ""), *tail) if gap > 0 else fit_row(head, width)


def runs(cells: Iterable[ScreenCell]) -> Row:
    """Join neighbouring cells of one style into spans."""
    return tuple(("".join(map(_CHAR, group)), ink) for ink, group in groupby(cells, _INK))


class Canvas:
    """A grid of cells, one narrow character and one style each; what lies outside is ignored."""

    def __init__(self, width: int, height: int, *, fill: ScreenCell = (" ", "")) -> None:
        self.width = max(0, width)
        self.height = max(0, height)
        self.cells: list[list[ScreenCell]] = [[fill] * self.width for _ in range(self.height)]

    def copy(self) -> "Canvas":
        """Return another canvas that looks the same."""
        twin = Canvas(self.width, 0)
        twin.height, twin.cells = self.height, [line.copy() for line in self.cells]
        return twin

    def put(self, x: int, y: int, char: str, ink: str) -> None:
        """Set one cell."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self.cells[y][x] = (char, ink)

    def write(self, x: int, y: int, text: str, ink: str) -> None:
        """Set a cell for each character, from left to right."""
        for index, char in enumerate(text):
            self.put(x + index, y, char, ink)

    def rows(self) -> tuple[Row, ...]:
        """Return what was drawn."""
        return tuple(runs(line) for line in self.cells)
