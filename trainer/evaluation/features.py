"""The features of a phrase that the two-sample classifiers read."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from model.codecs.drums import CLASS_OF_KEY, CLASSES
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS, TRACKS

PLACES = 8  # in a bar: first or second half, by beat, half beat, before and after it


def features(phrase: Phrase, codec: str = "poly") -> list[float]:
    """Return what describes a phrase: 40 numbers of a single part, 48 of drums, 172 of several tracks.

    Pitched notes: 12 shares of pitch classes, 10 of the upper line's intervals, 8 of onsets by their place in
    the bar, 5 of lengths, notes, onsets, mean and spread of the pitches, and notes an onset.  Drums: 9 shares
    of classes, 9 mean velocities, 8 of hits by their place in the bar for all, for kick and for snare, hits,
    steps with hits, spread of the velocities, mean and spread of the offsets, hits a step.  Several tracks:
    these of melody, chords, bass and drums, and the numbers of notes of each.
    """
    if codec == "drums":
        return _beat(phrase.notes, phrase.grid)
    if codec != "multitrack":
        return _tune(phrase.notes, phrase.grid)
    parts = [[note for note in phrase.notes if note.track == track] for track in range(len(TRACKS))]
    described = [
        _beat(part, phrase.grid) if n == DRUMS else _tune(part, phrase.grid) for n, part in enumerate(parts)
    ]
    return [*(value for numbers in described for value in numbers), *(float(len(part)) for part in parts)]


def _tune(notes: Sequence[Note], grid: Grid) -> list[float]:
    """Describe pitched notes."""
    count = max(1, len(notes))
    classes, lengths, bar_places = [0.0] * 12, [0.0] * 5, [0.0] * PLACES
    upper: dict[int, int] = {}
    for note in notes:
        classes[note.pitch % 12] += 1 / count
        lengths[sum(note.length > edge for edge in (1, 2, 4, 8))] += 1 / count
        upper[note.onset] = max(upper.get(note.onset, 0), note.pitch)
    for step in upper:
        bar_places[_place(step, grid)] += 1 / len(upper)
    line = [upper[step] for step in sorted(upper)]
    moves = [b - a for a, b in pairwise(line)]
    intervals = [0.0] * 10
    for move in moves:
        size = sum(abs(move) > edge for edge in (0, 2, 4, 7, 12))
        intervals[size if move >= 0 else size + 4] += 1 / len(moves)
    pitches = [note.pitch for note in notes] or [60]
    return [
        *classes,
        *intervals,
        *bar_places,
        *lengths,
        float(len(notes)),
        float(len(upper)),
        float(np.mean(pitches)),
        float(np.std(pitches)),
        len(notes) / max(1, len(upper)),
    ]


def _beat(notes: Sequence[Note], grid: Grid) -> list[float]:
    """Describe drum hits."""
    kinds = [int(CLASS_OF_KEY[note.pitch]) for note in notes]
    count = max(1, len(notes))
    shares, levels = [0.0] * len(CLASSES), [0.0] * len(CLASSES)
    bar_places = [[0.0] * PLACES for _ in range(3)]  # all, kick, snare
    for note, kind in zip(notes, kinds, strict=True):
        shares[kind] += 1 / count
        levels[kind] += note.velocity
        place = _place(note.onset, grid)
        bar_places[0][place] += 1 / count
        if kind < 2:
            bar_places[1 + kind][place] += 1 / kinds.count(kind)
    levels = [level / max(1, kinds.count(kind)) for kind, level in enumerate(levels)]
    steps = len({note.onset for note in notes})
    velocities = [note.velocity for note in notes] or [64]
    offsets = [note.offset for note in notes] or [0.0]
    return [
        *shares,
        *levels,
        *(share for part in bar_places for share in part),
        float(len(notes)),
        float(steps),
        float(np.std(velocities)),
        float(np.mean(offsets)),
        float(np.std(offsets)),
        len(notes) / max(1, steps),
    ]


def _place(step: int, grid: Grid) -> int:
    """Return which of the eight kinds of places in a bar a step is."""
    beat, within = divmod(step % grid.steps_per_bar, grid.steps_per_beat)
    twice = 2 * within
    fine = 0 if not within else 1 if twice == grid.steps_per_beat else 2 + (twice > grid.steps_per_beat)
    return 4 * (beat * 2 >= grid.beats_per_bar) + fine
