"""Edits that reach a wanted measure at once, for the closed loop: a decode has milliseconds, not seconds.

Beside `model.transforms`, whose edits walk by an amount, these solve for the number that is measured.  They
are deterministic and leave a phrase as it is where there is nothing to edit.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from math import sqrt

from model.attributes import WEIGHT_FLOOR, measure, metrical_weights, weight_bounds
from model.phrase import Note, Phrase, fold_pitch
from model.transforms import CHORD, is_monophonic, scale_of

CORRECTIONS = 4
CONSONANT = frozenset((0, 3, 4, 5, 7, 8, 9))
WIDEST = 8.0


def shifted(phrase: Phrase, register: float) -> Phrase:
    """Transpose to a mean pitch, to the semitone and as far as every note stays a MIDI key."""
    if not phrase.notes:
        return phrase
    semitones = round(register - measure(phrase)["register"])
    low = min(note.pitch for note in phrase.notes)
    high = max(note.pitch for note in phrase.notes)
    semitones = max(-low, min(127 - high, semitones))
    if not semitones:
        return phrase
    moved = (note._replace(pitch=fold_pitch(note.pitch + semitones)) for note in phrase.notes)
    return Phrase.of(phrase.grid, moved)


def levelled(phrase: Phrase, dynamics: float) -> Phrase:
    """Move all velocities to a mean of 1..127, each by the same share of its way to 1 or 127."""
    if not phrase.notes:
        return phrase
    now = measure(phrase)["dynamics"]
    goal = 127 if dynamics > now else 1
    share = (dynamics - now) / (goal - now) if goal != now else 0.0
    if share <= 0:
        return phrase
    share = min(1.0, share)
    moved = (n._replace(velocity=round(n.velocity + share * (goal - n.velocity))) for n in phrase.notes)
    return Phrase.of(phrase.grid, moved)


def spread_to(phrase: Phrase, wanted: float) -> Phrase:
    """Scale the intervals about the mean pitch, in the phrase's scale, to a standard deviation in semitones.

    Snapping to the scale misses a little, so the factor is corrected a few times and the nearest kept.
    """
    now = measure(phrase)["range"]
    if len(phrase.notes) < 2:
        return phrase
    scale = scale_of(phrase)
    keys = [key for key in range(128) if key % 12 in scale]
    centre = sum(note.pitch for note in phrase.notes) / len(phrase.notes)
    if now < 0.25:  # one key all along: let it swing to both sides
        away = [1.0 if index % 2 else -1.0 for index in range(len(phrase.notes))]
        now = 1.0
    else:
        away = [note.pitch - centre for note in phrase.notes]
    best, error = phrase, abs(measure(phrase)["range"] - wanted)
    factor = wanted / now
    for _ in range(CORRECTIONS):
        tried = _placed(phrase, [centre + factor * distance for distance in away], keys)
        got = measure(tried)["range"]
        if abs(got - wanted) < error:
            best, error = tried, abs(got - wanted)
        if error < 0.1 or got < 1e-6:
            break
        factor = min(WIDEST, factor * wanted / got)
    return best


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


def syncopated(phrase: Phrase, wanted: float) -> Phrase:
    """Move onsets to weaker (or stronger) free steps between their neighbours until complexity is reached.

    With the number of onsets unchanged complexity is linear in the sum of their metrical weights, so that
    what is missing is known; the move that gains most for its distance comes first, none leads past it.
    """
    grid = phrase.grid
    chords = {step: list(chord) for step, chord in groupby(phrase.notes, key=lambda note: note.onset)}
    onsets = sorted(chords)
    if not onsets:
        return phrase
    weights = metrical_weights(grid)
    strongest, weakest = weight_bounds(grid)
    high, low = strongest[len(onsets)], weakest[len(onsets)]
    aim = high - wanted * max(high - low, WEIGHT_FLOOR)
    missing = aim - sum(weights[step] for step in onsets)
    places = list(onsets)
    moved = False
    while abs(missing) > 0.5:
        best: tuple[float, int, int] | None = None
        for index, step in enumerate(places):
            first = max(places[index - 1] + 1 if index else 0, onsets[index] - grid.steps_per_beat)
            last = places[index + 1] if index + 1 < len(places) else grid.steps
            for target in range(first, min(last, onsets[index] + grid.steps_per_beat + 1)):
                gain = weights[target] - weights[step]
                if gain * missing > 0 and abs(gain) <= abs(missing) + 0.5:
                    score = abs(gain) - 0.6 * abs(target - onsets[index])
                    if best is None or score > best[0]:
                        best = score, index, target
        if best is None:
            break
        _, index, target = best
        missing -= weights[target] - weights[places[index]]
        places[index] = target
        moved = True
    return _replaced(phrase, chords, places) if moved else phrase


def _replaced(phrase: Phrase, chords: dict[int, list[Note]], places: Sequence[int]) -> Phrase:
    """Return the chords, in order, at new onsets; ends stay, a single line stays one."""
    onsets = sorted(chords)
    mono = is_monophonic(phrase)
    notes: list[Note] = []
    for index, (old, new) in enumerate(zip(onsets, places, strict=True)):
        following = index + 1 < len(onsets)
        for note in chords[old]:
            end = old + note.length
            if mono and following:
                end = places[index + 1] if end == onsets[index + 1] else min(end, places[index + 1])
            notes.append(note._replace(onset=new, length=max(1, end - new)))
    return Phrase.of(phrase.grid, notes)


def voiced(phrase: Phrase, wanted: float) -> Phrase:
    """Take notes out of chords, or add consonant ones of the scale, to a mean number of notes an onset.

    Each time the note is chosen that keeps mean and spread of the pitches; the fullest chords lose first,
    single notes on strong steps gain first, up to four at once.
    """
    chords = {step: list(chord) for step, chord in groupby(phrase.notes, key=lambda note: note.onset)}
    if not chords:
        return phrase
    count = len(phrase.notes)
    change = round(wanted * len(chords)) - count
    if not change:
        return phrase
    mean = sum(note.pitch for note in phrase.notes) / count
    variance = max(4.0, measure(phrase)["range"] ** 2)
    weights = metrical_weights(phrase.grid)
    scale = scale_of(phrase)
    tilt = width = 0.0  # what was added to the sum of the distances and to that of their squares

    def cost(pitch: int, sign: int) -> float:
        aside = pitch - mean
        return abs(tilt + sign * aside) + abs(width + sign * (aside * aside - variance)) / sqrt(variance)

    for _ in range(abs(change)):
        if change < 0:
            step = max(chords, key=lambda s: (len(chords[s]), -weights[s]))
            if len(chords[step]) < 2:
                break
            gone = min(chords[step], key=lambda note: cost(note.pitch, -1))
            chords[step].remove(gone)
            sign, pitch = -1, gone.pitch
        else:
            open_steps = [s for s in chords if len(chords[s]) < CHORD]
            if not open_steps:
                break
            step = min(open_steps, key=lambda s: (len(chords[s]), -weights[s]))
            tones = _tones(chords[step], scale)
            if not tones:
                break
            sign, pitch = 1, min(tones, key=lambda key: cost(key, 1))
            like = min(chords[step], key=lambda note: abs(note.pitch - pitch))
            chords[step].append(like._replace(pitch=pitch))
        tilt += sign * (pitch - mean)
        width += sign * ((pitch - mean) ** 2 - variance)
    return Phrase.of(phrase.grid, (note for chord in chords.values() for note in chord))


def _tones(chord: Sequence[Note], scale: frozenset[int]) -> list[int]:
    """Return keys of the scale within an octave of a chord that are consonant with all of it."""
    present = [note.pitch for note in chord]
    near = range(max(0, min(present) - 12), min(127, max(present) + 12) + 1)
    return [
        key
        for key in near
        if key % 12 in scale and all(key != other and abs(key - other) % 12 in CONSONANT for other in present)
    ]
