"""The piano roll: bars sounded and planned, what the performer played, and a playhead.

Drawn as two layers, the notes as sounded and the notes as planned; the playhead joins them, so that
moving it draws nothing anew.  Pure: bars and sizes in, cells out.

    █▆▆  sounded    ▓▒▒  planned      ●━━  performer      ◆  performer on one of twobar's
Each part has its colour; drums stand in lanes at the foot.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from live.dashboard.drawing.drum_lanes import lane_name, lane_of, lanes_for
from live.dashboard.drawing.rows import Canvas, ScreenCell, fit_row
from live.ipc.snapshot import BarView, NoteRow
from model.music.grid import TICKS_PER_BEAT
from model.music.tracks import DRUMS

GUTTER = 4
FINEST, COARSEST = 4, 2
"""Columns per beat that are aimed at, and that are put up with rather than showing a single bar."""

LAST_AHEAD = 2
_PARTS = ("", "-chords", "-bass", "-drums")
"""What the name of a note's ink ends in, by its track."""

_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
_ORIGINS = {"repeated": ("↻ repeated", "warn"), "silent": ("∅ silent", "dim")}
"""What a bar is, where it is not the answer that was meant for it."""


def note_name(pitch: int) -> str:
    """Return the name of a MIDI key; 60 is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


class RollFrame(NamedTuple):
    """Which bars and pitches a roll shows, and on which cells they lie.

    Attributes:
        first: index of the first bar shown.
        shown: bars.
        beats: per bar.
        per_beat: columns of a beat.
        top: pitch of the upper row's upper edge.
        per_row: semitones of a row.
        width: in cells, gutter included.
        height: in rows, the line with the bars' numbers included.
        lanes: of the rows, those at the foot that show drums.
        ticks: of a beat.
    """

    first: int
    shown: int
    beats: int
    per_beat: int
    top: int
    per_row: int
    width: int
    height: int
    lanes: int = 0
    ticks: int = TICKS_PER_BEAT

    @property
    def per_bar(self) -> int:
        """Columns of a bar."""
        return self.beats * self.per_beat

    @property
    def columns(self) -> int:
        """Columns of all bars."""
        return self.shown * self.per_bar

    def column(self, tick: int) -> int:
        """Return the column of a tick, counted from the first bar; it may lie outside."""
        return (tick - self.first * self.beats * self.ticks) * self.per_beat // self.ticks

    @property
    def first_lane(self) -> int:
        """The row of the upper lane, counted from the upper row of notes."""
        return max(0, self.height - 1 - self.lanes)

    def row(self, pitch: int, track: int = 0) -> int | None:
        """Return the row of a note, counted from the upper row of notes; None where it is not shown."""
        if track == DRUMS:
            lane = lane_of(pitch, self.lanes)
            return None if lane is None else self.first_lane + lane
        row = (self.top - pitch) // self.per_row
        return row if 0 <= row < self.first_lane else None


class Layers(NamedTuple):
    """The same rows of cells twice, gutter and heading included: once sounded, and while planned."""

    sounded: list[list[ScreenCell]]
    planned: list[list[ScreenCell]]


def frame_of(
    bars: Sequence[BarView],
    tick: int,
    beats_per_bar: int,
    *,
    width: int,
    height: int,
    ticks_per_beat: int = TICKS_PER_BEAT,
) -> RollFrame:
    """Choose what fits: the sounding bar, two ahead, and as many past ones as there is room for."""
    beats, ticks = max(1, beats_per_bar), max(1, ticks_per_beat)
    room = max(1, width - GUTTER)
    now = tick // (beats * ticks)
    low = min((bar.bar for bar in bars), default=now)
    high = max((bar.bar for bar in bars), default=now)
    wanted = max(1, min(high - low + 1, 64))
    count = min(wanted, max(1, room // (beats * FINEST)))
    if count == 1:
        count = min(wanted, 2 if room >= 2 * beats * COARSEST else 1)
    last = min(high, now + LAST_AHEAD) if count < wanted else high
    first = max(low, last - count + 1)
    if count < wanted and first > now >= low:
        first = now
    per_beat = max(1, room // (count * beats))
    drums = any(note[4] == DRUMS for bar in bars for note in bar.notes)
    lanes = lanes_for(height - 1) if drums else 0
    top, per_row = _pitches(bars, max(1, height - 1 - lanes))
    return RollFrame(first, count, beats, per_beat, top, per_row, width, height, lanes, ticks)


def _pitches(bars: Iterable[BarView], rows: int) -> tuple[int, int]:
    """Choose pitches in steps of half an octave, so that the roll stands still while notes come and go."""
    used = [
        note[2] for bar in bars for notes in (bar.notes, bar.performed) for note in notes if note[4] != DRUMS
    ]
    low, high = (min(used), max(used)) if used else (55, 76)
    low, high = (low - 1) // 6 * 6, (high + 1) // 6 * 6 + 5
    per_row = max(1, -(-(high - low + 1) // rows))
    spare = rows * per_row - (high - low + 1)
    return high + (spare + 1) // 2, per_row


def draw_layers(frame: RollFrame, bars: Sequence[BarView], held: frozenset[int] = frozenset()) -> Layers:
    """Draw the heading and every note of the bars shown; `held` are the pitches that the performer holds."""
    rows = max(0, frame.height - 1)
    ground = _ground(frame, rows)
    spare: list[ScreenCell] = [(" ", "")] * max(0, frame.width - GUTTER - frame.columns)
    margins = [gutter(frame, y, held) for y in range(rows)]
    layers: list[list[list[ScreenCell]]] = []
    for onset, body, ink in (("█", "▆", "sounded"), ("▓", "▒", "planned")):
        canvas = ground.copy()
        for bar in bars:
            _notes(canvas, frame, bar.bar, bar.notes, (onset, body, ink))
        for bar in bars:
            _notes(canvas, frame, bar.bar, bar.performed, ("●", "━", "performer"))
        body_rows = [[*m, *line, *spare] for m, line in zip(margins, canvas.cells, strict=True)]
        layers.append([row[: frame.width] for row in (heading(frame, bars), *body_rows)])
    return Layers(*layers)


def _ground(frame: RollFrame, rows: int) -> Canvas:
    """Draw bar and beat lines, and a dotted line at each C."""
    canvas = Canvas(frame.columns, rows)
    plain = _ground_line(frame, " ")
    dotted = _ground_line(frame, "┈")
    for y in range(rows):
        c_line = y < frame.first_lane and any(
            (frame.top - y * frame.per_row - k) % 12 == 0 for k in range(frame.per_row)
        )
        canvas.cells[y] = list(dotted if c_line else plain)
    return canvas


def _ground_line(frame: RollFrame, between: str) -> list[ScreenCell]:
    """Draw one row without notes."""
    beat: list[ScreenCell] = [("┊", "faint"), *[(between, "faint")] * (frame.per_beat - 1)]
    bar: list[ScreenCell] = beat * frame.beats
    bar[0] = ("│", "faint")
    return bar * frame.shown


def _notes(
    canvas: Canvas, frame: RollFrame, bar: int, notes: Iterable[NoteRow], look: tuple[str, str, str]
) -> None:
    """Draw one player's notes of one bar; tails first, so that every onset stays visible."""
    onset, body, ink = look
    start = bar * frame.beats * frame.ticks
    heads: list[tuple[int, int, str]] = []
    for tick, length, pitch, _, track in notes:
        x, y = frame.column(start + tick), frame.row(pitch, track)
        end = x + 1 if track == DRUMS else frame.column(start + tick + max(1, length) - 1) + 1
        end = max(end, x + 1)
        if y is None or y >= canvas.height or end <= 0 or x >= canvas.width:
            continue
        tint = ink + _PARTS[track % len(_PARTS)]
        tail: ScreenCell = (body, f"{tint}-body")
        line = canvas.cells[y]
        first, last = max(0, x + 1), min(end, canvas.width)
        if last > first:
            if ink == "performer":
                line[first:last] = [
                    cell if cell[1] in _INSTRUMENT_INKS else tail for cell in line[first:last]
                ]
            else:
                line[first:last] = [tail] * (last - first)
        if x >= 0:
            heads.append((x, y, tint))
    for x, y, tint in heads:
        line = canvas.cells[y]
        line[x] = ("◆", "both") if ink == "performer" and line[x][1] in _INSTRUMENT_INKS else (onset, tint)


