"""Pick-ups: an answer begins before its bar line, as the phrase did that it answers.

The phrase has not closed by then, so an answer to what was played of it so far is asked for; what of that
lies behind the bar line gives way to the answer to all of it.
Threads: engine only.
Tested in tests/live/jam/test_feel.py.
"""

from live.jam.asking.asked_ahead import AskedAhead
from live.jam.asking.played_phrases import PlayedPhrases
from live.jam.asking.searches import Searches
from live.jam.sequencing.plan import Plan
from live.jam.turn_taking import TurnTaking


class PickUps(AskedAhead):
    """Asks once for each phrase of the performer that began before its bar line."""

    def __init__(self, plan: Plan, played: PlayedPhrases, turns: TurnTaking, searches: Searches) -> None:
        super().__init__(plan)
        self._played, self._turns, self._searches = played, turns, searches

    @property
    def wanted(self) -> bool:
        """Whether what is played is answered."""
        return self._turns.listens

    def ask_for(self, cell: int) -> None:
        """Ask for the answer that begins with a cell, if it is to begin before it."""
        lines = self._plan.lines
        search = self._played.begun(lines, cell)
        if search is not None and self._played.picked_up(lines, cell):
            self._searches.ask(search)
