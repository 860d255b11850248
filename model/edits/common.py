"""What musical edits are made of: scales, chords by step, tracks apart, and a tally of what must stay.

Tested in tests/model/edits/test_transforms.py.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby, pairwise
from math import sqrt

from model.music.attributes import WEIGHT_FLOOR, metrical_weights, weight_bounds
from model.music.grid import Grid
from model.music.phrase import Note, Phrase, resized
from model.music.tracks import DRUMS

MAJOR = frozenset((0, 2, 4, 5, 7, 9, 11))
CONSONANT = frozenset((0, 3, 4, 5, 7, 8, 9))
CHORD = 4  # notes on one step that polyphony builds at most
FULL = 0.95  # share of the steps that density fills at most: on a full grid no rhythm is left to keep

OFF_BEAT = 0.075
"""Complexity that weighs as much as a spread of another attribute: half its own, for thinning adds to it."""

Chords = dict[int, list[Note]]
Sums = tuple[float, float, float, float, float, float]


def apart(phrase: Phrase) -> dict[int, Phrase]:
    """Return the tracks of a phrase, in order, each as a phrase of its own whose notes keep their track."""
    tracks: dict[int, list[Note]] = {}
    for note in phrase.notes:
        tracks.setdefault(note.track, []).append(note)
    if len(tracks) == 1:
        return {next(iter(tracks)): phrase}
    return {track: Phrase(phrase.grid, tuple(tracks[track])) for track in sorted(tracks)}


def together(grid: Grid, parts: Iterable[Phrase]) -> Phrase:
    """Return one phrase of several tracks."""
    parts = list(parts)
    return parts[0] if len(parts) == 1 else Phrase.of(grid, (note for part in parts for note in part.notes))


def pitched(phrase: Phrase) -> list[Note]:
    """Return the notes that are no drums."""
    return [note for note in phrase.notes if note.track != DRUMS]


def is_monophonic(phrase: Phrase) -> bool:
    """Tell whether no note starts before the one before it has ended."""
    return all(first.onset + first.length <= second.onset for first, second in pairwise(phrase.notes))


def scale_of(phrase: Phrase) -> frozenset[int]:
    """Return the pitch classes to write new notes in.

    Those of the phrase; where it has fewer than five, with those of the major scale that holds most of its
    notes (of equal ones the nearest to C on the circle of fifths).
    """
    counts = [0] * 12
    for note in phrase.notes:
        counts[note.pitch % 12] += 1
    used = frozenset(pitch for pitch in range(12) if counts[pitch])
    if len(used) >= 5:
        return used
    circle = sorted(range(12), key=lambda tonic: min(tonic * 7 % 12, -tonic * 7 % 12))
    best = max(circle, key=lambda tonic: sum(counts[(degree + tonic) % 12] for degree in MAJOR))
    return used | {(degree + best) % 12 for degree in MAJOR}


def snap(pitch: float, scale: frozenset[int], taken: frozenset[int] | set[int] = frozenset()) -> int | None:
    """Return the key nearest to a pitch that lies in the scale, within 0..127, and is not taken."""
    centre = min(127, max(0, round(pitch)))
    best: int | None = None
    for away in range(128):
        for key in (centre - away, centre + away):
            free = 0 <= key <= 127 and key % 12 in scale and key not in taken
            if free and (best is None or abs(key - pitch) < abs(best - pitch)):
                best = key
        if best is not None and abs(best - pitch) <= away:
            return best
    return best


def by_onset(phrase: Phrase) -> Chords:
    """Return the notes that start together, by onset step, in order."""
    return {step: list(chord) for step, chord in groupby(phrase.notes, key=lambda note: note.onset)}


class Tally:
    """Running sums of a phrase under edit, and how far a change would move what must stay.

    `Sums` are onsets, their metrical weight, notes, and the sums of pitches, squared pitches and velocities.
    """

    def __init__(self, phrase: Phrase) -> None:
        self.grid = phrase.grid
        self.weights = metrical_weights(phrase.grid)
        self._strongest, self._weakest = weight_bounds(phrase.grid)
        self.sums: Sums = (0.0,) * 6
        for step, chord in by_onset(phrase).items():
            self.add(self.of(step, chord))
        self.rest = self.measures(self.sums)

    def of(self, step: int, chord: list[Note], sign: int = 1) -> Sums:
        """Return what the notes that start on one step add (sign -1: take away)."""
        pitches = [note.pitch for note in chord]
        loud = sum(note.velocity for note in chord)
        squares = sum(pitch * pitch for pitch in pitches)
        return (
            sign,
            sign * self.weights[step],
            sign * len(chord),
            sign * sum(pitches),
            sign * squares,
            sign * loud,
        )

    def add(self, change: Sums) -> None:
        """Take a change over."""
        a, b = self.sums, change
        self.sums = (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5])

    def measures(self, sums: Sums) -> tuple[float, float, float, float, float]:
        """Return complexity, register, range, polyphony and dynamics, each over about its spread in music.

        Complexity is over half of it: what thinning adds, as strong steps go too, is countered first.
        """
        onsets, weight, notes, total, squares, loud = sums
        mean = total / notes
        number = round(onsets)
        high = self._strongest[number]
        return (
            (high - weight) / max(high - self._weakest[number], WEIGHT_FLOOR) / OFF_BEAT,
            mean / 6.0,
            sqrt(max(0.0, squares / notes - mean * mean)) / 2.0,
            notes / onsets / 0.5,
            loud / notes / 15.0,
        )

    def drift(self, change: Sums) -> float:
        """Return how far the attributes would lie from where they were after a change of the sums."""
        a, b = self.sums, change
        now = self.measures((a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5]))
        then = self.rest
        return (
            abs(now[0] - then[0])
            + abs(now[1] - then[1])
            + abs(now[2] - then[2])
            + abs(now[3] - then[3])
            + abs(now[4] - then[4])
        )


def extend_into(chords: Chords, step: int, end: int) -> None:
    """Let a note that ended where another started sound to the given step."""
    earlier = max((s for s in chords if s < step), default=None)
    if earlier is not None and chords[earlier][0].onset + chords[earlier][0].length == step:
        chords[earlier][0] = resized(chords[earlier][0], end - earlier)


def cut_before(chords: Chords, step: int) -> None:
    """End the note that sounds across a step there."""
    earlier = max((s for s in chords if s < step), default=None)
    if earlier is not None and chords[earlier][0].onset + chords[earlier][0].length > step:
        chords[earlier][0] = resized(chords[earlier][0], step - earlier)


def join(grid: Grid, chords: Chords) -> Phrase:
    """Return the phrase of these chords."""
    return Phrase.of(grid, (note for chord in chords.values() for note in chord))


def tones(chord: Sequence[Note], scale: frozenset[int]) -> tuple[int, ...]:
    """Return keys of the scale within an octave of a chord that are consonant with all of it."""
    return _consonant(tuple(note.pitch for note in chord), scale)


@lru_cache(4096)  # a phrase is asked again and again for the chords that it has
def _consonant(present: tuple[int, ...], scale: frozenset[int]) -> tuple[int, ...]:
    near = range(max(0, min(present) - 12), min(127, max(present) + 12) + 1)
    return tuple(
        key
        for key in near
        if key % 12 in scale and all(key != other and abs(key - other) % 12 in CONSONANT for other in present)
    )
