"""The widgets: each holds rows, compares them with those on the screen, and repaints what changed.

A repaint is what a screen costs: a panel whose stamp is the same as before draws nothing, and a changed
panel repaints its changed rows only.
Tested in tests/live/dashboard/test_app.py.
"""

from abc import abstractmethod
from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.filter import LineFilter
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from live.dashboard.drawing import beat, latent_map, speaker, status
from live.dashboard.drawing.knobs import KnobSpot, knob_at, knob_rows, mode_row, scene_text
from live.dashboard.drawing.rows import Canvas, Row, ScreenCell, fit_row, row_width, runs, span_at
from live.dashboard.drawing.theme import COARSE, COARSE_INK, INK
from live.dashboard.strokes import Strokes
from live.ipc.snapshot import STANDING, Notice, Snapshot
from live.settings.knobs import MODES
from model.music.grid import TICKS_PER_BEAT

NO_MAP = "no map: it continues your bars"


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
        self._strokes: Strokes | None = None

    def draw(self, view: View) -> None:
        """Show a view, repainting only what changed; a panel that is filled by `show` ignores it."""

    def draw_with(self, strokes: Strokes | None, view: View) -> None:
        """Draw so that what is painted anew is among the strokes; without any, by way of Textual."""
        self._strokes = strokes
        self.draw(view)
        self._strokes = None

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
        if self._strokes is None:
            self.refresh(*regions)
        else:
            self._strokes.add(self, regions)

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


class BeatPanel(ViewPanel):
    """State, tempo, and the beat in large digits; or, as large, that the engine does not answer."""

    def stamp(self, view: View) -> object:
        """Depend on the beat, not on the tick."""
        s = view.snapshot
        if s is None:
            return (view.alarm,)
        pulse = beat.pulse_at(view.tick, s.beats_per_bar, s.ticks_per_beat)
        missing = sum(port.state == "missing" for port in s.ports)
        words = (round(s.tempo_bpm, 1), s.metre, s.clock)
        head = (s.state, words, bool(s.recording), missing, s.demo, s.metronome)
        return head, pulse.bar, pulse.beat, pulse.fraction < beat.FLASH, view.alarm

    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Draw a line of words, then the digits."""
        s = view.snapshot
        head = status.header_row(s, width, known=not view.alarm)
        gap: tuple[Row, ...] = ((),) if height > 11 else ()
        tall = max(0, height - 1 - len(gap))
        if view.alarm and s is not None:
            return (head, *gap, *status.banner_rows(view.alarm, width, tall))
        digits = beat.beat_rows(
            view.tick,
            s.beats_per_bar if s else 4,
            width=width,
            height=tall,
            ticks_per_beat=s.ticks_per_beat if s else TICKS_PER_BEAT,
            running=s is not None and s.state not in STANDING,
            known=s is not None,
            tempo_bpm=s.tempo_bpm if s else None,
        )
        return (head, *gap, *digits)


class SpeakerPanel(ViewPanel):
    """Whose turn it is, key and chord, how loud both play, what is wrong."""

    def stamp(self, view: View) -> object:
        """Depend on the beats that are left, on coarse levels, and on the words."""
        s = view.snapshot
        if s is None:
            return "waiting"
        tick = view.tick + s.bar_zero
        words = (s.state, s.speaker, s.mode, s.frozen, s.key, s.key_locked, s.chord, s.next_chord, s.muted)
        parts = {note[4] for bar in s.bars for note in bar.notes}
        around = (speaker.troubles(s), s.model.name, s.model.state, parts)
        lengths = (s.phrase_bars, s.loop_bars)
        return words, lengths, around, speaker.beats_left(s, tick), speaker.levels_at(s, tick)

    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Draw large words, then lines."""
        s = view.snapshot
        if s is None:
            return ()
        return speaker.speaker_rows(s, view.tick + s.bar_zero, width=width, height=height)