_INSTRUMENT_INKS = frozenset(
    f"{ink}{part}{end}" for ink in ("sounded", "planned") for part in _PARTS for end in ("", "-body")
)


def playhead_column(frame: RollFrame, tick: int) -> int | None:
    """Return the playhead's column, gutter included, or None while it is outside the bars shown."""
    column = frame.column(tick)
    return GUTTER + column if 0 <= column < min(frame.columns, frame.width - GUTTER) else None


def playhead_cell(cell: ScreenCell, *, head: bool) -> ScreenCell:
    """Return a cell with the playhead over it; the note or letter below stays readable."""
    char, ink = cell
    if head:
        return ("▼" if char == " " else char, "playhead")
    return ("┃" if ink in ("", "faint") else char, "playhead")


def heading(frame: RollFrame, bars: Sequence[BarView]) -> list[ScreenCell]:
    """Draw the bars' numbers, and which of them are not decoded for it."""
    origins = {bar.bar: bar.origin for bar in bars}
    cells: list[ScreenCell] = [(" ", "")] * GUTTER
    for index in range(frame.first, frame.first + frame.shown):
        word, ink = _ORIGINS.get(origins.get(index, ""), ("", "dim"))
        label = fit_row(((f"│{index + 1} ", "strong"), (word, ink)), frame.per_bar)
        cells += [(char, ink) for text, ink in label for char in text]
    return cells + [(" ", "")] * max(0, frame.width - len(cells))


def gutter(frame: RollFrame, y: int, held: frozenset[int]) -> list[ScreenCell]:
    """Name the C of a row of notes or a lane of drums, and mark the keys that the performer holds."""
    if y >= frame.first_lane:
        name = lane_name(y - frame.first_lane, frame.lanes) if frame.lanes else ""
        return [*((char, "dim") for char in f"{name:>{GUTTER - 1}}"), (" ", "")]
    pitches = range(frame.top - y * frame.per_row, frame.top - (y + 1) * frame.per_row, -1)
    name = next((note_name(pitch) for pitch in pitches if pitch % 12 == 0), "")
    down = any(pitch in held for pitch in pitches)
    return [*((char, "dim") for char in f"{name:>{GUTTER - 1}}"), ("▶", "performer") if down else (" ", "")]
