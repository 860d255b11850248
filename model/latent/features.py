"""What is heard in a phrase, as numbers: what a learned prior's draws are weighed by (`latent.importance`).

They are meant for a small network that learns what sets a model's draws apart from music, so they tell
melody, harmony, rhythm and repetition apart finely, and leave it to the network what matters.  The
classifiers that judge samples afterwards hear other numbers of other music (`trainer.evaluation.features`).
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from model.codecs.drums import CLASS_OF_KEY, CLASSES
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS, TRACKS

WIDEST = 13  # semitones: wider leaps count as this
LONGEST = 9  # steps, likewise
FULLEST = 6  # notes of a chord, likewise

Floats = NDArray[np.float32]


def features(phrase: Phrase, codec: str) -> Floats:
    """Return the numbers of a phrase, float32 [F]; F hangs on codec and grid alone.

    Args:
        phrase: as the codec decodes it.
        codec: of a single pitched part, `drums`, or `multitrack`, whose four parts follow one another, and
            what they share.
    """
    grid, notes = phrase.grid, phrase.notes
    if codec == "drums":
        return np.concatenate(_beat(notes, grid))
    if codec != "multitrack":
        return np.concatenate(_tune(notes, grid))
    parts = [[note for note in notes if note.track == track] for track in range(len(TRACKS))]
    found: list[Floats] = []
    for track, part in enumerate(parts):
        found += _beat(part, grid) if track == DRUMS else _tune(part, grid)
    return np.concatenate((*found, _shared(parts)))


def _tune(notes: Sequence[Note], grid: Grid) -> list[Floats]:
    """Describe a pitched part."""
    chords: dict[int, list[int]] = {}
    for note in notes:
        chords.setdefault(note.onset, []).append(note.pitch)
    onsets = sorted(chords)
    line = [max(chords[step]) for step in onsets]
    moves = [after - before for before, after in pairwise(line)]
    gaps = [after - before for before, after in pairwise(onsets)]
    leaps = _counts([max(-WIDEST, min(WIDEST, move)) + WIDEST for move in moves], 2 * WIDEST + 1)
    classes = _counts([note.pitch % 12 for note in notes], 12)
    within = [
        (high - low) % 12 for chord in chords.values() for low, high in pairwise(sorted(chord)) if high > low
    ]
    waits = _counts([min(LONGEST, gap) - 1 for gap in gaps], LONGEST)
    pitches = [note.pitch for note in notes] or [60]
    loud = [note.velocity for note in notes] or [64]
    turning = sum(one * other < 0 for one, other in pairwise(moves)) / max(1, len(moves) - 1)
    coming_back = sum(a == c != b for a, b, c in zip(line, line[1:], line[2:], strict=False))
    whole: list[float] = [
        len(notes),
        len(onsets),
        len(set(pitches)),
        float(np.mean(pitches)),
        float(np.std(pitches)),
        max(pitches) - min(pitches),
        line[0] if line else 60,
        line[-1] if line else 60,
        turning,
        coming_back / max(1, len(line)),
        max(map(abs, moves), default=0),
        sum(abs(move) > 7 for move in moves),
        int(np.count_nonzero(classes)),
        float(np.sort(classes)[-7:].sum()),
        _entropy(leaps),
        _entropy(classes),
        _entropy(waits),
        float(np.mean(loud)),
        float(np.std(loud)),
        float(len(set(loud)) == 1),
    ]
    return [
        leaps,
        classes,
        waits,
        _counts([note.onset % grid.steps_per_bar for note in notes], grid.steps_per_bar),
        _counts([min(LONGEST, note.length) - 1 for note in notes], LONGEST),
        _counts([min(FULLEST, len(chord)) - 1 for chord in chords.values()], FULLEST),
        _counts(within, 12),
        _alike([(step, tuple(chords[step])) for step in onsets], grid),
        np.array(whole, dtype=np.float32),
    ]


def _beat(notes: Sequence[Note], grid: Grid) -> list[Floats]:
    """Describe drum hits."""
    bar = grid.steps_per_bar
    kinds = [int(CLASS_OF_KEY[note.pitch]) for note in notes]
    loud = np.array([note.velocity for note in notes] or [64])
    away = np.array([note.offset for note in notes] or [0.0])
    kinds_of = np.array(kinds or [-1])
    found: list[Floats] = [
        _counts(
            [kind * bar + note.onset % bar for kind, note in zip(kinds, notes, strict=True)],
            len(CLASSES) * bar,
        )
        * np.float32(len(notes) / grid.bars)
    ]
    for kind in range(len(CLASSES)):
        hits = kinds_of == kind
        numbers = np.zeros(5, dtype=np.float32)
        if hits.any():
            numbers[:] = hits.sum(), loud[hits].mean(), loud[hits].std(), away[hits].mean(), away[hits].std()
        found.append(numbers)
    steps = [note.onset for note in notes]
    together = _counts([min(FULLEST, steps.count(step)) - 1 for step in set(steps)], FULLEST)
    whole: list[float] = [
        len(notes),
        len(set(steps)),
        float(loud.std()),
        float(away.mean()),
        float(away.std()),
        float(np.abs(away).max()),
        float((away == 0).all()),
        float(loud.std() == 0),
        len(set(loud.tolist())),
    ]
    struck = [(step, (kind,)) for step, kind in zip(steps, kinds, strict=True)]
    return [*found, together, _alike(struck, grid), np.array(whole, dtype=np.float32)]


def _alike(events: Sequence[tuple[int, tuple[int, ...]]], grid: Grid) -> Floats:
    """Return how alike bars following one another are, in all and in rhythm alone, and the beats' rhythms."""
    full: list[set[tuple[int, tuple[int, ...]]]] = [set() for _ in range(grid.bars)]
    beats: list[frozenset[int]] = [frozenset()] * grid.beats
    for step, what in events:
        full[step // grid.steps_per_bar].add((step % grid.steps_per_bar, what))
        beat, place = divmod(step, grid.steps_per_beat)
        beats[beat] |= {place}
    rhythm = [{step for step, _ in bar} for bar in full]
    pairs = list(pairwise(range(grid.bars)))
    both = [_overlap(full[one], full[other]) for one, other in pairs] or [0.0]
    steps = [_overlap(rhythm[one], rhythm[other]) for one, other in pairs] or [0.0]
    same = [beats[one] == beats[other] for one, other in combinations(range(min(grid.beats, 16)), 2)]
    return np.array([np.mean(both), np.mean(steps), np.mean(same) if same else 0.0], dtype=np.float32)


def _shared(parts: Sequence[Sequence[Note]]) -> Floats:
    """Describe what the parts of a band have in common: onsets, and pitch classes of the pitched ones."""
    steps = [{note.onset for note in part} for part in parts]
    keys = [{note.pitch % 12 for note in part} for part in parts[:DRUMS]]
    pairs = [_overlap(one, other) for one, other in combinations(steps, 2)]
    tones = [len(one & other) / max(1, min(len(one), len(other))) for one, other in combinations(keys, 2)]
    return np.array([*pairs, *tones, len(set().union(*keys)), *map(bool, parts)], dtype=np.float32)


def _overlap(one: AbstractSet[object], other: AbstractSet[object]) -> float:
    """Return the share of what both have of what either has; 1 of two empty ones."""
    either = len(one | other)
    return len(one & other) / either if either else 1.0


def _counts(places: Sequence[int], size: int) -> Floats:
    """Return shares of 0..size-1 among the places."""
    found = np.bincount(np.array(places, dtype=np.int64), minlength=size).astype(np.float32)
    return found / np.float32(max(1, len(places)))


def _entropy(shares: Floats) -> float:
    """Return the entropy of shares, in nats."""
    held = shares[shares > 0]
    return float(-(held * np.log(held)).sum())
