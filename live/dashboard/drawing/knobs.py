"""What the hands turn: knobs with their real and their waiting places.

    ─────┼━━█──   a bipolar knob, drawn from its centre      ◇  where the hardware's knob stands,
    ━━━━━█─────   a unipolar one, drawn from the left           until it is picked up
Where there is no room for a bar, the ground under name and value is lighter from rest to the value.
Pure: views and widths in, rows out.
"""

from collections.abc import Sequence
from typing import NamedTuple

from live.dashboard.drawing.rows import Row, ScreenCell, TextSpan, clean, fit, fit_row, row_width, runs
from live.ipc.snapshot import KnobView

NAME_WIDTH = 12  # and more where a name is longer
MARKS = 2  # the arrow before a name, a blank or what waits behind it
VALUE_WIDTH = 6
SMALLEST_BAR = 5


def value_text(knob: KnobView) -> str:
    """Return a knob's value as a person reads it."""
    if not knob.available:
        return "n/a"
    if knob.high - knob.low > 10:
        return f"{knob.value:.1f}".removesuffix(".0")
    return f"{knob.value:+.2f}" if knob.low < 0 and round(knob.value, 2) else f"{knob.value:.2f}"


def travel(knob: KnobView, value: float) -> float:
    """Return how far along its range a value lies, 0..1; NaN and an empty range count as 0."""
    size = knob.high - knob.low
    share = (value - knob.low) / size if size > 0 else 0.0
    return min(1.0, max(0.0, share)) if share == share else 0.0  # noqa: PLR0124 - NaN only


def knob_bar(knob: KnobView, width: int, *, chosen: bool = False) -> Row:
    """Draw a knob's travel in `width` cells."""
    pre = "selected-" if chosen else ""
    if not knob.available:
        return (((" ·" * width)[:width], f"{pre}track"),)
    bipolar = knob.low < 0 < knob.high

    def cell_at(value: float) -> int:
        return min(width - 1, int(travel(knob, value) * width))

    cells: list[ScreenCell] = [("─", f"{pre}track")] * width
    if not cells:
        return ()
    at, start = cell_at(knob.value), cell_at(0.0) if bipolar else 0
    for cell in range(min(at, start), max(at, start) + 1):
        cells[cell] = ("━", f"{pre}fill")
    if bipolar:
        cells[start] = ("┼", "selected" if chosen else "centre")
    cells[at] = ("█", f"{pre}handle") if at != start or not bipolar else ("╂", f"{pre}handle")
    if knob.waiting is not None:
        cells[cell_at(knob.waiting)] = ("◇", f"{pre}waiting")
    return runs(cells)


def name_width(knobs: Sequence[KnobView]) -> int:
    """Return the cells that the names of these knobs stand in, beside a bar."""
    return max([NAME_WIDTH, *(row_width(((clean(knob.name), ""),)) for knob in knobs)])


def knob_row(knob: KnobView, width: int, names: int = NAME_WIDTH, *, chosen: bool = False) -> Row:
    """Draw a knob's name, bar and value; the chosen one is marked by an arrow and a lighter ground."""
    moved = knob.available and abs(knob.value - knob.rest) > 1e-6
    ink = "selected" if chosen else "" if knob.available else "off"
    value_ink = "selected" if chosen else "strong" if moved else "dim"
    bar = bar_width(width, names)
    mark, value = "▸" if chosen else " ", value_text(knob)
    if not bar:
        return _over_bar(knob, (mark + clean(knob.name), ink), (value, value_ink), width)
    name, value = mark + fit(clean(knob.name), names) + " ", f"{value:>{VALUE_WIDTH}}"
    return fit_row(((name, ink), *knob_bar(knob, bar, chosen=chosen), (value, value_ink)), width)


def bar_width(width: int, names: int) -> int:
    """Return the cells of a bar in a knob's row; 0 where there is no room for one."""
    bar = width - names - MARKS - VALUE_WIDTH
    return bar if bar >= SMALLEST_BAR else 0


def _over_bar(knob: KnobView, name: TextSpan, value: TextSpan, width: int) -> Row:
    """Draw name and value over a ground that is lighter from the knob's rest to its value."""
    waits: ScreenCell = ("◇", "waiting") if knob.waiting is not None else (" ", name[1])
    words = name[0][:1] + fit(name[0][1:], width - len(value[0]) - 2)
    cells = [*((char, name[1]) for char in words), waits, *((char, value[1]) for char in value[0])]
    if knob.available:
        room = len(cells) - 1  # the arrow's cell stands between two grounds
        ends = sorted((travel(knob, knob.rest), travel(knob, knob.value)))
        first, last = (1 + round(end * room) for end in ends)
        cells[first:last] = [(char, f"{ink}-over") for char, ink in cells[first:last]]
    return fit_row(runs(cells), width)


class Columns(NamedTuple):
    """How knobs are laid out, read downwards: the first column that is shown, all widths, that of names."""

    first: int
    widths: list[int]
    names: int


def columns_of(knobs: Sequence[KnobView], chosen: int, width: int, height: int) -> Columns:
    """Lay knobs out in as many columns as it takes; when not all fit, those around the chosen one."""
    columns = max(1, -(-len(knobs) // height))
    fits = max(1, width // (NAME_WIDTH + VALUE_WIDTH + 2))
    first = max(0, min(chosen // height - fits // 2, columns - fits)) if columns > fits else 0
    columns = min(columns, fits)
    widths = [width // columns + (1 if index < width % columns else 0) for index in range(columns)]
    return Columns(first, widths, name_width(knobs))


def knob_rows(knobs: Sequence[KnobView], chosen: int, *, width: int, height: int) -> tuple[Row, ...]:
    """Draw all knobs in as many columns as it takes, read downwards.

    When not all fit, the columns that are shown hold the chosen one.
    """
    if not knobs or height < 1:
        return tuple(fit_row((("  no knobs yet", "dim"),), width) for _ in range(min(1, height)))
    first, widths, names = columns_of(knobs, chosen, width, height)
    rows: list[Row] = []
    for y in range(height):
        row: list[TextSpan] = []
        for index, size in enumerate(widths):
            number = (first + index) * height + y
            if number < len(knobs):
                row += knob_row(knobs[number], size, names, chosen=number == chosen)
            else:
                row.append((" " * size, ""))
        rows.append(tuple(row))
    return tuple(rows)


class KnobSpot(NamedTuple):
    """What lies under a pointer: a knob, and how far along its bar, 0..1; None beside the bar."""

    number: int
    share: float | None


def knob_at(
    knobs: Sequence[KnobView], chosen: int, x: int, y: int, *, width: int, height: int
) -> KnobSpot | None:
    """Return what of the knobs, as `knob_rows` draws them, lies on a cell."""
    if not knobs or not 0 <= y < height:
        return None
    first, widths, names = columns_of(knobs, chosen, width, height)
    for index, size in enumerate(widths):
        if 0 <= x < size:
            number = (first + index) * height + y
            bar = bar_width(size, names)
            cell = x - names - MARKS
            share = cell / max(1, bar - 1) if 0 <= cell < bar else None
            return KnobSpot(number, share) if number < len(knobs) else None
        x -= size
    return None
