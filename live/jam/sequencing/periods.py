"""What each cell is to sound: the bases by their places in a period, and those of the one under way.

A phrase of the performer that is longer than a cell comes part by part and sounds as a whole, a period after
it was played.  A part in which nothing was played is the part before it again, or else the first that was
played.
Owns: the parts of the phrase that is being played.  Threads: engine only.
Tested in tests/live/jam/test_lengths.py.
"""

from dataclasses import replace
from typing import NamedTuple

from live.ipc.jam_memory import Base
from live.jam.latent.path import PathHistory
from live.jam.sequencing.cell import Cell
from live.jam.sequencing.plan import Plan
from live.timing.bar_lines import BarLines
from live.timing.timeline import Nanos, Tick


class PeriodPart(NamedTuple):
    """A part of a phrase: the cell that sounds it first, its place in the phrase, of how many."""

    cell: int
    place: int = 0
    period: int = 1


class Taken(NamedTuple):
    """The parts of a phrase as far as they are there, and the cell from which they sound.

    Attributes:
        first: that cell.
        bases: of the parts.
        begun: whether its only part is being played.
        before: what the first cell was to sound before that, if it was planned.
    """

    first: int
    bases: tuple[Base, ...]
    begun: bool = False
    before: Cell | None = None


class Periods:
    """Tells the plan what its cells come from."""

    def __init__(self, plan: Plan, history: PathHistory) -> None:
        self._plan, self._history = plan, history
        self._taken: Taken | None = None

    def base_of(self, cell: int) -> Base | None:
        """Return what a cell is to sound."""
        place, taken = self._plan.lines.place_of_cell(cell), self._taken
        if taken is not None and (cell == taken.first or (cell > taken.first and not taken.begun)):
            return taken.bases[place % len(taken.bases)]
        return self._history.state.base_at(place)

    def put(self, bases: tuple[Base, ...], first: int) -> None:
        """Let every cell from the first on sound other bases."""
        self._taken = None
        self._history.state.bases = bases
        self._plan.set_bases(self.base_of, first)

    def put_part(self, base: Base, part: PeriodPart, now: Tick) -> None:
        """Let the cells of one place sound another base, where it was found again."""
        before = self._history.state.bases
        bases = [*before] if len(before) == part.period else [base] * part.period
        bases[part.place] = base
        self.put(tuple(bases), self._plan.cell_of(now))

    def begin(self, base: Base, cell: int) -> None:
        """Let a cell sound what was played so far of the phrase that it is to sound, until that is there."""
        taken, before = self._taken, self._plan.cells.get(cell)
        if taken is not None and taken.begun and taken.first == cell:
            before = taken.before
        elif before is not None:
            before = replace(before)
        self._taken = Taken(cell, (base,), begun=True, before=before)
        self._plan.set_bases(self.base_of, cell)

    def take(self, base: Base, part: PeriodPart, now: Tick, *, nanos: Nanos) -> None:
        """Take a part that was played; the last one completes its phrase.

        Args:
            base: of the part.
            part: which one it is.
            now: the present tick.
            nanos: the present moment.
        """
        first, taken = part.cell - part.place, self._taken
        if taken is None or taken.begun or taken.first != first or len(taken.bases) != part.period:
            self._history.remember_base(nanos)
            before = (base,) * part.place
        else:
            before = taken.bases[: part.place]
        self._taken = Taken(first, (*before, *(base,) * (part.period - part.place)))
        if part.place == part.period - 1:
            self._history.state.bases = self._taken.bases
        self._plan.set_bases(self.base_of, max(first, self._plan.cell_of(now)))

    def advance(self, cell: int) -> None:
        """Go on to a cell: what was taken for it is what sounds from there on."""
        if self._taken is not None and not self._taken.begun and cell >= self._taken.first:
            self._history.state.bases = self._taken.bases

    def drop(self, cell: int) -> None:
        """Let what sounds in a cell go on: a phrase that is not complete is not taken up."""
        taken, bases = self._taken, self._history.state.bases
        if taken is not None and cell < taken.first and bases is not taken.bases:
            if taken.before is not None:
                self._plan.put_back(taken.before)
            self.put(bases, cell)

    def enter(self, lines: BarLines) -> None:
        """Sound what was taken so far from the beginning of other bar lines on."""
        if self._taken is not None:
            self._taken = None if self._taken.begun else self._taken._replace(first=lines.cell)

    def restart(self) -> None:
        """Start at bar 0 again."""
        self._taken = None

    def numbered(self, number: int) -> Base | None:
        """Return the base with a number, if one sounds or is to sound."""
        taken = self._taken.bases if self._taken is not None else ()
        return next((one for one in (*taken, *self._history.state.bases) if one.number == number), None)

    def replace(self, old: Base, new: Base, now: Tick) -> None:
        """Let a base be as it is by now wherever it sounds."""
        state = self._history.state
        state.bases = tuple(new if one is old else one for one in state.bases)
        if self._taken is not None:
            bases = tuple(new if one is old else one for one in self._taken.bases)
            self._taken = self._taken._replace(bases=bases)
        self._plan.replace_base(old, new, self._plan.cell_of(now))
