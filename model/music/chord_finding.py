"""Chords: which one sounds, or is meant by a melody, beat by beat.  Loads neither numpy nor torch.

A hidden Markov model over the major, minor and diminished triads: what of a chord's tones a beat sounds, how
often a chord comes in the key, and how seldom one changes within a bar (Sheh and Ellis 2003, "Chord
segmentation and recognition using EM-trained hidden Markov models"; Temperley 2009, "A unified probabilistic
model for polyphonic music analysis", on why the key belongs in).  The tables were counted on the prepared
ensembles' train split: melody notes over the chords that others play.  A seventh or another colour is read
off what sounds once the triad is known.
Two uses: `progression` finds the chords of what is over, `ChordFilter` those of what is being played.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import NamedTuple

from model.music.grid import Grid
from model.music.harmony import TONES, Chord
from model.music.key import BLUES, Key
from model.music.phrase import Note

MAJOR, MINOR, DIMINISHED, AUGMENTED, SUSPENDED, SEVENTH, MAJOR_SEVENTH, MINOR_SEVENTH = range(len(TONES))
FAMILIES = (MAJOR, MINOR, DIMINISHED)
TRIADS = tuple(Chord(root, quality) for quality in FAMILIES for root in range(12))

SOUNDS = (
    (0.285, 0.006, 0.060, 0.015, 0.190, 0.062, 0.010, 0.245, 0.020, 0.050, 0.034, 0.023),
    (0.310, 0.006, 0.050, 0.245, 0.005, 0.055, 0.006, 0.225, 0.018, 0.019, 0.056, 0.005),
    (0.200, 0.020, 0.008, 0.240, 0.008, 0.037, 0.210, 0.010, 0.090, 0.073, 0.070, 0.010),
)
"""Share of a melody's time on each semitone above the root of a major, a minor and a diminished triad."""
BLUE_SOUNDS = (0.25, 0.01, 0.05, 0.14, 0.09, 0.09, 0.06, 0.15, 0.01, 0.05, 0.09, 0.01)
"""The same above the root of a blues' dominant seventh; set by hand: the corpus has hardly any blues."""
IN_MAJOR = {
    (0, MAJOR): 0.44, (7, MAJOR): 0.21, (5, MAJOR): 0.11, (9, MINOR): 0.07, (2, MINOR): 0.045,
    (4, MINOR): 0.03, (2, MAJOR): 0.02, (4, MAJOR): 0.014, (11, DIMINISHED): 0.012, (9, MAJOR): 0.009,
    (10, MAJOR): 0.006, (7, MINOR): 0.005, (0, MINOR): 0.005, (5, MINOR): 0.005,
}  # fmt: skip
IN_MINOR = {
    (0, MINOR): 0.40, (7, MAJOR): 0.14, (8, MAJOR): 0.085, (5, MINOR): 0.085, (3, MAJOR): 0.07,
    (7, MINOR): 0.05, (10, MAJOR): 0.06, (0, MAJOR): 0.03, (5, MAJOR): 0.025, (2, DIMINISHED): 0.012,
    (11, DIMINISHED): 0.006, (2, MINOR): 0.006, (2, MAJOR): 0.005,
}  # fmt: skip
IN_BLUES = {(0, MAJOR): 0.5, (5, MAJOR): 0.25, (7, MAJOR): 0.15}
"""How often a chord comes, by its root's degree and its family."""
SELDOM = 0.0015  # any other chord
FIRST_STEP = 0.40  # of a mode's scale: its tonic's chord, and
OTHER_STEPS = 0.085  # those of its other degrees
NO_KEY = 1 / len(TRIADS)
STAY = (0.42, 0.75, 0.60, 0.70)  # that a chord stays on the beats of a bar of four
STAY_ELSEWHERE = 0.65
STAY_BAR = 0.42
WEIGHT = 3.0  # of a beat that sounds throughout against what is expected
CHORDAL = 0.75  # log odds of a bass that is the root, per beat, where several notes sound
SPELLED = 3.0  # log odds of a triad that a beat spells out
BASS_TONES = {0: 0.72, 1: 0.12, 2: 0.12}  # of a triad's tones as the bass; anything else shares the rest
ELSE_IN_BASS = 0.005
COLOUR = 0.16  # share of a beat's sound that a fourth tone must have to be named
GUESS = 0.3  # correlation with a key from which it helps with chords, though it is too little to be named
FEWEST = 3  # pitch classes that say something
LIKELY = 0.15  # beats that a tone sounds of a chord which is likely and of which nothing is heard


