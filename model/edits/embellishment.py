"""Embellishment: notes that were added to a line pass, turn and leap as in music, in place of repeating.

Between two notes that stay the added ones go along the scale; where that would repeat a pitch they are
neighbours of it, or a third away, in turn (passing and neighbour notes, and arpeggiation: Forte and Gilbert
1982, "Introduction to Schenkerian analysis", chapters 1 and 2).
"""

from bisect import bisect_left
from collections.abc import Sequence

from model.edits.common import scale_of
from model.music.phrase import Note, Phrase

AWAY = (1, -1, 2, -2)
"""Degrees beside a pitch that would be repeated, in turn, so that the mean stays."""


def embellished(phrase: Phrase, before: Phrase) -> Phrase:
    """Return a line whose added notes have pitches of their own.

    Args:
        phrase: of single notes.
        before: the same line without the notes that were added.

    """
    known = {note.onset: note.pitch for note in before.notes}
    if not known:
        return phrase
    scale = scale_of(before)
    keys = [key for key in range(128) if key % 12 in scale]
    notes: list[Note] = []
    run: list[Note] = []
    left: int | None = None
    turn = 0
    for note in phrase.notes:
        if note.onset not in known:
            run.append(note)
            continue
        notes += _filled(run, note.pitch if left is None else left, note.pitch, keys, turn)
        turn += len(run)
        run, left = [], note.pitch
        notes.append(note)
    if run and left is not None:
        notes += _filled(run, left, left, keys, turn)
    return Phrase.of(phrase.grid, notes)


def _filled(run: Sequence[Note], left: int, right: int, keys: Sequence[int], turn: int) -> list[Note]:
    """Return a run of added notes on its way between two pitches, none of which it repeats."""
    low, high = bisect_left(keys, left), bisect_left(keys, right)
    last, previous = len(keys) - 1, left
    found = []
    for number, note in enumerate(run, 1):
        place = round(low + (high - low) * number / (len(run) + 1))
        beside = (place, *(place + AWAY[(turn + number + try_) % len(AWAY)] for try_ in range(len(AWAY))))
        following = right if number == len(run) else -1
        free = [keys[one] for one in beside if 0 <= one <= last and keys[one] not in (previous, following)]
        previous = free[0] if free else note.pitch
        found.append(note._replace(pitch=previous))
    return found
