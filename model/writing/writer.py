"""Writes phrases note by note, and says how likely a phrase is: numpy alone, one thread.

The same seed, wish and temperature give the same notes.  What is written keeps the codecs' rules: lines
sound one note at a time, no pitch is struck again while a fixed note sounds it, and no phrase is empty.
Times, for a network of the shipped one's size, are in its card.

Threads: any, one writing each.
"""

from collections.abc import Generator, Sequence
from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from model.codecs.drums import KEYS
from model.latent.note_transformer import run_to_end
from model.music.key import profile
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.shipped import WEIGHTS
from model.writing import tokens as t
from model.writing.notes_around import CLASSES, PARTS, NotesAround, chord_ranks
from model.writing.odds import NEVER, drawn, in_scale, onset_odds, value_odds
from model.writing.transformer import AttentionMemory, Transformer
from model.writing.wish import CONTEXT, GRID, STEPS, Kind, Wish

FILE = WEIGHTS / "writer.safetensors"
TEMPERATURE, TOP_P = 1.0, 0.98
TOGETHER = 32  # wishes that are written at once
LONGEST = 160  # notes that a phrase gets at most
MOST_BEFORE = 224  # notes of the context that are read; older phrases are left out


class Writer:
    """A fitted writer."""

    def __init__(self, network: Transformer) -> None:
        """Take its network."""
        self._network = network

    def write(
        self, wish: Wish, *, seed: int, temperature: float = TEMPERATURE, top_p: float = TOP_P
    ) -> Generator[None, None, Phrase]:
        """Write a phrase: yields after each note, returns all of it, fixed notes included.

        Args:
            wish: what is wanted.
            seed: of the choices.
            temperature: 0 takes the likeliest of each choice; 1 draws from the music's own odds.
            top_p: see `model.codecs.sampling.Sampling`.

        """
        (phrase,) = yield from self._writing([_Row(self._network, wish, seed)], temperature, top_p)
        return phrase

    def write_drafts(self, wish: Wish, seeds: Sequence[int]) -> Generator[None, None, list[Phrase]]:
        """Write a wish several times side by side: yields after each note of all, returns one for each seed.

        What is known is read once, so that four take less than twice as long as one.
        """
        first = _Row(self._network, wish, seeds[0])
        return self._writing([first, *map(first.another, seeds[1:])], TEMPERATURE, TOP_P)

    def write_now(
        self, wish: Wish, *, seed: int, temperature: float = TEMPERATURE, top_p: float = TOP_P
    ) -> Phrase:
        """Return what `write` comes to."""
        return run_to_end(self.write(wish, seed=seed, temperature=temperature, top_p=top_p))

    def write_many(
        self,
        wishes: Sequence[Wish],
        *,
        seed: int | Sequence[int],
        temperature: float = TEMPERATURE,
        top_p: float = TOP_P,
    ) -> list[Phrase]:
        """Write phrases side by side, which takes much less time than one after another.

        Each is as `write` has it with the same seed, but for what rounding decides.

        Args:
            wishes: what is wanted.
            seed: of the choices of each; a single one counts up from the first.
            temperature: as in `write`.
            top_p: likewise.

        """
        seeds = range(seed, seed + len(wishes)) if isinstance(seed, int) else seed
        found: list[Phrase] = []
        for first in range(0, len(wishes), TOGETHER):
            part = slice(first, first + TOGETHER)
            rows = [
                _Row(self._network, wish, one) for wish, one in zip(wishes[part], seeds[part], strict=True)
            ]
            found += run_to_end(self._writing(rows, temperature, top_p))
        return found

    def score(self, phrases: Sequence[Phrase], wish: Wish) -> list[float]:
        """Return how surprising phrases are where a wish is made: nats for each new note, the end included.

        Counted are onsets, tracks, pitches and lengths.  Of phrases after one context that with the least
        follows it best; `follows` also leaves out how common it is by itself.

        Args:
            phrases: on the writer's grid.
            wish: their context and what is known; its fixed notes are not counted.

        """
        return self._scores(phrases, wish, _shift(wish))

    def follows(self, phrases: Sequence[Phrase], wish: Wish) -> list[float]:
        """Return how much more likely phrases are after a wish's context than without it, nats a note."""
        shift = _shift(wish)  # in one key both times
        after = self._scores(phrases, wish, shift)
        alone = self._scores(phrases, replace(wish, context=(), place=None), shift)
        return [without - with_ for with_, without in zip(after, alone, strict=True)]

    def _scores(self, phrases: Sequence[Phrase], wish: Wish, shift: int) -> list[float]:
        """Return nats a new note of phrases under a wish, whose context is read once."""
        network = self._network
        base = _Row(network, wish, 0, shift)
        memory = AttentionMemory(network, np.array([len(base.x)]), 0)
        begin = network.prefix(base.x[None], base.times[None], memory)[0, -1]
        found = []
        for first in range(0, len(phrases), TOGETHER):
            rows = [_Row(network, wish, 0, shift, phrase) for phrase in phrases[first : first + TOGETHER]]
            entering, times = zip(*(row.entering_new(network) for row in rows), strict=True)
            x, steps, _ = _side_by_side(entering, times)
            several = memory.repeated(len(rows), x.shape[1])
            seen = network.prefix(x, steps, several)
            keys, values = several.seen(network.depth)
            for number, row in enumerate(rows):
                known = np.concatenate((begin[None], seen[number, : len(entering[number])]))
                found.append(row.score(network, known, (keys[number], values[number]), len(base.x) - 1))
        return found

    def _writing(
        self, every: Sequence["_Row"], temperature: float, top_p: float
    ) -> Generator[None, None, list[Phrase]]:
        """Write phrases side by side; yields after each note of all of them."""
        network = self._network
        around = NotesAround(len(every))
        for number, row in enumerate(every):
            row.show(around, number)
        active = np.arange(len(every))
        alike = all(row.x is every[0].x for row in every)  # what is known is read once
        read = every[:1] if alike else every
        x, times, lengths = _side_by_side([row.x for row in read], [row.times for row in read])
        memory = AttentionMemory(network, lengths, LONGEST if len(read) == len(every) else 0)
        seen = network.prefix(x, times, memory)
        if len(read) < len(every):
            memory = memory.repeated(len(every), LONGEST)
        x = np.broadcast_to(seen[np.arange(len(read)), lengths - 1], (len(every), network.width))
        yield
        for _ in range(LONGEST):
            rows = [every[number] for number in active.tolist()]
            notes = _choose(network, x, rows, active, around=around, memory=memory, heat=(temperature, top_p))
            on = notes[:, t.ONSET] < t.END
            if not on.all():
                active, notes, x = active[on], notes[on], x[on]
                memory.keep(on)
                rows = [every[number] for number in active.tolist()]
            if not len(active):
                break
            for row, number, note in zip(rows, active.tolist(), notes.tolist(), strict=True):
                row.take(note)
                around.add_one(number, note)
            left = network.left(np.array([row.left() for row in rows]))
            kinds = np.array([row.wish.kind for row in rows])
            entering = network.known(notes, kinds, np.array(t.NEW)) + left
            x = network.step(entering, np.array([row.begins for row in rows]) + notes[:, t.ONSET], memory)
            yield
        return [row.phrase() for row in every]


