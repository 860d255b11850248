"""What was played in a phrase, as the model is asked for it.

Owns: nothing.  Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_feel.py.
"""

from live.jam.asking.requests import Reason, Requests, Search
from live.jam.input.capture import Capture
from live.jam.sequencing.plan import Plan
from live.jam.turns import Turns
from live.timing.bar_lines import BarLines
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT


class Played:
    """Cuts phrases out of what was captured.

    Args:
        plan: tells how long a step is.
        capture: what was played.
        turns: say which phrases are listened to.
        requests: know what the model takes.

    """

    def __init__(self, plan: Plan, capture: Capture, turns: Turns, requests: Requests) -> None:
        """Cut nothing yet."""
        self._plan, self._capture, self._turns, self._requests = plan, capture, turns, requests

    def before(self, lines: BarLines, cell: int, now: Tick) -> Search | None:
        """Return what was played in the phrase before a cell; None for nothing, or where nobody listens.

        Args:
            lines: that the cell is of.
            cell: its index.
            now: up to which it was played.

        """
        if not (self._turns.listens_before(lines, cell) and self._requests.takes(lines.grid)):
            return None
        grid, zero, half_step = lines.grid, lines.tick_of_cell(cell - 1), self._plan.half_step
        phrase = self._capture.phrase(grid, zero, now)
        if not len(phrase):
            return None
        # its first notes may lie a beat before it where no phrase before took them
        pick_up = half_step if self._turns.listens_before(lines, cell - 1) else TICKS_PER_BEAT
        first, last = Tick(zero - pick_up), Tick(zero + grid.ticks - half_step)
        struck = self._capture.struck(first, last, zero, Tick(zero + grid.ticks))
        sounding = self._capture.still_sounding(first, last)
        return Search(phrase, cell, Reason.PLAYED, "", struck, self._requests.tick_nanos, sounding)
