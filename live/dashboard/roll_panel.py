"""The piano roll's widget.

Both layers are kept as painted strips; moving the playhead joins them at another column and repaints
the few columns in between, and new notes repaint the rows that they lie on.
"""

from textual.geometry import Region
from textual.strip import Strip

from live.dashboard import roll
from live.dashboard.panels import Painted, View
from live.dashboard.rows import Cell, runs


class RollPanel(Painted):
    """The piano roll."""

    def __init__(self, *, name: str) -> None:
        """Start empty."""
        super().__init__(name=name)
        self._key: object = None
        self._frame: roll.Frame | None = None
        self._layers = roll.Layers([], [])
        self._heard: list[Strip] = []
        self._planned: list[Strip] = []
        self._column: int | None = None
        self._behind = False

    def draw(self, view: View) -> None:
        """Draw the notes if they changed, and move the playhead."""
        self._view = view
        s = view.snapshot
        width, height = self.size
        if s is None or not width or not height:
            return
        now = view.tick // (max(1, s.beats_per_bar) * roll.TICKS_PER_BEAT)
        key = (s.bars, s.beats_per_bar, now, s.held_keys)
        if self._frame is None or key != self._key:
            self._key = key
            self._frame = roll.frame_of(s.bars, view.tick, s.beats_per_bar, width=width, height=height)
            self._put(roll.draw_layers(self._frame, s.bars, frozenset(s.held_keys)))
        self._move(self._frame, view.tick)

    def _put(self, new: roll.Layers) -> None:
        """Paint the rows that changed."""
        old = self._layers
        width = self.size.width
        heard, planned, dirty = [], [], []
        for y in range(len(new.heard)):
            known = y < len(self._heard)
            same_heard = known and old.heard[y] == new.heard[y]
            same_planned = known and old.planned[y] == new.planned[y]
            heard.append(self._heard[y] if same_heard else self.strip_of(runs(new.heard[y]), width))
            planned.append(self._planned[y] if same_planned else self.strip_of(runs(new.planned[y]), width))
            if not (same_heard and same_planned):
                dirty.append(Region(0, y, width, 1))
        self._layers, self._heard, self._planned = new, heard, planned
        if dirty:
            self.repaint(*dirty)

    def _move(self, frame: roll.Frame, tick: int) -> None:
        """Repaint what the playhead passed."""
        width, height = self.size
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
        if y >= len(self._heard):
            return Strip.blank(self.size.width, self.ink(""))
        x = self._column
        if x is None:
            return (self._heard if self._behind else self._planned)[y]
        width = self.size.width
        char, ink = roll.playhead_cell(self._cell(y, x), head=y == 0)
        head = self.strip_of(((char, ink),), 1)
        return Strip.join((self._heard[y].crop(0, x), head, self._planned[y].crop(x + 1, width)))

    def _cell(self, y: int, x: int) -> Cell:
        return self._layers.planned[y][x]

    def forget(self) -> None:
        """Drop what was drawn for another size."""
        super().forget()
        self._frame = None
        self._layers, self._heard, self._planned = roll.Layers([], []), [], []
        self._column = None
