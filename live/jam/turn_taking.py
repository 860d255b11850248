"""Whose turn it is: in which cells the instrument speaks, and of which phrases it listens to the performer.

Owns: until when it rests.  Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_trouble.py.
"""

from live.ipc.snapshot import Speaker
from live.jam.asking.requests import Requests
from live.jam.latent.path import PathHistory
from live.jam.sequencing.cell import Sounds
from live.jam.sequencing.plan import Plan
from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick
from model.edits.arrangement import SECTION


class TurnTaking:
    """Goes by the mode."""

    def __init__(self, plan: Plan, history: PathHistory, requests: Requests) -> None:
        self._plan, self._history, self._requests = plan, history, requests
        self._rest_until = Tick(0)

    def restart(self) -> None:
        """Rest nowhere any more."""
        self._rest_until = Tick(0)

    def rest(self, now: Tick) -> Tick:
        """Be silent for the rest of this phrase, at least for a bar, and come in on the next one.

        Returns:
            The tick on which that begins.
        """
        lines = self._plan.lines
        self._rest_until = lines.tick_of_bar(lines.bar_of(now) + 2)
        self.changed(now)
        return lines.tick_of_cell(lines.cell_of(self._rest_until - 1) + 1)

    def changed(self, now: Tick) -> None:
        """Let each cell from the present one on speak or be silent, as the mode has it."""
        self._plan.set_sounds(self.sounds, now)
        self._plan.mark_stale(now)

    @property
    def listens(self) -> bool:
        """Whether what is played becomes what is answered."""
        state = self._history.state
        return state.mode in ("follow", "answer", "listen") and not state.frozen and not state.loop_bars

    def listens_before(self, lines: BarLines, cell: int) -> bool:
        """Tell whether what is played before a cell is to be its base."""
        answering = self._history.state.mode == "answer" and lines.period_of_cell(cell - 1) % 2 == 1
        return self.listens and not answering and cell > lines.cell

    def rejoins(self, lines: BarLines, cell: int) -> bool:
        """Tell whether the band begins another pattern at a cell that no phrase of the performer precedes."""
        begins = (
            cell % SECTION == 0 and lines.period == 1 and cell > lines.cell and bool(self._requests.parts)
        )
        return begins and self.listens and not self.listens_before(lines, cell)

    def sounds(self, index: int) -> Sounds:
        """Return what of a cell is heard: in the performer's turn the band goes on, if there is one."""
        if self._plan.lines.tick_of_cell(index) < self._rest_until:
            return "nothing"
        state = self._history.state
        if state.mode != "answer" or state.loop_bars or self._plan.lines.period_of_cell(index) % 2 == 1:
            return "all"
        return "band" if self._requests.parts else "nothing"

    def speaker(self, now: Tick) -> tuple[Speaker, Tick]:
        """Return whose turn it is, and the tick at which it ends or the performer's phrase closes."""
        lines = self._plan.lines
        cell = lines.cell_of(now)
        taken_up = self.listens_before(lines, cell + 1)
        end = (lines.period_of_cell(cell) + 1) * lines.period
        return "performer" if taken_up else "instrument", lines.tick_of_cell(end)
