"""How far two phrases lie apart, by which notes they share: the one measure of whatever compares phrases."""

from collections.abc import Callable, Hashable

from model.music.phrase import Note, Phrase


def position(note: Note) -> tuple[int, ...]:
    """Return where a note lies: onset, pitch and track."""
    return note.onset, note.pitch, note.track


def step(note: Note) -> tuple[int, ...]:
    """Return onset and track of a note, whatever its pitch."""
    return note.onset, note.track


def unmatched(one: Phrase, other: Phrase, key: Callable[[Note], Hashable] = position) -> int:
    """Count the positions of either phrase at which the other has no note; `key` says what makes one."""
    return len({key(note) for note in one.notes} ^ {key(note) for note in other.notes})


def distance(one: Phrase, other: Phrase, key: Callable[[Note], Hashable] = position) -> float:
    """Return the share of the positions of both phrases that are unmatched, 0..1; 0 for two empty ones.

    One minus the coefficient of Dice 1945, "Measures of the amount of ecologic association between species".
    """
    both = len({key(note) for note in one.notes}) + len({key(note) for note in other.notes})
    return unmatched(one, other, key) / both if both else 0.0
