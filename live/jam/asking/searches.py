"""Phrases whose place the model is asked for, until it answers.

Owns: those that were asked and not answered, and those that wait for a model.  Threads: engine only.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_trouble.py.
"""

from live.jam.asking.requests import Reason, Requests, Search
from live.jam.protocols import Output


class Searches:
    """Asks for places."""

    def __init__(self, requests: Requests, output: Output) -> None:
        self._requests, self._output = requests, output
        self._asked: dict[int, Search] = {}
        self._unasked: list[Search] = []

    @property
    def waiting(self) -> bool:
        """Whether the model owes an answer."""
        return bool(self._asked)

    def ask(self, search: Search) -> None:
        """Ask for a place, where the model takes such phrases; without a model, when it is back."""
        if not self._requests.takes(search.phrase.grid):
            return
        request = self._requests.encode(search)
        if self._output.ask(request):
            self._asked[request.ident] = search
            return
        if search.reason is Reason.BEGUN:  # when the model is back, all of it is asked for
            return
        if search.was_played:  # only the last phrase is worth an answer when the model is back
            first = search.cell - search.place
            self._unasked = [
                older for older in self._unasked if not older.was_played or older.cell - older.place == first
            ]
        self._unasked.append(search)

    def answered(self, ident: int) -> Search | None:
        """Return what an answer is about, once; None for what was forgotten meanwhile."""
        return self._asked.pop(ident, None)

    @property
    def owes_played(self) -> bool:
        """Whether the model owes the place of a phrase that was just played."""
        return any(search.was_played for search in self._asked.values())

    def owes(self, cell: int) -> bool:
        """Tell whether the phrase that a cell is to sound first has no place yet."""
        waiting = [*self._asked.values(), *self._unasked]
        return any(search.was_played and search.cell == cell for search in waiting)

    def lose_model(self) -> None:
        """Ask again, when there is a model, for what this one owed."""
        self._unasked += [search for search in self._asked.values() if search.reason is not Reason.BEGUN]
        self._asked.clear()

    def take_all(self) -> list[Search]:
        """Return all that has no answer, and forget it."""
        asked = [search for search in self._asked.values() if search.reason is not Reason.BEGUN]
        searches = [*self._unasked, *asked]
        self._unasked = []
        self._asked.clear()
        return searches

    def forget_played(self) -> None:
        """Forget phrases of before the transport started anew."""
        self._asked = {
            ident: search
            for ident, search in self._asked.items()
            if not search.was_played and search.reason is not Reason.BEGUN
        }
        self._unasked = [search for search in self._unasked if not search.was_played]
