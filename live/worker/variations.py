"""Variations of what was played, one for each turn of a phrase, none like those before it.

The learned writer writes them a note at a time, between other answers; until one is there the phrase sounds
as it was, or as it was varied last.  Where no writer can, they are recombined of the phrase at once.
Owns: what was played and by whom, each turn's alternatives, the writing under way, and what the last turns
sounded.  Threads: the model process's only.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from live.ipc.messages import FOR_EVER_NANOS
from live.ipc.places import Varied
from model.edits.recombination import recombined
from model.music.distance import position
from model.music.phrase import Note, Phrase
from model.playing.alternatives import Material, another_groove, can_write, following
from model.playing.inference.candidates import DRAFTS
from model.playing.variation import MEASURED, Course, course, note_f1
from model.writing.wish import CONTEXT, Kind
from model.writing.writer import Writer

APART = 32  # turns of one phrase that all sound different
PHRASES = 64  # that were played last, of which it knows what came before
STATES = 128
TRIES = 48  # for a variation that has not just been heard
MOST_BEGUN = 4  # alternatives that are half written: what the writer knows of each takes up to 10 MB
NOTES = 768  # that are recombined for it at most
ORDERS = 8  # in which the changes of one that was written may come
LARGEST_SEED = 2**32
SLACK = 0.05  # of F1 that an alternative may leave above what is wanted
THE_SAME = 0.5  # F1 from which a phrase is the one that was written ahead for

Notes = tuple[Note, ...]
Sounding = frozenset[tuple[int, ...]]
Origin = Literal["", "written", "recombined", "awaited"]
K = TypeVar("K")
V = TypeVar("V")


class Variation(NamedTuple):
    """Names a variation: the phrase, which of its turns, the pitch classes that it keeps to, the seed."""

    notes: Notes
    number: int
    scale: frozenset[int] | None
    seed: int


class Sounds(NamedTuple):
    """When what is asked for begins to sound, and when it has sounded: nanos of host time."""

    begins: int = 0
    ends: int = FOR_EVER_NANOS


ANY_TIME = Sounds()


class Answer(NamedTuple):
    """A phrase varied, and how: awaited is one that is being written."""

    phrase: Phrase
    origin: Origin


@dataclass
class Draft:
    """What there is of a variation.

    Attributes:
        material: what it is made of.
        seed: of its choices.
        alternative: as it is written; None while it is not.
        course: the way to it; None while there is none.
        written: whether a writer does it.
        writing: of the alternative; None where none is under way.
        begun: whether any of that is written.
        sounds: when it is needed, as it was asked for last.
    """

    material: Material
    seed: int
    alternative: Phrase | None = None
    course: Course | None = None
    written: bool = False
    writing: Generator[None, None, Phrase] | None = None
    begun: bool = False
    sounds: Sounds = ANY_TIME


class Variations:
    """Varies phrases.

    Args:
        find_writer: opens the writer; None where there is none.

    Attributes:
        kind: what plays.
        drafts: of what comes next, of which one is taken.
        sounds: when what is asked for next is needed.
    """

    def __init__(
        self,
        find_writer: Callable[[], Writer | None] = lambda: None,
        nanos: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.sounds, self._nanos = ANY_TIME, nanos
        self.kind = Kind.KEYBOARD
        self.drafts = DRAFTS
        self._find_writer: Callable[[], Writer | None] | None = find_writer
        self._writer: Writer | None = None
        self._before: list[Phrase] = []  # the last phrases of the performer, with the parts that joined them
        self._materials: OrderedDict[Notes, Material] = OrderedDict()
        self._states: OrderedDict[Variation, Draft] = OrderedDict()
        self._ahead: tuple[int, Draft] | None = None  # of a phrase that has not closed: its turn
        self._last: OrderedDict[tuple[Notes, int], Course] = OrderedDict()
        self._sounded: OrderedDict[tuple[Notes, int], OrderedDict[int, Sounding]] = OrderedDict()

    def hear(self, played: Phrase, performed: Phrase, *, closed: bool = True) -> None:
        """Learn what was played, and by whom: the performer's parts alone are varied.

        Args:
            played: all that answers keep.
            performed: of it, what the performer played.
            closed: whether it is the next one that the performer played, and not a stored one.
        """
        tracks = frozenset(note.track for note in performed.notes)
        if played.notes not in self._materials:
            put(self._materials, played.notes, Material(played, tracks, tuple(self._before)), most=PHRASES)
        if closed:
            self._before = [*self._before, played][-CONTEXT:]

    def write_ahead(self, phrase: Phrase, how: Varied, scale: frozenset[int] | None) -> None:
        """Write ahead for a phrase that the performer is about to finish.

        Args:
            phrase: what was played of it so far.
            how: which of its variations will be asked for first.
            scale: see `varied`.
        """
        material = Material(phrase, None, tuple(self._before), scale)
        if how.amount > 0 and self._can_write(material):
            state = Draft(material, seed_of(how.seed, how.turn, 0), written=True)
            self._ahead = how.turn, state
            self._ask(state)

    def varied(self, phrase: Phrase, how: Varied, scale: frozenset[int] | None) -> Answer:
        """Return a phrase varied; itself where nothing changes.

        The same turn and amount give the same notes; as the amount grows, what has changed in a turn stays.

        Args:
            phrase: what was played.
            how: by how much, and which of its variations.
            scale: pitch classes that new notes keep to; None for those of the phrase.
        """
        if how.amount <= 0 or not phrase.notes:
            return Answer(phrase, "")
        name = Variation(phrase.notes, how.turn, scale, how.seed)
        state = self._states.get(name)
        if state is None:
            state = self._begun(phrase, name)
            put(self._states, name, state, most=STATES)
        state.sounds = self.sounds
        if state.written:
            self._settle(state, name, how.amount)
        if not state.written and state.course is None:
            state.course = self._recombined(state, name, how.amount)
        if state.course is None:
            before = self._last.get((phrase.notes, how.seed))
            return Answer(before.at(how.amount) if before else phrase, "awaited")
        put(self._last, (phrase.notes, how.seed), state.course, most=PHRASES)
        varied = state.course.at(how.amount)
        self._remember(name, varied)
        return Answer(varied, "written" if state.written else "recombined")

    def settled(self, phrase: Phrase, how: Varied, scale: frozenset[int] | None) -> Answer:
        """Return a phrase varied, however long it takes to write; arguments as `varied` has them."""
        answer = self.varied(phrase, how, scale)
        while answer.origin == "awaited":
            for _ in self.write():
                pass
            answer = self.varied(phrase, how, scale)
        return answer

    # -- writing -------------------------------------------------------------------------------------

    def write(self) -> Iterator[bool]:
        """Write what is asked for, what sounds soonest first: yields True where an alternative is there.

        What has sounded by now is written no more.
        """
        if self._find_writer is not None:
            find, self._find_writer = self._find_writer, None
            with suppress(Exception):  # a file that is none: all is recombined
                self._writer = find()
            yield bool(self._states)
        while True:
            now = self._nanos()
            waiting = [state for state in self._states.values() if state.writing is not None]
            for late in [draft for draft in waiting if draft.sounds.ends <= now]:
                late.writing, late.begun = None, False
            waiting = [draft for draft in waiting if draft.writing is not None]
            ahead = self._ahead[1] if self._ahead is not None else None
            if not waiting and (ahead is None or ahead.writing is None):
                return
            state = min(reversed(waiting), key=_begins) if waiting else ahead
            assert state is not None
            assert state.writing is not None
            if not state.begun:
                state.begun = True
                self._begin_anew(waiting)
            try:
                next(state.writing)
            except StopIteration as done:
                state.writing, state.begun = None, False
                state.alternative = done.value
                yield state is not ahead
            except Exception:  # noqa: BLE001  a writer that fails is none
                state.writing, state.written = None, False
                yield state is not ahead
            else:
                yield False

    def _begin_anew(self, waiting: list[Draft]) -> None:
        """Let what was half written longest ago, beyond a number, begin anew when its turn comes."""
        for state in [state for state in waiting if state.begun][:-MOST_BEGUN]:
            state.begun, state.writing = False, self._next(state)

    def _next(self, state: Draft) -> Generator[None, None, Phrase] | None:
        """Return the writing of a draft's alternative, of which nothing is written yet."""
        if self._writer is None:
            return None
        if self.kind is Kind.DRUMS:
            return another_groove(self._writer, state.material, state.seed, self.drafts)
        return following(self._writer, self.kind, state.material, state.seed, self.drafts)

    def _can_write(self, material: Material) -> bool:
        return (self._writer is not None or self._find_writer is not None) and can_write(self.kind, material)

    def _begun(self, phrase: Phrase, name: Variation) -> Draft:
        """Return a variation of which there is nothing yet but what was written ahead."""
        known = self._materials.get(name.notes, Material(phrase, None, tuple(self._before)))
        material = Material(known.phrase, known.tracks, known.context, name.scale)
        state = Draft(material, seed_of(name.seed, name.number, 0), written=self._can_write(material))
        if self._ahead is not None and self._ahead[0] == name.number and state.written:
            ahead, self._ahead = self._ahead[1], None
            if note_f1(ahead.material.phrase, material.varied) >= THE_SAME:
                if ahead.alternative is not None:
                    notes = [*ahead.alternative.notes, *material.others]
                    state.alternative = Phrase.of(phrase.grid, notes)
                state.writing, state.begun = ahead.writing, ahead.begun
        return state

    def _ask(self, state: Draft) -> None:
        """See to it that the alternative is written."""
        if state.alternative is None and state.writing is None:
            state.begun, state.writing = False, self._next(state)

    def _settle(self, state: Draft, name: Variation, amount: float) -> None:
        """Lay the course to what has been written, the changes in an order that has not just been heard."""
        if state.alternative is not None and state.course is None:
            stages = self._stages(state, state.alternative)
            state.course = self._new(state, stages, name, amount)
        if self._writer is None and self._find_writer is None:
            state.written = False
            return
        self._ask(state)

    def _stages(self, state: Draft, ahead: Phrase) -> list[Phrase]:
        """Return what a course leads to: what comes next, and on where that is much like the phrase."""
        material = state.material
        tracks = {note.track for note in material.varied.notes}
        alike = note_f1(ahead.part(*tracks), material.varied)
        if self.kind is Kind.DRUMS or alike <= 1 - MEASURED + SLACK:
            return [ahead]
        return [ahead, self._remade(material, state.seed)]

    def _new(self, state: Draft, stages: list[Phrase], name: Variation, amount: float) -> Course:
        """Return a course with its changes in an order whose outcome none of the last turns sounded.

        Where every order leads to one that did, for a writer may write the same again, it is recombined.
        """
        before = self._sounding(name)
        for attempt in range(ORDERS):
            seed = seed_of(name.seed, name.number, attempt)
            way = course(state.material.phrase, stages, attempt, seed, state.material.tracks)
            if not way.steps(amount) or sounding(way.at(amount)) not in before:
                return way
        return self._recombined(state, name, amount)

    # -- recombining ---------------------------------------------------------------------------------

    def _recombined(self, state: Draft, name: Variation, amount: float) -> Course:
        """Return the first course on which nothing lies that one of the last turns sounded."""
        material, before = state.material, self._sounding(name)
        first: Course | None = None
        tries = max(1, min(TRIES, NOTES // len(material.phrase)))
        for attempt in range(tries):
            seed = seed_of(name.seed, name.number, attempt)
            alternative = self._remade(material, seed, free=attempt > tries // 2)
            found = course(material.phrase, [alternative], attempt, seed, material.tracks)
            first = first or found
            if not found.steps(amount) or sounding(found.at(amount)) not in before:
                return found
        assert first is not None
        return first

    @staticmethod
    def _remade(material: Material, seed: int, *, free: bool = False) -> Phrase:
        """Return a phrase recombined, with the parts of others."""
        new = recombined(material.varied, seed, material.scale, free=free)
        return Phrase.of(material.phrase.grid, [*new.notes, *material.others])

    # -- what has sounded ----------------------------------------------------------------------------

    def _sounding(self, name: Variation) -> set[Sounding]:
        """Return what the other ones of the last turns of a phrase sounded."""
        turns = self._sounded.get((name.notes, name.seed))
        if turns is None:
            return set()
        return {sounded for number, sounded in turns.items() if 0 < abs(number - name.number) < APART}

    def _remember(self, name: Variation, varied: Phrase) -> None:
        turns: OrderedDict[int, Sounding] = self._sounded.get((name.notes, name.seed), OrderedDict())
        put(turns, name.number, sounding(varied), most=APART)
        put(self._sounded, (name.notes, name.seed), turns, most=PHRASES)


def _begins(draft: Draft) -> int:
    return draft.sounds.begins


def sounding(phrase: Phrase) -> Sounding:
    """Return what makes two variations the same: their onsets, pitches and tracks."""
    return frozenset(position(note) for note in phrase.notes)


def seed_of(seed: int, turn: int, attempt: int) -> int:
    """Return the seed of an attempt at a turn, 0..2**32 - 1; no two turns near each other share one."""
    return (seed + TRIES * turn + attempt) % LARGEST_SEED


def put(held: "OrderedDict[K, V]", key: K, value: V, *, most: int) -> None:
    """Put a value last, and drop the first ones beyond a number."""
    held[key] = value
    held.move_to_end(key)
    while len(held) > most:
        held.popitem(last=False)