class BeatSound(NamedTuple):
    """What sounds in a beat.

    Attributes:
        weights: of the twelve pitch classes, in beats that each sounds.
        bass: pitch class of the lowest note where several sound together; None of a single line.
        strong: its place in the bar, 0 for the first beat.
    """

    weights: tuple[float, ...]
    bass: int | None
    place: int


def weigh(notes: Iterable[tuple[float, float, int]], start: float, end: float, place: int) -> BeatSound:
    """Return what sounds between two moments.

    Args:
        notes: (start, end, pitch) each, in beats.
        start: of the beat.
        end: of it.
        place: of the beat in its bar.
    """
    weights = [0.0] * 12
    low, sounding = 128, 0.0
    spans: list[tuple[float, float]] = []
    for first, last, pitch in notes:
        length = min(last, end) - max(first, start)
        if length <= 0:
            continue
        if first >= start:
            length = max(length, 0.25)  # a staccato note means as much as a short one
        weights[pitch % 12] += min(1.0, length)
        sounding += length
        low = min(low, pitch)
        spans.append((max(first, start), max(first, start) + length))
    covered = 0.0
    reached = start
    for first, last in sorted(spans):
        covered += max(0.0, last - max(first, reached))
        reached = max(reached, last)
    several = sounding > 1.3 * covered > 0
    total = sum(weights)
    if total > 1.0:  # thick chords say no more than a beat can
        share = (1.0 + 0.5 * min(1.0, total - 1.0)) / total
        weights = [weight * share for weight in weights]
    return BeatSound(tuple(weights), low % 12 if several else None, place)


def near(beat: BeatSound, chord: Chord | None) -> BeatSound:
    """Return a beat as if a chord that is likely there sounded softly in it, too."""
    if chord is None:
        return beat
    likely = {(chord.root + tone) % 12 for tone in TONES[chord.quality]}
    weights = (weight + LIKELY * (pitch in likely) for pitch, weight in enumerate(beat.weights))
    return beat._replace(weights=tuple(weights))


def beats_of(notes: Iterable[Note], grid: Grid) -> list[BeatSound]:
    """Return what sounds in each beat of a phrase; drums must not be among the notes."""
    size = grid.steps_per_beat
    rows = [
        (start, start + max(0.05, (note.length + min(0.0, note.release)) / size), note.pitch)
        for note in notes
        for start in (max(0.0, (note.onset + note.displacement) / size),)
    ]
    return [weigh(rows, beat, beat + 1, beat % grid.beats_per_bar) for beat in range(grid.beats)]


def expected(key: Key | None) -> tuple[float, ...]:
    """Return how often each of `TRIADS` comes in a key; sums to 1."""
    if key not in _EXPECTED:
        _EXPECTED[key] = _expected(key)
    return _EXPECTED[key]


def _expected(key: Key | None) -> tuple[float, ...]:
    if key is None:
        return (NO_KEY,) * len(TRIADS)
    if key.mode > 1 and key.mode != BLUES:
        found = [_modal(chord, key) for chord in TRIADS]
    else:
        table = (IN_MAJOR, IN_MINOR, IN_BLUES)[min(key.mode, 2)]
        found = [table.get(((chord.root - key.tonic) % 12, chord.quality), SELDOM) for chord in TRIADS]
    total = sum(found)
    return tuple(one / total for one in found)


def _modal(chord: Chord, key: Key) -> float:
    """Return how often a triad comes in a mode that nothing was counted of: those of its scale."""
    sounds = {(chord.root + tone) % 12 for tone in TONES[chord.quality]}
    if len(key.scale) == 12 or not sounds <= key.scale:
        return SELDOM
    return FIRST_STEP if chord.root == key.tonic else OTHER_STEPS


_EXPECTED: dict[Key | None, tuple[float, ...]] = {}
_LOGS = tuple(tuple(log(share) for share in row) for row in SOUNDS)
_BLUE_LOGS = (tuple(map(log, BLUE_SOUNDS)), *_LOGS[1:])


