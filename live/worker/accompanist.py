"""An accompaniment from phrase to phrase: a pattern stays a while; what was written joins what is played.

It is a pattern: rhythm, voicing and register.  Which chords it is heard in is the engine's to say.  When it
has stayed for its while, some of its parts are written anew to those that stay on: in music chords share .73
of their onsets with those of eight bars before, a bass .51 and drums .77 of their hits (F1, 2,900, 2,400 and
540 phrases of the train split).

Threads: one at a time; live that of the model process.
Tested in tests/live/jam/asking/test_accompaniment.py.
"""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from random import Random

from model.edits.arrangement import SECTION
from model.latent.note_transformer import run_to_end
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS
from model.playing.player import Player

STAYS: Mapping[int, float] = {CHORDS: 0.4, BASS: 0.2, DRUMS: 0.65}
"""How often a part stays for the next ones too, by track."""
TRIES = 4  # at most, for a part that is not unusual: one takes about 50 ms of a core


class Accompanist:
    """Writes the parts that phrases lack, one phrase after another.

    Args:
        player: a model; one that does not accompany adds nothing.
        stays: see `STAYS`; a part that is not named never does.
    """

    def __init__(self, player: Player, stays: Mapping[int, float] = STAYS) -> None:
        self._player, self._stays = player, stays
        self._written, self._section = Phrase(player.card.grid), 0
        self._writing: Generator[None, None, Phrase] | None = None
        self._hurries = False

    def write(
        self, phrase: Phrase, parts: Collection[int], *, number: int, seed: int
    ) -> Generator[None, None, Phrase]:
        """Write the parts that a phrase lacks; gives others their turn after each note, returns all of it.

        Args:
            phrase: on the model's grid.
            parts: tracks that may be written.
            number: of the phrase; what was written stays for the others of its section.
            seed: of all choices; each phrase has its own.
        """
        self._hurries = False
        self._writing = self._write(phrase, parts, section=number // SECTION, seed=(seed + number) % 2**32)
        return self._writing

    def _write(
        self, phrase: Phrase, parts: Collection[int], *, section: int, seed: int
    ) -> Generator[None, None, Phrase]:
        stay = {*parts}
        if section != self._section:
            rng = Random(seed)  # noqa: S311  music, no secret
            stay = {track for track in sorted(parts) if rng.random() < self._stays.get(track, 0.0)}
        self._written = yield from self._player.accompany(
            phrase, parts, seed=seed, keep=self._written.part(*stay), tries=self._tries()
        )
        self._section = section
        return self._written

    def _tries(self) -> Iterator[int]:
        """Yield for each try: another one only while nobody waits for what was written."""
        for number in range(TRIES):
            if number and self._hurries:
                return
            yield number

    def bring_back(self, notes: Sequence[Note]) -> None:
        """Go on with a pattern that was written before."""
        self._written = Phrase.of(self._player.card.grid, notes)

    def joined(self, phrase: Phrase, parts: Collection[int]) -> Phrase:
        """Return a phrase with the parts that it lacks.

        They are those that were written last; were none yet, what is being written is finished first, but
        not tried again.  What was never written is written now.
        """
        if not self._written.notes and self._writing is not None:
            self._hurries = True
            for _ in self._writing:
                pass
        return run_to_end(self._player.accompany(phrase, parts, keep=self._written))
