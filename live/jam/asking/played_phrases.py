"""What was played in a phrase, as the model is asked for it.

Owns: nothing.  Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_feel.py.
"""

from live.jam.asking.requests import Reason, Requests, Search
from live.jam.input.capture import Capture
from live.jam.sequencing.plan import Plan
from live.jam.turn_taking import TurnTaking
from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT


class PlayedPhrases:
    """Cuts phrases out of what was captured."""

    def __init__(self, plan: Plan, capture: Capture, turns: TurnTaking, requests: Requests) -> None:
        self._plan, self._capture, self._turns, self._requests = plan, capture, turns, requests

    def before(self, lines: BarLines, cell: int) -> Search | None:
        """Return what was played in the phrase before a cell; None for nothing, or where nobody listens."""
        if not (self._turns.listens_before(lines, cell) and self._requests.takes(lines.grid)):
            return None
        found = self._cut(lines, cell - 1, self._most_before(lines, cell))
        if found is None:
            return None
        place, period = lines.place_of_cell(cell - 1), lines.period
        return found._replace(cell=cell - 1 + period, place=place, period=period)

    def begun(self, lines: BarLines, cell: int) -> Search | None:
        """Return what was played so far of the phrase before a cell.

        None where its answer is a part of a longer one, for all of it has closed by then, and where the
        model has no latent: it goes on from what was played, and begins in its own way.
        """
        if lines.period > 1 or not self._requests.has_latent:
            return None
        found = self.before(lines, cell)
        return None if found is None else found._replace(reason=Reason.BEGUN, sounding=())

    def picked_up(self, lines: BarLines, cell: int) -> bool:
        """Tell whether the phrase before a cell began before its bar line."""
        zero, most = lines.tick_of_cell(cell - 1), self._most_before(lines, cell)
        return bool(self._capture.started(Tick(zero - most), Tick(zero - self._plan.half_step)))

    def _most_before(self, lines: BarLines, cell: int) -> int:
        """Return by how many ticks the phrase before a cell may begin before its bar line.

        A beat where no phrase before took what was played there.
        """
        return self._plan.half_step if self._turns.listens_before(lines, cell - 1) else TICKS_PER_BEAT

    def last(self, lines: BarLines) -> list[Search]:
        """Return what was played in the period before some bar lines, which is to be their first one."""
        found = []
        for place in range(lines.period if self._requests.takes(lines.grid) else 0):
            search = self._cut(lines, lines.cell - lines.period + place, self._plan.half_step)
            if search is not None:
                found.append(
                    search._replace(
                        reason=Reason.LOOPED, cell=lines.cell + place, place=place, period=lines.period
                    )
                )
        return found

    def _cut(self, lines: BarLines, cell: int, pick_up: int) -> Search | None:
        """Return what was played in a cell, its first notes at most so many ticks before it."""
        grid, zero = lines.grid, lines.tick_of_cell(cell)
        phrase = self._capture.phrase(grid, zero)
        if not len(phrase):
            return None
        first, last = Tick(zero - pick_up), Tick(zero + grid.ticks - self._plan.half_step)
        struck = self._capture.struck(grid, zero, first, last)
        sounding = self._capture.still_sounding(first, last)
        return Search(phrase, cell, Reason.PLAYED, "", struck, self._requests.tick_nanos, sounding)
