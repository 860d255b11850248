"""Bar lines: where bars, phrases, beats and steps lie on the transport's ticks.

A metre holds from a bar line on; bars, phrases and steps are counted on from those before it.  Pure.
"""

from dataclasses import dataclass

from live.timing.timeline import Tick
from model.music.grid import Grid

BEGINNING = Tick(0)


@dataclass(frozen=True, slots=True)
class BarLines:
    """A grid laid on ticks; what lies before its start is counted back from there.

    A cell is the room of one phrase of the model's, grid.bars long.  A period is what the performer plays as
    one phrase: one cell or several.

    Attributes:
        grid: of the phrases.
        start: tick of the bar line from which it holds; a phrase begins there.
        bar: number of the bar that begins there.
        cell: number of the phrase that begins there.
        step: number of the step that begins there.
        period: cells of a period, which begins with every cell whose number they divide.
    """

    grid: Grid
    start: Tick = BEGINNING
    bar: int = 0
    cell: int = 0
    step: int = 0
    period: int = 1

    @property
    def period_bars(self) -> int:
        """Bars of a period."""
        return self.period * self.grid.bars

    def place_of_cell(self, cell: int) -> int:
        """Return the place of a cell in its period, from 0."""
        return cell % self.period

    def period_of_cell(self, cell: int) -> int:
        """Return the number of the period that a cell lies in."""
        return cell // self.period

    def bar_of(self, tick: Tick | int) -> int:
        """Return the number of the bar that a tick lies in."""
        return self.bar + (tick - self.start) // self.grid.ticks_per_bar

    def tick_of_bar(self, bar: int) -> Tick:
        """Return the tick on which a bar starts."""
        return Tick(self.start + (bar - self.bar) * self.grid.ticks_per_bar)

    def cell_of(self, tick: Tick | int) -> int:
        """Return the number of the cell that a tick lies in."""
        return self.cell + (tick - self.start) // self.grid.ticks

    def tick_of_cell(self, cell: int) -> Tick:
        """Return the tick on which a cell starts."""
        return Tick(self.start + (cell - self.cell) * self.grid.ticks)

    def bar_of_cell(self, cell: int) -> int:
        """Return the number of a cell's first bar."""
        return self.bar + (cell - self.cell) * self.grid.bars

    def step_of_cell(self, cell: int) -> int:
        """Return the number of a cell's first step."""
        return self.step + (cell - self.cell) * self.grid.steps

    def cell_of_step(self, step: int) -> tuple[int, int]:
        """Return the cell that a step lies in, and its place there, 0..grid.steps-1."""
        cells, onset = divmod(step - self.step, self.grid.steps)
        return self.cell + cells, onset

    def tick_of_step(self, step: int) -> Tick:
        """Return the tick on which a step starts."""
        return Tick(self.start + (step - self.step) * self.grid.ticks_per_step)

    def step_at_or_after(self, tick: Tick | int) -> int:
        """Return the first step that is not before a tick."""
        return self.step - (self.start - tick) // self.grid.ticks_per_step

    def beat_of(self, tick: Tick | int) -> tuple[int, int]:
        """Return the bar that a tick lies in, and the number of its beat there, from 0."""
        bar = self.bar_of(tick)
        return bar, (tick - self.tick_of_bar(bar)) // self.grid.ticks_per_beat

    def next_beat(self, tick: Tick | int) -> Tick:
        """Return the first tick after a tick on which a beat starts."""
        size = self.grid.ticks_per_beat
        return Tick(self.start + ((tick - self.start) // size + 1) * size)

    def changed(self, grid: Grid, after: Tick | int, *, period: int = 1, whole: bool = False) -> "BarLines":
        """Return the lines of another metre or of other phrases, from the first bar line after a tick on.

        Its first period has an even number: whoever takes turns listens first.

        Args:
            grid: of the phrases from there on.
            after: see above.
            period: cells of a period from there on.
            whole: whether the present cell is played to its end.
        """
        bar = self.bar_of(max(after, self.start - 1)) + 1
        if whole:
            bar = self.bar_of_cell(self.cell_of(self.tick_of_bar(bar) - 1) + 1)
        start = self.tick_of_bar(bar)
        cell = self.cell_of(start - 1) + 1
        return BarLines(grid, start, bar, cell + -cell % (2 * period), self.step_at_or_after(start), period)
