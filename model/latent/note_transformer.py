"""The prior that a checkpoint learned of its phrases: draws of it decode to music like its data.

A network that spends many bits on a phrase leaves most of N(0, I) empty: a draw from there is no phrase.  So
a draw is a phrase that a small Transformer writes note by note, and z is where the encoder finds it.  A note
is one token; its numbers are chosen one after another, each given those before it (compound words; Hsiao et
al. 2021, "Compound Word Transformer", section 4).  The odds of a number are the sum of three: of its value,
of its distance from that of the note before, and from that of the note a bar before (`latent.references`).
Tracks are written one after another, in any order, by what sounds in those before (`latent.part_context`):
so it also writes what is missing beside some of them.
`trainer.latent.prior` fits it; here it writes, in numpy alone.  ONNX Runtime would need about two thirds of
the time (`lead`, one thread: 3.3 of 5.6 ms a note, 6.1 of 10.5 with 16 phrases at once), but a graph of the
blocks and one of each column in every checkpoint.
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, OFFSET, ONSET, PITCH, TRACK, VELOCITY, phrase_of, table_of
from model.codecs.sampling import gumbel_max
from model.latent.part_context import CLASSES, PartContext, fitting
from model.latent.references import NONE, REFERENCED_COLUMNS, References
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, TRACKS

Written = TypeVar("Written")
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

FOLDER = "prior/"
NAMES = ("onset", "pitch", "velocity", "length", "offset", "track")
"""Of the columns of a note table."""
ORDER = (TRACK, ONSET, PITCH, LENGTH, VELOCITY, OFFSET)
"""In which a note's numbers are chosen; the first of them that is has one choice more: it ends the phrase."""
LOWEST = np.array([0, 0, 0, 1, -50, 0])
"""Least value of each column: what its first choice stands for."""
NORM = 1e-5
TOGETHER = 256  # phrases that are written at once: fewer take longer each, more take memory
ROOM = 16  # tokens that there is room for at first


def sizes(grid: Grid) -> tuple[int, ...]:
    """Return how many values each column has."""
    found = {ONSET: grid.steps, PITCH: 128, VELOCITY: 128, LENGTH: grid.steps, OFFSET: 101}
    return tuple(found.get(column, len(TRACKS)) for column in COLUMNS)


MOST_AT_ONCE = {BASS: 2, CHORDS: 6}
"""Notes that a part strikes together; the network may pile more of them on a phrase's last steps."""


def without_piles(notes: Sequence[Note]) -> list[Note]:
    """Return the notes without those steps of a part on which more are struck than it can play.

    A part all of whose steps are such keeps the lowest notes of the first one.
    """
    steps: dict[tuple[int, int], list[Note]] = {}
    for note in notes:
        steps.setdefault((note.track, note.onset), []).append(note)
    fits = {place: len(found) <= MOST_AT_ONCE.get(place[0], len(found)) for place, found in steps.items()}
    fitting_tracks = {track for (track, _), fit in fits.items() if fit}
    out: list[Note] = []
    for place, found in sorted(steps.items()):
        if fits[place]:
            out += found
        elif place[0] not in fitting_tracks:
            fitting_tracks.add(place[0])
            out += sorted(found, key=lambda note: note.pitch)[: MOST_AT_ONCE[place[0]]]
    return out


