"""Variation: from what was played to another phrase, by as much as is asked for.

Complete alternatives are written once, see `playing.alternatives`.  From the phrase to them leads a course of
single changes, each note that goes paired with one that comes, beat by beat, the strong beats last.  How far
the course is followed is found by what is left of the phrase: by the note F1 of both.  As every state lies on
one course, turning the knob moves between states that contain each other.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.edits.common import apart, is_monophonic
from model.music.attributes import metrical_weights
from model.music.distance import position
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS, TRACKS
from model.playing.inference.retain import NoteKey, seated

MEASURED = 0.7
"""Up to here what is left of a phrase is 1 less the knob; beyond it comes the rest of the way."""

Change = tuple[NoteKey | None, Note | None]
"""A note that goes and one that comes."""


def note_f1(one: Phrase, other: Phrase) -> float:
    """Return the F1 of the notes, by (onset, pitch, track), that two phrases share; 1 for two empty ones."""
    mine, others = {position(note) for note in one.notes}, {position(note) for note in other.notes}
    return 2 * len(mine & others) / (len(mine) + len(others)) if mine or others else 1.0


@dataclass(frozen=True, slots=True)
class Course:
    """The way from a phrase to its alternatives.

    Attributes:
        played: the phrase.
        changes: one after another; after the last of them it is the last alternative.
        left: F1 with the phrase before each change, and after the last: len(changes) + 1 numbers.
        dialled: how many of the changes the knob finds by what is left; the rest of its way leads through
            the others.
        stages: how many alternatives it leads to.
    """

    played: Phrase
    changes: tuple[Change, ...]
    left: tuple[float, ...]
    dialled: int
    stages: int = 1

    def at(self, amount: float) -> Phrase:
        """Return the phrase varied.

        Args:
            amount: 0 is the phrase itself; up to .7 the note F1 with it is 1 less the amount, as near as its
                notes allow; from there to 1 the rest of the way.
        """
        steps = self.steps(amount)
        return self._after(steps) if steps else self.played

    def steps(self, amount: float) -> int:
        """Return how many changes an amount makes."""
        wanted = 1.0 - min(max(amount, 0.0), MEASURED)
        reached = _nearest(self.left[: self.dialled + 1], wanted)
        if amount <= MEASURED:
            return reached
        rest = len(self.changes) - reached
        return reached + round(rest * (min(1.0, amount) - MEASURED) / (1.0 - MEASURED))

    def _after(self, steps: int) -> Phrase:
        notes = _changed(self.played, self.changes[:steps])
        return _in_voice(Phrase.of(self.played.grid, notes.values()), self.played)


def course(played: Phrase, alternatives: Sequence[Phrase], seed: int, beyond: Phrase | None = None) -> Course:
    """Return the way from a phrase to one alternative after the other; deterministic.

    Args:
        played: the phrase.
        alternatives: on the same grid; new notes take over the phrase's timing and loudness.
        seed: of the order in which beats change.
        beyond: what the rest of the knob's way leads to, straight from where the measured part ends: by way
            of the last alternative less of the phrase would be left halfway than at the end.
    """
    changes: list[Change] = []
    left = [1.0]
    for alternative in alternatives:
        _lead_on(played, changes, left, alternative, seed)
    dialled, stages = len(changes), len(alternatives)
    if beyond is not None:
        dialled, stages = _nearest(left, 1.0 - MEASURED), stages + 1
        del changes[dialled:], left[dialled + 1 :]
        _lead_on(played, changes, left, beyond, seed, evenly=True)
    return Course(played, tuple(changes), tuple(left), dialled, stages)


def _lead_on(
    played: Phrase,
    changes: list[Change],
    left: list[float],
    alternative: Phrase,
    seed: int,
    *,
    evenly: bool = False,
) -> None:
    """Lead a course on to another alternative: the weakest beats first, or evenly in what is left."""
    known = {_key(note) for note in played.notes}
    present = _changed(played, changes)
    common = len(known & present.keys())
    coming = {_key(note): note for note in inflected(alternative, played).notes}
    gone = [note for key, note in present.items() if key not in coming]
    new = [note for key, note in coming.items() if key not in present]
    ahead = _exchanged(
        change
        for _, leaving, entering in _groups(played.grid, gone, new, seed)
        for change in _paired(leaving, entering, played.grid)
    )

    def brought_back(change: Change) -> int:
        return (change[1] is not None and _key(change[1]) in known) - (change[0] in known)

    if evenly:
        ahead = _even(ahead, brought_back)
    size = len(present)
    for change in ahead:
        changes.append(change)
        size += (change[1] is not None) - (change[0] is not None)
        common += brought_back(change)
        total = size + len(known)
        left.append(2 * common / total if total else 1.0)


def _exchanged(changes: Iterable[Change]) -> list[Change]:
    """Return changes in which a note that only goes takes one along that only comes, as near as there is one.

    The notes of strong beats come last; what went before them left .88 of a keyboard's notes halfway.
    """
    found = [*changes]
    coming = [new for gone, new in found if gone is None and new is not None]
    for place, (gone, new) in enumerate(found):
        mine = [note for note in coming if gone is not None and note.track == gone[2]]
        if gone is not None and new is None and mine:
            nearest = min(mine, key=lambda note: (abs(note.onset - gone[0]), abs(note.pitch - gone[1])))
            coming.remove(nearest)
            found[place] = gone, nearest
    left = {_key(note) for note in coming}
    return [one for one in found if one[0] is not None or (one[1] is not None and _key(one[1]) in left)]


def _even(changes: Sequence[Change], brought_back: Callable[[Change], int]) -> list[Change]:
    """Return changes so ordered that what they bring back of a phrase in sum grows, or falls, evenly."""
    waiting = {way: [one for one in changes if brought_back(one) == way] for way in (-1, 0, 1)}
    whole = sum(map(brought_back, changes))
    found: list[Change] = []
    back = 0
    while len(found) < len(changes):
        away = whole * (len(found) + 1) / len(changes) - back
        wanted = sorted(waiting, key=lambda way: abs(away - way))
        way = next(way for way in wanted if waiting[way])
        found.append(waiting[way].pop(0))
        back += way
    return found


def _changed(played: Phrase, changes: Sequence[Change]) -> dict[NoteKey, Note]:
    """Return the notes of a phrase after some changes."""
    notes = {_key(note): note for note in played.notes}
    for gone, new in changes:
        if gone is not None:
            del notes[gone]
        if new is not None:
            notes[_key(new)] = new
    return notes


def _nearest(left: Sequence[float], wanted: float) -> int:
    """Return the first place whose value is nearest to a wanted one."""
    return min(range(len(left)), key=lambda place: abs(left[place] - wanted))


def lasting(played: Phrase, seed: int, share: float) -> frozenset[NoteKey]:
    """Return a share of a phrase's notes: those that a course of the same seed changes last."""
    chance = _chance(played.grid, seed)
    weights = metrical_weights(played.grid)
    size = played.grid.steps_per_beat

    def standing(note: Note) -> tuple[float, float]:
        beat = note.onset // size
        return _strength(played.grid, beat) + float(chance[beat, note.track]), weights[note.onset]

    ordered = sorted(played.notes, key=standing)
    return frozenset(_key(note) for note in ordered[len(ordered) - round(share * len(ordered)) :])


