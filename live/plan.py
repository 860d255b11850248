"""The plan: which notes each coming bar will play, and where they came from.

Music is planned in cells, whole phrases of the model's grid; cell k starts at bar k * grid.bars.  What
is planned can be replaced until it is sent.  Threads: engine only.
"""

from dataclasses import dataclass
from typing import Literal

from live.path import Base
from live.scheduler import Scheduler
from live.timeline import Tick, tick_of_bar, tick_of_step
from model.grid import TICKS_PER_BEAT, Grid
from model.phrase import Note, Phrase

Origin = Literal["decoded", "repeated", "silent"]


@dataclass(frozen=True, slots=True)
class Feel:
    """How steps become ticks.

    Attributes:
        swing: 0 straight .. 1 triplets: how far every second step is moved.
        gate: factor on written lengths, 0.05..2.
        channel: 1..16 of the instrument's voice.

    """

    swing: float = 0.0
    gate: float = 1.0
    channel: int = 2


@dataclass
class Cell:
    """One phrase of the plan.

    Attributes:
        index: k; it starts at bar k * grid.bars.
        speaks: whether twobar plays in it.
        base: what it was, or will be, decoded from.
        source: what its phrase was decoded from; None for a repeated one.
        phrase: what it plays; None until there is something.
        origin: where the phrase came from.
        stale: whether base or knobs have changed since the last decode was asked for.
        xy: place of its latent on the map, once decoded.

    """

    index: int
    speaks: bool
    base: Base | None = None
    phrase: Phrase | None = None
    origin: Origin = "silent"
    stale: bool = True
    source: Base | None = None
    xy: tuple[float, float] | None = None


class Plan:
    """Cells from the one that sounds to the horizon, laid into the scheduler."""

    def __init__(self, scheduler: Scheduler, *, grid: Grid) -> None:
        """Start with nothing planned."""
        self._scheduler = scheduler
        self._sent: dict[int, set[int]] = {}
        self.grid = grid
        self.feel = Feel()
        self.monophonic = False
        self.cells: dict[int, Cell] = {}
        self.played: dict[int, list[Note]] = {}

    def clear(self) -> None:
        """Forget every cell and what is queued of them."""
        self._scheduler.drop_all_notes()
        self.cells.clear()
        self.played.clear()
        self._sent.clear()

    def cell_of(self, tick: Tick) -> int:
        """Return the index of the cell that a tick lies in."""
        return tick // self.grid.ticks

    def first_bar(self, index: int) -> int:
        """Return the bar on which a cell starts."""
        return index * self.grid.bars

    def forget_before(self, index: int) -> None:
        """Drop cells older than the one before the index."""
        for known in [known for known in self.cells if known < index - 1]:
            del self.cells[known]
        for known in [known for known in self.played if known < index - 1]:
            del self.played[known]
        for step in [step for step in self._sent if step < (index - 1) * self.grid.steps]:
            del self._sent[step]

    def sent(self, step: int, pitch: int, note: Note) -> None:
        """Remember that a note-on has left: it is not laid again, and is part of what was played."""
        self._sent.setdefault(step, set()).add(pitch)
        self.played.setdefault(step // self.grid.steps, []).append(note)

    def prefix(self, index: int, steps: int) -> list[Note]:
        """Return the notes of a cell that were played before its step."""
        return [note for note in self.played.get(index, []) if note.onset < steps]

    def lay(self, cell: Cell, from_step: int, *, not_before: Tick) -> None:
        """Queue a cell's notes from a step of the whole piece on, in place of what was queued there.

        Other cells' notes stay.  What sounds across the step ends where it was to end, or where its key
        is struck again; a monophonic voice ends it at its next note.  `not_before` is the present tick:
        a note whose offset would put it earlier starts now.
        """
        grid = self.grid
        start = cell.index * grid.steps
        cut = max(from_step, start)
        self._scheduler.drop_notes(cut, start + grid.steps)
        if cell.phrase is None or not cell.speaks:
            return
        zero = tick_of_step(grid, start)
        notes = cell.phrase.from_step(cut - start)
        for place, note in enumerate(notes):
            step = start + note.onset
            if note.pitch in self._sent.get(step, ()):
                continue
            on, off = self.ticks_of(note)
            if self.monophonic and place + 1 < len(notes):
                off = min(off, self.ticks_of(notes[place + 1])[0])
            self._scheduler.note(
                Tick(max(zero + on, not_before)),
                Tick(zero + off),
                step=step,
                channel=self.feel.channel,
                pitch=note.pitch,
                velocity=note.velocity,
            )
        queued = self._scheduler.queued()
        if self.monophonic and queued:
            onset = queued[0].tick
            self._scheduler.shorten(lambda channel, _: onset if channel == self.feel.channel else None)

    def lay_all(self, from_step: int, *, not_before: Tick) -> None:
        """Queue every cell again from a step on: the feel has changed."""
        for index in sorted(self.cells):
            if (index + 1) * self.grid.steps > from_step:
                self.lay(self.cells[index], from_step, not_before=not_before)

    def ticks_of(self, note: Note) -> tuple[int, int]:
        """Return a note's on and off in ticks from its cell's start, with offset, swing and gate."""
        size = self.grid.ticks_per_step
        on = self._swung(note.onset) + round(note.offset * size)
        full = self._swung(note.onset + note.length) - self._swung(note.onset)
        return on, on + max(1, round(full * self.feel.gate))

    def _swung(self, step: int) -> int:
        """Return a step's tick; every second sixteenth goes to two thirds of its pair at full swing."""
        size = self.grid.ticks_per_step
        delay = 0
        if step % 2 and TICKS_PER_BEAT // size % 2 == 0:
            delay = round(self.feel.swing * size / 3)
        return step * size + delay

    def bar_rows(self, bar: int) -> tuple[Origin | Literal[""], list[tuple[int, int, int, int]]]:
        """Return a bar's origin and its notes as (tick in the bar, length in ticks, pitch, velocity)."""
        index, within = divmod(bar, self.grid.bars)
        cell = self.cells.get(index)
        if cell is None:
            return "", []
        steps = self.grid.steps_per_bar
        low, high = within * steps, (within + 1) * steps
        shown = cell.phrase if cell.phrase is not None and cell.speaks else None
        if shown is None:
            return "silent", []
        start = tick_of_bar(self.grid, within)
        rows = []
        for note in shown.notes:
            if low <= note.onset < high:
                on, off = self.ticks_of(note)
                rows.append((max(0, on - start), off - on, note.pitch, note.velocity))
        return cell.origin, rows