class ModePanel(ViewPanel):
    """Modes, freeze, thru, anchors, origin; a click on one of them is its key."""

    class Clicked(Message):
        """A word of the row was clicked."""

        def __init__(self, word: str) -> None:
            super().__init__()
            self.word = word

    def stamp(self, view: View) -> object:
        """Depend on what the row shows."""
        s = view.snapshot
        return s and (
            s.mode,
            s.frozen,
            s.thru,
            s.origin,
            s.anchors,
            s.muted,
            s.solo,
            scene_text(s),
            s.phrase_bars,
            s.loop_bars,
            s.recognised,
        )

    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Draw one row, in the middle."""
        s = view.snapshot
        if s is None:
            return ()
        row = mode_row(
            MODES,
            s.mode,
            s.anchors,
            frozen=s.frozen,
            thru=s.thru,
            origin=s.origin,
            width=width,
            muted=s.muted,
            solo=s.solo,
            scene=lambda room: scene_text(s, room),
            phrase_bars=s.phrase_bars,
            loop_bars=s.loop_bars,
            recognised=s.recognised,
        )
        return (*((),) * ((height - 1) // 2), row)

    def on_click(self, event: events.Click) -> None:
        """Tell which word was clicked."""
        at = event.get_content_offset(self)
        if at is None or at.y >= len(self._rows):
            return
        row = self._rows[at.y]
        index = span_at(row, at.x)
        if index is not None:
            text = row[index - 1][0] if row[index][0] in ("● ", "○ ") and index else row[index][0]
            self.post_message(self.Clicked(text.strip(" []")))


class KnobPanel(ViewPanel):
    """All knobs; a press on a bar turns one, and a pointer that is held down goes on turning it."""

    class Touched(Message):
        """A knob was touched: its place in the list, and how far along its bar, 0..1; None beside it."""

        def __init__(self, number: int, share: float | None) -> None:
            super().__init__()
            self.number, self.share = number, share

    class Scrolled(Message):
        """The wheel was turned over a knob, by so many steps up."""

        def __init__(self, number: int, steps: int) -> None:
            super().__init__()
            self.number, self.steps = number, steps

    _dragged: int | None = None

    def stamp(self, view: View) -> object:
        """Depend on the knobs and the chosen one."""
        return view.snapshot and view.snapshot.knobs, view.chosen

    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Draw the knobs in columns."""
        knobs = view.snapshot.knobs if view.snapshot else []
        return knob_rows(knobs, view.chosen, width=width, height=height)

    def _spot(self, event: events.MouseEvent) -> KnobSpot | None:
        at, view = event.get_content_offset(self), self._view
        if at is None or view is None or view.snapshot is None:
            return None
        width, height = self.content.size
        return knob_at(view.snapshot.knobs, view.chosen, at.x, at.y, width=width, height=height)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Choose a knob, and turn it where the press lies on its bar."""
        spot = self._spot(event)
        if spot is not None:
            self._dragged = spot.number if spot.share is not None else None
            self.post_message(self.Touched(*spot))
            if self._dragged is not None:
                self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Go on turning the knob that is held."""
        spot = self._spot(event)
        if spot is not None and spot.number == self._dragged and spot.share is not None:
            self.post_message(self.Touched(*spot))

    def on_mouse_up(self) -> None:
        """Let the knob go."""
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Turn the knob under the pointer up."""
        self._scroll(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Turn the knob under the pointer down."""
        self._scroll(event, -1)

    def _scroll(self, event: events.MouseEvent, steps: int) -> None:
        spot = self._spot(event)
        if spot is not None:
            self.post_message(self.Scrolled(spot.number, steps))


class HintPanel(Panel):
    """The line of hints; a click on one is its key."""

    class Clicked(Message):
        """A hint was clicked: its place from the left."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def on_click(self, event: events.Click) -> None:
        """Tell which hint was clicked: each is two spans, its key and its word."""
        at = event.get_content_offset(self)
        index = span_at(self._rows[0], at.x) if at is not None and self._rows else None
        if index is not None:
            self.post_message(self.Clicked(index // 2))


class MapPanel(ViewPanel):
    """The map of the latent."""

    _ground: tuple[object, Canvas] | None = None

    def stamp(self, view: View) -> object:
        """Depend on what is on the map."""
        s = view.snapshot
        return s and (s.anchors, s.performer_xy, s.here, view.trail, view.cloud, mapless(s))

    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Draw the map; the cloud's dots are drawn once for each cloud and size."""
        s = view.snapshot
        if s is None:
            return ()
        if mapless(s):
            lines = wrap(NO_MAP, max(1, width))[:height]
            return (
                *((),) * ((height - len(lines)) // 2),
                *(((f"{line:^{width}}", "dim"),) for line in lines),
            )
        key = (view.cloud, width, height)
        if self._ground is None or self._ground[0] != key:
            self._ground = (key, latent_map.ground(view.cloud, width, height))
        return self.rows_of(
            latent_map.map_canvas(
                self._ground[1], anchors=s.anchors, performer=s.performer_xy, here=s.here, trail=view.trail
            )
        )


def mapless(snapshot: Snapshot) -> bool:
    """Tell whether the model that plays has no latent, and so nothing to show on a map."""
    return snapshot.model.state == "ready" and not snapshot.model.latent_size


class NoticePanel(ViewPanel):
    """The last notices."""

    def stamp(self, view: View) -> object:
        """Depend on the notices and, coarsely, on their age."""
        height = self.content.height
        shown = status.urgent_first(view.notices, view.nanos)[:height]
        return tuple((n, status.age_text(n.nanos, view.nanos)) for n in shown)

    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Draw the most urgent at the top."""
        return status.notice_rows(view.notices, view.nanos, width=width, height=height)