def _chance(grid: Grid, seed: int) -> NDArray[np.float64]:
    """Return what decides between beats that are equally strong, 0..1, [beats, tracks]."""
    return np.random.default_rng([seed, 1]).random((grid.beats, len(TRACKS)))


Group = tuple[float, list[Note], list[Note]]


def _groups(grid: Grid, gone: Iterable[Note], new: Iterable[Note], seed: int) -> list[Group]:
    """Return what goes and comes in each beat of each track, the weakest beats first."""
    chance = _chance(grid, seed)
    groups: dict[tuple[int, int], Group] = {}
    for place, notes in ((1, gone), (2, new)):
        for note in notes:
            beat = note.onset // grid.steps_per_beat
            strength = _strength(grid, beat) + float(chance[beat, note.track])
            group = groups.setdefault((beat, note.track), (strength, [], []))
            (group[1] if place == 1 else group[2]).append(note)
    return sorted(groups.values(), key=lambda group: group[0])


def _strength(grid: Grid, beat: int) -> int:
    """Return how late a beat changes: the first beat of all last, then other bars', then the rest."""
    if beat == 0:
        return 2
    return 1 if beat % grid.beats_per_bar == 0 else 0


def _paired(gone: Sequence[Note], new: Sequence[Note], grid: Grid) -> list[Change]:
    """Return the changes of one beat, weak steps first; a note is replaced by one of its step if there is."""
    coming = [*new]
    pairs: list[tuple[int, Change]] = []
    alone: list[Note] = []
    for note in gone:
        same = [other for other in coming if other.onset == note.onset]
        if same:
            nearest = min(same, key=lambda other: abs(other.pitch - note.pitch))
            coming.remove(nearest)
            pairs.append((note.onset, (_key(note), nearest)))
        else:
            alone.append(note)
    for note in alone:
        if coming:
            nearest = min(coming, key=lambda other: abs(other.onset - note.onset))
            coming.remove(nearest)
            pairs.append((note.onset, (_key(note), nearest)))
        else:
            pairs.append((note.onset, (_key(note), None)))
    pairs += [(note.onset, (None, note)) for note in coming]
    weights = metrical_weights(grid)
    return [change for _, change in sorted(pairs, key=lambda pair: weights[pair[0]])]


