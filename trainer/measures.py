"""Pure measures on phrases and numbers: what `evaluate` counts.  Definitions, no models."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.phrase import Note, Phrase
from model.transforms import is_monophonic

HOLD, REST = 128, 129
Place = tuple[int, ...]


@dataclass(slots=True)
class Matches:
    """Counts of found, played and wanted notes, pooled over phrases."""

    found: int = 0
    played: int = 0
    wanted: int = 0

    def add(self, played: set[Place], wanted: set[Place]) -> None:
        """Count one phrase."""
        self.found += len(played & wanted)
        self.played += len(played)
        self.wanted += len(wanted)

    @property
    def precision(self) -> float:
        """Share of the played notes that were wanted; 1 when none was played."""
        return self.found / self.played if self.played else 1.0

    @property
    def recall(self) -> float:
        """Share of the wanted notes that were played; 1 when none was wanted."""
        return self.found / self.wanted if self.wanted else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall: 2 found / (played + wanted)."""
        both = self.played + self.wanted
        return 2 * self.found / both if both else 1.0


def places(phrase: Phrase) -> set[Place]:
    """Return the (onset, pitch) of every note."""
    return {(note.onset, note.pitch) for note in phrase.notes}


def spans(phrase: Phrase) -> set[Place]:
    """Return the (onset, pitch, length) of every note."""
    return {(note.onset, note.pitch, note.length) for note in phrase.notes}


def symbols(phrase: Phrase, codec: str) -> list[object]:
    """Return what stands on each step of a phrase.

    melody: the field's 130 classes (Roberts et al. 2018): the pitch of an onset, 128 for a hold, 129 for a
    rest.  Other codecs: the set of pitches that start.  Two phrases agree on a step when these are equal.
    """
    steps: list[object]
    if codec == "melody":
        steps = [REST] * phrase.grid.steps
        for note in phrase.notes:  # ordered: of a chord its highest note stays
            for step in range(note.onset + 1, note.onset + note.length):
                steps[step] = HOLD
            steps[note.onset] = note.pitch
        return steps
    starting: list[set[int]] = [set() for _ in range(phrase.grid.steps)]
    for note in phrase.notes:
        starting[note.onset].add(note.pitch)
    return [frozenset(pitches) for pitches in starting]


def agreement(one: Sequence[object], other: Sequence[object]) -> float:
    """Return the share of steps with equal symbols."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def distance(one: Phrase, other: Phrase, codec: str) -> float:
    """Return how far two phrases lie apart, 0..1.

    melody: Hamming distance of the step symbols over the steps.  Other codecs: that of the two sets of
    (onset, pitch), over all notes of both.
    """
    if codec == "melody":
        return 1.0 - agreement(symbols(one, codec), symbols(other, codec))
    a, b = places(one), places(other)
    return len(a ^ b) / (len(a) + len(b)) if a or b else 0.0


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value, float64 [n], ties sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[inverse], dtype=np.float64)


def spearman(one: Iterable[float], other: Iterable[float]) -> float:
    """Return Spearman's rank correlation, -1..1; 0 where one side does not vary."""
    a, b = (ranks(np.fromiter(values, dtype=np.float64)) for values in (one, other))
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 1e-12 else 0.0


def kl_bits(mu: NDArray[np.float32], logvar: NDArray[np.float32]) -> float:
    """Return KL(N(mu, exp logvar) || N(0, 1)) of one phrase in bits, summed over the dimensions [d]."""
    mean, spread = mu.astype(np.float64), logvar.astype(np.float64)
    return float(0.5 * np.sum(mean * mean + np.exp(spread) - 1.0 - spread) / np.log(2.0))


def consistent(phrase: Phrase, codec: str) -> bool:
    """Tell whether a decoded phrase keeps the rules: ordered, cut, in range; single notes for melody."""
    try:
        rebuilt = Phrase.of(phrase.grid, (Note(*note) for note in phrase.notes))
    except (ValueError, TypeError):
        return False
    return rebuilt == phrase and (codec != "melody" or is_monophonic(phrase))


def features(phrase: Phrase) -> list[float]:
    """Return 40 numbers that tell what kind of phrase it is, for the two-sample classifier.

    12 shares of pitch classes, 10 of the upper line's intervals, 8 of onsets by their place in the bar,
    5 of lengths, notes, onsets, mean and spread of the pitches, and notes an onset.
    """
    notes = phrase.notes
    count = max(1, len(notes))
    grid = phrase.grid
    classes, lengths, bar_places = [0.0] * 12, [0.0] * 5, [0.0] * 8
    upper: dict[int, int] = {}
    for note in notes:
        classes[note.pitch % 12] += 1 / count
        lengths[sum(note.length > edge for edge in (1, 2, 4, 8))] += 1 / count
        upper[note.onset] = max(upper.get(note.onset, 0), note.pitch)
    for step in upper:
        beat, within = divmod(step % grid.steps_per_bar, grid.steps_per_beat)
        place = (
            0
            if not within
            else 1
            if 2 * within == grid.steps_per_beat
            else 2 + (2 * within > grid.steps_per_beat)
        )
        bar_places[4 * (beat * 2 >= grid.beats_per_bar) + place] += 1 / len(upper)
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
