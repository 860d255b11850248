"""How well a phrase goes on from those before it: what the two share, as numbers, in numpy alone.

A `Sketch` keeps what is compared of one phrase; `compared` holds many against those of one context.  The
numbers are likenesses of notes, rhythms, lines and bars, and the odds of a phrase's notes by what the context
has counted: its pitches, classes, places in the bar, lengths and moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.codecs.drums import CLASS_OF_KEY
from model.codecs.drums import CLASSES as DRUM_CLASSES
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS, TRACKS
from model.writing.wish import BAR, CONTEXT, STEPS

Floats = NDArray[np.float32]

CLASSES = 12
PITCHES = 128 + len(DRUM_CLASSES)
FARTHEST = 12  # semitones of a move, either way; what is wider counts as that
MOVES = 2 * FARTHEST + 1
LONGEST = 16  # steps of a length or of a wait
PAIRED = 7  # semitones of moves that are counted in pairs
SMOOTH = 0.5  # count that everything has before anything was counted

HISTOGRAMS = {
    "classes": CLASSES,
    "pitches": PITCHES,
    "places": BAR * len(TRACKS),
    "lengths": LONGEST,
    "moves": MOVES,
    "waits": LONGEST,
    "turns": (2 * PAIRED + 1) ** 2,
    "figures": (2 * PAIRED + 1) * 8,
}
"""What is counted of a phrase, and how many values each has."""
ROLLS = {"notes": PITCHES * STEPS, "rhythm": len(TRACKS) * STEPS, "chroma": CLASSES * STEPS}
"""What sounds when: bool, of notes, of onsets by track and of pitch classes."""
BAR_ROLLS = {"bar": PITCHES * BAR, "bar_rhythm": len(TRACKS) * BAR, "bar_line": MOVES * BAR}
"""Of each bar: notes, onsets by track, and the moves of the upper line at their steps, whatever the key."""
SCALARS = ("mean", "spread", "highest", "lowest", "onsets", "size", "loudness", "touch", "late", "length")


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is compared of a phrase.

    Attributes:
        counts: by name of `HISTOGRAMS`, float32 [values].
        rolls: by name of `ROLLS`, float32 [values], 0 or 1.
        bars: by name of `BAR_ROLLS`, float32 [2, values], 0 or 1.
        scalars: float32 [SCALARS].
        tracks: float32 [tracks], 1 for those that have notes.
        ends: the first and the last pitch of the upper line, -1 where there is none.
    """

    counts: dict[str, Floats]
    rolls: dict[str, Floats]
    bars: dict[str, Floats]
    scalars: Floats
    tracks: Floats
    ends: tuple[int, int]


