"""Pieces to what the writer learns from: runs of phrases, in each of which some notes are fixed.

A run is up to five phrases of a piece.  All of them are learned: those before the last as their continuation
is wanted, the last one (and some others) with notes fixed by chance: single ones, beats, bars, a hand, or
tracks.
So one network learns to go on, to fill in and to accompany.

Tested in tests/trainer/writing/test_examples.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import LENGTH as TABLE_LENGTH
from model.codecs.base import OFFSET as TABLE_OFFSET
from model.codecs.base import ONSET as TABLE_ONSET
from model.codecs.base import PITCH as TABLE_PITCH
from model.codecs.base import TRACK as TABLE_TRACK
from model.codecs.base import VELOCITY as TABLE_VELOCITY
from model.music.key import LONGEST
from model.music.tracks import DRUMS
from model.writing import tokens as t
from model.writing.notes_around import CLASSES, PARTS, NotesAround, chord_ranks
from model.writing.wish import BAR, CONTEXT, STEPS, Kind
from trainer.corpus.pieces import Pieces

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

SHARES = {Kind.MELODY: 0.32, Kind.KEYBOARD: 0.3, Kind.DRUMS: 0.13, Kind.BAND: 0.25}
"""Of the batches; those without music are left out."""
RUNS = (0.2, 0.2, 0.15, 0.15, 0.3)
"""Chances of runs of one, two, ... phrases."""
MOST_TOKENS = 256  # of a run; older phrases are left out beyond
MOST_NOTES = 128  # of a phrase
MOST_KEYS = 20_000  # phrases whose keys are counted
TOGETHER = 192  # runs drawn at once, which are sorted by length
FREE, NOTES, BEATS, BARS, TRACKS, HAND = range(6)
LAST = (0.4, 0.2, 0.1, 0.1, 0.15, 0.05)
"""Chances of what is fixed in the last phrase: nothing, single notes, beats, a bar, tracks, one hand."""
EARLIER = 0.2  # chance that something is fixed in another phrase
UNKNOWN_PLACE, UNKNOWN_ENDING = 0.25, 0.3
COUNTED = 0.55  # chance that the counts of new notes are known
MOVED = 0.1  # chance of another key than the one that fits
FOUND_AHEAD = 0.7  # chance that the key is found without the new notes of the last phrase
LOUDEST = t.SIZES[t.VELOCITY] - 1


@dataclass(frozen=True, slots=True)
class Examples:
    """Some runs side by side, as arrays; n counts the choices of an onset, m those of a note.

    Attributes:
        kind: of all runs.
        tokens: int64 [B, L, 6]; zeros where no note is.
        types: int64 [B, L], see `model.writing.tokens`; -1 behind a run's end.
        times: int64 [B, L], steps from the run's beginning.
        begins: int64 [k, 2], where the tokens `BEGIN` are.
        conditions: int64 [k, 4], of these: place, ending, first and last step.
        tracks: float32 [k, 4], 1 for wanted tracks.
        choosing: int64 [n, 2], where the tokens are that an onset is chosen after.
        left: int64 [n, 4], classes of the notes left.
        onset: int64 [n], the one chosen.
        previous: int64 [n], the one before.
        rhythm: float32 [n, RHYTHM, STEPS].
        going_on: int64 [m], which of the n choices is a note.
        ahead: int64 [m], that note's step from the run's beginning.
        here: float32 [m, HERE].
        wanted: bool [m, 4], tracks that could be.
        notes: int64 [m, 6].
        references: int64 [m, SOURCES, 4].
        varied: bool [m], whether velocity and offset say something.
    """

    kind: Kind
    tokens: Ints
    types: Ints
    times: Ints
    begins: Ints
    conditions: Ints
    tracks: Floats
    choosing: Ints
    left: Ints
    onset: Ints
    previous: Ints
    rhythm: Floats
    going_on: Ints
    ahead: Ints
    here: Floats
    wanted: Bools
    notes: Ints
    references: Ints
    varied: Bools


class ExampleSource:
    """Draws examples of a split's pieces."""

    def __init__(self, pieces: Pieces) -> None:
        """Take the pieces; a song's windows are drawn in proportion to the root of their number."""
        self._pieces = pieces
        self._kinds: dict[Kind, tuple[Ints, NDArray[np.float64]]] = {}
        counts = np.diff(pieces.starts)
        for kind in Kind:
            chosen = np.flatnonzero((pieces.kinds == kind) & (counts <= MOST_NOTES))
            if not len(chosen):
                continue
            _, song, number = np.unique(pieces.songs[chosen], return_inverse=True, return_counts=True)
            chance = np.cumsum(1 / np.sqrt(number[song]))  # float64: of millions each has its share
            self._kinds[kind] = chosen, chance / chance[-1]

    def keys(self) -> Floats:
        """Return how often music of each kind has which key signature, shares [kinds, 12]."""
        pieces = self._pieces
        found = np.zeros((len(Kind), CLASSES), dtype=np.float32)
        for kind, (chosen, chance) in self._kinds.items():
            some = chosen[:: max(1, len(chosen) // MOST_KEYS)]
            table = np.concatenate([pieces.window(window) for window in some.tolist()]).astype(np.int64)
            row = np.repeat(np.arange(len(some)), (pieces.starts[1:] - pieces.starts[:-1])[some])
            tonics = -t.shifts_of(_sounding(table, row, len(some))) % CLASSES
            weights = np.diff(chance, prepend=0.0)[:: max(1, len(chosen) // MOST_KEYS)]
            np.add.at(found[kind], tonics, weights)
        shares: Floats = found / np.maximum(found.sum(1, keepdims=True), 1e-9)
        return shares

    @property
    def kinds(self) -> list[Kind]:
        """The kinds that there is music of."""
        return list(self._kinds)

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Examples]:
        """Yield examples of about `size` tokens, for ever; each batch of one kind."""
        shares = np.array([SHARES[kind] for kind in self.kinds])
        waiting: dict[Kind, list[list[Ints]]] = {kind: [] for kind in self.kinds}
        while True:
            kind = self.kinds[int(rng.choice(len(shares), p=shares / shares.sum()))]
            if not waiting[kind]:
                waiting[kind] = self.groups(kind, size, rng)
            yield self.examples(kind, waiting[kind].pop(), rng)

    def groups(self, kind: Kind, size: int, rng: np.random.Generator) -> list[list[Ints]]:
        """Return runs of like lengths in groups of about `size` tokens, in an order of chance."""
        chosen, chance = self._kinds[kind]
        last = chosen[np.searchsorted(chance, rng.random(TOGETHER))]
        lengths = 1 + rng.choice(len(RUNS), TOGETHER, p=RUNS)
        runs = [self.run(int(window), int(length)) for window, length in zip(last, lengths, strict=True)]
        counts = np.diff(self._pieces.starts)
        sizes = [int(counts[run].sum()) + len(run) for run in runs]
        groups: list[list[Ints]] = [[]]
        for index in np.argsort(sizes, kind="stable").tolist():
            if groups[-1] and (len(groups[-1]) + 1) * sizes[index] > size:
                groups.append([])
            groups[-1].append(runs[index])
        return [groups[number] for number in rng.permutation(len(groups))]

    def run(self, window: int, length: int) -> Ints:
        """Return up to so many windows that lead to one, itself the last."""
        pieces = self._pieces
        found = [window]
        notes = int(pieces.starts[window + 1] - pieces.starts[window])
        while len(found) < min(length, CONTEXT + 1):
            window = int(pieces.before[window])
            if window < 0:
                break
            notes += int(pieces.starts[window + 1] - pieces.starts[window]) + 1
            if notes > MOST_TOKENS:
                break
            found.append(window)
        return np.array(found[::-1], dtype=np.int64)

    def examples(self, kind: Kind, runs: list[Ints], rng: np.random.Generator) -> Examples:
        """Return runs of one kind as examples."""
        pieces = self._pieces
        windows = np.concatenate(runs)
        run = np.repeat(np.arange(len(runs)), [len(one) for one in runs])
        number = np.concatenate([np.arange(len(one)) for one in runs])
        is_last = np.r_[run[1:] != run[:-1], True]
        counts = pieces.starts[windows + 1] - pieces.starts[windows]
        table = np.concatenate([pieces.window(window) for window in windows.tolist()]).astype(np.int64)
        phrase = np.repeat(np.arange(len(windows)), counts)
        varied = pieces.varied[windows]
        notes = _tokens(table, phrase, varied, rng)
        schemes = np.where(is_last, rng.choice(len(LAST), len(windows), p=LAST), 0)
        others = ~is_last & (rng.random(len(windows)) < EARLIER)
        schemes[others] = rng.integers(1, len(LAST), others.sum())
        fixed, spans, open_ = _fixed(notes, phrase, schemes, rng)
        keyed = _sounding(table, phrase, len(windows))
        ahead = is_last & (rng.random(len(windows)) < FOUND_AHEAD)
        known = _sounding(table[fixed], phrase[fixed], len(windows))
        keyed = np.where(ahead[:, None], known, keyed)
        weights = np.zeros((len(runs), CLASSES), dtype=np.float32)
        np.add.at(weights, run, keyed)
        shift = t.shifts_of(weights)
        away = rng.random(len(runs)) < MOVED
        shift = np.where(away, rng.integers(-6, 6, len(runs)), shift)
        pitch = notes[:, t.PITCH] + shift[run[phrase]] * (notes[:, t.TRACK] != DRUMS)
        pitch = np.where(pitch < 0, pitch % 12, pitch)
        notes[:, t.PITCH] = np.where(pitch > 127, pitch % 12 + 108, pitch)
        order = np.lexsort((-notes[:, t.PITCH], notes[:, t.TRACK], notes[:, t.ONSET], phrase))
        notes, phrase, fixed = notes[order], phrase[order], fixed[order]
        bars = pieces.bars[windows]
        place = 1 + np.where(bars < 16, bars // 2, 8 + bars // 2 % 8)
        place = np.where((bars % 2 == 0) & (rng.random(len(bars)) >= UNKNOWN_PLACE), place, 0)
        ending = pieces.last[windows] & (rng.random(len(bars)) >= UNKNOWN_ENDING)
        conditions = np.column_stack((place, ending, spans))
        phrases = _Phrases(kind, run, number, conditions, open_, varied)
        return _examples(phrases, notes, phrase, fixed, rng)


@dataclass(frozen=True, slots=True)
class _Phrases:
    """What is known of the phrases of a batch, one after another."""

    kind: Kind
    run: Ints
    number: Ints
    conditions: Ints
    open_: Floats
    varied: Bools


def _tokens(table: Ints, phrase: Ints, varied: Bools, rng: np.random.Generator) -> Ints:
    """Return a note table as tokens, not yet in order; velocities of songs that have one get drawn ones."""
    count = len(varied)
    loud = table[:, TABLE_VELOCITY] >> 2
    drawn = rng.integers(14, 28, count)[phrase] + np.rint(rng.normal(size=len(table)) * 1.5).astype(np.int64)
    moved = loud + rng.integers(-3, 4, count)[phrase]
    loud = np.clip(np.where(varied[phrase], moved, drawn), 1, LOUDEST)
    half = t.SIZES[t.OFFSET] // 2
    late = np.clip(np.rint(table[:, TABLE_OFFSET] / 5).astype(np.int64) + half, 0, 2 * half)
    length = np.clip(table[:, TABLE_LENGTH], 1, STEPS) - 1
    columns = (table[:, TABLE_ONSET], table[:, TABLE_TRACK], table[:, TABLE_PITCH], length, loud, late)
    return np.column_stack(columns)


def _sounding(table: Ints, phrase: Ints, count: int) -> Floats:
    """Return how long each pitch class sounds in each phrase, [count, 12]."""
    found = np.zeros((count, CLASSES), dtype=np.float32)
    pitched = table[:, TABLE_TRACK] != DRUMS
    long = np.minimum(LONGEST, table[pitched, TABLE_LENGTH])
    np.add.at(found, (phrase[pitched], table[pitched, TABLE_PITCH] % CLASSES), long)
    return found


def _fixed(notes: Ints, phrase: Ints, schemes: Ints, rng: np.random.Generator) -> tuple[Bools, Ints, Floats]:
    """Return which notes are fixed, the span of new ones [phrases, 2], which steps are open [.., STEPS]."""
    count = len(schemes)
    scheme = schemes[phrase]
    onset, track = notes[:, t.ONSET], notes[:, t.TRACK]
    share = rng.random(count)
    spans = np.tile(np.array([0, STEPS]), (count, 1))
    open_ = np.ones((count, STEPS), dtype=np.float32)
    fixed = (scheme == NOTES) & (rng.random(len(notes)) < share[phrase])
    beats = rng.random((count, STEPS // 4)) < share[:, None]  # that stay
    fixed |= (scheme == BEATS) & beats[phrase, onset // 4]
    some = schemes == BEATS
    open_[some] = 1 - np.repeat(beats[some], 4, axis=1)
    first = rng.integers(0, 2, count)  # the bar that stays
    edge = BAR + 4 * rng.integers(-3, 4, count)  # or what lies before or behind another beat
    edge = np.where(rng.random(count) < 0.5, BAR, edge)
    behind = onset >= edge[phrase]
    fixed |= (scheme == BARS) & (behind == (first[phrase] == 1))
    some = schemes == BARS
    spans[some & (first == 0), 0] = edge[some & (first == 0)]
    spans[some & (first == 1), 1] = edge[some & (first == 1)]
    steps = np.arange(STEPS)
    inside = (steps >= spans[:, :1]) & (steps < spans[:, 1:])
    open_ *= inside
    stay = rng.random((count, PARTS)) < rng.choice((0.25, 0.5, 0.75), count)[:, None]
    fixed |= (scheme == TRACKS) & stay[phrase, track]
    border = 48 + rng.integers(0, 25, count)
    above = (notes[:, t.PITCH] >= border[phrase]) == (first[phrase] == 1)
    fixed |= (scheme == HAND) & above
    return fixed, spans, open_


def _examples(
    phrases: _Phrases, notes: Ints, phrase: Ints, fixed: Bools, rng: np.random.Generator
) -> Examples:
    """Lay notes, in the order of writing, out as tokens with what is chosen after each."""
    count, runs = len(phrases.run), int(phrases.run[-1]) + 1
    new = ~fixed
    # the elements of all runs in their order: fixed notes, BEGIN and new notes, phrase by phrase
    of_phrase = np.concatenate((phrase, np.arange(count)))
    kind_of = np.concatenate((np.where(fixed, t.FIXED, t.NEW), np.full(count, t.BEGIN)))
    source = np.concatenate((np.arange(len(notes)), np.full(count, -1)))
    order = np.lexsort((source, kind_of, of_phrase))
    of_phrase, kind_of, source = of_phrase[order], kind_of[order], source[order]
    of_run = phrases.run[of_phrase]
    sizes = np.bincount(of_run, minlength=runs)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    shape = (runs, int(sizes.max()))
    tokens = np.zeros((*shape, len(t.SIZES)), dtype=np.int64)
    types = np.full(shape, -1, dtype=np.int64)
    times = np.zeros(shape, dtype=np.int64)
    is_note = source >= 0
    at = of_run, place
    types[at] = kind_of
    tokens[of_run[is_note], place[is_note]] = notes[source[is_note]]
    onset = np.where(is_note, notes[source, t.ONSET], phrases.conditions[of_phrase, 2])
    times[at] = phrases.number[of_phrase] * STEPS + onset
    begins = np.column_stack((of_run[~is_note], place[~is_note]))

    in_all = np.zeros((count, PARTS), dtype=np.int64)
    np.add.at(in_all, (phrase[new], notes[new, t.TRACK]), 1)
    wanted = in_all > 0
    anyone = np.zeros((count, PARTS), dtype=bool)
    anyone[phrase, notes[:, t.TRACK]] = True
    wanted[~wanted.any(1)] = anyone[~wanted.any(1)]

    choosing = kind_of != t.FIXED
    chosen_of = of_phrase[choosing]
    target = np.r_[source[1:], -1][choosing]
    goes_on = np.r_[kind_of[1:] == t.NEW, False][choosing]
    previous = onset[choosing]
    to_come = np.where(goes_on, notes[np.maximum(target, 0), t.ONSET], t.END)

    known = (rng.random(count) < COUNTED)[:, None] & wanted
    known &= (rng.random((count, PARTS)) < 0.5) | (rng.random(count) < 0.8)[:, None]
    written = np.zeros((len(order), PARTS), dtype=np.int64)
    is_new = kind_of == t.NEW
    written[is_new, notes[source[is_new], t.TRACK]] = 1
    total = np.cumsum(written, axis=0)
    so_far = (total - total[kind_of == t.BEGIN][of_phrase])[choosing]
    left = np.searchsorted(np.array(t.BUCKETS), in_all[chosen_of] - so_far, side="right")

    around = _around(phrases, notes, phrase, fixed)
    picked = target[goes_on]
    chosen = notes[picked]
    in_phrase = phrase[picked]
    above, rank, beside = _beside(notes[new], phrase[new])
    number = np.cumsum(new) - 1  # of each new note among the new ones
    rank, above, beside = rank[number[picked]], above[number[picked]], beside[number[picked]]
    return Examples(
        kind=phrases.kind,
        tokens=tokens,
        types=types,
        times=times,
        begins=begins,
        conditions=phrases.conditions,
        tracks=wanted.astype(np.float32),
        choosing=np.column_stack((of_run[choosing], place[choosing])),
        left=np.where(known[chosen_of], left, 0),
        onset=to_come,
        previous=previous,
        rhythm=around.rhythm(chosen_of, previous),
        going_on=np.flatnonzero(goes_on),
        ahead=phrases.number[in_phrase] * STEPS + chosen[:, t.ONSET],
        here=around.here(in_phrase, chosen[:, t.ONSET], beside),
        wanted=wanted[in_phrase],
        notes=chosen,
        references=around.references(in_phrase, chosen[:, t.ONSET], chosen[:, t.TRACK], rank, above),
        varied=phrases.varied[in_phrase],
    )


def _around(phrases: _Phrases, notes: Ints, phrase: Ints, fixed: Bools) -> NotesAround:
    """Return what surrounds each phrase, itself as it is when it is complete."""
    around = NotesAround(len(phrases.run))
    around.open[:] = phrases.open_
    ahead = np.r_[phrases.run[1:] == phrases.run[:-1], False][phrase]
    around.add(phrase[ahead] + 1, notes[ahead], before=True)
    around.add(phrase, notes)
    around.add(phrase[fixed], notes[fixed], fixed=True)
    return around


def _beside(notes: Ints, phrase: Ints) -> tuple[Ints, Ints, Floats]:
    """Return for new notes in order the one above in the chord, the rank, and what is on the step so far."""
    rank = chord_ranks(phrase, notes)
    above = np.roll(notes, 1, axis=0)[:, t.REFERENCED]
    marks = np.zeros((len(notes), PARTS, 1 + CLASSES), dtype=np.float32)
    each = np.arange(len(notes))
    marks[each, notes[:, t.TRACK], 0] = 1
    pitched = notes[:, t.TRACK] != DRUMS
    marks[each[pitched], notes[pitched, t.TRACK], 1 + notes[pitched, t.PITCH] % CLASSES] = 1
    total = np.cumsum(marks, axis=0) - marks  # of all notes before
    step = phrase * STEPS + notes[:, t.ONSET]
    fresh = np.r_[True, step[1:] != step[:-1]][: len(notes)]
    first = np.maximum.accumulate(np.where(fresh, each, 0)) if len(notes) else each
    beside = np.minimum(total - total[first], 1)
    return above, rank, np.asarray(beside, dtype=np.float32)
