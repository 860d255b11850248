"""What the model process keeps of an accompaniment: it is written ahead, and put beside her phrase in time.

Threads: the model process's only one.
"""

from collections.abc import Iterator

from live.messages import Accompany
from model.phrase import Phrase
from model.player import Player, finished
from model.tracks import DRUMS


class Band:
    """Writes parts and joins them to her phrases.

    Args:
        player: a model; one that does not accompany adds nothing.

    """

    def __init__(self, player: Player) -> None:
        """Start with nothing written."""
        self._player = player
        self._written = Phrase(player.card.grid)
        self._writing: Iterator[None] = iter(())

    def write(self, request: Accompany) -> Iterator[None]:
        """Write the parts that a phrase lacks; the iterator gives others their turn after each note."""
        self._writing = self._write(request)
        return self._writing

    def _write(self, request: Accompany) -> Iterator[None]:
        phrase = Phrase.of_rows(self._player.card.grid, request.notes)
        keep = self._written.part(DRUMS) if request.keep else None
        self._written = yield from self._player.accompany(phrase, request.parts, seed=request.seed, keep=keep)

    def joined(self, phrase: Phrase, parts: list[int]) -> Phrase:
        """Return a phrase with the parts that it lacks.

        They are those of its own accompaniment; if that was not written in time, of the one before; if there
        was none, it is written to its end now.
        """
        if not self._written.notes:
            for _ in self._writing:
                pass
        return finished(self._player.accompany(phrase, parts, keep=self._written))
