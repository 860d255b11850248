"""The arranger: what of a cell's phrase is heard.

The band's parts are varied from phrase to phrase, laid in the chords of the moment, and lead with fills into
what comes; a fill or a break that was asked for is laid over whatever plays.
Owns: the fills and breaks that were asked for, in steps of the whole piece, and the parts as they vary.
Threads: engine only.
Tested in tests/live/jam/band/test_band.py.
"""

from collections.abc import Mapping, Sequence

from live.errors import UsageError
from live.jam.band.harmony import ChordsInPlay
from live.jam.sequencing.cell import Cell
from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick
from model.edits.arrangement import FORM, BandPart, Span, at_level, laid, leading, varied_parts
from model.edits.groove import with_crash, with_fill
from model.edits.reharmonise import HARMONIC, Harmony, LeadSheet, following, foreign, under_a_line
from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.phrase import Note, Phrase, cut_to
from model.music.tracks import BASS, CHORDS, DRUMS, TRACKS

LEAST_BREAK = 2  # beats
DENSITIES = {track: f"density.{TRACKS[track]}" for track in (CHORDS, BASS, DRUMS)}
"""The knob of each part's density."""

VariedCell = tuple[Phrase, frozenset[int], tuple[Chord | None, ...], dict[int, float], dict[int, BandPart]]
"""A cell's phrase, its band, what that was written under, the densities, and the parts that come of it."""


