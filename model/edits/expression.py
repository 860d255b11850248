"""Edits of how notes are played, never of which: velocities and lengths, solved for the number measured.

They leave every onset and pitch where it is, so that the closed loop may use them to bring dynamics and
articulation back where another knob has moved them.  None changes how loud one note is beside another, but
to what it was: the dynamics of a phrase are the player's.
"""

from collections.abc import Sequence
from math import floor

from model.music.attributes import articulation, gaps
from model.music.phrase import Phrase, resized
from model.music.tracks import DRUMS

ROUNDS = 4  # what the ends of the scale swallow is asked of the other notes this often


def levelled(phrase: Phrase, dynamics: float) -> Phrase:
    """Shift all velocities by one number to a mean of 1..127, as far as 1 and 127 let each: accents stay."""
    if not phrase.notes:
        return phrase
    levels = [float(note.velocity) for note in phrase.notes]
    goal = min(127.0, max(1.0, dynamics)) * len(levels)
    if abs(goal - sum(levels)) < 0.5 * len(levels):
        return phrase
    for _ in range(ROUNDS * 2):
        missing = goal - sum(levels)
        end = 127.0 if missing > 0 else 1.0
        free = sum(level != end for level in levels)
        if abs(missing) < 0.25 * len(levels) or not free:
            break
        shift = missing / free
        levels = [min(127.0, max(1.0, level + shift)) for level in levels]
    return _played(phrase, [floor(level + 0.5) for level in levels])


def recalled(phrase: Phrase, before: Phrase, *, chords: bool = False) -> Phrase:
    """Return the phrase with the velocities that its notes had before: what stays is played as it was.

    A note of the same track, onset and pitch is the same note; any other keeps what it has.

    Args:
        phrase: to play.
        before: what its notes were.
        chords: notes at other pitches take, from low to high, the velocities that are left of their track
            and onset, but a drum only its own.
    """
    if not before.notes or phrase.notes == before.notes:
        return phrase
    known = {(note.onset, note.track, note.pitch): note.velocity for note in before.notes}
    stay = {(note.onset, note.track, note.pitch) for note in phrase.notes} & known.keys()
    left: dict[tuple[int, int], list[int]] = {}  # onset and track -> velocities of pitches gone, low to high
    for note in before.notes:
        if chords and note.track != DRUMS and (note.onset, note.track, note.pitch) not in stay:
            left.setdefault((note.onset, note.track), []).append(note.velocity)
    velocities = []
    for note in phrase.notes:
        key = note.onset, note.track, note.pitch
        others = left.get(key[:2])
        if key in stay:
            velocities.append(known[key])
        else:
            velocities.append(others.pop(0) if others else note.velocity)
    return _played(phrase, velocities)


def articulated(phrase: Phrase, wanted: float) -> Phrase:
    """Shorten or lengthen the notes to an articulation of 0..1, each by the same share of its way.

    Rounding a length to steps is made up for by the next notes.  No note becomes longer than its gap, so
    that a single line stays one; what rings on beyond it keeps its length until it is cut to less.
    """
    room = gaps(phrase)
    now = articulation(phrase.notes, room)
    free = sum(gap > 1 for gap in room)
    if not free or abs(wanted - now) * free < 0.02:
        return phrase
    wanted = min(1.0, max(0.0, wanted))
    share = (wanted - now) / (1.0 - now) if wanted > now else 1.0 - wanted / now
    notes, carry = [], 0.0
    for note, gap in zip(phrase.notes, room, strict=True):
        if gap < 2:
            notes.append(note)
            continue
        held = min(1.0, (note.length - 1) / (gap - 1))
        aim = held + share * (1.0 - held) if wanted > now else held * (1.0 - share)
        length = 1 + min(gap - 1, max(0, round((gap - 1) * (aim + carry))))
        carry += aim - (length - 1) / (gap - 1)
        notes.append(note if length == min(note.length, gap) else resized(note, length))
    return Phrase.of(phrase.grid, notes)


def _played(phrase: Phrase, velocities: Sequence[int]) -> Phrase:
    """Return the phrase with other velocities."""
    notes = (
        note if note.velocity == velocity else note._replace(velocity=velocity)
        for note, velocity in zip(phrase.notes, velocities, strict=True)
    )
    return Phrase(phrase.grid, tuple(notes))
