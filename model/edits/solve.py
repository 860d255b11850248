"""Edits that reach a wanted measure at once, for the closed loop: a decode has milliseconds, not seconds.

Beside `edits.transforms`, whose edits walk by an amount, these solve for the number that is measured.  They
are deterministic and leave a phrase as it is where there is nothing to edit; drums have no pitches to edit.
Those of velocities and lengths are in `model.edits.expression`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from math import ceil, inf, sqrt

import numpy as np

from model.edits import drums as drum_edits
from model.edits.common import CHORD, FULL, apart, by_onset, pitched, scale_of, together, tones
from model.edits.embellishment import embellished
from model.edits.transforms import edit
from model.music.attributes import metrical_weights
from model.music.key import degree_shifted, diatonic
from model.music.phrase import Note, Phrase
from model.music.tracks import CHORDS, DRUMS

CORRECTIONS = 7
WIDEST = 8.0
NEAR = 0.1  # semitones of deviation that snapping to a scale may miss
REACH = 11  # semitones that an interval may grow to: on the scale it is an octave at most
FREE = (13, 9, 6)  # semitones from which an interval may grow over an octave, tried one after another
STEP = 2  # semitones up to which an interval is a step, which stays one at first
WIDE = 14  # semitones to which a leap may grow for steps' sake
MISSED = 0.05  # share of a wanted deviation that may be missed to spare steps and leaps


def shifted(phrase: Phrase, register: float, scale: frozenset[int] | None = None) -> Phrase:
    """Transpose to a mean pitch, as far as every note stays a MIDI key.

    Args:
        phrase: to transpose; drums stay.
        register: wanted mean pitch.
        scale: pitch classes along whose degrees it goes, or where the phrase has more of another diatonic
            scale, along that; None for semitones.
    """
    pitches = [note.pitch for note in pitched(phrase)]
    if not pitches:
        return phrase
    if scale:
        return _along(phrase, pitches, register, diatonic(scale, pitches))
    semitones = round(register - sum(pitches) / len(pitches))
    semitones = max(-min(pitches), min(127 - max(pitches), semitones))
    if not semitones:
        return phrase
    moved = (n if n.track == DRUMS else n._replace(pitch=n.pitch + semitones) for n in phrase.notes)
    return Phrase.of(phrase.grid, moved)


def _along(phrase: Phrase, pitches: Sequence[int], register: float, scale: frozenset[int]) -> Phrase:
    """Transpose by the degrees of a scale that come nearest to a mean pitch."""
    low, high, mean = min(pitches), max(pitches), sum(pitches) / len(pitches)
    middle = round((register - mean) * len(scale) / 12)
    best: tuple[float, int] | None = None
    for degrees in range(middle - 2, middle + 3):
        while degree_shifted(low, degrees, scale) < 0:
            degrees += 1  # noqa: PLW2901
        while degree_shifted(high, degrees, scale) > 127:
            degrees -= 1  # noqa: PLW2901
        got = sum(degree_shifted(pitch, degrees, scale) for pitch in pitches) / len(pitches)
        if best is None or abs(got - register) < best[0]:
            best = abs(got - register), degrees
    degrees = best[1] if best else 0
    if not degrees:
        return phrase
    moved = (
        n if n.track == DRUMS else n._replace(pitch=degree_shifted(n.pitch, degrees, scale))
        for n in phrase.notes
    )
    return Phrase.of(phrase.grid, moved)


def spread_to(phrase: Phrase, wanted: float) -> Phrase:
    """Scale the intervals about the mean pitch, in the phrase's scale, to a standard deviation in semitones.

    Snapping to the scale goes in leaps, so the factor is corrected a few times, between those that were
    too small and too large, and the nearest kept.  Where the line of the highest notes would leap over an
    octave that did not, or leap where it went by step, the run of notes behind comes along instead; only
    where the phrase gets no wider so may steps grow, and then leaps, the widest of the phrase first.
    """
    notes = pitched(phrase)
    if len(notes) < 2:
        return phrase
    body = Phrase(phrase.grid, tuple(notes))
    scale = scale_of(body)
    keys = [key for key in range(128) if key % 12 in scale]
    centre = sum(note.pitch for note in notes) / len(notes)
    now = deviation(body)
    if abs(now - wanted) <= NEAR:
        return phrase
    if now < 0.25:  # one key all along: let it swing to both sides
        away = [1.0 if index % 2 else -1.0 for index in range(len(notes))]
    else:
        away = [note.pitch - centre for note in notes]
    best, error = body, abs(deviation(body) - wanted)
    ways = [*((free, True) for free in FREE), *((free, False) for free in FREE), (0, False)]
    for free, stepwise in ways if wanted > now else ways[-1:]:
        tried, missed = _widened(body, away, wanted, keys, free, stepwise=stepwise)
        if missed < error:
            best, error = tried, missed
        if error <= MISSED * wanted:
            break
    if best is body or len(notes) == len(phrase.notes):
        return phrase if best is body else best
    return together(
        phrase.grid, (best, Phrase(phrase.grid, tuple(n for n in phrase.notes if n.track == DRUMS)))
    )


def _widened(
    body: Phrase, away: Sequence[float], wanted: float, keys: Sequence[int], free: int, *, stepwise: bool
) -> tuple[Phrase, float]:
    """Return the phrase with its distances to the mean scaled, and by how much it misses a deviation.

    Args:
        body: without drums.
        away: distance of each note to the mean pitch, semitones.
        wanted: deviation.
        keys: that are allowed, ascending.
        free: intervals of the highest notes from so many semitones on may grow over an octave; 0: all.
        stepwise: whether their steps stay steps.
    """
    centre = sum(note.pitch for note in body.notes) / len(body.notes)
    best, error = body, abs(deviation(body) - wanted)
    width = sqrt(sum(distance * distance for distance in away) / len(away))
    factor, low, high = wanted / width, 0.0, WIDEST
    for _ in range(CORRECTIONS):
        aims = [factor * distance for distance in away]
        if free:
            aims = _in_runs(body, aims, factor, free, stepwise=stepwise)
        tried = _placed(body, [centre + aim for aim in aims], keys)
        got = deviation(tried)
        if abs(got - wanted) < error:
            best, error = tried, abs(got - wanted)
        if error < NEAR or got < 1e-6:
            break
        low, high = (factor, high) if got < wanted else (low, factor)
        factor *= wanted / got
        if not low < factor < high:
            factor = (low + high) / 2
    return best, error


def _in_runs(body: Phrase, aims: Sequence[float], factor: float, free: int, *, stepwise: bool) -> list[float]:
    """Return aims moved, all notes of an onset alike, so that their highest ones do not leap too far.

    An interval may grow by the factor up to nearly an octave, those that are free further.  The highest and
    the lowest line within these bounds are found in two passes each; their mean is within them, too.
    """
    tops: list[tuple[int, float, int]] = []  # pitch, aim and number of notes of each onset
    onset = -1
    for note, aim in zip(body.notes, aims, strict=True):
        if note.onset != onset:
            onset = note.onset
            tops.append((note.pitch, aim, 1))
        else:
            pitch, highest, count = tops[-1]
            tops[-1] = max(pitch, note.pitch), max(highest, aim), count + 1
    bounds = []
    for (earlier, _, _), (later, _, _) in pairwise(tops):
        interval = abs(later - earlier)
        if interval >= free:
            most = max(interval, WIDE) if stepwise else inf
        else:
            most = max(interval, STEP if stepwise and interval <= STEP else REACH)
        bounds.append(min(factor * interval, most))
    line = [aim for _, aim, _ in tops]
    upper, lower = _within(line, bounds, 1), _within(line, bounds, -1)
    moved = [(high + low) / 2 - aim for high, low, aim in zip(upper, lower, line, strict=True)]
    shifts = [shift for shift, (_, _, count) in zip(moved, tops, strict=True) for _ in range(count)]
    mean = sum(shifts) / len(shifts)
    return [aim + shift - mean for aim, shift in zip(aims, shifts, strict=True)]


def _within(line: Sequence[float], bounds: Sequence[float], side: int) -> list[float]:
    """Return the highest line under another (side -1: the lowest over it) whose steps keep within bounds."""
    found = [side * value for value in line]
    for index, bound in enumerate(bounds):
        found[index + 1] = min(found[index + 1], found[index] + bound)
    for index in range(len(bounds) - 1, -1, -1):
        found[index] = min(found[index], found[index + 1] + bounds[index])
    return [side * value for value in found]


def deviation(phrase: Phrase) -> float:
    """Return the standard deviation of the pitches of notes that are no drums, in semitones."""
    pitches = [note.pitch for note in phrase.notes]
    mean = sum(pitches) / len(pitches)
    return sqrt(sum((pitch - mean) ** 2 for pitch in pitches) / len(pitches))


def _placed(phrase: Phrase, aims: Sequence[float], keys: Sequence[int]) -> Phrase:
    """Return the notes on the allowed keys nearest to where they aim, no two of a chord on one key."""
    notes: list[Note] = []
    taken: set[int] = set()
    onset, lean = -1, 0.0
    for note, aim in zip(phrase.notes, aims, strict=True):
        if note.onset != onset:
            onset, taken = note.onset, set()
        wish = aim - max(-1.0, min(1.0, 0.5 * lean))  # what snapping added so far leans back: the mean stays
        right = bisect_left(keys, wish)
        left = right - 1
        while True:
            near_left = left >= 0 and (right >= len(keys) or wish - keys[left] <= keys[right] - wish)
            if not near_left and right >= len(keys):
                break
            place = keys[left] if near_left else keys[right]
            if place not in taken:
                taken.add(place)
                lean += place - aim
                notes.append(note._replace(pitch=place))
                break
            left, right = (left - 1, right) if near_left else (left, right + 1)
    return Phrase.of(phrase.grid, notes)


def filled(phrase: Phrase, wanted: float) -> Phrase:
    """Thin or fill to a number of onsets per quarter, as `attributes.measure` counts them.

    Of several tracks each gains or loses the same share of its onsets, as far as it can.
    """
    tracks = apart(phrase)
    if not tracks:
        return phrase
    counts = {track: _onsets(part) for track, part in tracks.items()}
    total = sum(counts.values())
    goal = wanted * phrase.grid.quarters * len(tracks)
    if round(goal) == total:
        return phrase
    parts, carry = [], 0.0
    for track, part in sorted(tracks.items(), key=lambda pair: -counts[pair[0]]):
        aim = counts[track] * goal / total + carry
        done = _filled(part, round(aim) - counts[track], drums=track == DRUMS)
        parts.append(done)
        carry = aim - _onsets(done)
    return together(phrase.grid, parts)


def _onsets(part: Phrase) -> int:
    """Count the onsets of one track as density does: on drums every hit is one."""
    return len({(note.onset, note.pitch if note.track == DRUMS else 0) for note in part.notes})


def _filled(phrase: Phrase, change: int, *, drums: bool) -> Phrase:
    """Return one track with so many onsets more or less, as far as there is room."""
    if drums:
        return drum_edits.with_hits(phrase, change)
    grid = phrase.grid
    onsets = len({note.onset for note in phrase.notes})
    room = int(FULL * grid.steps) - onsets if change > 0 else onsets - grid.bars
    if not change or room <= 0:
        return phrase
    done = edit(phrase, "density", max(-1.0, min(1.0, change / room)), np.random.default_rng(0))
    return embellished(done, phrase) if change > 0 else done


Events = dict[int, list[Note]]  # step -> what starts there, of one track


def voiced(phrase: Phrase, wanted: float) -> Phrase:
    """Take notes out of chords, or add consonant ones of the scale, to a mean number of notes an onset.

    Each time the note is chosen that keeps mean and spread of the pitches; the fullest chords lose first,
    single notes on strong steps gain first, up to four at once or as many as it takes.
    """
    tracks = apart(phrase)
    number = CHORDS if CHORDS in tracks else next((track for track in tracks if track != DRUMS), DRUMS)
    if number == DRUMS:
        return phrase
    part = tracks.pop(number)
    others = [other for track, other in tracks.items() if track != DRUMS]
    onsets = sum(len({note.onset for note in other.notes}) for other in others)
    sounding = sum(map(len, others))
    chords = by_onset(part)
    count = len(part.notes)
    change = round(wanted * (len(chords) + onsets)) - count - sounding
    if not change:
        return phrase
    voiced_part = _voiced(part, chords, change, max(CHORD, ceil((count + change) / len(chords))))
    return together(phrase.grid, (voiced_part, *tracks.values()))


def _voiced(phrase: Phrase, chords: Events, change: int, most: int) -> Phrase:
    """Return one track with so many notes more or less on the onsets there are, at most `most` on one."""
    count = len(phrase.notes)
    mean = sum(note.pitch for note in phrase.notes) / count
    variance = max(4.0, deviation(phrase) ** 2)
    weights = metrical_weights(phrase.grid)
    scale = scale_of(phrase)
    tilt = width = 0.0  # what was added to the sum of the distances and to that of their squares

    closed: set[int] = set()  # steps that no further key of the scale is consonant with

    def cost(pitch: int, sign: int) -> float:
        aside = pitch - mean
        return abs(tilt + sign * aside) + abs(width + sign * (aside * aside - variance)) / sqrt(variance)

    missing = abs(change)
    while missing:
        if change < 0:
            step = max(chords, key=lambda s: (len(chords[s]), -weights[s]))
            if len(chords[step]) < 2:
                break
            gone = min(chords[step], key=lambda note: cost(note.pitch, -1))
            chords[step].remove(gone)
            sign, pitch = -1, gone.pitch
        else:
            open_steps = [s for s in chords if len(chords[s]) < most and s not in closed]
            if not open_steps:
                break
            step = min(open_steps, key=lambda s: (len(chords[s]), -weights[s]))
            near = tones(chords[step], scale)
            if not near:
                closed.add(step)
                continue
            sign, pitch = 1, min(near, key=lambda key: cost(key, 1))
            like = min(chords[step], key=lambda note: abs(note.pitch - pitch))
            chords[step].append(like._replace(pitch=pitch))
        missing -= 1
        tilt += sign * (pitch - mean)
        width += sign * ((pitch - mean) ** 2 - variance)
    return Phrase.of(phrase.grid, (note for chord in chords.values() for note in chord))
