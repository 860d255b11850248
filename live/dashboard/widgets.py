"""Widgets that paint their own lines: rows are compared with those on the screen, what changed is painted.

A repaint is what a screen costs: a panel whose stamp is the same as before draws nothing, and a changed
panel repaints its changed rows only.
Tested in tests/live/dashboard/test_app.py.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from live.dashboard.drawing import latent_map
from live.dashboard.drawing.rows import Canvas, Row, ScreenCell, fit_row, row_width, runs
from live.dashboard.drawing.theme import COARSE, COARSE_INK, INK
from live.dashboard.repaints import Repaints
from live.ipc.snapshot import Notice, Snapshot


class View(NamedTuple):
    """What the panels draw from.

    Attributes:
        snapshot: the engine's last; None before the first.
        tick: the transport's position now, reckoned from the snapshot's, and counted from where bar 0 would
            lie in the present metre.
        nanos: now.
        alarm: why nothing new is known, in a sentence; "" while the engine answers.
        notices: oldest first.
        cloud: known phrases on the map.
        trail: where the moved latent has been, oldest first.
        chosen: index of the knob under the hands.
    """

    snapshot: Snapshot | None
    tick: int
    nanos: int
    alarm: str
    notices: tuple[Notice, ...]
    cloud: tuple[latent_map.MapPoint, ...]
    trail: tuple[latent_map.MapPoint, ...]
    chosen: int


class Painted(Widget):
    """A widget that paints its lines itself, in the inks of the theme."""

    ALLOW_SELECT = False
    can_focus = False

    def __init__(self, *, name: str, title: str = "", legend: str = "") -> None:
        """Start empty; the name is the CSS id, title and legend go into the border, where there is one."""
        super().__init__(id=name)
        self.border_title = title or name
        self.border_subtitle = legend
        self._inks: dict[str, Style] = {}
        self._edges: tuple[Strip, Strip] | None = None
        self._content: Region | None = None
        self._lines: dict[int, Strip] = {}
        self._view: View | None = None
        self._repaints: Repaints | None = None

    def draw(self, view: View) -> None:
        """Show a view, repainting only what changed; a panel that is filled by `show` ignores it."""

    def draw_with(self, repaints: Repaints | None, view: View) -> None:
        """Draw so that what is painted anew is among the repaints; without any, by way of Textual.

        A panel for which there is no room is drawn when there is again.
        """
        if not self.display:
            return
        self._repaints = repaints
        self.draw(view)
        self._repaints = None

    @property
    def content(self) -> Region:
        """Where the content lies on the screen; Textual looks for it anew each time that it is asked."""
        if self._content is None:
            self._content = self.content_region
        return self._content

    def forget(self) -> None:
        """Drop what was drawn for another size."""
        self._content = None
        self._inks.clear()
        self._lines.clear()
        self._edges = None

    def on_resize(self) -> None:
        """Draw the same view at the new size."""
        self.forget()
        if self._view is not None:
            self.draw(self._view)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Filter only for terminals without colour: our inks hold no ANSI colour to translate."""
        return super().get_line_filters() if self.app.no_color else ()

    def ink(self, name: str) -> Style:
        """Return a style on this widget's ground."""
        style = self._inks.get(name)
        if style is None:
            inks = COARSE_INK if self.app.console.color_system in COARSE else INK
            style = self._inks[name] = self.visual_style.rich_style + inks.get(name, INK[""])
        return style

    def repaint(self, *regions: Region) -> None:
        """Mark what of the content must be painted anew."""
        for region in regions:
            for y in region.line_range:
                self._lines.pop(y, None)
        if self._repaints is None:
            self.refresh(*regions)
        else:
            self._repaints.add(self, regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return lines, from those painted before where nothing changed.

        The same lines as Textual's Widget returns, without styling every line anew: the border is painted
        once for each size.
        """
        width = self.outer_size.width
        top = self.styles.gutter.top
        lines = [self.line(y - top) for y in crop.line_range]
        return lines if crop.column_span == (0, width) else [line.crop(*crop.column_span) for line in lines]

    def line(self, y: int) -> Strip:
        """Return a line of the content between the border's edges, or of the border above or below it."""
        line = self._lines.get(y)
        if line is not None:
            return line
        gutter, width = self.styles.gutter, self.outer_size.width
        if not 0 <= y < self.content.height:
            line = super().render_lines(Region(0, y + gutter.top, width, 1))[0]
        else:
            line = self.render_line(y)
            for line_filter in self.get_line_filters():
                line = line.apply_filter(line_filter, self.background_colors[1])
            if gutter.width:
                left, right = self._edges or self._paint_edges()
                line = Strip([*left, *line, *right], width)
        self._lines[y] = line
        return line

    def _paint_edges(self) -> tuple[Strip, Strip]:
        """Paint the border's left and right."""
        gutter, width = self.styles.gutter, self.outer_size.width
        middle = super().render_lines(Region(0, gutter.top, width, 1))[0]
        self._edges = (middle.crop(0, gutter.left), middle.crop(width - gutter.right, width))
        return self._edges

    def strip_of(self, row: Row, width: int) -> Strip:
        """Return a row of known width as the terminal paints it."""
        return Strip([Segment(text, self.ink(ink)) for text, ink in row], width)


class Panel(Painted):
    """Rows of styled text, set by `show`."""

    def __init__(self, *, name: str, title: str = "", legend: str = "") -> None:
        super().__init__(name=name, title=title, legend=legend)
        self._rows: tuple[Row, ...] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Put rows on the screen."""
        new, old = tuple(rows), self._rows
        changed = [
            y
            for y in range(max(len(new), len(old)))
            if (new[y] if y < len(new) else ()) != (old[y] if y < len(old) else ())
        ]
        self._rows = new
        if changed:
            width = self.content.width
            self.repaint(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """Return a row as the terminal paints it."""
        width = self.content.width
        row = self._rows[y] if y < len(self._rows) else ()
        return self.strip_of(row if row_width(row) == width else fit_row(row, width), width)


class ViewPanel(Panel):
    """A panel whose rows are drawn from a view, whenever what they depend on has changed.

    The type checker refuses a subclass without the abstract methods: Textual's metaclass leaves no room
    for `abc.ABC`.
    """

    def __init__(self, *, name: str, title: str = "", legend: str = "") -> None:
        super().__init__(name=name, title=title, legend=legend)
        self._stamp: object = None
        self._cells: list[list[ScreenCell]] = []

    def draw(self, view: View) -> None:
        """Draw the rows if their stamp is new."""
        self._view = view
        width, height = self.content.size
        if not width or not height:
            return
        stamp = self.stamp(view)
        if stamp != self._stamp or self._stamp is None:
            self._stamp = stamp
            self.show(self.draw_rows(view, width, height))

    @abstractmethod
    def stamp(self, view: View) -> object:
        """Return what the rows depend on; an equal stamp draws nothing."""

    @abstractmethod
    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Return the rows, for a panel of that size in cells."""

    def rows_of(self, canvas: Canvas) -> list[Row]:
        """Return a canvas's rows, joining anew only those whose cells have changed."""
        known = len(self._cells) if len(self._cells) == len(self._rows) else 0
        rows = [
            self._rows[y] if y < known and self._cells[y] == line else runs(line)
            for y, line in enumerate(canvas.cells)
        ]
        self._cells = canvas.cells
        return rows

    def forget(self) -> None:
        """Drop what was drawn for another size."""
        super().forget()
        self._stamp = None
