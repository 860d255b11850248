"""Variation: from what was played to another phrase, by as much as is asked for.

Complete alternatives are written once, see `playing.alternatives`.  From the phrase to them leads a course of
single changes, each note that goes paired with one that comes, beat by beat from the end: what is new follows
on what is left, with one seam.  How far the course is followed is found by what is left of the phrase: by the
note F1 of both.  As every state lies on one course, turning the knob moves between states that contain each
other.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from model.edits.common import apart, is_monophonic
from model.music.attributes import metrical_weights
from model.music.distance import position
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.playing.inference.retain import NoteKey, seated

MEASURED = 0.7
"""Up to here what is left of a phrase is 1 less the knob; beyond it comes the rest of the way."""

Change = tuple[NoteKey | None, Note | None]
"""A note that goes and one that comes."""
Late = tuple[Sequence[float], Sequence[float]]


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
        left: F1 of its varied parts before each change, and after the last: len(changes) + 1 numbers.
    """

    played: Phrase
    changes: tuple[Change, ...]
    left: tuple[float, ...]

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
        reached = _nearest(self.left, wanted)
        if amount <= MEASURED:
            return reached
        rest = len(self.changes) - reached
        return reached + round(rest * (min(1.0, amount) - MEASURED) / (1.0 - MEASURED))

    def _after(self, steps: int) -> Phrase:
        notes = _changed(self.played, self.changes[:steps])
        return _in_voice(Phrase.of(self.played.grid, notes.values()), self.played)


def course(
    played: Phrase,
    alternatives: Sequence[Phrase],
    order: int = 0,
    seed: int = 0,
    tracks: Collection[int] | None = None,
) -> Course:
    """Return the way from a phrase to one alternative after the other; deterministic.

    Args:
        played: the phrase.
        alternatives: on the same grid; new notes take over the phrase's timing and loudness.
        order: how many beats before the last one the changes begin; those behind it come after those before.
        seed: of the order in which beats of drums change.
        tracks: the parts that are varied, by whose notes is counted what is left; None for all.
    """
    changes: list[Change] = []
    left = [1.0]
    known = {_key(note) for note in played.notes if tracks is None or note.track in tracks}
    for alternative in alternatives:
        _lead_on(played, changes, left, alternative, late=_late(played.grid, order, seed), known=known)
    return Course(played, tuple(changes), tuple(left))


def _lead_on(
    played: Phrase,
    changes: list[Change],
    left: list[float],
    alternative: Phrase,
    *,
    late: Late,
    known: set[NoteKey],
) -> None:
    """Lead a course on to another alternative; `known` are the notes by which is counted what is left."""
    present = _changed(played, changes)
    common = len(known & present.keys())
    coming = {_key(note): note for note in inflected(alternative, played).notes}
    gone = [note for key, note in present.items() if key not in coming]
    new = [note for key, note in coming.items() if key not in present]
    ahead = _exchanged(
        change
        for leaving, entering in _groups(played.grid, gone, new, late)
        for change in _paired(leaving, entering, played.grid)
    )
    size = len(known) + len(present) - len({_key(note) for note in played.notes})
    for change in ahead:
        changes.append(change)
        size += (change[1] is not None) - (change[0] is not None)
        common += (change[1] is not None and _key(change[1]) in known) - (change[0] in known)
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


def _late(grid: Grid, order: int, seed: int) -> Late:
    """Return how late each beat changes: of drums and of the rest; see `course`.

    The first beat of all is the last one.  Of drums the first beats of bars come before it, the others in any
    order: a groove that is new from some beat to its end is told from music (AUC .66, so .62).
    """
    chance = np.random.default_rng([seed, 1]).random(grid.beats).tolist()
    beats = range(grid.beats)
    drums = [chance[beat] + (2 if not beat else not beat % grid.beats_per_bar) for beat in beats]
    return drums, [(grid.beats - 1 - order - beat) % grid.beats if beat else grid.beats for beat in beats]


def _groups(
    grid: Grid, gone: Iterable[Note], new: Iterable[Note], late: Late
) -> list[tuple[list[Note], list[Note]]]:
    """Return what goes and comes in each beat of each track, in the order of the changes."""
    groups: dict[tuple[float, int], tuple[list[Note], list[Note]]] = {}
    for coming, notes in enumerate((gone, new)):
        for note in notes:
            place = late[note.track != DRUMS][note.onset // grid.steps_per_beat]
            groups.setdefault((place, note.track), ([], []))[coming].append(note)
    return [groups[place] for place in sorted(groups)]


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
