"""Which line of a keyboard's music each note belongs to: melody, bass, or the chords between.

No key of the keyboard divides them; two searches do, both standard library only and fast enough (see
`python -m benchmarks --only lines`) to run between the last note of a phrase and its answer.

1. Hands.  The notes that start together are cut into a low and a high group, either of them perhaps empty,
   so that each hand moves little from group to group, spans little, and keeps to its side of the keyboard.
   A beam search carries the likeliest cuts on from onset to onset; each remembers where it left its hands.
2. Lines.  The melody runs along the top notes of the high groups, the bass along the lowest of the low ones.
   Dynamic programming leaves out those that cost more to reach than to skip: far leaps, what starts under a
   melody note (over a bass note) that sounds on.  So the melody rests while the low hand plays alone, and
   the bass of a stride stays on its low notes.

The skyline, the highest of what starts together, is Uitdenbogerd and Zobel 1998, "Manipulation of music for
melody matching"; that a voice moves to the nearest note and that voices do not cross are the assumptions of
Chew and Wu 2004, "Separating voices in polyphonic music: a contig mapping approach", section 2; two hands
that each move little are the hidden states of Nakamura, Ono and Sagayama 2014, "Merged-output HMM for piano
fingering of both hands".  The costs were chosen by a random search over pieces that the benchmark leaves out.
"""

from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter

from model.errors import ConfigError, did_you_mean
from model.music.harmony import read_note
from model.music.phrase import Note
from model.music.tracks import BASS, CHORDS, MELODY

LINE = "line"
"""How a setting says that no fixed key divides."""

# hands: costs per semitone
REST_LOW, REST_HIGH = 51.0, 70.0  # keys over which the hands wait for music around middle C
FOLLOW_MEAN = 0.8  # share of the way from there to the music's mean that they move before they play
MOVE = 0.13  # for the way from where a hand is to the mean of its notes
FOLLOW = 0.4  # share of that way that the hand goes along, so that a figure does not carry it to and fro
SPAN, REACH = 0.2, 8  # for what a hand's notes span beyond so many semitones
SIDE, MIDDLE = 0.025, 69  # for a low hand above this key, or a high one below
IDLE_LOW, IDLE_HIGH = 0.4, 0.7  # for a hand that neither plays nor holds while the other plays several notes
BEAM = 4  # cuts carried on

# lines: costs per note, leaps per semitone
SKIP_HIGH, SKIP_HIGH_BEAT = 1.2, 12.0  # for leaving out a high group's top note, and on a beat
SKIP_LOW, SKIP_LOW_BEAT = 0.6, 8.0  # the same of a low group's lowest note
LEAP_HIGH, FREE_HIGH = 0.2, 7  # for what the melody leaps down beyond so many
LEAP_LOW, FREE_LOW = 0.06, 6  # for what the bass leaps up
COVERED_HIGH, COVERED_LOW = 6.0, 3.0  # for going to a note under a melody's, over a bass's, that sounds on
LOOK_BACK = 5  # the line's note before is among so many

SINGLE_MIDDLE = 48  # C3: a single line around or above it is a melody, else a bass
APART, FEWEST = 12, 2  # semitones between two lines that never sound together, and notes of each

Group = tuple[int, list[int]]
"""A step and the places of the notes that start at it, from low to high."""

Candidate = tuple[int, int, int, int, float]
"""Onset; height, a pitch, of the bass below 0; step at which it ends; place; what leaving it out costs."""

Division = tuple[float, float, int, float, int, object]
"""What it costs; where its low hand is and the step until which that holds; the same of its high one; its
cuts, the last first, as nested pairs."""

Way = tuple[float, int, float | None, int, float | None, int]
"""Of a cut of a group: its cost, itself, the mean and the last end of the low side, and of the high one."""


def read_split(text: str) -> int | None:
    """Return the key, 0..127, at which a setting divides a keyboard, or None for "line".

    Raises:
        ConfigError: it is neither "line" nor the name of a note; one sentence.
    """
    if text == LINE:
        return None
    try:
        return read_note(text)
    except ConfigError:
        raise ConfigError(
            f"'{text}' divides no keyboard; there is: {LINE}, or a note from C-1 to G9, as C3 or F#2"
            f"{did_you_mean(text, [LINE])}"
        ) from None


def lines(notes: Sequence[Note], steps_per_beat: int) -> list[int]:
    """Return the track of each note as if all were one keyboard's: MELODY, CHORDS or BASS.

    A single line is one part as a whole, unless two that take turns lie an octave apart.

    Args:
        notes: ordered by (onset, pitch), as those of a phrase, none of them a drum's; their own tracks are
            not heeded.
        steps_per_beat: of their grid; lines leave out less of what starts on a beat.
    """
    groups: list[Group] = []
    step = -1
    for place, note in enumerate(notes):
        if note[0] != step:
            step = note[0]
            groups.append((step, []))
        groups[-1][1].append(place)
    cuts = _cuts(notes, groups)
    if _is_single(notes, cuts):
        mean = sum(note[1] for note in notes) / max(1, len(notes))
        return [MELODY if mean >= SINGLE_MIDDLE else BASS] * len(notes)
    high: list[Candidate] = []
    low: list[Candidate] = []
    for (step, places), cut in zip(groups, cuts, strict=True):
        beat = step % steps_per_beat == 0
        if cut < len(places):
            note = notes[places[-1]]
            high.append((step, note[1], step + note[3], places[-1], SKIP_HIGH_BEAT if beat else SKIP_HIGH))
        if cut:
            note = notes[places[0]]
            skip = SKIP_LOW_BEAT if beat else SKIP_LOW
            low.append((step, -note[1], step + note[3], places[0], skip))
    found = [CHORDS] * len(notes)
    for place in _line(high, FREE_HIGH, LEAP_HIGH, COVERED_HIGH):
        found[place] = MELODY
    for place in _line(low, FREE_LOW, LEAP_LOW, COVERED_LOW):
        found[place] = BASS
    return found


