"""The alternative to a phrase that a variation goes over into, as a learned writer has it.

It is what comes next, of several drafts the one that goes on best.  The writer knows what was played before
and the parts that others play meanwhile.  Of drums it is another groove on a like kit, for what goes on from
a groove is mostly that groove again.

What is new is not filled in between notes that stay: halfway, such phrases are told from music at an AUC of
.71 (keyboards) and .77 (bands), on the way to what comes next at .57 and .55.
"""

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from model.music.phrase import Note, Phrase
from model.playing.inference.candidates import DRAFTS
from model.playing.variation import MEASURED, note_f1
from model.writing.line_endings import closes
from model.writing.ranker import shipped_ranker
from model.writing.wish import CONTEXT, GRID, Kind, Wish, writable
from model.writing.writer import TOGETHER, Writer

SEEDS = 2**32
LEFT = 0.25
"""F1 that another groove is to have with a groove."""
KIT = 0.3
"""What a groove on quite another kit loses, in F1."""
AGAIN = 30.0
"""What a draft of what comes next loses of its score for F1 with the phrase over what is left at .7."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a writer knows of a phrase.

    Attributes:
        phrase: as it was played, with the parts that joined it.
        tracks: the parts that are varied; None for all.
        context: phrases that were played before, the oldest first.
        scale: pitch classes that new notes keep to; None for all.
    """

    phrase: Phrase
    tracks: frozenset[int] | None = None
    context: tuple[Phrase, ...] = ()
    scale: frozenset[int] | None = None

    @property
    def varied(self) -> Phrase:
        """The parts that are varied."""
        return self.phrase if self.tracks is None else self.phrase.part(*self.tracks)

    @property
    def others(self) -> tuple[Note, ...]:
        """The notes of the others."""
        if self.tracks is None:
            return ()
        return tuple(note for note in self.phrase.notes if note.track not in self.tracks)


def can_write(kind: Kind, material: Material) -> bool:
    """Tell whether a writer knows the metre and the parts of a phrase."""
    tracks = {note.track for note in material.phrase.notes}
    return writable(material.phrase.grid) and bool(material.varied.notes) and tracks <= kind.tracks


def another_groove(
    writer: Writer, material: Material, seed: int, drafts: int = DRAFTS
) -> Generator[None, None, Phrase]:
    """Write grooves; take one that shares about a quarter, on a like kit; yields after each note.

    Args:
        writer: writes.
        material: of drums, that `can_write` takes.
        seed: of all choices.
        drafts: of which one is taken.
    """
    played = material.phrase
    found = yield from _drafts(writer, Wish(Kind.DRUMS), seed, drafts)

    def away(draft: Phrase) -> float:
        return abs(note_f1(draft, played) - LEFT) + KIT * _kits_apart(draft, played)

    return _as_played(min(found, key=away), played)


def following(
    writer: Writer, kind: Kind, material: Material, seed: int, drafts: int = DRAFTS
) -> Generator[None, None, Phrase]:
    """Write what comes next, several times, and take what goes on best; yields after each note.

    Args:
        writer: writes.
        kind: what plays.
        material: of the phrase, that `can_write` takes.
        seed: of all choices.
        drafts: of which one is taken; more take longer, and nothing else.
    """
    played = material.varied
    context = (*_context(kind, played, material.context), _shown(kind, played, material.phrase.notes))
    wish = Wish(
        _kind(kind, played),
        fixed=_shown(kind, played, material.others),
        context=context,
        tracks=frozenset(note.track for note in played.notes),
        scale=material.scale,
    )
    ranker = shipped_ranker()
    if ranker is None or drafts == 1:
        only = yield from writer.write(wish, seed=seed)
        return _as_played(only, material.phrase)
    written = yield from _drafts(writer, wish, seed, drafts)
    found = [_as_played(draft, material.phrase) for draft in written]
    shown = [_shown(kind, played, draft.notes) for draft in found]
    scores = ranker.scores(wish.kind, context, shown)
    if wish.kind is Kind.MELODY:
        scores = scores + np.array([closes(draft) for draft in shown], dtype=np.float32)
    tracks = {note.track for note in played.notes}
    left = np.array([note_f1(draft.part(*tracks), played) for draft in found], dtype=np.float32)
    scores = scores - AGAIN * np.maximum(0, left - (1.0 - MEASURED))
    return found[int(scores.argmax())]


def _kits_apart(one: Phrase, other: Phrase) -> float:
    """Return the share of hits, 0..1, that two grooves have on other drums."""
    hits, others = (Counter(note.pitch for note in phrase.notes) for phrase in (one, other))
    return 1.0 - sum(min(hits[drum] / len(one), others[drum] / len(other)) for drum in hits & others)


def _drafts(writer: Writer, wish: Wish, seed: int, drafts: int) -> Generator[None, None, list[Phrase]]:
    """Write a wish so many times."""
    seeds = [(seed + number) % SEEDS for number in range(drafts)]
    found: list[Phrase] = []
    for first in range(0, drafts, TOGETHER):
        found += yield from writer.write_drafts(wish, seeds[first : first + TOGETHER])
    return found


def _kind(kind: Kind, played: Phrase) -> Kind:
    """Return a keyboard where a melody was played in chords."""
    onsets = [note.onset for note in played.notes]
    return Kind.KEYBOARD if kind is Kind.MELODY and len(set(onsets)) < len(onsets) else kind


def _context(kind: Kind, played: Phrase, context: Sequence[Phrase]) -> tuple[Phrase, ...]:
    """Return the phrases before that the writer can read, as it has them."""
    found = [phrase for phrase in context if phrase.notes and writable(phrase.grid)]
    fitting = [phrase for phrase in found if {note.track for note in phrase.notes} <= kind.tracks]
    return tuple(_shown(_kind(kind, played), phrase, phrase.notes) for phrase in fitting[-CONTEXT:])


def _shown(kind: Kind, played: Phrase, notes: Sequence[Note]) -> Phrase:
    """Return notes as the writer knows them: a line's end where the next one starts."""
    lines = _kind(kind, played).lines
    following_onset: dict[int, int] = {}
    found = []
    for note in reversed(Phrase.of(GRID, notes).notes):
        end = following_onset.get(note.track, GRID.steps)
        if note.track in lines and end == note.onset:
            continue  # two at once: the higher one is the line
        length = min(note.length, end - note.onset) if note.track in lines else note.length
        found.append(note._replace(length=length, release=0.0))
        following_onset[note.track] = note.onset
    return Phrase(GRID, tuple(reversed(found)))


def _as_played(written: Phrase, played: Phrase) -> Phrase:
    """Return a phrase with those of its notes that were played as they were."""
    known = {(note.onset, note.pitch, note.track): note for note in played.notes}
    return Phrase.of(
        written.grid, (known.get((note.onset, note.pitch, note.track), note) for note in written.notes)
    )