def sketch(phrase: Phrase) -> Sketch:
    """Return what is compared of a phrase of two bars in sixteenths."""
    counts = {name: np.zeros(size, dtype=np.float32) for name, size in HISTOGRAMS.items()}
    rolls = {name: np.zeros(size, dtype=np.float32) for name, size in ROLLS.items()}
    bars = {name: np.zeros((STEPS // BAR, size), dtype=np.float32) for name, size in BAR_ROLLS.items()}
    tracks = np.zeros(len(TRACKS), dtype=np.float32)
    for note in phrase.notes:
        bar, step = divmod(note.onset, BAR)
        drum = note.track == DRUMS
        pitch = 128 + int(CLASS_OF_KEY[note.pitch]) if drum else note.pitch
        tracks[note.track] = 1
        counts["pitches"][pitch] += 1
        counts["places"][note.track * BAR + step] += 1
        rolls["notes"][pitch * STEPS + note.onset] = 1
        rolls["rhythm"][note.track * STEPS + note.onset] = 1
        bars["bar"][bar, pitch * BAR + step] = 1
        bars["bar_rhythm"][bar, note.track * BAR + step] = 1
        if not drum:
            pitch_class = note.pitch % CLASSES
            counts["classes"][pitch_class] += min(note.length, LONGEST)
            counts["lengths"][min(note.length, LONGEST) - 1] += 1
            rolls["chroma"][
                pitch_class * STEPS + note.onset : pitch_class * STEPS + min(STEPS, note.onset + note.length)
            ] = 1
    line = _line(phrase.notes)
    moves = []
    for (before, one), (onset, other) in pairwise(line):
        move = max(-FARTHEST, min(FARTHEST, other - one))
        moves.append((onset, move, min(onset - before, LONGEST)))
        counts["moves"][move + FARTHEST] += 1
        counts["waits"][min(onset - before, LONGEST) - 1] += 1
        bars["bar_line"][onset // BAR, (move + FARTHEST) * BAR + onset % BAR] = 1
    narrow = [(max(-PAIRED, min(PAIRED, move)) + PAIRED, wait) for _, move, wait in moves]
    for (one, _), (other, wait) in pairwise(narrow):
        counts["turns"][one * (2 * PAIRED + 1) + other] += 1
        counts["figures"][other * 8 + min(wait, 8) - 1] += 1
    ends = (line[0][1], line[-1][1]) if line else (-1, -1)
    return Sketch(counts, rolls, bars, _scalars(phrase.notes), tracks, ends)


def _line(notes: Sequence[Note]) -> list[tuple[int, int]]:
    """Return onset and highest pitch wherever pitched notes begin, of the first track that has any."""
    first = min((note.track for note in notes if note.track != DRUMS), default=0)
    tops: dict[int, int] = {}
    for note in notes:
        if note.track == first and note.track != DRUMS:
            tops[note.onset] = max(note.pitch, tops.get(note.onset, 0))
    return sorted(tops.items())


def _scalars(notes: Sequence[Note]) -> Floats:
    """Return the numbers of `SCALARS`, of about one size."""
    pitched = [note for note in notes if note.track != DRUMS]
    pitches = np.array([note.pitch for note in pitched] or [60])
    velocities = np.array([note.velocity for note in notes] or [64])
    onsets = len({(note.onset, note.track) for note in notes})
    return np.array(
        [
            pitches.mean() / 12,
            pitches.std() / 6,
            pitches.max() / 12,
            pitches.min() / 12,
            np.log(1 + onsets),
            len(notes) / max(1, onsets),
            velocities.mean() / 16,
            velocities.std() / 8,
            4 * np.mean([abs(note.offset) for note in notes] or [0.0]),
            np.log(np.mean([note.length for note in pitched] or [1])),
        ],
        dtype=np.float32,
    )


LIKE = ("notes", "rhythm", "chroma")
BARS = tuple(BAR_ROLLS)
ODDS = ("classes", "pitches", "places", "lengths", "moves", "waits", "turns", "figures")
COSINES = ("classes", "pitches", "places", "lengths", "moves", "waits", "turns")
NAMES = (
    *(f"{name} like the {which}" for name in LIKE for which in ("last", "one before it", "likest", "mean")),
    *(f"{name} {which}" for name in BARS for which in ("likest", "least", "in the last bars")),
    *(f"{name} by odds" for name in ODDS),
    *(f"{name} in all by odds" for name in ODDS),
    *(f"{name} {which}" for name in COSINES for which in ("alike", "like the last")),
    *(f"{name} {which}" for name in SCALARS for which in ("away", "away from the last")),
    "tracks alike",
    "move from the last note",
    "the last note again",
    "a step from the last note",
    "notes",
    "outside the classes",
    "outside the pitches",
    "within the range",
)
"""The numbers of `compared`, in their order."""


def compared(context: Sequence[Sketch], candidates: Sequence[Sketch]) -> Floats:
    """Return how phrases go on from others, float32 [candidates, NAMES].

    Args:
        context: one at least, the oldest first; the last `CONTEXT` count.
        candidates: the phrases.
    """
    context = context[-CONTEXT:]
    columns: list[NDArray[Any]] = []
    for name in LIKE:
        one, other = (np.stack([item.rolls[name] for item in side]) for side in (candidates, context))
        alike = _f1(one, other)
        earlier = alike[:, -2] if len(context) > 1 else alike[:, -1]
        columns += [alike[:, -1], earlier, alike.max(1), alike.mean(1)]
    for name in BARS:
        ours = np.concatenate([item.bars[name] for item in candidates])
        theirs = np.concatenate([item.bars[name] for item in context])
        alike = _f1(ours, theirs).reshape(len(candidates), -1, len(theirs))
        best = alike.max(2)
        columns += [best.max(1), best.min(1), alike[:, :, -2:].max(2).mean(1)]
    each, together = [], []
    for name in ODDS:
        counted = np.sum([item.counts[name] for item in context], 0) + np.float32(SMOOTH)
        odds = np.log(counted * len(counted) / counted.sum())
        nats = np.stack([item.counts[name] for item in candidates]) @ odds
        number = np.array([item.counts[name].sum() for item in candidates])
        each.append(nats / np.maximum(1, number))
        together.append(nats / 16)
    columns += each + together
    for name in COSINES:
        ours = np.stack([item.counts[name] for item in candidates])
        theirs = np.stack([np.sum([item.counts[name] for item in context], 0), context[-1].counts[name]])
        columns += [*_cosine(ours, theirs).T]
    scalars, known = (np.stack([item.scalars for item in side]) for side in (candidates, context))
    away = np.abs(scalars - known.mean(0)), np.abs(scalars - known[-1])
    columns += [side[:, number] for number in range(len(SCALARS)) for side in away]
    tracks, present = np.stack([item.tracks for item in candidates]), context[-1].tracks
    columns.append(np.minimum(tracks, present).sum(1) / np.maximum(1, np.maximum(tracks, present).sum(1)))
    firsts, last = np.array([item.ends[0] for item in candidates]), context[-1].ends[1]
    move = np.where((firsts < 0) | (last < 0), 0, np.abs(firsts - last))
    columns += [np.minimum(move, 24) / 12, move == 0, (move > 0) & (move <= 2)]
    columns.append(np.log([1 + item.counts["pitches"].sum() for item in candidates]))
    for name in ("classes", "pitches"):
        unknown = np.sum([item.counts[name] for item in context], 0) == 0
        counts = np.stack([item.counts[name] for item in candidates])
        columns.append((counts * unknown).sum(1) / np.maximum(1, counts.sum(1)))
    high, low = known[:, 2].max(), known[:, 3].min()
    columns.append((scalars[:, 2] <= high + 1 / 6) & (scalars[:, 3] >= low - 1 / 6))
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], 1)


def _f1(one: Floats, other: Floats) -> Floats:
    """Return the F1 of what rows have in common, [n, m]; 0 where one is empty."""
    shared = one @ other.T
    total = one.sum(1)[:, None] + other.sum(1)[None]
    out: Floats = 2 * shared / np.maximum(1, total)
    return out


def _cosine(one: Floats, other: Floats) -> Floats:
    """Return the cosines of rows, [n, m]; 0 where one is empty."""
    lengths = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)[None]
    out: Floats = one @ other.T / np.maximum(lengths, np.float32(1e-6))
    return out