def _likelihood(beat: BeatSound, key: Key | None) -> list[float]:
    """Return the log likelihood of a beat under each of `TRIADS`."""
    logs = _BLUE_LOGS if key is not None and key.mode == BLUES else _LOGS
    sounding = [(pitch, WEIGHT * weight) for pitch, weight in enumerate(beat.weights) if weight]
    found = []
    for root, quality, _ in TRIADS:
        row = logs[quality]
        total = 0.0
        for pitch, weight in sounding:
            total += weight * row[(pitch - root) % 12]
        if beat.bass is not None:
            tone = (beat.bass - root) % 12
            tones = TONES[quality]
            total += CHORDAL * log(BASS_TONES[tones.index(tone)] if tone in tones else ELSE_IN_BASS)
        found.append(total)
    named = plain(beat) if beat.bass is not None else None
    if named is not None and named.quality in FAMILIES:  # an inversion is the chord that it spells
        found[triad_index(named)] += SPELLED
    return found


def _stay(place: int, beats_per_bar: int) -> float:
    if beats_per_bar == 4:
        return STAY[place % 4]
    return STAY_BAR if place == 0 else STAY_ELSEWHERE


def progression(beats: Sequence[BeatSound], key: Key | None, *, beats_per_bar: int) -> list[Chord | None]:
    """Return the likeliest chord of each beat (Viterbi 1967); None throughout where nothing tells any.

    Args:
        beats: one after another.
        key: that they are in.
        beats_per_bar: of the metre.
    """
    if not tells(beats, key):
        return [None] * len(beats)
    often = [log(one) for one in expected(key)]
    best: list[float] = [0.0] * len(TRIADS)
    back: list[list[int]] = []
    for number, beat in enumerate(beats):
        found = _likelihood(beat, key)
        if number == 0:
            best = [often[place] + found[place] for place in range(len(TRIADS))]
            continue
        stay = _stay(beat.place, beats_per_bar)
        staying, going = log(stay), log(1 - stay)
        top = max(range(len(TRIADS)), key=best.__getitem__)
        row, now = [], []
        for place in range(len(TRIADS)):
            stayed, gone = best[place] + staying, best[top] + going + often[place]
            row.append(place if stayed >= gone else top)
            now.append(max(stayed, gone) + found[place])
        back.append(row)
        best = now
    place = max(range(len(TRIADS)), key=best.__getitem__)
    chain = [place]
    for row in reversed(back):
        place = row[place]
        chain.append(place)
    triads = [TRIADS[place] for place in reversed(chain)]
    return [in_blues(chord, key) for chord in coloured(triads, beats)]


def tells(beats: Iterable[BeatSound], key: Key | None) -> bool:
    """Tell whether what sounded is enough for chords: three pitch classes, and a key or a plain chord."""
    total = [0.0] * 12
    for beat in beats:
        total = [one + other for one, other in zip(total, beat.weights, strict=True)]
    if sum(1 for weight in total if weight) < FEWEST:
        return False
    return key is not None or any(plain(beat) is not None for beat in beats)


def plain(beat: BeatSound) -> Chord | None:
    """Return the chord that a beat's pitch classes are, no more and no less; None where they are none."""
    loudest = max(beat.weights, default=0.0)
    sounds = frozenset(pitch for pitch, weight in enumerate(beat.weights) if weight > 0.3 * loudest)
    if len(sounds) < FEWEST:
        return None
    return _PLAIN.get((sounds, beat.bass)) or _PLAIN.get((sounds, None))


_PLAIN: dict[tuple[frozenset[int], int | None], Chord] = {}
for _quality in (SUSPENDED, AUGMENTED, MINOR_SEVENTH, MAJOR_SEVENTH, SEVENTH, *reversed(FAMILIES)):
    for _root in range(12):
        _sounds = frozenset((_root + _tone) % 12 for _tone in TONES[_quality])
        _PLAIN[_sounds, None] = _PLAIN[_sounds, _root] = Chord(_root, _quality)


def coloured(chords: Sequence[Chord | None], beats: Sequence[BeatSound]) -> list[Chord | None]:
    """Return triads as the chords that they are by what sounds over each of them, from change to change."""
    found: list[Chord | None] = []
    begin = 0
    for place in range(1, len(chords) + 1):
        if place < len(chords) and chords[place] == chords[begin]:
            continue
        found += [colour(chords[begin], beats[begin:place])] * (place - begin)
        begin = place
    return found


