"""Embellishment: notes that were added to a phrase pass, turn and leap as in music, in place of repeating.

Between two notes that stay the added ones go along the scale; where that would repeat a pitch they are
neighbours of it, or a third away, in turn (passing and neighbour notes, and arpeggiation: Forte and Gilbert
1982, "Introduction to Schenkerian analysis", chapters 1 and 2).  Among chords it is the highest notes that go
so, along the tones of the chords before and after.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from model.edits.common import Chords, apart, by_onset, join, scale_of, together
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS

AWAY = (1, -1, 2, -2)
"""Degrees beside a pitch that would be repeated, in turn, so that the mean stays."""
OCTAVE = 12
CLEAR = 3  # semitones that the others of a chord lie below its highest note, at least
FEWEST = 3  # pitch classes of two chords that are enough to go along


def embellished(phrase: Phrase, before: Phrase) -> Phrase:
    """Return a phrase whose added notes have pitches of their own, wherever some of a run repeat one.

    Args:
        phrase: any; each of its tracks is a line, or chords whose highest notes are one; drums stay.
        before: the same without the notes that were added; what starts on its onsets stays.
    """
    known = apart(before)
    parts = apart(phrase)
    done = {
        track: _embellished(part, known[track]) if track in known and track != DRUMS else part
        for track, part in parts.items()
    }
    if all(done[track] is part for track, part in parts.items()):
        return phrase
    return together(phrase.grid, done.values())


def _embellished(phrase: Phrase, before: Phrase) -> Phrase:
    """Return one track whose runs of added onsets repeat no highest note."""
    known = {note.onset for note in before.notes}
    chords = by_onset(phrase)
    tops = {step: chord[-1] for step, chord in chords.items()}  # a phrase is in order of pitch, too
    staying = [step for step in chords if step in known]
    if not staying:
        return phrase
    scale = scale_of(before)
    steps, highest = list(tops), list(tops.values())  # in order, so that a run is a slice
    turn = 0
    changed: Chords = {}
    for left, right in pairwise((None, *staying, None)):
        first = 0 if left is None else bisect_left(steps, left)
        end = len(steps) if right is None else bisect_left(steps, right)
        run = highest[first:end] if left is None else highest[first + 1 : end]
        if not run:
            continue
        line = highest[first : end + 1]
        if any(one.pitch == other.pitch for one, other in pairwise(line)):
            ends = [step for step in (left, right) if step is not None]
            keys = _keys(scale, [chords[step] for step in ends])
            low, high = tops[ends[0]].pitch, tops[ends[-1]].pitch
            for top in _filled(run, low, high, keys, turn):
                changed[top.onset] = _topped(chords[top.onset], top)
        turn += len(run)
    return join(phrase.grid, chords | changed) if changed else phrase


def _keys(scale: frozenset[int], ends: Sequence[Sequence[Note]]) -> Sequence[int]:
    """Return the keys to go along: those of the chords at the ends, of single notes those of a scale."""
    tones = frozenset(note.pitch % OCTAVE for chord in ends for note in chord)
    chordal = any(len(chord) > 1 for chord in ends) and len(tones) >= FEWEST
    return _keys_of(tones if chordal else scale)


@cache
def _keys_of(tones: frozenset[int]) -> Sequence[int]:
    """Return the keys of some pitch classes, of which there are at most 4,096."""
    return tuple(key for key in range(128) if key % OCTAVE in tones)


def _topped(chord: Sequence[Note], top: Note) -> list[Note]:
    """Return a chord with another highest note; of the others those too near or above go an octave down."""
    if len(chord) == 1:
        return [top]
    found = [top]
    for note in reversed(chord[:-1]):
        pitch = note.pitch
        while pitch > top.pitch - CLEAR:
            pitch -= OCTAVE
        if pitch >= 0 and all(pitch != other.pitch for other in found):
            found.append(note._replace(pitch=pitch))
    return sorted(found)


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
