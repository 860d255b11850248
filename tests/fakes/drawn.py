"""What the dashboard draws, as rows of text and as the inks that are used."""

from collections.abc import Iterable, Sequence

from live.dashboard.drawing import roll
from live.dashboard.drawing.rows import Row, fit_row, runs
from live.ipc.snapshot import BarView


def row_text(row: Row) -> str:
    return "".join(text for text, _ in row)


def texts(drawn: Iterable[Row]) -> list[str]:
    return [row_text(row) for row in drawn]


def inks(drawn: Iterable[Row]) -> set[str]:
    return {ink for row in drawn for _, ink in row}


def roll_rows(
    bars: Sequence[BarView],
    tick: int,
    beats_per_bar: int,
    *,
    width: int,
    height: int,
    held: Iterable[int] = (),
) -> tuple[Row, ...]:
    """The whole roll at once, as plainly as can be: what its panel puts together piece by piece."""
    frame = roll.frame_of(bars, tick, beats_per_bar, width=width, height=height)
    layers = roll.draw_layers(frame, bars, frozenset(held))
    column = roll.playhead_column(frame, tick)
    # Without a playhead on it, all that is shown lies on one side of it.
    layer = layers.sounded if frame.column(tick) >= frame.columns else layers.planned
    rows = [
        layer[y]
        if column is None
        else [*sounded[:column], roll.playhead_cell(planned[column], head=y == 0), *planned[column + 1 :]]
        for y, (sounded, planned) in enumerate(zip(layers.sounded, layers.planned, strict=True))
    ]
    return tuple(fit_row(runs(row), width) for row in rows[: max(0, height)])