class NoteTransformer:
    """A fitted language model of notes.

    Its tensors, all float: `begin` [width], what stands before the first note; `place.weight` [longest + 1,
    width]; `heads` [1]; `constant` [6], what a column holds that is not chosen; per column that is, by
    `NAMES`: `n.weight` [choices, width], `n.norm`, `n.up`, `n.out` (of values, then of distances from the one
    reference and from the other, 5 choices - 2 in all); where tracks are chosen, `strikes`, `intervals` (the
    weights of `latent.part_context`) and `here` (of what sounds on a step); per block i: `i.norm1`, `i.mix`,
    `i.out`, `i.norm2`, `i.up`, `i.down`.  Layers have `.weight` [out, in] and `.bias` [out], norms both
    [width].
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]], grid: Grid) -> None:
        """Take the tensors, names without the folder, and the grid of the phrases.

        Raises:
            KeyError: one is missing.
            ValueError: shapes do not fit together, or another grid.
        """
        self._held: dict[str, Floats] = {n: np.asarray(v, dtype=np.float32) for n, v in tensors.items()}
        self.grid = grid
        self._width = len(self._held["begin"])
        self._longest = len(self._held["place.weight"]) - 1
        self._heads = int(self._held["heads"][0])
        self._depth = sum(name.endswith(".mix.weight") for name in self._held)
        self._constant = self._held["constant"].astype(np.int64)
        self._chosen = [column for column in ORDER if f"{NAMES[column]}.weight" in self._held]
        if ONSET not in self._chosen:
            raise KeyError("onset.weight")
        self._choices = {column: sizes(grid)[column] for column in self._chosen}
        self._choices[self._chosen[0]] += 1
        for column, choices in self._choices.items():
            found = len(self._held[f"{NAMES[column]}.weight"])
            if found != choices:
                raise ValueError(f"its prior chooses of {found} {NAMES[column]}s, not {choices}")
        if self._heads < 1 or self._width % self._heads or self._constant.shape != (len(COLUMNS),):
            raise ValueError("the parts of its prior do not fit together")
        self._write(
            2, np.random.default_rng(0), longest=min(2, self._longest)
        )  # every name and shape is used

    @property
    def plays_along(self) -> bool:
        """Whether it writes several tracks, and so what is missing beside some of them."""
        return TRACK in self._chosen

    def draw(self, count: int, rng: np.random.Generator) -> list[Phrase]:
        """Write phrases, none of them empty."""
        found: list[Phrase] = []
        while len(found) < count:
            found += self._write(min(TOGETHER, count - len(found)), rng, longest=self._longest)
        return found

    def along(
        self, context: Phrase, wanted: Collection[int], rng: np.random.Generator
    ) -> Generator[None, None, Phrase]:
        """Write tracks to a phrase; yields after each note, returns all of it.

        What was given stays as it is, and no note comes to its tracks.

        Args:
            context: the phrase, not empty.
            wanted: tracks, each of which gets one note at least, as far as there is room.
            rng: of the choices.

        Raises:
            ValueError: it writes one track alone, or the phrase lies on another grid.
        """
        if not self.plays_along or context.grid != self.grid:
            raise ValueError("the prior cannot write along with this phrase")
        table = table_of(context)
        table = table[np.lexsort((-table[:, PITCH], table[:, ONSET], table[:, TRACK]))] - LOWEST
        missing = set(wanted) - set(table[:, TRACK].tolist())
        if not missing or len(table) >= self._longest:
            return context
        (written,) = yield from self._writing(
            1, rng, longest=self._longest, context=table.astype(np.int64), wanted=missing
        )
        added = [note for note in written.notes if note.track in missing]
        return Phrase.of(context.grid, (*context.notes, *without_piles(added)))

    def _write(self, count: int, rng: np.random.Generator, *, longest: int) -> list[Phrase]:
        """Write phrases of that many notes at most, side by side."""
        none = np.zeros((0, len(COLUMNS)), dtype=np.int64)
        return run_to_end(self._writing(count, rng, longest=longest, context=none))

    def _writing(
        self,
        count: int,
        rng: np.random.Generator,
        *,
        longest: int,
        context: Ints,
        wanted: Collection[int] | None = None,
    ) -> Generator[None, None, list[Phrase]]:
        """Write phrases that all begin with the given notes, whose tracks are then over.

        Of tracks only the wanted ones, and all of them; None for whichever come.
        """
        notes = np.tile(self._constant, (count, longest, 1))
        ends = np.full(count, longest)
        known = References(count, self.grid, longest)
        beside = PartContext(count, self.grid)
        rows = np.arange(count)  # that are still being written
        memory = _Memory(self._depth, count, self._heads, self._width // self._heads)
        x = np.tile(self._held["begin"] + self._held["place.weight"][0], (count, 1))
        end = self._choices[self._chosen[0]] - 1
        for place in range(longest):
            seen = self._seen(x, memory)
            if place < len(context):
                picked = np.tile(context[place], (count, 1))
            else:
                picked = self._note(seen, rows, known=known, beside=beside, rng=rng, wanted=wanted)
            on = picked[:, self._chosen[0]] < end
            ends[rows[~on]] = place
            rows, picked = rows[on], picked[on]
            if not len(rows):
                break
            notes[rows, place] = picked
            known.add(rows, picked)
            if place == len(context) - 1:
                known.close()
            if self.plays_along:
                beside.add(rows, picked)
            memory.keep(on)
            x = self._held["place.weight"][place + 1] + self._known(picked)
            yield
        notes += LOWEST
        notes[:, :, VELOCITY] = np.maximum(1, notes[:, :, VELOCITY])
        return [
            phrase_of(self.grid, columns[:end]) for columns, end in zip(notes, ends.tolist(), strict=True)
        ]

    def _note(
        self,
        x: Floats,
        rows: Ints,
        *,
        known: References,
        beside: PartContext,
        rng: np.random.Generator,
        wanted: Collection[int] | None,
    ) -> Ints:
        """Choose a note's numbers, int64 [B, 6], given what the blocks made of those before it, [B, width].

        In its track none begins before the one before it; no track comes twice, nor one that is not wanted;
        the phrase does not end with nothing, nor without a track that is wanted.
        """
        picked = np.tile(self._constant, (len(x), 1))
        references = np.full((len(x), 2, len(COLUMNS)), NONE)
        references[:, 0, TRACK] = known.track[rows]
        earliest = next((column for column in self._chosen if column in REFERENCED_COLUMNS), None)
        others = here = None
        unwanted = np.array([wanted is not None and track not in wanted for track in range(len(TRACKS))])
        for column in self._chosen:
            tracks = np.minimum(picked[:, TRACK], len(TRACKS) - 1)  # where a phrase ends, any will do
            if column == ONSET:
                references[:, :, ONSET] = known.onset(rows, tracks)
                others = self._parts_before(known.tracks[rows], tracks)
            if column == earliest:
                onsets = np.minimum(picked[:, ONSET], self.grid.steps - 1)  # likewise
                references[:, :, list(REFERENCED_COLUMNS)] = known.rest(rows, onsets, tracks)
            odds, inner = self._odds(column, x, references[:, :, column])
            if column == TRACK:
                odds[:, : len(TRACKS)][known.over(rows) | unwanted] = -np.inf
            if column == self._chosen[0]:
                came = known.tracks[rows]
                odds[~came.any(1), -1] = -np.inf
                if wanted is not None:
                    odds[~came[:, list(wanted)].all(1), -1] = -np.inf
            if column == ONSET:
                if others is not None:
                    odds += np.einsum(
                        "mp,mps->ms", self._linear("strikes", inner), beside.rhythm(rows, others)
                    )
                odds[np.arange(odds.shape[1]) < references[:, :1, ONSET]] = -np.inf
            if column == PITCH and here is not None:
                fits = fitting(self._linear("intervals", inner), here) * (picked[:, TRACK, None] != DRUMS)
                odds += fits[:, np.arange(odds.shape[1]) % CLASSES]
            picked[:, column] = gumbel_max(odds, rng)
            x = x + self._held[f"{NAMES[column]}.weight"][picked[:, column]]
            if column == ONSET and others is not None:
                here = beside.here(rows, others, picked[:, ONSET])
                x = x + self._linear("here", here)
        return picked

    def _parts_before(self, came: NDArray[np.bool_], tracks: Ints) -> Floats | None:
        """Return which parts the next notes hear, those that came before their own, float32 [B, parts].

        None of a model of one track.
        """
        if not self.plays_along:
            return None
        came[np.arange(len(came)), tracks] = False
        return came.astype(np.float32)

    def _odds(self, column: int, x: Floats, references: Ints) -> tuple[Floats, Floats]:
        """Return the log odds of a column's choices, [B, choices], given two references, [B, 2].

        And the hidden layer that they come from, [B, width].
        """
        name, choices = NAMES[column], self._choices[column]
        inner = np.maximum(self._linear(f"{name}.up", self._norm(f"{name}.norm", x)), 0.0)
        odds, *away = np.split(self._linear(f"{name}.out", inner), (choices, 3 * choices - 1), axis=1)
        rows = np.arange(len(x))
        for far, reference in zip(away, references.T, strict=True):
            near = sliding_window_view(far, choices, axis=1)  # of each row from every reference
            distances = near[rows, choices - 1 - np.clip(reference, 0, choices - 1)]
            distances[reference == NONE] = 0.0
            odds += distances
        return odds, inner

    def _known(self, notes: Ints) -> Floats:
        """Return what notes enter the blocks as, [B, width]."""
        parts = [self._held[f"{NAMES[column]}.weight"][notes[:, column]] for column in self._chosen]
        out: Floats = np.sum(parts, axis=0, dtype=np.float32)
        return out

    def _seen(self, x: Floats, memory: "_Memory") -> Floats:
        """Map one token of each phrase [B, width] as `layers.causal.CausalBlocks.step` does."""
        count = len(x)
        memory.begin()
        for index in range(self._depth):
            mixed = self._linear(f"{index}.mix", self._norm(f"{index}.norm1", x))
            query, key, value = mixed.reshape(count, 3, self._heads, -1).swapaxes(0, 1)
            seen = memory.attend(index, query, key, value)
            x = x + self._linear(f"{index}.out", seen.reshape(count, -1))
            inner = np.maximum(self._linear(f"{index}.up", self._norm(f"{index}.norm2", x)), 0.0)
            x = x + self._linear(f"{index}.down", inner)
        return x

    def _linear(self, name: str, x: Floats) -> Floats:
        out: Floats = x @ self._held[f"{name}.weight"].T
        out += self._held[f"{name}.bias"]
        return out

    def _norm(self, name: str, x: Floats) -> Floats:
        width = np.float32(self._width)
        sums: Floats = np.add.reduce(x, -1, keepdims=True)
        centred = x - sums / width
        squares: Floats = np.add.reduce(centred * centred, -1, keepdims=True)
        spread = np.sqrt(squares / width + np.float32(NORM))
        centred /= spread
        centred *= self._held[f"{name}.weight"]
        centred += self._held[f"{name}.bias"]
        return centred


def run_to_end(writing: Generator[None, None, Written]) -> Written:
    """Return what a writing that gives others their turn comes to."""
    while True:
        try:
            next(writing)
        except StopIteration as done:
            written: Written = done.value
            return written


class _Memory:
    """Keys and values of the tokens so far, [depth, 2, slots, heads, tokens, size], a slot for each phrase.

    Those that are still being written lie in the first slots: where one ends, the last one moves into its
    slot.  There is room for up to twice the tokens that have come: spread over room for all that may come, to
    read them took two to three times as long.
    """

    def __init__(self, depth: int, count: int, heads: int, size: int) -> None:
        self._all = np.empty((depth, 2, count, heads, ROOM, size), dtype=np.float32)
        self._slots = np.arange(count)  # of the phrases that are still being written
        self._tokens = 0

    def begin(self) -> None:
        """Make room for one token more."""
        if self._tokens == self._all.shape[4]:
            depth, two, _, heads, tokens, size = self._all.shape
            wider = np.empty((depth, two, len(self._slots), heads, 2 * tokens, size), dtype=np.float32)
            wider[..., :tokens, :] = self._all[:, :, : len(self._slots)]
            self._all = wider
        self._tokens += 1

    def attend(self, block: int, query: Floats, key: Floats, value: Floats) -> Floats:
        """Put a block's key and value of the token there, and look at all; each is [B, heads, size]."""
        keys, values = self._all[block, :, : len(self._slots), :, : self._tokens]
        keys[self._slots, :, -1], values[self._slots, :, -1] = key, value
        asked = np.empty_like(query)
        asked[self._slots] = query * np.float32(query.shape[-1] ** -0.5)
        weights = np.matmul(keys, asked[..., None])[..., 0]
        weights = np.exp(weights - weights.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        seen: Floats = (weights[..., None, :] @ values)[self._slots, :, 0]
        return seen

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget all phrases but some."""
        slots = self._slots[rows]
        behind = slots >= len(slots)
        free = np.setdiff1d(np.arange(len(slots)), slots)
        tokens = slice(self._tokens)
        self._all[:, :, free, :, tokens] = self._all[:, :, slots[behind], :, tokens]
        slots[behind] = free
        self._slots = slots


def note_transformer_in(extras: Mapping[str, NDArray[Any]], grid: Grid) -> NoteTransformer | None:
    """Return the prior among a checkpoint's further tensors, if there is one.

    Raises:
        KeyError: one of its tensors is missing.
        ValueError: they do not fit together, or another grid.
    """
    tensors = {name.removeprefix(FOLDER): value for name, value in extras.items() if name.startswith(FOLDER)}
    return NoteTransformer(tensors, grid) if tensors else None
