"""The panels of the screen: what each shows, what it depends on, and what a click on it means.

Tested in tests/live/dashboard/test_app.py.
"""

from collections.abc import Sequence
from textwrap import wrap

from textual import events
from textual.message import Message

from live.dashboard.drawing import beat, latent_map, levels, speaker, status
from live.dashboard.drawing.knobs import KnobSpot, knob_at, knob_rows
from live.dashboard.drawing.modes import mode_rows, scene_text
from live.dashboard.drawing.rows import Canvas, Row, span_at
from live.dashboard.widgets import Panel, View, ViewPanel
from live.ipc.snapshot import STANDING, Snapshot
from live.settings.knobs import MODES
from model.music.grid import TICKS_PER_BEAT

NO_MAP = "no map: it continues your bars"


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
    """Whose turn it is, key and chords, the parts, what is wrong."""

    def stamp(self, view: View) -> object:
        """Depend on the beats that are left, and on the words."""
        s = view.snapshot
        if s is None:
            return "waiting"
        tick = view.tick + s.bar_zero
        words = (s.state, s.speaker, s.mode, s.frozen, s.key, s.key_locked, s.chord, s.next_chord, s.muted)
        parts = {note[4] for bar in s.bars for note in bar.notes}
        around = (speaker.troubles(s), s.model.name, s.model.state, parts)
        lengths = (s.phrase_bars, s.loop_bars)
        return words, lengths, around, speaker.beats_left(s, tick)

    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Draw large words, then lines."""
        s = view.snapshot
        if s is None:
            return ()
        return speaker.speaker_rows(s, view.tick + s.bar_zero, width=width, height=height)


class LevelPanel(ViewPanel):
    """How loud both play."""

    def stamp(self, view: View) -> object:
        """Depend on coarse levels."""
        s = view.snapshot
        return s and levels.levels_at(s, view.tick + s.bar_zero)

    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Draw one row."""
        s = view.snapshot
        if s is None:
            return ()
        return (levels.level_row(levels.levels_at(s, view.tick + s.bar_zero), width),)[:height]


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
        parts = s and (s.origin, s.anchors, s.recognised, s.muted, s.solo, scene_text(s))
        return s and (s.mode, s.frozen, s.thru, s.phrase_bars, s.loop_bars, parts)

    def draw_rows(self, view: View, width: int, height: int) -> Sequence[Row]:
        """Draw one row, in the middle, or three with large letters."""
        s = view.snapshot
        return mode_rows(MODES, s, width, height) if s else ()

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