class _Row:
    """One wish while it is written.

    Attributes:
        wish: it.
        begins: steps from the beginning of its context to this phrase.

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
        self.begin(seed)
        self._shift = self._found_shift(network) if shift is None else shift
        context = _recent(wish)
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
        self._new = t.rows_of(new, self._shift)
        self.x, self.times = self._prefix(network)

    def begin(self, seed: int) -> None:
        """Have nothing written yet."""
        self._rng = np.random.default_rng(seed)
        self._written: list[list[int]] = []
        self._count = dict(self.wish.count) if self.wish.count is not None else {}
        self._allowed = self._allowed_at_first()

    def another(self, seed: int) -> "_Row":
        """Return a row of the same wish in the same key that is written from another seed."""
        found = copy(self)
        found.begin(seed)
        return found

    def _found_shift(self, network: Transformer) -> int:
        """Return the semitones that take the wish's music to C major; of nothing, a key of chance."""
        wish = self.wish
        silent = wish.scale is None and not any(map(len, (*wish.context, wish.fixed)))
        if not silent or wish.kind == Kind.DRUMS:
            return _shift(wish)
        reached = np.cumsum(np.maximum(network.held["keys"][wish.kind], 0) + 1e-9)
        tonic = int(np.searchsorted(reached, self._rng.random() * reached[-1], side="right"))
        return (6 - tonic) % 12 - 6

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
        return self._entering(network, self._new), self._new[:, t.ONSET] + self.begins

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
        if len(self._new):
            both = np.concatenate((self._fixed, self._new))
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
        new = [t.note_of(row, self._shift) for row in self._written]
        ends: dict[int, list[int]] = {track: [] for track in self.wish.kind.lines}
        for note in (*fixed, *new):
            if note.track in ends:
                ends[note.track].append(note.onset)
        return Phrase.of(GRID, (*fixed, *(_cut_short(note, ends) for note in new)))

    def score(
        self, network: Transformer, seen: t.Floats, looked_at: tuple[t.Floats, t.Floats], begin: int
    ) -> float:
        """Return nats a new note; see `Writer.score`.

        Args:
            network: of the writer.
            seen: what the blocks made of the token before the new notes, and of these, [notes + 1, width].
            looked_at: keys and values of the last block, of all tokens, each [heads, L, size].
            begin: place of the first of them.

        """
        new = self._new
        count = len(new)
        zero = np.zeros(count + 1, dtype=np.int64)
        around = NotesAround(1)
        self.show(around, 0)
        x = seen
        previous = np.r_[self.wish.span[0], new[:, t.ONSET]]
        odds = onset_odds(network.head(t.ONSET, x), previous, around.rhythm(zero, previous))
        wanted = np.r_[new[:, t.ONSET], t.END]
        nats = _surprise(odds, wanted)
        if count:
            rank = chord_ranks(zero[:-1], new)
            onset, track = new[:, t.ONSET], new[:, t.TRACK]
            above = np.roll(new, 1, axis=0)[:, t.REFERENCED]
            here = around.here(zero[:-1], onset, _beside(new))
            until = begin + 1 + np.arange(count)
            x = network.look_all(x[:-1], onset, onset + self.begins, here, looked_at=looked_at, until=until)
            tracks = network.head(t.TRACK, x)
            tracks = np.where(np.isin(np.arange(PARTS), list(self.wish.wanted)), tracks, NEVER)
            nats += _surprise(tracks, track)
            x = x + network.embeddings[t.TRACK][track]
            references = around.references(zero[:-1], onset, track, rank, above)
            for column in (t.PITCH, t.LENGTH):
                numbers = network.head(column, x)
                refers = references[:, :, t.REFERENCED.index(column)]
                nats += _surprise(value_odds(column, numbers, refers, here), new[:, column])
                x = x + network.embeddings[column][new[:, column]]
        return nats / (count + 1)