def _in_voice(phrase: Phrase, played: Phrase) -> Phrase:
    """End the notes of a track that was a line where the next one starts."""
    lines = {track for track, part in apart(played).items() if track != DRUMS and is_monophonic(part)}
    if not lines:
        return phrase
    following: dict[int, int] = {}
    notes: list[Note] = []
    for note in reversed(phrase.notes):
        end = following.get(note.track)
        if note.track in lines and end is not None and note.onset + note.length > end:
            if end == note.onset:
                continue
            note = note._replace(length=end - note.onset, release=0.0)  # noqa: PLW2901
        following[note.track] = note.onset
        notes.append(note)
    return Phrase(phrase.grid, tuple(reversed(notes)))


def inflected(alternative: Phrase, played: Phrase) -> Phrase:
    """Return an alternative played as the phrase was: its loudness, its microtiming, its swing.

    Each note has the velocity of the note of its track that was played nearest to it, and the offset of the
    one nearest among those on the same part of a beat.
    """
    if not played.notes:
        return alternative
    size = played.grid.steps_per_beat
    tracks = {track: part.notes for track, part in apart(played).items()}
    by_part: dict[tuple[int, int], list[Note]] = {}
    for note in played.notes:
        by_part.setdefault((note.track, note.onset % size), []).append(note)
    known = {_key(note) for note in played.notes}
    notes = []
    for note in alternative.notes:
        if _key(note) not in known:
            models = tracks.get(note.track, played.notes)
            like = min(
                models, key=lambda other: (abs(other.onset - note.onset), abs(other.pitch - note.pitch))
            )
            timed = min(
                by_part.get((note.track, note.onset % size), [like]),
                key=lambda other: abs(other.onset - note.onset),
            )
            note = note._replace(velocity=like.velocity, offset=timed.offset)  # noqa: PLW2901
        notes.append(note)
    return seated(Phrase.of(alternative.grid, notes), played)


def _key(note: Note) -> NoteKey:
    return note.onset, note.pitch, note.track
