"""Variation: from what was played to another phrase, by as much as is asked for.

A complete alternative is written once.  From the phrase to it leads a course of single changes, each note
that goes paired with one that comes, beat by beat, the strong beats last.  How far the course is followed is
found by what is left of the phrase: by the note F1 of both.  As every state lies on one course, turning the
knob moves between states that contain each other, and what has changed stays changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from model.edits.common import apart, is_monophonic
from model.music.attributes import metrical_weights
from model.music.distance import position
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.playing.retain import NoteKey, seated

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
    """The way from a phrase to its alternative.

    Attributes:
        played: the phrase.
        changes: one after another; after the last of them it is the alternative.
        left: F1 with the phrase before each change, and after the last: len(changes) + 1 numbers, falling.

    """

    played: Phrase
    changes: tuple[Change, ...]
    left: tuple[float, ...]

    def at(self, amount: float) -> Phrase:
        """Return the phrase varied.

        Args:
            amount: 0 is the phrase itself; up to .7 the note F1 with it is 1 less the amount, as near as its
                notes allow; from there to 1 the rest of the way to the alternative.

        """
        steps = self.steps(amount)
        return self._after(steps) if steps else self.played

    def steps(self, amount: float) -> int:
        """Return how many changes an amount makes."""
        wanted = 1.0 - min(max(amount, 0.0), MEASURED)
        reached = min(range(len(self.left)), key=lambda step: abs(self.left[step] - wanted))
        if amount <= MEASURED:
            return reached
        rest = len(self.changes) - reached
        return reached + round(rest * (min(1.0, amount) - MEASURED) / (1.0 - MEASURED))

    def _after(self, steps: int) -> Phrase:
        notes: dict[NoteKey, Note] = {_key(note): note for note in self.played.notes}
        for gone, new in self.changes[:steps]:
            if gone is not None:
                del notes[gone]
            if new is not None:
                notes[_key(new)] = new
        return _in_voice(Phrase.of(self.played.grid, notes.values()), self.played)


def course(played: Phrase, alternative: Phrase, seed: int) -> Course:
    """Return the way from a phrase to an alternative; deterministic.

    Args:
        played: the phrase.
        alternative: on the same grid; new notes take over the phrase's timing and loudness.
        seed: of the order in which beats change.

    """
    before = {_key(note): note for note in played.notes}
    new = [note for note in inflected(alternative, played).notes if _key(note) not in before]
    stays = {_key(note) for note in alternative.notes}
    gone = [note for note in played.notes if _key(note) not in stays]
    changes: list[Change] = []
    for _, leaving, coming in _groups(played.grid, gone, new, seed):
        changes += _paired(leaving, coming, played.grid)
    common, total, size = len(before), len(before), len(before)
    left = [1.0]
    for leaves, comes in changes:
        common -= leaves is not None
        total += (comes is not None) - (leaves is not None)
        left.append(2 * common / (total + size) if total + size else 1.0)
    return Course(played, tuple(changes), tuple(left))


Group = tuple[float, list[Note], list[Note]]


def _groups(grid: Grid, gone: Iterable[Note], new: Iterable[Note], seed: int) -> list[Group]:
    """Return what goes and comes in each beat of each track, the weakest beats first."""
    rng = np.random.default_rng([seed, 1])
    chance = rng.random((grid.beats, 4))
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
