"""Pure measures on phrases and numbers: what `evaluate` counts.  Definitions, no models."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.codecs.drums import CLASS_OF_KEY, KEYS
from model.codecs.melody import HOLD, REST
from model.edits.common import is_monophonic
from model.music.distance import distance as distance_of_notes
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS
from trainer.errors import MISSING, OperationError

Position = tuple[int, ...]


@dataclass(slots=True)
class Matches:
    """Counts of found, played and wanted notes, pooled over phrases."""

    found: int = 0
    played: int = 0
    wanted: int = 0

    def add(self, played: set[Position], wanted: set[Position]) -> None:
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


def position(note: Note) -> Position:
    """Return a note's (onset, pitch, track); a drum's pitch is its class."""
    return note.onset, key_of(note), note.track


def positions(phrase: Phrase) -> set[Position]:
    """Return the (onset, pitch, track) of every note; a drum's pitch is its class."""
    return {position(note) for note in phrase.notes}


def spans(phrase: Phrase) -> set[Position]:
    """Return the (onset, pitch, track, length) of every note; of drums, whose length says nothing, 1."""
    return {
        (note.onset, key_of(note), note.track, 1 if note.track == DRUMS else note.length)
        for note in phrase.notes
    }


def key_of(note: Note) -> int:
    """Return a note's pitch, of a drum note the number of its class."""
    return int(CLASS_OF_KEY[note.pitch]) if note.track == DRUMS else note.pitch


def symbols(phrase: Phrase, codec: str) -> list[object]:
    """Return what stands on each step of a phrase; two phrases agree on a step when these are equal.

    melody: the field's 130 classes (Roberts et al. 2018): the pitch of an onset, 128 for a hold, 129 for a
    rest.  poly: the set of pitches that start.  drums: which of the nine classes are struck, as a number of
    nine bits.  multitrack: the symbols of melody, chords, bass and drums on that step, all four.
    """
    if codec == "melody":
        return _line(phrase.notes, phrase.grid.steps)
    if codec == "drums":
        return _struck(phrase.notes, phrase.grid.steps)
    if codec == "multitrack":
        steps = phrase.grid.steps
        parts = [[note for note in phrase.notes if note.track == track] for track in range(len(TRACKS))]
        return list(
            zip(
                _line(parts[MELODY], steps),
                _starting(parts[CHORDS], steps),
                _line(parts[BASS], steps),
                _struck(parts[DRUMS], steps),
                strict=True,
            )
        )
    return _starting(phrase.notes, phrase.grid.steps)


def _line(notes: Iterable[Note], steps: int) -> list[object]:
    """Return pitch, hold or rest of every step."""
    line: list[object] = [REST] * steps
    for note in notes:  # ordered: of a chord its highest note stays
        for step in range(note.onset + 1, note.onset + note.length):
            line[step] = HOLD
        line[note.onset] = note.pitch
    return line


def _starting(notes: Iterable[Note], steps: int) -> list[object]:
    """Return the set of pitches that start on every step."""
    starting: list[set[int]] = [set() for _ in range(steps)]
    for note in notes:
        starting[note.onset].add(note.pitch)
    return [frozenset(pitches) for pitches in starting]


def _struck(notes: Iterable[Note], steps: int) -> list[object]:
    """Return the classes struck on every step, as bits."""
    masks = [0] * steps
    for note in notes:
        masks[note.onset] |= 1 << int(CLASS_OF_KEY[note.pitch])
    return [*masks]


def agreement(one: Sequence[object], other: Sequence[object]) -> float:
    """Return the share of steps with equal symbols."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def distance(one: Phrase, other: Phrase, codec: str) -> float:
    """Return how far two phrases lie apart, 0..1.

    melody: Hamming distance of the step symbols over the steps.  Other codecs: that of the two sets of
    (onset, pitch, track), over all notes of both.
    """
    if codec == "melody":
        return 1.0 - agreement(symbols(one, codec), symbols(other, codec))
    return distance_of_notes(one, other, position)


def spearman(one: Iterable[float], other: Iterable[float]) -> float:
    """Return Spearman's rank correlation, -1..1; 0 where one side does not vary.

    Raises:
        OperationError: scikit-learn, and with it scipy, is not installed.
    """
    try:
        from scipy.stats import rankdata  # noqa: PLC0415 - the trainer extra
    except ImportError as error:
        raise OperationError(MISSING.format("scikit-learn")) from error
    a, b = (rankdata(np.fromiter(values, dtype=np.float64)) for values in (one, other))
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 1e-12 else 0.0


def kl_bits(mu: NDArray[np.float32], logvar: NDArray[np.float32]) -> float:
    """Return KL(N(mu, exp logvar) || N(0, 1)) of one phrase in bits, summed over the dimensions [d]."""
    mean, spread = mu.astype(np.float64), logvar.astype(np.float64)
    return float(0.5 * np.sum(mean * mean + np.exp(spread) - 1.0 - spread) / np.log(2.0))


def consistent(phrase: Phrase, codec: str) -> bool:
    """Tell whether a decoded phrase keeps the rules of its codec.

    All: ordered, cut, in range.  Single notes for melody, and for the melody and bass of several tracks.
    Drums, and drums alone, on the keys of the nine classes, each a step long.
    """
    try:
        rebuilt = Phrase.of(phrase.grid, (Note(*note) for note in phrase.notes))
    except (ValueError, TypeError):
        return False
    drums = [note for note in phrase.notes if note.track == DRUMS]
    if rebuilt != phrase or any(note.pitch not in KEYS or note.length != 1 for note in drums):
        return False
    if codec == "melody":
        return not drums and is_monophonic(phrase)
    if codec == "drums":
        return len(drums) == len(phrase)
    if codec == "multitrack":
        return is_monophonic(phrase.part(MELODY)) and is_monophonic(phrase.part(BASS))
    return not drums


class Score:
    """Sums over decoded phrases beside those they came from."""

    def __init__(self, codec: str) -> None:
        self.notes, self.lengths = Matches(), Matches()
        self._codec = codec
        self._steps: list[float] = []
        self._exact: list[bool] = []
        self._velocity: list[int] = []

    def add(self, played: Phrase, wanted: Phrase) -> None:
        """Count one phrase."""
        self._steps.append(agreement(symbols(played, self._codec), symbols(wanted, self._codec)))
        self.notes.add(positions(played), positions(wanted))
        self.lengths.add(spans(played), spans(wanted))
        self._exact.append(spans(played) == spans(wanted))
        loud = {(note.onset, note.pitch): note.velocity for note in wanted.notes}
        self._velocity += [
            abs(note.velocity - loud[key])
            for note in played.notes
            if (key := (note.onset, note.pitch)) in loud
        ]

    @property
    def steps(self) -> float:
        """Share of equal steps."""
        return float(np.mean(self._steps)) if self._steps else 0.0

    @property
    def exact(self) -> float:
        """Share of note-perfect phrases."""
        return float(np.mean(self._exact)) if self._exact else 0.0

    @property
    def velocity_error(self) -> float | None:
        """Mean distance of the velocities of the notes found."""
        return float(np.mean(self._velocity)) if self._velocity else None
