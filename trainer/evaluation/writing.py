"""How good a writer and a ranker are, on pieces that it has not learned.

Tested in tests/trainer/evaluation/test_writing.py.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import phrase_of
from model.music.key import key_of
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.writing.ranker import Ranker
from model.writing.wish import CONTEXT, GRID, Kind, Wish
from trainer.corpus.pieces import Pieces
from trainer.corpus.reading.read_midi import CODECS
from trainer.evaluation.features import features
from trainer.evaluation.heldout import over_songs
from trainer.evaluation.two_sample import Ints, Side, classify

CANDIDATES = 100
MOST_NOTES = 96  # of a phrase: what is longer takes long and is rare
FIGURE = 3  # moves of a line, one after another
SIZES = (0, 2, 4, 7)  # semitones up to which moves are of one size
LONGEST_WAIT = 8  # steps from one onset to the next that are told apart


@dataclass(frozen=True, slots=True)
class PhraseInPiece:
    """A phrase of a piece, and what the piece has played before.

    Attributes:
        phrase: the true one.
        context: up to four before it, the oldest first.
        place: its number in the piece, None where it begins on an odd bar.
        song: which.
    """

    phrase: Phrase
    context: tuple[Phrase, ...]
    place: int | None
    song: int

    def wish(self, kind: Kind) -> Wish:
        """Return what asks for a phrase in its place."""
        tracks = frozenset(note.track for note in (*self.context[-1].notes, *self.phrase.notes))
        return Wish(kind, context=self.context, tracks=tracks, place=self.place)


def phrases_in_pieces(
    pieces: Pieces, kind: Kind, count: int, rng: np.random.Generator, *, before: int = 2
) -> list[PhraseInPiece]:
    """Return phrases with at least so many before them, spread over the songs as evenly as can be."""
    sizes = np.diff(pieces.starts)
    candidates = [
        window
        for window in np.flatnonzero((pieces.kinds == kind) & (sizes <= MOST_NOTES)).tolist()
        if len(_run(pieces, window)) > before
    ]
    order = rng.permutation(np.array(candidates, dtype=np.int64))
    chosen = [int(order[place]) for place in over_songs(pieces.songs[order])[:count]]
    found = []
    for window in chosen:
        *context, last = (phrase_of(GRID, pieces.window(one)) for one in _run(pieces, window))
        bar = int(pieces.bars[window])
        place = bar // 2 if bar % 2 == 0 else None
        found.append(PhraseInPiece(last, tuple(context), place, int(pieces.songs[window])))
    return found


def _run(pieces: Pieces, window: int) -> list[int]:
    """Return the windows that lead to one, itself the last."""
    found = [window]
    while len(found) <= CONTEXT and (before := int(pieces.before[found[-1]])) >= 0:
        found.append(before)
    return found[::-1]


def reciprocal_rank(
    ranker: Ranker, kind: Kind, asked: Sequence[PhraseInPiece], others: Sequence[PhraseInPiece]
) -> list[float]:
    """Return the reciprocal rank of each true next phrase among those of other songs."""
    found = []
    for turn in asked:
        false = [other.phrase for other in others if other.song != turn.song][: CANDIDATES - 1]
        scores = ranker.scores(kind, turn.context, [turn.phrase, *false])
        found.append(1 / int(ranks_of(scores[None])[0]))
    return found


def ranks_of(scores: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the rank, from 1, of the first of each row, [n, candidates] to [n]; equals stand before it."""
    out: NDArray[np.int64] = 1 + (scores[:, 1:] >= scores[:, :1]).sum(1)
    return out


def distinguished(
    kind: Kind, real: Sequence[Phrase], other: Sequence[Phrase], songs: Ints, *, paired: bool = True
) -> float:
    """Return the better classifier's area under the curve between music and what was written.

    Args:
        kind: of the phrases.
        real: music.
        other: what is held against it.
        songs: int [n], which song each phrase of music is of.
        paired: whether what was written goes with the same songs, one by one, rather than with none.
    """
    codec = CODECS[kind]
    rows = [np.array([features(phrase, codec) for phrase in side]) for side in (real, other)]
    found = classify(Side(rows[0], songs), Side(rows[1], songs if paired else None), 0, paired=paired)
    return float("nan") if found is None else found.best


def taken_up(before: Phrase, phrase: Phrase) -> float:
    """Return the share of a phrase's figures that another one has, wherever, in any key; 0 where it has none.

    A figure is three moves of the upper line: which way, of which size, and how long after the note before.
    """
    known, new = _figures(before), _figures(phrase)
    return (known & new).total() / max(1, new.total())


def _figures(phrase: Phrase) -> Counter[tuple[tuple[int, int], ...]]:
    tops: dict[int, int] = {}
    for note in phrase.notes:
        tops[note.onset] = max(note.pitch, tops.get(note.onset, 0))
    moves = []
    for (onset, pitch), (later, other) in pairwise(sorted(tops.items())):
        size = sum(abs(other - pitch) > edge for edge in SIZES)
        moves.append((size if other > pitch else -size, min(LONGEST_WAIT, later - onset)))
    return Counter(tuple(moves[place : place + FIGURE]) for place in range(len(moves) - FIGURE + 1))


def in_scale(turn: PhraseInPiece, notes: Sequence[Note]) -> tuple[int, int]:
    """Return how many of a phrase's notes lie in the scale of its context, and of how many."""
    key = key_of([note for phrase in turn.context for note in phrase.notes])
    pitched = [note for note in notes if note.track != DRUMS]
    if key is None:
        return 0, 0
    return sum(note.pitch % 12 in key.scale for note in pitched), len(pitched)
