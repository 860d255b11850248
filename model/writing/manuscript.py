"""One wish while it is written: what is known of it, what may come next, what has come.

What is written keeps the codecs' rules: lines sound one note at a time, no pitch is struck again while a
fixed note sounds it, and no phrase is empty.
Tested in tests/model/writing/test_writer.py.
"""

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.codecs.drums import KEYS
from model.music.key import profile
from model.music.phrase import Note, Phrase, resized
from model.music.tracks import DRUMS
from model.writing import tokens as t
from model.writing.notes_around import CLASSES, PARTS, NotesAround
from model.writing.recall import Followers, Recall
from model.writing.transformer import Transformer
from model.writing.wish import CONTEXT, GRID, STEPS, Kind, Wish

LONGEST = 160  # notes that a phrase gets at most
MOST_BEFORE = 224  # notes of the context that are read; older phrases are left out
HEIGHTS = {Kind.MELODY: (70.8, 3.2), Kind.KEYBOARD: (62.0, 4.1), Kind.BAND: (61.9, 3.7)}
"""Mean key of the phrases of each kind, drums left out: the median and half of the distance of the quartiles.

Of 6,000 phrases each of the train split.  Keys and heights hang together, for instruments have ranges: the
mean keys of 500 melodies held out have a standard deviation of 6.6, all moved to C major one of 7.7.
"""

_KIT = np.isin(np.arange(128), KEYS)


