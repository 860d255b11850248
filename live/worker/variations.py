"""Variations of what was played, one for each turn of a phrase, none like those before it.

Owns: which parts of a phrase the performer played, the courses to each turn's alternative, and what the last
turns sounded.  Threads: the model process's only.
"""

from collections import OrderedDict
from typing import NamedTuple

from live.ipc.messages import Varied
from model.edits.recombination import recombined
from model.music.distance import position
from model.music.phrase import Note, Phrase
from model.playing.variation import Course, course

APART = 32  # turns of one phrase that all sound different
PHRASES = 64  # that were played last, of which it knows who played what
COURSES = 128
TRIES = 48  # for a variation that has not just been heard
NOTES = 768  # that are written for it at most
LARGEST_SEED = 2**32

Notes = tuple[Note, ...]
Sounding = frozenset[tuple[int, ...]]


class Variation(NamedTuple):
    """Names a variation: the phrase, which of its turns, the pitch classes that it keeps to, the seed."""

    notes: Notes
    number: int
    scale: frozenset[int] | None
    seed: int


class Variations:
    """Varies phrases."""

    def __init__(self) -> None:
        """Start with nothing varied."""
        self._performed: OrderedDict[Notes, frozenset[int]] = OrderedDict()
        self._courses: OrderedDict[Variation, Course] = OrderedDict()
        self._sounded: OrderedDict[Notes, OrderedDict[int, Sounding]] = OrderedDict()

    def hear(self, played: Phrase, performed: Phrase) -> None:
        """Learn which parts of a phrase the performer played: those alone are varied.

        Args:
            played: all that answers keep.
            performed: of it, what the performer played.

        """
        self._performed[played.notes] = frozenset(note.track for note in performed.notes)
        self._performed.move_to_end(played.notes)
        while len(self._performed) > PHRASES:
            self._performed.popitem(last=False)

    def varied(self, phrase: Phrase, how: Varied, scale: frozenset[int] | None) -> Phrase:
        """Return a phrase varied; itself where nothing changes.

        The same turn and amount give the same notes; as the amount grows, what has changed in a turn stays.

        Args:
            phrase: what was played.
            how: by how much, and which of its variations.
            scale: pitch classes that new notes keep to; None for those of the phrase.

        """
        if how.amount <= 0 or not phrase.notes:
            return phrase
        turn = Variation(phrase.notes, how.turn, scale, how.seed)
        found = self._courses.get(turn)
        if found is None:
            found = self._course(phrase, turn, how.amount)
            self._courses[turn] = found
            while len(self._courses) > COURSES:
                self._courses.popitem(last=False)
        varied = found.at(how.amount)
        self._remember(turn, varied)
        return varied

    def _course(self, phrase: Phrase, turn: Variation, amount: float) -> Course:
        """Return the first course of a turn on which nothing lies that one of the last turns sounded."""
        before = {
            sounded
            for number, sounded in self._sounded.get(turn.notes, {}).items()
            if 0 < abs(number - turn.number) < APART
        }
        first: Course | None = None
        tries = max(1, min(TRIES, NOTES // len(phrase)))
        for attempt in range(tries):
            found = self._written(phrase, turn, attempt, free=attempt > tries // 2)
            first = first or found
            if not found.steps(amount) or sounding(found.at(amount)) not in before:
                return found
        assert first is not None
        return first

    def _written(self, phrase: Phrase, turn: Variation, attempt: int, *, free: bool) -> Course:
        seed = (turn.seed + TRIES * turn.number + attempt) % LARGEST_SEED
        tracks = self._performed.get(turn.notes)
        part = phrase if tracks is None else phrase.part(*tracks)
        rest = () if tracks is None else (note for note in phrase.notes if note.track not in tracks)
        alternative = Phrase.of(phrase.grid, [*recombined(part, seed, turn.scale, free=free).notes, *rest])
        return course(phrase, alternative, seed)

    def _remember(self, turn: Variation, varied: Phrase) -> None:
        turns = self._sounded.setdefault(turn.notes, OrderedDict())
        self._sounded.move_to_end(turn.notes)
        turns[turn.number] = sounding(varied)
        turns.move_to_end(turn.number)
        while len(turns) > APART:
            turns.popitem(last=False)
        while len(self._sounded) > PHRASES:
            self._sounded.popitem(last=False)


def sounding(phrase: Phrase) -> Sounding:
    """Return what makes two variations the same: their onsets, pitches and tracks."""
    return frozenset(position(note) for note in phrase.notes)
