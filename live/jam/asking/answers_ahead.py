"""Answers asked for a beat before their phrase has closed, where little time is left when it has.

From a phrase's close to the bar line that its answer begins on is half a step: at 240 beats per minute 31 ms.
So an answer to what was played by then lies there already, and that to all of the phrase takes its place, if
need be from the bar's next step on.
Owns: whether an answer has come too late.  Threads: engine only.
Tested in tests/live/jam/asking/test_answers_ahead.py.
"""

from live.jam.asking.asked_ahead import AskedAhead
from live.jam.asking.played_phrases import PlayedPhrases
from live.jam.asking.requests import Requests
from live.jam.asking.searches import Searches
from live.jam.sequencing.plan import Plan
from live.jam.turn_taking import TurnTaking

SHORT_NANOS = 50_000_000
"""So much is short: with four steps to a beat, what is left at more than 150 beats per minute."""


class AnswersAhead(AskedAhead):
    """Asks once for each phrase of the performer that leaves little time.

    Attributes:
        was_late: whether an answer has come too late: from then on all are asked for early.
    """

    def __init__(
        self, plan: Plan, played: PlayedPhrases, turns: TurnTaking, requests: Requests, searches: Searches
    ) -> None:
        super().__init__(plan, beats=1)
        self.was_late = False
        self._played, self._turns, self._requests, self._searches = played, turns, requests, searches

    @property
    def wanted(self) -> bool:
        """Whether what is played is answered, and soon after it was."""
        short = self._plan.half_step * self._requests.tick_nanos < SHORT_NANOS
        return self._turns.listens and (short or self.was_late)

    def ask_for(self, cell: int) -> None:
        """Ask for the answer that a cell is to begin with."""
        search = self._played.begun(self._plan.lines, cell)
        if search is not None:
            self._searches.ask(search)