class Arranger:
    """Arranges cells.  `knobs`: present values by name; read, never written."""

    def __init__(self, plan: Plan, harmony: ChordsInPlay, knobs: Mapping[str, float], seed: int) -> None:
        self._plan, self._harmony = plan, harmony
        self._knobs, self._seed = knobs, seed
        self._fills: list[Span] = []
        self._breaks: list[Span] = []
        self._parts: dict[int, VariedCell] = {}

    def restart(self) -> None:
        """Forget what was asked for."""
        self._fills.clear()
        self._breaks.clear()
        self._parts.clear()

    def fill(self, now: Tick) -> None:
        """Let the drums fill from the next beat to the bar line, or over the next bar; raises UsageError."""
        if DRUMS not in self._plan.tracks:
            raise UsageError("fill does nothing now: the model that plays has no drums")
        self._fills = [*self._fills[-1:], self._span(now, beats=1)]

    def pause(self, now: Tick) -> Span:
        """Let everything rest from the next beat to a bar line, two beats at least; returns its steps."""
        self._breaks = [*self._breaks[-1:], self._span(now, beats=LEAST_BREAK)]
        return self._breaks[-1]

    def _span(self, now: Tick, *, beats: int) -> Span:
        """Return the steps from the next beat to the first bar line that is so many beats away."""
        lines, grid = self._plan.lines, self._plan.grid
        first = lines.step_at_or_after(lines.next_beat(now))
        bar = lines.bar_of(lines.tick_of_step(first)) + 1
        last = lines.step_at_or_after(lines.tick_of_bar(bar))
        if last - first < beats * grid.steps_per_beat:
            last += grid.steps_per_bar
        return first, last

    def arranged(self, cell: Cell, since: int = 0) -> Phrase | None:
        """Return what of a cell is to be heard from one of its steps on; what lies before may be missing."""
        phrase = cell.phrase
        if phrase is None:
            return None
        fills, breaks = self._within(self._fills, cell), self._within(self._breaks, cell)
        follows = self.follows(cell)
        low = self._harmony.low(cell)
        if not cell.band and not follows and not fills and not breaks and low is None:
            return phrase
        notes = [note for note in phrase.notes if note.track not in cell.band]
        if follows:
            notes = self._following(cell, notes, since)
        notes += self._laid(cell, phrase, since)
        if low is not None:
            notes = under_a_line(notes, low, self._sheet(cell, self._harmony.steps(cell.index), phrase.grid))
        if DRUMS in cell.band:
            fills += leading(self._plan.first_bar(cell.index), phrase.grid)
        if fills:
            drums = [note for note in notes if note.track == DRUMS]
            for first, last in fills:
                drums = with_fill(drums, phrase.grid, first, last, seed=self._seed + cell.index)
            notes = [note for note in notes if note.track != DRUMS] + drums
        for first, last in breaks:
            notes = [note for note in _ended(notes, first) if not first <= note.onset < last]
        for step in self._landings(cell, phrase):
            drums = with_crash((note for note in notes if note.track == DRUMS), step)
            notes = [note for note in notes if note.track != DRUMS] + drums
        level = self._harmony.register.level
        if level is not None:
            notes = at_level(notes, phrase.notes, cell.band, level)
        return Phrase.of(phrase.grid, notes)

    def lays(self, cell: Cell) -> bool:
        """Tell whether what is heard of a cell hangs on the chords of the moment."""
        phrase = cell.phrase
        return bool(cell.band) or (
            phrase is not None and any(note.track in HARMONIC for note in phrase.notes)
        )

    def follows(self, cell: Cell, step: int | None = None) -> frozenset[int]:
        """Return the tracks of what was played that follow what the performer plays meanwhile.

        Args:
            cell: whose.
            step: where the present chord must be another than theirs; None for anywhere.
        """
        phrase = cell.phrase
        if phrase is None or self._harmony.meanwhile is None or not any(cell.harmony):
            return frozenset()
        size = phrase.grid.steps_per_beat
        if step is not None and not foreign(self._present(cell)[step], cell.harmony[step // size]):
            return frozenset()
        return frozenset(note.track for note in phrase.notes if note.track in HARMONIC) - cell.band

    def _following(self, cell: Cell, notes: list[Note], since: int) -> list[Note]:
        """Return what was played, its chords and bass in the chords of the moment where those are others."""
        return following(
            [note for note in notes if note.onset + note.length > since] if since else notes,
            cell.harmony,
            self._sheet(cell, self._present(cell), self._plan.grid),
        )

    def _sheet(self, cell: Cell, present: Sequence[Harmony], grid: Grid) -> LeadSheet:
        key = self._harmony.key
        scale = key.scale if key is not None else None
        return LeadSheet(
            present, grid, scale, self._harmony.avoided(cell.index), self._harmony.register.middle
        )

    def _present(self, cell: Cell) -> list[Harmony]:
        """Return the chord of each step of a cell since the performer plays in it, None before."""
        first, since = self._plan.lines.step_of_cell(cell.index), self._harmony.meanwhile or 0
        steps = self._harmony.steps(cell.index)
        return [None if first + step < since else chord for step, chord in enumerate(steps)]

    def _within(self, spans: list[Span], cell: Cell) -> list[Span]:
        """Return what of some spans lies in a cell, in steps of its own."""
        start, size = self._plan.lines.step_of_cell(cell.index), self._plan.grid.steps
        return [
            (max(0, first - start), min(size, last - start))
            for first, last in spans
            if first < start + size and last > start
        ]

    def _landings(self, cell: Cell, phrase: Phrase) -> list[int]:
        """Return the steps of a cell that a fill or a break has led to."""
        if not any(note.track == DRUMS for note in phrase.notes):
            return []
        start = self._plan.lines.step_of_cell(cell.index)
        found = {last - start for _, last in (*self._fills, *self._breaks)}
        before = self._plan.cells.get(cell.index - 1)
        led = before is not None and DRUMS in before.band and DRUMS in cell.band and before.phrase is not None
        if led and self._plan.first_bar(cell.index) % FORM == 0:
            found.add(0)
        return sorted(step for step in found if 0 <= step < phrase.grid.steps)

    def _laid(self, cell: Cell, phrase: Phrase, since: int) -> list[Note]:
        """Return the band's notes, varied, as dense as its knobs say, and in the chords of the moment."""
        parts = self._varied(cell, phrase)
        if since:
            parts = {
                track: BandPart([note for note in notes if note.onset + note.length > since], written)
                for track, (notes, written) in parts.items()
            }
        return laid(parts, self._sheet(cell, self._harmony.steps(cell.index), phrase.grid))

    def _varied(self, cell: Cell, phrase: Phrase) -> dict[int, BandPart]:
        """Return a cell's parts before they are laid; chords that change leave them as they are."""
        densities = {track: self._knobs[name] for track, name in DENSITIES.items()}
        wanted = (phrase, cell.band, cell.written, densities)
        known = self._parts.get(cell.index)
        if known is not None and known[0] is phrase and known[1:4] == wanted[1:]:
            return known[4]
        found = varied_parts(
            phrase.notes,
            cell.band,
            cell.written,
            grid=phrase.grid,
            number=cell.index,
            seed=self._seed,
            densities=densities,
        )
        self._parts = {index: one for index, one in self._parts.items() if index >= cell.index - 1}
        self._parts[cell.index] = (*wanted, found)
        return found


def _ended(notes: list[Note], step: int) -> list[Note]:
    """Return notes none of which sounds across a step."""
    return [
        cut_to(note, step - note.onset) if note.onset < step < note.onset + note.length else note
        for note in notes
    ]