def _is_single(notes: Sequence[Note], cuts: Sequence[int]) -> bool:
    """Tell whether notes, of which cut ones are the low hand's, are one line.

    Their ends may overlap by a step, as played ones do.
    """
    if len(cuts) < len(notes) or any(before[0] + before[3] > note[0] + 1 for before, note in pairwise(notes)):
        return False
    low = [note[1] for note, cut in zip(notes, cuts, strict=True) if cut]
    high = [note[1] for note, cut in zip(notes, cuts, strict=True) if not cut]
    return min(len(low), len(high)) < FEWEST or min(high) - max(low) < APART


def _cuts(notes: Sequence[Note], groups: Sequence[Group]) -> list[int]:
    """Return how many notes of each group, from the lowest, the low hand plays."""
    mean = sum(note[1] for note in notes) / max(1, len(notes))
    shift = FOLLOW_MEAN * (mean - (REST_LOW + REST_HIGH) / 2)
    beam: list[Division] = [(0.0, REST_LOW + shift, 0, REST_HIGH + shift, 0, None)]
    for step, places in groups:
        ways = _ways([notes[place][1] for place in places], [step + notes[place][3] for place in places])
        several = len(places) > 1
        reached = []
        for division in beam:
            before, low_at, low_until, high_at, high_until, _ = division
            for way in ways:
                cost, _, low, _, high, _ = way
                cost += before
                if low is not None:
                    cost += MOVE * abs(low - low_at)
                elif several and low_until <= step:
                    cost += IDLE_LOW
                if high is not None:
                    cost += MOVE * abs(high - high_at)
                elif several and high_until <= step:
                    cost += IDLE_HIGH
                reached.append((cost, division, way))
        reached.sort(key=itemgetter(0))
        beam = []
        for cost, division, (_, cut, low, low_end, high, high_end) in reached[:BEAM]:
            _, low_at, low_until, high_at, high_until, cuts = division
            if low is not None:
                low_at, low_until = low_at + FOLLOW * (low - low_at), low_end
            if high is not None:
                high_at, high_until = high_at + FOLLOW * (high - high_at), high_end
            beam.append((cost, low_at, low_until, high_at, high_until, (cut, cuts)))
    found: list[int] = []
    chain = beam[0][5]
    while isinstance(chain, tuple):
        cut, chain = chain
        found.append(cut)
    return found[::-1]


def _ways(pitches: Sequence[int], ends: Sequence[int]) -> list[Way]:
    """Return the ways to cut a group: the pitches rise, and each note ends at a step."""
    count, lowest, highest, whole = len(pitches), pitches[0], pitches[-1], sum(pitches)
    ways: list[Way] = []
    low_sum = low_end = 0
    for cut in range(count + 1):
        cost, high_end = 0.0, 0
        low = high = None
        if cut:
            top = pitches[cut - 1]
            low_sum += top
            low, low_end = low_sum / cut, max(low_end, ends[cut - 1])
            if top > lowest + REACH:
                cost = SPAN * (top - lowest - REACH)
            if top > MIDDLE:
                cost += SIDE * (top - MIDDLE)
        if cut < count:
            bottom = pitches[cut]
            high, high_end = (whole - low_sum) / (count - cut), max(ends[cut:])
            if highest > bottom + REACH:
                cost += SPAN * (highest - bottom - REACH)
            if bottom < MIDDLE:
                cost += SIDE * (MIDDLE - bottom)
        ways.append((cost, cut, low, low_end, high, high_end))
    return ways


def _line(candidates: Sequence[Candidate], free: int, leap: float, covered: float) -> list[int]:
    """Return the places of those through which the cheapest line goes, the last first."""
    best: list[float] = []  # of a line that ends with each, less the cost of leaving out all up to it
    source: list[int] = []
    for number, (onset, height, _, _, skip) in enumerate(candidates):
        cheapest, where = 0.0, -1
        for other in range(max(0, number - LOOK_BACK), number):
            _, its_height, its_end, _, _ = candidates[other]
            cost = best[other]
            way = height - its_height
            if way < 0:
                if its_end > onset + 1:
                    cost += covered
                if -way > free:
                    cost += leap * (-way - free)
            if cost <= cheapest:
                cheapest, where = cost, other
        best.append(cheapest - skip)
        source.append(where)
    found = []
    last = min(range(len(best)), key=best.__getitem__, default=-1)
    while last >= 0:
        found.append(candidates[last][3])
        last = source[last]
    return found