def _choose(
    network: Transformer,
    x: t.Floats,
    rows: Sequence[_Row],
    numbers: t.Ints,
    *,
    around: NotesAround,
    memory: AttentionMemory,
    heat: tuple[float, float],
) -> t.Ints:
    """Choose the next note of each row, int64 [B, 6]; of those that end, the onset alone."""
    count = len(rows)
    chance = np.array([row.chances() for row in rows])
    notes = np.zeros((count, len(t.TOKEN_COLUMNS)), dtype=np.int64)
    previous = np.array([row.previous for row in rows])
    odds = onset_odds(network.head(t.ONSET, x), previous, around.rhythm(numbers, previous))
    odds = np.where([row.onsets() for row in rows], odds, NEVER)
    notes[:, t.ONSET] = drawn(odds, chance[:, t.ONSET], *heat)
    onset = np.minimum(notes[:, t.ONSET], STEPS - 1)
    at = onset.tolist()
    here = around.here(
        numbers, onset, np.array([row.beside(step) for row, step in zip(rows, at, strict=True)])
    )
    times = np.array([row.begins for row in rows]) + onset
    x = network.look(x, onset, times, here, memory)
    odds = np.where(
        [row.tracks(step) for row, step in zip(rows, at, strict=True)], network.head(t.TRACK, x), NEVER
    )
    notes[:, t.TRACK] = drawn(odds, chance[:, t.TRACK], *heat)
    x = x + network.embeddings[t.TRACK][notes[:, t.TRACK]]
    chords = [
        row.chord(step, track) for row, step, track in zip(rows, at, notes[:, t.TRACK].tolist(), strict=True)
    ]
    rank = np.array([len(chord) for chord in chords])
    above = np.array([[chord[-1][c] if chord else 0 for c in t.REFERENCED] for chord in chords])
    references = around.references(numbers, onset, notes[:, t.TRACK], rank, above)
    for place, column in enumerate(t.REFERENCED):
        odds = value_odds(column, network.head(column, x), references[:, :, place], here)
        if column == t.PITCH:
            keyed = (notes[:, t.TRACK] != DRUMS)[:, None]
            odds = in_scale(odds, np.array([row.strange for row in rows]) * keyed)
            possible = [
                row.pitches(step, track)
                for row, step, track in zip(rows, at, notes[:, t.TRACK].tolist(), strict=True)
            ]
            odds = np.where(possible, odds, NEVER)
        notes[:, column] = drawn(odds, chance[:, column], *heat)
        x = x + network.embeddings[column][notes[:, column]]
    return notes


