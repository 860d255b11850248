"""What comes back of the phrases before: a bar that the next one begins or ends with.

Of 1,500 next phrases of melodies and as many of keyboards, of the train split, 29 and 20 of 100 begin much
like one of the four phrases before (note F1 of the first bars .5 or more), and 11 and 6 more end like one.
Of those that begin so, half go on as that phrase did.  What is written note by note brings figures back far
less often; so a bar is brought back as often as in music, half of the time with the half bar after it, and
the rest is written to it.
"""

from dataclasses import replace
from random import Random

from model.music.phrase import Phrase, cut_to
from model.writing.wish import BAR, GRID, STEPS, Kind, Wish

RETURNS = {
    Kind.MELODY: ((0.068, 0.080, 0.081, 0.060), (0.034, 0.019, 0.036, 0.018)),
    Kind.KEYBOARD: ((0.057, 0.054, 0.054, 0.034), (0.025, 0.013, 0.019, 0.005)),
}
"""How often a first bar comes back, and a last one alone, of the phrase before and of those before that."""
LONGER = 0.5  # of the first bars that come back, with the half of the next bar
FEWEST = 2  # notes of a bar that is known again


def with_recurrence(wish: Wish, seed: int) -> Wish:
    """Return a wish for a whole phrase as one for what lies beside a bar that comes back, or as it is.

    Args:
        wish: with nothing fixed; others stay as they are, and so do those whose scale the bar has left.
        seed: of the choice; most leave the wish as it is.
    """
    if wish.fixed.notes:
        return wish
    rng = Random(seed)  # noqa: S311  music, no secret
    chance = rng.random()
    for bar, shares in enumerate(RETURNS.get(wish.kind, ())):
        for phrase, share in zip(reversed(wish.context), shares, strict=False):
            chance -= share
            if chance < 0:
                if bar:
                    return _beside(wish, phrase, (BAR, STEPS), (0, BAR))
                until = BAR + BAR // 2 if rng.random() < LONGER else BAR
                return _beside(wish, phrase, (0, until), (until, STEPS))
    return wish


def _beside(wish: Wish, phrase: Phrase, known: tuple[int, int], new: tuple[int, int]) -> Wish:
    """Return a wish for new steps beside known ones of a phrase."""
    first, last = known
    notes = [
        cut_to(note, min(note.length, last - note.onset))
        for note in phrase.notes
        if first <= note.onset < last
    ]
    strange = wish.scale is not None and any(note.pitch % 12 not in wish.scale for note in notes)
    if len(notes) < FEWEST or strange:
        return wish
    return replace(wish, fixed=Phrase.of(GRID, notes), span=new)
