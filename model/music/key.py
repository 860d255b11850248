"""Keys: which one notes are in, by how long each pitch class sounds.  Loads neither numpy nor torch.

The profile of what sounds is correlated with that of each key (Krumhansl 1990, "Cognitive foundations of
musical pitch", chapter 4), with the profiles of Albrecht and Shanahan 2013, "The use of large corpora to
train a new type of key-finding algorithm", table 1.
"""

from collections.abc import Iterable
from functools import cache
from math import sqrt
from statistics import fmean
from typing import NamedTuple

from model.music.phrase import Note
from model.music.tracks import DRUMS

NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MODES = (
    "major",
    "minor",
    "dorian",
    "phrygian",
    "lydian",
    "mixolydian",
    "locrian",
    "harmonic minor",
    "melodic minor",
    "major pentatonic",
    "minor pentatonic",
    "blues",
    "chromatic",
)
"""Scales by name; `DEGREES` has their semitones above the tonic in the same order."""
PROFILES = (
    (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
)
DEGREES = (
    frozenset((0, 2, 4, 5, 7, 9, 11)),
    frozenset((0, 2, 3, 5, 7, 8, 10)),
    frozenset((0, 2, 3, 5, 7, 9, 10)),
    frozenset((0, 1, 3, 5, 7, 8, 10)),
    frozenset((0, 2, 4, 6, 7, 9, 11)),
    frozenset((0, 2, 4, 5, 7, 9, 10)),
    frozenset((0, 1, 3, 5, 6, 8, 10)),
    frozenset((0, 2, 3, 5, 7, 8, 11)),
    frozenset((0, 2, 3, 5, 7, 9, 11)),
    frozenset((0, 2, 4, 7, 9)),
    frozenset((0, 3, 5, 7, 10)),
    frozenset((0, 3, 5, 6, 7, 10)),
    frozenset(range(12)),
)
BLUES = MODES.index("blues")
MODAL = {2: (9, 8), 3: (1, 2), 4: (6, 5), 5: (10, 11)}
"""Modes that are found beside major and minor: the degree that tells each, and whose place it has."""
MODAL_PITCHES, TELLING = 6, 0.05  # degrees that sound, and the share of time of the one that tells the mode
SURE = 0.1  # by which a mode must fit better than major and minor
CLEAR = 0.6  # correlation from which notes are in a key at all,
STAYS = 0.4  # and down to which they are in the one before, where no other fits clearly better
LOW = 52
"""Mean key below which a line lies low: so high at most lie 95 of 100 basses of ensembles."""
FEWEST = 4  # notes, and
PITCHES = 3  # pitch classes, that say something
OUTSIDE = 2.0  # correlation that a scale loses if all of what sounds lies outside of it
STAY = 0.08  # by which another key must fit better than the one before
LONGEST = 8  # steps that a note counts for at most: a pedal tone is one note


@cache
def _scale(tonic: int, mode: int) -> frozenset[int]:
    return frozenset((tonic + degree) % 12 for degree in DEGREES[mode])


class Key(NamedTuple):
    """A key.  `tonic`: pitch class, 0 is C; `mode`: index into `MODES`."""

    tonic: int
    mode: int

    @property
    def name(self) -> str:
        """The key's name, such as "F# minor"."""
        return f"{NAMES[self.tonic]} {MODES[self.mode]}"

    @property
    def scale(self) -> frozenset[int]:
        """The pitch classes of its scale; minor has its natural one."""
        return _scale(self.tonic, self.mode)

    @property
    def minor(self) -> bool:
        """Whether its third is minor."""
        return 3 in DEGREES[self.mode] and 4 not in DEGREES[self.mode]

    def spelled(self, pitch_class: int) -> str:
        """Return a pitch class's name as the key writes it, with its sharps or with its flats."""
        degrees = DEGREES[self.mode]
        if len(degrees) == 7:  # the major scale that shares its notes, or nearly
            root = min(range(12), key=lambda tonic: (len(MAJOR_AT[tonic] ^ self.scale), tonic))
        else:
            root = (self.tonic + 3 * self.minor) % 12
        return SHARPS[pitch_class] if root in SHARP_KEYS else FLATS[pitch_class]


FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
SHARP_KEYS = frozenset((2, 4, 6, 7, 9, 11))
MAJOR_AT = tuple(frozenset((tonic + degree) % 12 for degree in DEGREES[0]) for tonic in range(12))
KEYS = tuple(Key(tonic, mode) for mode in (0, 1) for tonic in range(12))
MODAL_KEYS = tuple(Key(tonic, mode) for mode in MODAL for tonic in range(12))


def _profile(mode: int) -> tuple[float, ...]:
    """Return the profile of a mode that is found: major's or minor's its differing degrees exchanged."""
    found = [*PROFILES[Key(0, mode).minor]]
    if mode in MODAL:
        one, other = MODAL[mode]
        found[one], found[other] = found[other], found[one]
    return tuple(found)


PROFILES_OF = tuple(map(_profile, range(len(MODES))))
"""The profile of each mode; those that are not looked for have major's or minor's."""


def profile(notes: Iterable[Note]) -> tuple[float, ...]:
    """Return how long each of the twelve pitch classes sounds, in steps; drums have none."""
    found = [0.0] * 12
    for note in notes:
        if note.track != DRUMS:
            found[note.pitch % 12] += min(LONGEST, max(0.5, note.length + note.release))
    return tuple(found)


def key_of(notes: Iterable[Note], before: Key | None = None, *, clear: float = CLEAR) -> Key | None:
    """Return the key that notes are in; None where they are too few or in none.

    Args:
        notes: of one phrase or several.
        before: the key so far, which stays unless another fits clearly better, or they are in none by far.
        clear: correlation from which they are in a key at all.
    """
    counted = [note for note in notes if note.track != DRUMS]
    sounding = profile(counted)
    if len(counted) < FEWEST or sum(1 for weight in sounding if weight) < PITCHES:
        return before
    best = max(KEYS, key=lambda key: fit(sounding, key))
    modal = max(MODAL_KEYS, key=lambda key: fit(sounding, key))
    if fit(sounding, modal) > fit(sounding, best) + SURE and _tells(sounding, modal):
        best = modal
    least = min(clear, STAYS)
    if before is not None and fit(sounding, before) + STAY >= fit(sounding, best) >= least:
        return before
    return best if fit(sounding, best) >= clear else None


def nearest_key(notes: Iterable[Note]) -> Key:
    """Return the major or minor key that notes are nearest to, however few they are."""
    sounding = profile(notes)
    return max(KEYS, key=lambda key: fit(sounding, key))


def blues_of(notes: Iterable[Note]) -> Key | None:
    """Return the blues that a line is of: its minor third goes over dominant sevenths on I, IV and V.

    Its tonic sounds longest; it has the minor third, and the flat fifth beside the fourth or the fifth; and
    beside the scale at most the major second, third and sixth.  So is one of 100 phrases of folk tunes.  A
    line as low as a bass's is a riff, over which nobody misses a third.
    """
    line = [note for note in notes if note.track != DRUMS]
    sounding = profile(line)
    if sum(1 for weight in sounding if weight) <= PITCHES or fmean(note.pitch for note in line) < LOW:
        return None
    tonic = max(range(12), key=sounding.__getitem__)
    degree = [sounding[(tonic + one) % 12] for one in range(12)]
    least = TELLING * sum(sounding)
    blue = degree[3] >= least < degree[6] + degree[5] + degree[7] and degree[6] > 0
    return Key(tonic, BLUES) if blue and not degree[1] + degree[8] + degree[11] else None


def fit(sounding: tuple[float, ...], key: Key) -> float:
    """Return how well a key fits a profile: their correlation, less what sounds outside its scale.

    Keys that share most of their notes differ by what one of them has no place for.
    """
    outside = sum(weight for pitch, weight in enumerate(sounding) if pitch not in key.scale)
    return correlation(sounding, key) - OUTSIDE * outside / (sum(sounding) or 1.0)


def _tells(sounding: tuple[float, ...], key: Key) -> bool:
    """Tell whether the degree that a mode is known by sounds, and the one it replaces does not."""
    here, instead = (sounding[(key.tonic + degree) % 12] for degree in MODAL[key.mode])
    degrees = sum(1 for pitch in key.scale if sounding[pitch])
    return degrees >= MODAL_PITCHES and here >= TELLING * sum(sounding) and instead == 0.0


def correlation(sounding: tuple[float, ...], key: Key) -> float:
    """Return the correlation, -1..1, of a profile with a key's."""
    expected = PROFILES_OF[key.mode]
    turned = [sounding[(key.tonic + degree) % 12] for degree in range(12)]
    mean, of_all = sum(turned) / 12, sum(expected) / 12
    away = [value - mean for value in turned]
    norm = sqrt(sum(one * one for one in away) * sum((one - of_all) ** 2 for one in expected))
    together = sum(one * (other - of_all) for one, other in zip(away, expected, strict=True))
    return together / norm if norm else 0.0


def diatonic(scale: frozenset[int], pitches: Iterable[int]) -> frozenset[int]:
    """Return the diatonic scale that holds most of some notes, of equal ones that nearest to a scale.

    A melody in D that has C natural alone moves along D E F# G A B C.

    Args:
        scale: pitch classes; one that is itself not diatonic, such as the blues, is returned.
        pitches: MIDI keys.
    """
    if scale not in MAJOR_AT:
        return scale
    found = [pitch % 12 for pitch in pitches]
    return max(MAJOR_AT, key=lambda one: (sum(pitch in one for pitch in found), len(one & scale)))


def degree_shifted(pitch: int, degrees: int, scale: frozenset[int]) -> int:
    """Return a pitch some degrees of a scale higher; what lies between two degrees lies so afterwards.

    Args:
        pitch: MIDI key; the answer may lie outside 0..127.
        degrees: of the scale, negative for lower.
        scale: pitch classes, one at least.
    """
    ordered = sorted(scale)
    below = max((one for one in ordered if one <= pitch % 12), default=ordered[-1] - 12)
    between = pitch % 12 - below
    place = ordered.index(below % 12) + degrees
    octave, degree = divmod(place, len(ordered))
    return pitch - pitch % 12 + (below - below % 12) + 12 * octave + ordered[degree] + between
