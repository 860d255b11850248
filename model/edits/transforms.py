"""Musical edits of a phrase along one attribute: exact, deterministic, the others nearly unmoved.

Each edit is a chain of small steps that is built first and walked as far as the amount says, so that a
larger amount continues a smaller one and the attribute moves monotonically.  The same edits make the pairs
that a model learns its knobs from, and act live on what was decoded.  numpy only for its generator.
"""

from collections.abc import Callable, Iterator
from math import inf

import numpy as np

from model.edits import common, drums
from model.edits.common import Chords, Sums, Tally
from model.music.attributes import NAMES, gaps, measure, metrical_weights
from model.music.phrase import Note, Phrase, resized
from model.music.tracks import CHORDS, DRUMS

TRANSPOSITION = 24  # semitones at a full turn of register
WIDEN = 1.5  # octaves of the factor on the intervals at a full turn of range
RANGE_LEVELS = 24
LOUD = 0.85  # share of the way to the softest or the loudest at a full turn of dynamics

Edit = Callable[[Phrase, float, np.random.Generator], Phrase]


def edit(phrase: Phrase, name: str, amount: float, rng: np.random.Generator) -> Phrase:
    """Return the phrase edited along one attribute.

    With equal generators a larger amount never measures less of the attribute (see `model.music.attributes`).
    A phrase of single notes without overlaps stays one, except that polyphony above 0 builds chords on it.
    Of several tracks each is edited by itself (polyphony: the chords, where there are any); drums have
    their own edits of density and complexity, and what asks for pitches or lengths leaves them alone.

    Args:
        phrase: any phrase; one without notes comes back as it is.
        name: one of `model.music.attributes.NAMES`.
        amount: -1 (least) to 1 (most); 0 returns the phrase itself.  density goes from one onset a bar to
            19 of 20 steps, complexity from the strongest to the weakest steps within reach,
            register by 24 semitones, range by factors 0.35 to 2.8, dynamics 85 % of the way to the
            softest or loudest, polyphony from single notes to four at once, articulation from the shortest
            notes to all that last until their voice goes on.
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
    tracks = common.apart(phrase)
    if len(tracks) == 1 and DRUMS not in tracks:
        return EDITS[name](phrase, amount, rng)
    if name == "polyphony" and CHORDS in tracks:
        return common.together(
            phrase.grid, (_voiced(track, part, amount, rng) for track, part in tracks.items())
        )
    return common.together(
        phrase.grid,
        (
            DRUM_EDITS.get(name, _unchanged)(part, amount, rng)
            if track == DRUMS
            else EDITS[name](part, amount, rng)
            for track, part in tracks.items()
        ),
    )


def _unchanged(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:  # noqa: ARG001 - an Edit
    """Leave a phrase as it is."""
    return phrase


def _voiced(track: int, part: Phrase, amount: float, rng: np.random.Generator) -> Phrase:
    """Add or take away voices in the track that is made of chords, beside others that are lines."""
    return voices(part, amount, rng) if track == CHORDS else part


def density(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:
    """Thin or fill: each step takes away or adds the onset that leaves the rest most as it was."""
    chords = common.by_onset(phrase)
    grid = phrase.grid
    mono = common.is_monophonic(phrase)
    tally = Tally(phrase)
    jitter: list[float] = (rng.random(grid.steps) * 0.1).tolist()
    if amount < 0:
        changes = {s: tally.of(s, chord, -1) for s, chord in chords.items()}
        for _ in range(round(-amount * max(0, len(chords) - grid.bars))):
            step = min(changes, key=lambda s: tally.drift(changes[s]) + jitter[s])
            tally.add(changes.pop(step))
            gone = chords.pop(step)
            if mono:
                common.extend_into(chords, step, gone[0].onset + gone[0].length)
        return common.join(grid, chords)
    scale = common.scale_of(phrase)
    known: dict[tuple[int, int, int], Filling] = {}
    for _ in range(round(amount * max(0, int(common.FULL * grid.steps) - len(chords)))):
        step, chord = _filling(chords, scale, tally, jitter, known)
        tally.add(tally.of(step, chord))
        if mono:
            common.cut_before(chords, step)
        chords[step] = chord
    return common.join(grid, chords)


Filling = tuple[list[Note], Sums]


def _filling(
    chords: Chords,
    scale: frozenset[int],
    tally: Tally,
    jitter: list[float],
    known: dict[tuple[int, int, int], Filling],
) -> tuple[int, list[Note]]:
    """Return the free step to fill next and its notes: those that leave the attributes most as they were.

    Args:
        chords: that there are.
        scale: to write in.
        tally: of the chords.
        jitter: one number a step, breaks ties.
        known: what was found for a gap between two onsets and a number of notes; is added to.
    """
    order = sorted(chords)
    steps = tally.grid.steps
    onsets, _, notes, _, _, _ = tally.sums
    wanted = round(tally.rest[3] * 0.5 * (onsets + 1) - notes)
    least, step = inf, 0
    chosen: list[Note] = []
    drifts: dict[Sums, float] = {}  # gaps between like notes are many
    for earlier, later in zip((-1, *order), (*order, steps), strict=True):
        if later - earlier < 2:
            continue
        source = chords[earlier if earlier >= 0 else later]
        size = max(1, min(len(source), wanted))
        filling = known.get((earlier, later, size))
        if filling is None:
            target = chords[later] if later < steps else source
            filling = known[earlier, later, size] = _between(source, target, size, scale, tally)
        found, (_, _, count, pitches, squares, loud) = filling
        for place in range(earlier + 1, later):
            change = (1, tally.weights[place], count, pitches, squares, loud)
            drift = drifts.get(change)
            if drift is None:
                drift = drifts[change] = tally.drift(change)
            score = drift + jitter[place]
            if score < least:
                least, step, chosen = score, place, found
    earlier = max((s for s in order if s < step), default=-1)
    gap = min((s for s in order if s > step), default=steps) - step
    first = max(chords[earlier if earlier >= 0 else order[0]], key=lambda note: note.pitch)
    if earlier >= 0 and first.onset + first.length > step:
        gap = min(gap, first.onset + first.length - step)
    length = max(1, min(gap, first.length))
    return step, [resized(note, length)._replace(onset=step) for note in chosen]


def _between(
    source: list[Note], target: list[Note], size: int, scale: frozenset[int], tally: Tally
) -> Filling:
    """Return notes between two chords, of length 1, and what they add to the sums.

    A single note lies between its neighbours in the scale; a chord before it is repeated, its lower notes
    left out where the phrase has fewer notes an onset.
    """
    first = max(source, key=lambda note: note.pitch)
    if size == 1:
        middle = common.snap((first.pitch + target[-1].pitch) / 2, scale)
        pitch = first.pitch if middle is None else middle
        velocity = round((first.velocity + target[-1].velocity) / 2)
        notes = [Note(0, pitch, velocity, 1, track=first.track)]
    else:
        chosen = sorted(source, key=lambda note: -note.pitch)[:size]
        notes = sorted(Note(0, note.pitch, note.velocity, 1, track=note.track) for note in chosen)
    return notes, tally.of(0, notes)


def syncopation(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:
    """Move onsets to weaker (or stronger) free steps next to them, in order, at most half a beat each."""
    chords = common.by_onset(phrase)
    grid = phrase.grid
    mono = common.is_monophonic(phrase)
    weights = metrical_weights(grid)
    reach = max(1, grid.steps_per_beat // 2)
    jitter = rng.random(grid.steps) * 0.5
    sign = 1 if amount > 0 else -1
    moves = list(_moves(sorted(chords), weights, sign, reach, jitter))
    for source, target in moves[: round(abs(amount) * len(moves))]:
        moved = chords.pop(source)
        if mono:
            if target > source:
                common.extend_into(chords, source, target)
            common.cut_before(chords, target)
        ends = (note.onset + note.length for note in moved)
        chords[target] = [
            resized(note, max(1, end - target))._replace(onset=target)
            for note, end in zip(moved, ends, strict=True)
        ]
    return common.join(grid, chords)


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
    scale = common.scale_of(phrase)
    sign = 1 if amount > 0 else -1
    best, reached = phrase, measure(phrase)["range"]
    for level in range(1, round(abs(amount) * RANGE_LEVELS) + 1):
        candidate = _scaled(phrase, 2.0 ** (sign * WIDEN * level / RANGE_LEVELS), scale)
        now = measure(candidate)["range"]
        if sign * (now - reached) > 0:
            best, reached = candidate, now
    return best


def _scaled(phrase: Phrase, factor: float, scale: frozenset[int]) -> Phrase:
    """Return the phrase with its distances to the mean pitch multiplied, in the scale."""
    centre = sum(note.pitch for note in phrase.notes) / len(phrase.notes)
    wanted: list[Note] = []
    error = 0.0  # what snapping has added so far leans the next notes back: the mean stays
    for chord in common.by_onset(phrase).values():
        taken: set[int] = set()
        for note in chord:
            aim = centre + factor * (note.pitch - centre)
            pitch = common.snap(aim - max(-1.0, min(1.0, 0.5 * error)), scale, taken)
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
    chords = common.by_onset(phrase)
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
        return common.join(phrase.grid, chords)
    scale = common.scale_of(phrase)
    room = {step: common.CHORD - len(chord) for step, chord in chords.items() if len(chord) < common.CHORD}
    for _ in range(round(amount * sum(room.values()))):
        additions = [
            (tally.drift(change) + jitter[step] + 0.3 * len(chord), step, pitch, change)
            for step, chord in chords.items()
            if room.get(step, 0) > 0
            for pitch in common.tones(chord, scale)
            for change in (_of_note(tally, step, chord[0]._replace(pitch=pitch), 1),)
        ]
        if not additions:
            break
        _, step, pitch, change = min(additions, key=lambda choice: choice[:3])
        tally.add(change)
        room[step] -= 1
        like = min(chords[step], key=lambda note: abs(note.pitch - pitch))
        chords[step].append(like._replace(pitch=pitch))
    return common.join(phrase.grid, chords)


def _of_note(tally: Tally, step: int, note: Note, sign: int) -> Sums:
    """Return the change of the sums when one note joins (leaves) a chord: the onset stays."""
    return (0.0, 0.0, *tally.of(step, [note], sign)[2:])


def articulate(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:  # noqa: ARG001 - an Edit
    """Shorten every note towards one step, or hold it towards where its voice goes on.

    What sounds longer than that keeps its length, until it is shortened to less.
    """
    notes = []
    for note, gap in zip(phrase.notes, gaps(phrase), strict=True):
        sounding = min(note.length, gap)
        way = (gap - sounding if amount > 0 else sounding - 1) * abs(amount)
        length = sounding + (round(way) if amount > 0 else -round(way))
        notes.append(note if length >= gap <= note.length else resized(note, max(1, length)))
    return Phrase.of(phrase.grid, notes)


EDITS: dict[str, Edit] = {
    "density": density,
    "complexity": syncopation,
    "register": transposition,
    "range": spread,
    "dynamics": loudness,
    "polyphony": voices,
    "articulation": articulate,
}

DRUM_EDITS: dict[str, Edit] = {
    "density": drums.density,
    "complexity": drums.syncopation,
    "dynamics": loudness,
}