def in_blues(chord: Chord | None, key: Key | None) -> Chord | None:
    """Return a chord as a dominant seventh where it is the major triad of a blues' I, IV or V."""
    if chord is None or key is None or key.mode != BLUES or chord.quality != MAJOR:
        return chord
    known = ((chord.root - key.tonic) % 12, MAJOR) in IN_BLUES
    return chord._replace(quality=SEVENTH) if known else chord


def colour(chord: Chord | None, beats: Iterable[BeatSound]) -> Chord | None:
    """Return a triad as a seventh, suspended or augmented chord where its beats hold chords of that kind."""
    if chord is None:
        return None
    for beat in beats:
        named = plain(beat)
        if named is not None and named.root == chord.root and _fits(named.quality, chord.quality):
            return named
        if beat.bass is None:  # a line passes over sevenths
            continue
        total = sum(beat.weights)
        for quality in _FOURTH.get(chord.quality, ()):
            if beat.weights[(chord.root + TONES[quality][3]) % 12] > COLOUR * total:
                return Chord(chord.root, quality)
    return chord


_FOURTH: Mapping[int, tuple[int, ...]] = {MAJOR: (SEVENTH, MAJOR_SEVENTH), MINOR: (MINOR_SEVENTH,)}


def _fits(quality: int, family: int) -> bool:
    """Tell whether a quality is one of a triad's family; a suspended chord may be of either."""
    return family == {SEVENTH: MAJOR, MAJOR_SEVENTH: MAJOR, MINOR_SEVENTH: MINOR, AUGMENTED: MAJOR}.get(
        quality, family if quality == SUSPENDED else quality
    )


class ChordFilter:
    """Chords of what is being played, a beat at a time: the forward algorithm.

    `begin` opens a beat, `hear` says what has sounded in it so far, as often as that changes; a chord that is
    foreseen, of a loop say, weighs as much as it is trusted.
    """

    def __init__(self) -> None:
        self._before: list[float] = [NO_KEY] * len(TRIADS)  # after the last whole beat
        self._now: list[float] = list(self._before)  # before what this beat sounds
        self._likely: list[float] = list(self._before)
        self._key: Key | None = None

    def begin(
        self,
        key: Key | None,
        place: int,
        beats_per_bar: int,
        *,
        foreseen: Chord | None = None,
        trust: float = 0.0,
    ) -> None:
        """Open the next beat.

        Args:
            key: that is played in.
            place: of the beat in its bar.
            beats_per_bar: of the metre.
            foreseen: the chord that is expected, by its triad.
            trust: 0..1, how surely.
        """
        self._before, self._key = self._likely, key
        stay = _stay(place, beats_per_bar)
        going = [(1 - stay) * one for one in expected(key)]
        now = [stay * old + new for old, new in zip(self._before, going, strict=True)]
        if foreseen is not None and trust > 0:
            index = triad_index(foreseen)
            now = [(1 - trust) * one for one in now]
            now[index] += trust
        self._now = self._likely = _normal(now)

    def hear(self, beat: BeatSound) -> None:
        """Take what the open beat has sounded so far, in place of what was taken of it before."""
        found = _likelihood(beat, self._key)
        most = max(found)
        weighed = [one * _exp(value - most) for one, value in zip(self._now, found, strict=True)]
        self._likely = _normal(weighed)

    @property
    def chord(self) -> tuple[Chord, float]:
        """The likeliest triad, and how likely it is."""
        place = max(range(len(TRIADS)), key=self._likely.__getitem__)
        return TRIADS[place], self._likely[place]

    def odds(self, chord: Chord) -> float:
        """Return how likely a chord's triad is."""
        return self._likely[triad_index(chord)]


def triad_index(chord: Chord) -> int:
    """Return the place in `TRIADS` of the triad under a chord."""
    family = _FAMILY[chord.quality]
    return FAMILIES.index(family) * 12 + chord.root


_FAMILY = (MAJOR, MINOR, DIMINISHED, MAJOR, MAJOR, MAJOR, MAJOR, MINOR)


def _normal(values: list[float]) -> list[float]:
    total = sum(values) or 1.0
    return [value / total for value in values]


def _exp(value: float) -> float:
    return 0.0 if value < -60 else 2.718281828459045**value
