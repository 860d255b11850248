"""An accompaniment from phrase to phrase: a pattern stays a while; what was written joins what is played.

It is a pattern: rhythm, voicing and register.  Which chords it is heard in is the engine's to say.

Threads: one at a time; live that of the model process.
Tested in tests/live/jam/asking/test_accompaniment.py.
"""

from collections.abc import Collection, Generator, Sequence

from model.latent.note_transformer import run_to_end
from model.music.phrase import Note, Phrase
from model.playing.player import Player

SECTION = 4
"""Phrases that a pattern stays for, so that there is a groove."""


class Accompanist:
    """Writes the parts that phrases lack, one phrase after another.

    Args:
        player: a model; one that does not accompany adds nothing.

    """

    def __init__(self, player: Player) -> None:
        """Start with nothing written."""
        self._player = player
        self._written = Phrase(player.card.grid)
        self._writing: Generator[None, None, Phrase] | None = None

    def write(
        self, phrase: Phrase, parts: Collection[int], *, number: int, seed: int
    ) -> Generator[None, None, Phrase]:
        """Write the parts that a phrase lacks; gives others their turn after each note, returns all of it.

        Args:
            phrase: on the model's grid.
            parts: tracks that may be written.
            number: of the phrase; what was written for the one before stays unless it begins a section.
            seed: of all choices; each phrase has its own.

        """
        self._writing = self._write(phrase, parts, keep=number % SECTION != 0, seed=(seed + number) % 2**32)
        return self._writing

    def _write(
        self, phrase: Phrase, parts: Collection[int], *, keep: bool, seed: int
    ) -> Generator[None, None, Phrase]:
        before = self._written.part(*parts) if keep else None
        self._written = yield from self._player.accompany(phrase, parts, seed=seed, keep=before)
        return self._written

    def bring_back(self, notes: Sequence[Note]) -> None:
        """Go on with a pattern that was written before."""
        self._written = Phrase.of(self._player.card.grid, notes)

    def joined(self, phrase: Phrase, parts: Collection[int]) -> Phrase:
        """Return a phrase with the parts that it lacks.

        They are those that were written last; were none yet, what is being written is finished first.  What
        was never written is written now.
        """
        if not self._written.notes and self._writing is not None:
            for _ in self._writing:
                pass
        return run_to_end(self._player.accompany(phrase, parts, keep=self._written))