class Manuscript:
    """One wish while it is written.

    Attributes:
        wish: it.
        begins: steps from the beginning of its context to this phrase.
        new: rows of the notes to be scored, of a phrase that is written already.
    """

    def __init__(
        self,
        network: Transformer,
        wish: Wish,
        seed: int,
        shift: int | None = None,
        whole: Phrase | None = None,
    ) -> None:
        """Read the context and the fixed notes; of a phrase to be scored, its new notes as well."""
        self.wish = wish
        self._shift = shift_of(wish) if shift is None else shift
        silent = wish.scale is None and not any(map(len, (*wish.context, wish.fixed)))
        self._keys = network.held["keys"][wish.kind] if silent and wish.kind != Kind.DRUMS else None
        context = recent(wish)
        self._fixed = t.rows_of(wish.fixed.notes, self._shift)
        self._before = [t.rows_of(phrase.notes, self._shift) for phrase in context]
        self.begins = STEPS * len(context)
        self.strange = np.zeros(CLASSES, dtype=np.float32)
        if wish.scale is not None:
            inside = [(pitch + self._shift) % CLASSES for pitch in wish.scale]
            self.strange[:] = 1
            self.strange[inside] = 0
        fixed = set(wish.fixed.notes)
        new = [note for note in whole.notes if note not in fixed] if whole is not None else []
        self.new = t.rows_of(new, self._shift)
        self._known = self._played_before()
        self.begin(seed)
        self.x, self.times = self._prefix(network)

    def begin(self, seed: int) -> None:
        """Have nothing written yet."""
        self._rng = np.random.default_rng(seed)
        self._written: list[list[int]] = []
        self._count = dict(self.wish.count) if self.wish.count is not None else {}
        self._allowed = self._allowed_at_first()
        self._recall, self._passed = self._known.copied(), 0

    def another(self, seed: int) -> "Manuscript":
        """Return a manuscript of the same wish in the same key that is written from another seed."""
        found = copy(self)
        found.begin(seed)
        return found

    def _prefix(self, network: Transformer) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return what enters the blocks, [L, width], and the step of each, [L]."""
        wish, first = self.wish, self.wish.span[0]
        known = []
        times = []
        for number, phrase in enumerate(self._before):
            place = None if wish.place is None else wish.place - len(self._before) + number
            tracks = sorted(set(phrase[:, t.TRACK].tolist()))
            known.append(
                network.begin(
                    wish.kind,
                    t.place_class(None if place is None or place < 0 else place),
                    ending=False,
                    tracks=tracks,
                    span=(0, STEPS),
                )[None]
                + network.left(np.zeros((1, PARTS), dtype=np.int64))
            )
            known.append(self._entering(network, phrase))
            times += [np.array([STEPS * number]), phrase[:, t.ONSET] + STEPS * number]
        known.append(network.known(self._fixed, np.array(wish.kind), np.array(t.FIXED)))
        begin = network.begin(
            wish.kind,
            t.place_class(wish.place),
            ending=wish.ending,
            tracks=sorted(wish.wanted),
            span=wish.span,
        )
        known.append(begin[None] + network.left(np.array([self.left()])))
        times += [self._fixed[:, t.ONSET] + self.begins, np.array([self.begins + first])]
        return np.concatenate(known), np.concatenate(times).astype(np.int64)

    def entering_new(self, network: Transformer) -> tuple[t.Floats, t.Ints]:
        """Return what the new notes of a phrase to be scored enter as, [L, width], and their steps [L]."""
        return self._entering(network, self.new), self.new[:, t.ONSET] + self.begins

    def _entering(self, network: Transformer, notes: t.Ints) -> t.Floats:
        """Return what new notes enter as whose count is not known."""
        known = network.known(notes, np.array(self.wish.kind), np.array(t.NEW))
        return known + network.left(np.zeros((1, PARTS), dtype=np.int64))

    def show(self, around: NotesAround, number: int) -> None:
        """Put what is known into the surroundings."""
        where = np.full(len(self._fixed), number)
        if self._before:
            last = self._before[-1]
            around.add(np.full(len(last), number), last, before=True)
        if len(self.new):
            both = np.concatenate((self._fixed, self.new))
            both = both[np.lexsort((-both[:, t.PITCH], both[:, t.TRACK], both[:, t.ONSET]))]
            around.add(np.full(len(both), number), both)
        else:
            around.add(where, self._fixed)
        around.add(where, self._fixed, fixed=True)
        steps = np.arange(STEPS)
        around.open[number] = (steps >= self.wish.span[0]) & (steps < self.wish.span[1])

    def _allowed_at_first(self) -> NDArray[Any]:
        """Return where which track may get a note, bool [tracks, STEPS]."""
        wish = self.wish
        allowed = np.zeros((PARTS, STEPS), dtype=bool)
        for track in wish.wanted:
            if self._count.get(track, 1):
                allowed[track, wish.span[0] : wish.span[1]] = True
        for note in wish.fixed.notes:
            if note.track in wish.kind.lines:
                allowed[note.track, note.onset : note.onset + note.length] = False
        return allowed

    def _played_before(self) -> Recall:
        """Return what the wanted tracks have played before this phrase."""
        wanted = [*self.wish.wanted]
        found = Recall(sum(map(len, self._before)) + len(self._fixed) + LONGEST)
        for number, phrase in enumerate(self._before):
            for note in phrase[np.isin(phrase[:, t.TRACK], wanted)].tolist():
                found.add(STEPS * number, note)
        return found

    def followers(self) -> Followers:
        """Return what may follow on the notes so far, the fixed ones of the wanted tracks among them."""
        for note in self._fixed[self._passed :].tolist():
            if note[t.ONSET] > self.previous:
                break
            self._passed += 1
            if note[t.TRACK] in self.wish.wanted:
                self._recall.add(self.begins, note)
        return Followers(self._recall, self.wish.kind, self.begins, self.previous)

    def left(self) -> list[int]:
        """Return the classes of the notes that the tracks still get, [4]."""
        if not self._count:
            return [0] * PARTS
        return [t.bucket(self._count[track]) if track in self._count else 0 for track in range(PARTS)]

    def chances(self) -> NDArray[Any]:
        """Return a note's chances, one for each column."""
        return self._rng.random(len(t.TOKEN_COLUMNS))

    @property
    def previous(self) -> int:
        """The step before which no further note begins."""
        return self._written[-1][t.ONSET] if self._written else self.wish.span[0]

    def onsets(self) -> NDArray[Any]:
        """Return the onsets that may be chosen, bool [STEPS + 1], the end the last."""
        found = np.append(self._allowed.any(0), False)
        found[: self.previous] = False
        found[-1] = not found.any() or bool(
            (self._written or self.wish.fixed.notes or self.wish.count is not None)
            and not any(
                left and self._allowed[track, self.previous :].any() for track, left in self._count.items()
            )
        )
        return found

    def tracks(self, onset: int) -> NDArray[Any]:
        """Return the tracks that may be chosen at an onset, bool [4]."""
        return self._allowed[:, onset]

    def chord(self, onset: int, track: int) -> list[list[int]]:
        """Return the notes written on a step of a track so far."""
        found = []
        for note in reversed(self._written):
            if note[t.ONSET] != onset:
                break
            if note[t.TRACK] == track:
                found.append(note)
        return found[::-1]

    def beside(self, onset: int) -> NDArray[Any]:
        """Return what has been written on a step so far, see `NotesAround.here`."""
        found = np.zeros((PARTS, 1 + CLASSES), dtype=np.float32)
        for note in reversed(self._written):
            if note[t.ONSET] != onset:
                break
            found[note[t.TRACK], 0] = 1
            if note[t.TRACK] != DRUMS:
                found[note[t.TRACK], 1 + note[t.PITCH] % CLASSES] = 1
        return found

    def pitches(self, onset: int, track: int) -> NDArray[Any]:
        """Return the pitches that may be chosen, bool [128]."""
        found = np.zeros(128, dtype=bool)
        chord = self.chord(onset, track)
        found[: chord[-1][t.PITCH] if chord else 128] = True
        if track == DRUMS:
            found &= _KIT
        for note in self._fixed.tolist():
            if note[t.TRACK] == track and note[t.ONSET] <= onset <= note[t.ONSET] + note[t.LENGTH]:
                found[note[t.PITCH]] = False
        return found

    def take(self, note: list[int]) -> None:
        """Take a note that has been chosen."""
        self._written.append(note)
        self._recall.add(self.begins, note)
        onset, track = note[t.ONSET], note[t.TRACK]
        allowed = self._allowed
        allowed[:, :onset] = False
        allowed[:track, onset] = False
        if track in self.wish.kind.lines or not self.pitches(onset, track).any():
            allowed[track, onset] = False
        if track in self._count:
            self._count[track] -= 1
            if self._count[track] <= 0:
                allowed[track] = False

    def phrase(self) -> Phrase:
        """Return the fixed notes and those written."""
        fixed = self.wish.fixed.notes
        shift = self._shift if self._keys is None else self._drawn_shift(self._keys)
        new = [t.note_of(row, shift) for row in self._written]
        ends: dict[int, list[int]] = {track: [] for track in self.wish.kind.lines}
        for note in (*fixed, *new):
            if note.track in ends:
                ends[note.track].append(note.onset)
        return Phrase.of(GRID, (*fixed, *(_cut_short(note, ends) for note in new)))

    def _drawn_shift(self, keys: t.Floats) -> int:
        """Return the semitones that what was written of nothing lies above C major, in a key of chance.

        Keys come as often as in music, where they bring a phrase to a height that music of its kind has.
        """
        heights = [row[t.PITCH] for row in self._written if row[t.TRACK] != DRUMS]
        if not heights:
            return 0
        middle, spread = HEIGHTS[self.wish.kind]
        shifts = (6 - np.arange(CLASSES)) % CLASSES - 6
        far = (sum(heights) / len(heights) - shifts - middle) / spread
        odds = np.cumsum((np.maximum(keys, 0) + 1e-9) / (1 + far**2))
        return int(shifts[np.searchsorted(odds, self._rng.random() * odds[-1], side="right")])


def shift_of(wish: Wish) -> int:
    """Return the semitones that take a wish's music to C major or A minor; 0 of nothing."""
    notes = [note for phrase in (*recent(wish), wish.fixed) for note in phrase.notes]
    return t.shift_of(np.array(profile(notes), dtype=np.float32), wish.scale)


def recent(wish: Wish) -> tuple[Phrase, ...]:
    """Return the phrases of the context that are read."""
    found: list[Phrase] = []
    notes = 0
    for phrase in wish.context[: -CONTEXT - 1 : -1]:
        notes += len(phrase)
        if found and notes > MOST_BEFORE:
            break
        found.append(phrase)
    return tuple(found[::-1])


def _cut_short(note: Note, onsets: dict[int, list[int]]) -> Note:
    """Return a line's note that ends where the next one begins; others as they are."""
    later = [onset for onset in onsets.get(note.track, ()) if onset > note.onset]
    length = min(note.length, min(later, default=STEPS) - note.onset)
    return resized(note, length)
