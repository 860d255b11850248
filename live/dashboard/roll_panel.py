"""The piano roll's widget.

Both layers are stored as painted segments; moving the playhead joins them at another column and repaints
the few columns in between, and new notes repaint the rows that they lie on.
Tested in tests/live/dashboard/test_app.py.
"""

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import NamedTuple

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from live.dashboard.drawing import roll
from live.dashboard.drawing.rows import ScreenCell, runs
from live.dashboard.widgets import Painted, View


class PaintedLine(NamedTuple):
    """A row's painted segments of narrow characters, and the column at which each ends."""

    segments: list[Segment]
    ends: list[int]

    def before(self, column: int) -> list[Segment]:
        """Return what lies left of the column."""
        index = bisect_left(self.ends, column)
        found = self.segments[:index]
        start = self.ends[index - 1] if index else 0
        if start < column and index < len(self.segments):
            text, style, _ = self.segments[index]
            found.append(Segment(text[: column - start], style))
        return found

    def after(self, column: int) -> list[Segment]:
        """Return what lies from the column on."""
        index = bisect_right(self.ends, column)
        if index >= len(self.segments):
            return []
        start = self.ends[index - 1] if index else 0
        text, style, _ = self.segments[index]
        return [Segment(text[column - start :], style), *self.segments[index + 1 :]]


class RollPanel(Painted):
    """The piano roll."""

    def __init__(self, *, name: str, title: str = "", legend: str = "") -> None:
        super().__init__(name=name, title=title, legend=legend)
        self._key: object = None
        self._frame: roll.RollFrame | None = None
        self._layers = roll.Layers([], [])
        self._sounded: list[PaintedLine] = []
        self._planned: list[PaintedLine] = []
        self._column: int | None = None
        self._behind = False

    def draw(self, view: View) -> None:
        """Draw the notes if they changed, and move the playhead."""
        self._view = view
        s = view.snapshot
        width, height = self.content.size
        if s is None or not width or not height:
            return
        now = view.tick // (max(1, s.beats_per_bar) * max(1, s.ticks_per_beat))
        key = (s.bars, s.metre, now, s.held_keys)
        if self._frame is None or key != self._key:
            self._key = key
            self._frame = roll.frame_of(
                s.bars,
                view.tick,
                s.beats_per_bar,
                width=width,
                height=height,
                ticks_per_beat=s.ticks_per_beat,
            )
            self._put(roll.draw_layers(self._frame, s.bars, frozenset(s.held_keys)))
        self._move(self._frame, view.tick)

    def _put(self, new: roll.Layers) -> None:
        """Paint the rows that changed."""
        old = self._layers
        sounded, planned, dirty = [], [], []
        for y in range(len(new.sounded)):
            known = y < len(self._sounded)
            same_sounded = known and old.sounded[y] == new.sounded[y]
            same_planned = known and old.planned[y] == new.planned[y]
            sounded.append(self._sounded[y] if same_sounded else self._paint(new.sounded[y]))
            planned.append(self._planned[y] if same_planned else self._paint(new.planned[y]))
            if not (same_sounded and same_planned):
                dirty.append(Region(0, y, self.content.width, 1))
        self._layers, self._sounded, self._planned = new, sounded, planned
        if dirty:
            self.repaint(*dirty)

    def _paint(self, cells: list[ScreenCell]) -> PaintedLine:
        """Paint a row of cells."""
        segments = [Segment(text, self.ink(ink)) for text, ink in runs(cells)]
        return PaintedLine(segments, list(accumulate(len(segment.text) for segment in segments)))

    def _move(self, frame: roll.RollFrame, tick: int) -> None:
        """Repaint what the playhead passed."""
        width, height = self.content.size
        before, self._column = self._column, roll.playhead_column(frame, tick)
        behind, self._behind = self._behind, frame.column(tick) >= frame.columns
        if before == self._column and behind == self._behind:
            return
        if before is None or self._column is None:
            self.repaint(Region(0, 0, width, height))
        else:
            left, right = min(before, self._column), max(before, self._column)
            self.repaint(Region(left, 0, right - left + 1, height))

    def render_line(self, y: int) -> Strip:
        """Join the two layers of a row at the playhead."""
        width = self.content.width
        if y >= len(self._sounded):
            return Strip.blank(width, self.ink(""))
        x = self._column
        if x is None:
            return Strip((self._sounded if self._behind else self._planned)[y].segments, width)
        char, ink = roll.playhead_cell(self._layers.planned[y][x], head=y == 0)
        head = Segment(char, self.ink(ink))
        return Strip([*self._sounded[y].before(x), head, *self._planned[y].after(x + 1)], width)

    def forget(self) -> None:
        """Drop what was drawn for another size."""
        super().forget()
        self._frame = None
        self._layers, self._sounded, self._planned = roll.Layers([], []), [], []
        self._column = None
