"""Musical edits of a phrase along one attribute: exact, deterministic, the others nearly unmoved.

Each edit is a chain of small steps that is built first and walked as far as the amount says, so that a
larger amount continues a smaller one and the attribute moves monotonically.  The same edits make the pairs
that a model learns its knobs from, and act live on what was decoded.  numpy only for its generator.
"""

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from math import sqrt

import numpy as np

from model.attributes import NAMES, WEIGHT_FLOOR, measure, metrical_weights, weight_bounds
from model.grid import Grid
from model.phrase import Note, Phrase

MAJOR = frozenset((0, 2, 4, 5, 7, 9, 11))
FULL = 0.95  # share of the steps that density fills at most: on a full grid no rhythm is left to keep
TRANSPOSITION = 24  # semitones at a full turn of register
WIDEN = 1.5  # octaves of the factor on the intervals at a full turn of range
RANGE_LEVELS = 24
CHORD = 4  # notes on one step that polyphony builds at most
LOUD = 0.85  # share of the way to the softest or the loudest at a full turn of dynamics

Chords = dict[int, list[Note]]
Sums = tuple[float, float, float, float, float, float]
Edit = Callable[[Phrase, float, np.random.Generator], Phrase]


def edit(phrase: Phrase, name: str, amount: float, rng: np.random.Generator) -> Phrase:
    """Return the phrase edited along one attribute.

    With equal generators a larger amount never measures less of the attribute (see `model.attributes`).
    A phrase of single notes without overlaps stays one, except that polyphony above 0 builds chords on it.

    Args:
        phrase: any phrase; one without notes comes back as it is.
        name: one of `model.attributes.NAMES`.
        amount: -1 (least) to 1 (most); 0 returns the phrase itself.  density goes from one onset a bar to
            19 of 20 steps, complexity from the strongest to the weakest steps within reach,
            register by 24 semitones, range by factors 0.35 to 2.8, dynamics 85 % of the way to the
            softest or loudest, polyphony from single notes to four at once.
        rng: breaks ties; the same state gives the same notes.

    Raises:
        ValueError: an unknown name, or an amount outside -1..1.

    """
    if name not in NAMES:
        msg = f"unknown attribute '{name}'; there is: {', '.join(NAMES)}"
        raise ValueError(msg)
    if not -1.0 <= amount <= 1.0:
        msg = f"an edit's amount must be in -1..1, not {amount}"
        raise ValueError(msg)
    if not phrase.notes or amount == 0:
        return phrase
    return EDITS[name](phrase, amount, rng)


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
    own = frozenset(pitch for pitch in range(12) if counts[pitch])
    if len(own) >= 5:
        return own
    circle = sorted(range(12), key=lambda tonic: min(tonic * 7 % 12, -tonic * 7 % 12))
    best = max(circle, key=lambda tonic: sum(counts[(degree + tonic) % 12] for degree in MAJOR))
    return own | {(degree + best) % 12 for degree in MAJOR}


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
        """Remember what the phrase measures."""
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
        """Return complexity, register, range, polyphony and dynamics, each over its usual spread in music."""
        onsets, weight, notes, total, squares, loud = sums
        mean = total / notes
        number = round(onsets)
        high = self._strongest[number]
        return (
            (high - weight) / max(high - self._weakest[number], WEIGHT_FLOOR) / 0.15,
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


def density(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:
    """Thin or fill: each step takes away or adds the onset that leaves the rest most as it was."""
    chords = by_onset(phrase)
    grid = phrase.grid
    mono = is_monophonic(phrase)
    tally = Tally(phrase)
    jitter = rng.random(grid.steps) * 0.1
    if amount < 0:
        for _ in range(round(-amount * max(0, len(chords) - grid.bars))):
            changes = {s: tally.of(s, chord, -1) for s, chord in chords.items()}
            step = min(changes, key=lambda s: tally.drift(changes[s]) + jitter[s])
            tally.add(changes[step])
            gone = chords.pop(step)
            if mono:
                _extend_into(chords, step, gone[0].onset + gone[0].length)
        return _join(grid, chords)
    scale = scale_of(phrase)
    for _ in range(round(amount * max(0, int(FULL * grid.steps) - len(chords)))):
        free = {s: _filling(chords, s, scale, tally) for s in range(grid.steps) if s not in chords}
        changes = {s: tally.of(s, chord) for s, chord in free.items()}
        step = min(free, key=lambda s: tally.drift(changes[s]) + jitter[s])
        tally.add(changes[step])
        if mono:
            _cut_before(chords, step)
        chords[step] = free[step]
    return _join(grid, chords)


def _filling(chords: Chords, step: int, scale: frozenset[int], tally: Tally) -> list[Note]:
    """Return notes for a free step: between its neighbours in the scale, as many as usual.

    A chord before it is repeated, its lower notes left out where the phrase has fewer notes an onset.
    """
    earlier = max((s for s in chords if s < step), default=None)
    later = min((s for s in chords if s > step), default=None)
    source = chords[earlier] if earlier is not None else chords[min(chords)]
    target = chords[later] if later is not None else source
    onsets, _, notes, _, _, _ = tally.sums
    usual = tally.rest[3] * 0.5
    size = max(1, min(len(source), round(usual * (onsets + 1) - notes)))
    gap = (later if later is not None else tally.grid.steps) - step
    first = max(source, key=lambda note: note.pitch)
    if earlier is not None and first.onset + first.length > step:
        gap = min(gap, first.onset + first.length - step)
    length = max(1, min(gap, first.length))
    velocity = round((first.velocity + target[-1].velocity) / 2)
    if size == 1:
        middle = snap((first.pitch + target[-1].pitch) / 2, scale)
        return [Note(step, first.pitch if middle is None else middle, velocity, length)]
    kept = sorted(source, key=lambda note: -note.pitch)[:size]
    return sorted(Note(step, note.pitch, note.velocity, length) for note in kept)


def syncopation(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:
    """Move onsets to weaker (or stronger) free steps next to them, in order, at most half a beat each."""
    chords = by_onset(phrase)
    grid = phrase.grid
    mono = is_monophonic(phrase)
    weights = metrical_weights(grid)
    reach = max(1, grid.steps_per_beat // 2)
    jitter = rng.random(grid.steps) * 0.5
    sign = 1 if amount > 0 else -1
    moves = list(_moves(sorted(chords), weights, sign, reach, jitter))
    for source, target in moves[: round(abs(amount) * len(moves))]:
        moved = chords.pop(source)
        if mono:
            if target > source:
                _extend_into(chords, source, target)
            _cut_before(chords, target)
        ends = (note.onset + note.length for note in moved)
        chords[target] = [
            note._replace(onset=target, length=max(1, end - target))
            for note, end in zip(moved, ends, strict=True)
        ]
    return _join(grid, chords)


def _moves(
    onsets: list[int], weights: tuple[float, ...], sign: int, reach: int, jitter: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Yield (from, to) until no onset can reach a weaker (sign 1) or stronger (sign -1) free step."""
    while True:
        best: tuple[float, int, int] | None = None
        for index, step in enumerate(onsets):
            low = onsets[index - 1] if index else -1
            high = onsets[index + 1] if index + 1 < len(onsets) else len(weights)
            for target in range(max(low + 1, step - reach), min(high, step + reach + 1)):
                gain = sign * (weights[step] - weights[target])
                score = gain - 0.6 * abs(target - step) + jitter[target] + (0.2 if target < step else 0.0)
                if gain > 0 and (best is None or score > best[0]):
                    best = (score, index, target)
        if best is None:
            return
        _, index, target = best
        yield onsets[index], target
        onsets[index] = target


def transposition(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:  # noqa: ARG001 - an Edit
    """Transpose by semitones, as far as every note stays a MIDI key."""
    pitches = [note.pitch for note in phrase.notes]
    semitones = max(-min(pitches), min(127 - max(pitches), round(amount * TRANSPOSITION)))
    return Phrase.of(phrase.grid, (n._replace(pitch=n.pitch + semitones) for n in phrase.notes))


def spread(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:  # noqa: ARG001 - an Edit
    """Scale the intervals about the mean pitch and snap them to the scale; chords keep their size.

    Snapping can undo a small step, so the levels up to the amount are walked and the last one that went
    the right way is kept.
    """
    scale = scale_of(phrase)
    sign = 1 if amount > 0 else -1
    kept, reached = phrase, measure(phrase)["range"]
    for level in range(1, round(abs(amount) * RANGE_LEVELS) + 1):
        candidate = _scaled(phrase, 2.0 ** (sign * WIDEN * level / RANGE_LEVELS), scale)
        now = measure(candidate)["range"]
        if sign * (now - reached) > 0:
            kept, reached = candidate, now
    return kept


def _scaled(phrase: Phrase, factor: float, scale: frozenset[int]) -> Phrase:
    """Return the phrase with its distances to the mean pitch multiplied, in the scale."""
    centre = sum(note.pitch for note in phrase.notes) / len(phrase.notes)
    wanted: list[Note] = []
    error = 0.0  # what snapping has added so far leans the next notes back: the mean stays
    for chord in by_onset(phrase).values():
        taken: set[int] = set()
        for note in chord:
            aim = centre + factor * (note.pitch - centre)
            pitch = snap(aim - max(-1.0, min(1.0, 0.5 * error)), scale, taken)
            if pitch is None:
                continue
            error += pitch - aim
            taken.add(pitch)
            wanted.append(note._replace(pitch=pitch))
    return Phrase.of(phrase.grid, wanted)


def loudness(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:  # noqa: ARG001 - an Edit
    """Move every velocity the same share of its way to 1 or to 127."""
    goal = 127 if amount > 0 else 1
    share = abs(amount) * LOUD
    return Phrase.of(
        phrase.grid,
        (n._replace(velocity=round(n.velocity + share * (goal - n.velocity))) for n in phrase.notes),
    )


def voices(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:
    """Take notes out of chords, or add thirds to octaves within the scale to what starts."""
    chords = by_onset(phrase)
    tally = Tally(phrase)
    jitter = rng.random(phrase.grid.steps) * 0.1
    if amount < 0:
        for _ in range(round(-amount * (len(phrase) - len(chords)))):
            choices = [
                (tally.drift(change) + jitter[step], index, step, change)
                for step, chord in chords.items()
                if len(chord) > 1
                for index, note in enumerate(chord)
                for change in (_of_note(tally, step, note, -1),)
            ]
            _, index, step, change = min(choices, key=lambda choice: choice[:3])
            tally.add(change)
            del chords[step][index]
        return _join(phrase.grid, chords)
    scale = scale_of(phrase)
    room = {step: CHORD - len(chord) for step, chord in chords.items() if len(chord) < CHORD}
    for _ in range(round(amount * sum(room.values()))):
        additions = [
            (tally.drift(change) + jitter[step] + 0.3 * len(chord), step, pitch, change)
            for step, chord in chords.items()
            if room.get(step, 0) > 0
            for pitch in _chord_tones(chord, scale)
            for change in (_of_note(tally, step, chord[0]._replace(pitch=pitch), 1),)
        ]
        if not additions:
            break
        _, step, pitch, change = min(additions, key=lambda choice: choice[:3])
        tally.add(change)
        room[step] -= 1
        like = min(chords[step], key=lambda note: abs(note.pitch - pitch))
        chords[step].append(like._replace(pitch=pitch))
    return _join(phrase.grid, chords)


def _of_note(tally: Tally, step: int, note: Note, sign: int) -> Sums:
    """Return the change of the sums when one note joins (leaves) a chord: the onset stays."""
    return (0.0, 0.0, *tally.of(step, [note], sign)[2:])


def _chord_tones(chord: list[Note], scale: frozenset[int]) -> list[int]:
    """Return keys of the scale that lie consonant (third, fourth, fifth, sixth, octave) with a chord."""
    present = [note.pitch for note in chord]
    near = range(max(0, min(present) - 12), min(127, max(present) + 12) + 1)
    return [
        key
        for key in near
        if key % 12 in scale
        and all(abs(key - other) % 12 in (0, 3, 4, 5, 7, 8, 9) and key != other for other in present)
    ]


def _extend_into(chords: Chords, step: int, end: int) -> None:
    """Let a note that ended where another started sound to the given step."""
    earlier = max((s for s in chords if s < step), default=None)
    if earlier is not None and chords[earlier][0].onset + chords[earlier][0].length == step:
        chords[earlier][0] = chords[earlier][0]._replace(length=end - earlier)


def _cut_before(chords: Chords, step: int) -> None:
    """End the note that sounds across a step there."""
    earlier = max((s for s in chords if s < step), default=None)
    if earlier is not None and chords[earlier][0].onset + chords[earlier][0].length > step:
        chords[earlier][0] = chords[earlier][0]._replace(length=step - earlier)


def _join(grid: Grid, chords: Chords) -> Phrase:
    """Return the phrase of these chords."""
    return Phrase.of(grid, (note for chord in chords.values() for note in chord))


EDITS: dict[str, Edit] = {
    "density": density,
    "complexity": syncopation,
    "register": transposition,
    "range": spread,
    "dynamics": loudness,
    "polyphony": voices,
}