def _beside(notes: t.Ints) -> t.Floats:
    """Return what stands before each note on its step, see `NotesAround.here`."""
    found = np.zeros((len(notes), PARTS, 1 + CLASSES), dtype=np.float32)
    for number in range(1, len(notes)):
        onset, track, pitch = notes[number - 1, : t.PITCH + 1].tolist()
        if notes[number, t.ONSET] == onset:
            found[number] = found[number - 1]
            found[number, track, 0] = 1
            if track != DRUMS:
                found[number, track, 1 + pitch % CLASSES] = 1
    return found


def _surprise(odds: t.Floats, values: t.Ints) -> float:
    """Return the nats of values by their odds, together."""
    top = odds.max(1, keepdims=True)
    total = np.log(np.exp(odds - top).sum(1)) + top[:, 0]
    return float((total - odds[np.arange(len(values)), values]).sum())


def _side_by_side(entering: Sequence[t.Floats], steps: Sequence[t.Ints]) -> tuple[t.Floats, t.Ints, t.Ints]:
    """Return rows of tokens [B, L, width], their steps [B, L] and lengths [B], the shorter ones filled up."""
    lengths = np.array([len(row) for row in entering])
    x = np.zeros((len(entering), int(lengths.max()), entering[0].shape[1]), dtype=np.float32)
    times = np.zeros(x.shape[:2], dtype=np.int64)
    for number, (row, of_row) in enumerate(zip(entering, steps, strict=True)):
        x[number, : len(row)], times[number, : len(row)] = row, of_row
    return x, times, lengths


def _shift(wish: Wish) -> int:
    """Return the semitones that take a wish's music to C major or A minor."""
    notes = [note for phrase in (*_recent(wish), wish.fixed) for note in phrase.notes]
    return t.shift_of(np.array(profile(notes), dtype=np.float32), wish.scale)


def _recent(wish: Wish) -> tuple[Phrase, ...]:
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
    return note._replace(length=length)


_KIT = np.isin(np.arange(128), KEYS)


@cache
def shipped_writer() -> Writer | None:
    """Return the writer that came with the instrument; None where it did not."""
    return read_writer(FILE) if FILE.is_file() else None


def read_writer(path: Path) -> Writer:
    """Open a writer's file.

    Raises:
        OSError, KeyError, ValueError: it cannot be read, or is none.

    """
    return Writer(Transformer(load_file(path)))
