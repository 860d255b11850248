"""Chords and bass of a band from phrase to phrase: the progression stays, how it is played is varied.

Exact, and fast enough to run between a key and the next note: neither numpy nor torch.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from random import Random

from model.music.attributes import metrical_weights
from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.phrase import Note, cut_to

WAYS = 4
"""As it was written, its bars exchanged, inverted or broken the other way, and with fewer, shorter chords.

Held ones are struck again there: of 770 phrases of held chords .81 have two strokes or more.
"""
HIGHEST = 79  # key that a voice which goes up an octave reaches at most
THINNED = 0.3  # of the strokes off the beats


def varied_chords(
    notes: Iterable[Note], written: Sequence[Chord | None], grid: Grid, *, number: int, seed: int
) -> tuple[list[Note], list[Chord | None]]:
    """Return chords as they are played the next time, and the chord of each beat that they are now of.

    Args:
        notes: of the chords' track, in order.
        written: the chord of each beat that they were written under.
        grid: of the phrase.
        number: of the phrase since they were written; 0 is as they are.
        seed: of the choices.
    """
    known, chords = [*notes], [*written]
    way = number % WAYS
    if way == 1 and grid.bars % 2 == 0:
        half = grid.steps // 2
        known = [
            note._replace(onset=(note.onset + half) % grid.steps)
            for long in known
            for note in _struck_again(long, half if long.onset < half else grid.steps)
        ]
        middle = len(chords) // 2
        chords = chords[middle:] + chords[:middle]
    elif way == 2:
        known = [note for _, stroke in groupby(known, _onset) for note in _inverted([*stroke])]
        known = _turned(known, chords, grid)
    elif way == 3 and all(note.length >= grid.steps_per_bar // 2 for note in known):
        half = grid.steps_per_bar // 2
        known = [
            one for note in known for one in _struck_again(note, note.onset + max(half, note.length // 2))
        ]
    elif way == 3:
        rng = Random(seed * 6007 + number)  # noqa: S311  music, no secret
        strokes = [[*stroke] for _, stroke in groupby(known, _onset)]
        known = [
            cut_to(note, max(1, note.length // 2)) if stroke[0].onset % grid.steps_per_beat else note
            for stroke in strokes
            if len(strokes) < 3 or not stroke[0].onset % grid.steps_per_beat or rng.random() >= THINNED
            for note in stroke
        ]
    known.sort()
    return known, chords


def _onset(note: Note) -> int:
    return note.onset


def _inverted(stroke: list[Note]) -> list[Note]:
    """Return a struck chord with its lowest voice an octave higher."""
    if len(stroke) < 2 or stroke[0].pitch + 12 > HIGHEST:
        return stroke
    return [*stroke[1:], stroke[0]._replace(pitch=stroke[0].pitch + 12)]


def _struck_again(note: Note, step: int) -> list[Note]:
    """Return a note that is struck again where it sounds across a step."""
    if note.onset + note.length <= step:
        return [note]
    return [cut_to(note, step - note.onset), _again(note, step)]


def _turned(notes: list[Note], chords: Sequence[Chord | None], grid: Grid) -> list[Note]:
    """Return broken chords the other way round: the keys of one chord's single notes in a bar, reversed."""
    strokes = Counter(note.onset for note in notes)
    runs: dict[tuple[int, Chord | None], list[int]] = {}
    for place, note in enumerate(notes):
        if strokes[note.onset] == 1:
            chord = chords[min(note.onset // grid.steps_per_beat, len(chords) - 1)] if chords else None
            runs.setdefault((note.onset // grid.steps_per_bar, chord), []).append(place)
    found = [*notes]
    for places in runs.values():
        for place, other in zip(places, reversed(places), strict=True):
            found[place] = notes[place]._replace(pitch=notes[other].pitch)
    return found


def varied_bass(notes: Iterable[Note], grid: Grid, *, number: int, seed: int) -> list[Note]:
    """Return a bass line as it is played the next time: long notes are struck again, short ones left out.

    Args:
        notes: of one voice.
        grid: of the phrase.
        number: of the phrase since it was written; 0 is as it is.
        seed: of the choices.
    """
    known = [*notes]
    if not number % 2:
        return known
    rng = Random(seed * 5003 + number)  # noqa: S311  music, no secret
    beat = grid.steps_per_beat
    found: list[Note] = []
    for note in known:
        if note.length >= 2 * beat and rng.random() < 0.5:
            first = note.length // 2
            found += [cut_to(note, first), _again(note, note.onset + first)]
        elif note.length < beat and note.onset % beat and len(known) > 4 and rng.random() < 0.3:
            continue
        else:
            found.append(note)
    return found


def thinned(notes: Iterable[Note], grid: Grid, turn: float) -> list[Note]:
    """Return a part with fewer strokes, or with more where long ones are struck again.

    Args:
        notes: of one part, in order.
        grid: of the phrase.
        turn: -1 leaves one stroke a bar, 1 strikes all that last an eighth or more twice; 0 changes nothing.
    """
    strokes = [[*stroke] for _, stroke in groupby(notes, _onset)]
    weights = metrical_weights(grid)
    if turn < 0:
        most = max(grid.bars, round((1 + turn) * len(strokes)))
        stay = sorted(strokes, key=lambda stroke: (-weights[stroke[0].onset], stroke[0].onset))[:most]
        return sorted(note for stroke in stay for note in stroke)
    shortest = max(2, grid.steps_per_beat // 2)
    long = [stroke for stroke in strokes if min(note.length for note in stroke) >= shortest]
    long.sort(key=lambda stroke: (-min(note.length for note in stroke), stroke[0].onset))
    twice = {stroke[0].onset for stroke in long[: round(turn * len(long))]}
    found: list[Note] = []
    for stroke in strokes:
        for note in stroke:
            if note.onset not in twice:
                found.append(note)
                continue
            first = (note.length + 1) // 2
            again = note.onset + first
            found += [cut_to(note, first), _again(note, again)._replace(velocity=max(1, note.velocity - 10))]
    return sorted(found)


def _again(note: Note, step: int) -> Note:
    """Return a note struck again on a step while it sounds."""
    rest = note.onset + note.length - step
    return note._replace(onset=step, length=rest, offset=0.0, displacement=0.0, release=0.0)
