"""The prior that a checkpoint learned of its phrases: draws of it decode to music like its data.

A network that spends many bits on a phrase leaves most of N(0, I) empty: a draw from there is no phrase.  So
a draw is a phrase that a small Transformer writes note by note, and z is where the encoder finds it.  A note
is one token; its numbers are chosen one after another, each given those before it (compound words; Hsiao et
al. 2021, "Compound Word Transformer", section 4).  The odds of a number are the sum of three: of its value,
of its distance from that of the note before, and from that of the note a bar before (`model.references`).
`trainer.prior` fits it; here it writes, in numpy alone.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, OFFSET, ONSET, PITCH, TRACK, VELOCITY, phrase_of
from model.grid import Grid
from model.phrase import Phrase
from model.references import NONE, SAID, References
from model.tracks import TRACKS

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

FOLDER = "prior/"
NAMES = ("onset", "pitch", "velocity", "length", "offset", "track")
"""Of the columns of a note table."""
ORDER = (ONSET, TRACK, PITCH, LENGTH, VELOCITY, OFFSET)
"""In which a note's numbers are chosen."""
LOWEST = np.array([0, 0, 0, 1, -50, 0])
"""Least value of each column: what its first choice stands for."""
NORM = 1e-5
TOGETHER = 64  # phrases that are written at once
ROOM = 64  # notes that the memory of keys and values grows by


def sizes(grid: Grid) -> tuple[int, ...]:
    """Return how many choices each column has; the last one of onsets ends the phrase."""
    found = {ONSET: grid.steps + 1, PITCH: 128, VELOCITY: 128, LENGTH: grid.steps, OFFSET: 101}
    return tuple(found.get(column, len(TRACKS)) for column in COLUMNS)


class Prior:
    """A fitted language model of notes.

    Its tensors, all float: `begin` [width], what stands before the first note; `place.weight` [longest + 1,
    width]; `heads` [1]; `constant` [6], what a column holds that is not chosen; per column that is, by
    `NAMES`: `n.weight` [choices, width], `n.norm`, `n.up`, `n.out` (of values, then of distances from the one
    reference and from the other, 5 choices - 2 in all); per block i: `i.norm1`, `i.mix`, `i.out`,
    `i.norm2`, `i.up`, `i.down`.  Layers have `.weight` [out, in] and `.bias` [out], norms both [width].
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
        for column in self._chosen:
            choices = len(self._held[f"{NAMES[column]}.weight"])
            if choices != sizes(grid)[column]:
                raise ValueError(
                    f"its prior chooses of {choices} {NAMES[column]}s, not {sizes(grid)[column]}"
                )
        if self._width % self._heads or self._constant.shape != (len(COLUMNS),):
            raise ValueError("the parts of its prior do not fit together")
        self._write(
            1, np.random.default_rng(0), longest=min(2, self._longest)
        )  # every name and shape is used once

    def draw(self, count: int, rng: np.random.Generator) -> list[Phrase]:
        """Write phrases, none of them empty."""
        found: list[Phrase] = []
        while len(found) < count:
            found += self._write(min(TOGETHER, count - len(found)), rng, longest=self._longest)
        return found

    def _write(self, count: int, rng: np.random.Generator, *, longest: int) -> list[Phrase]:
        """Write phrases of that many notes at most, side by side."""
        notes = np.tile(self._constant, (count, longest, 1))
        ends = np.full(count, longest)
        known = [References(self.grid) for _ in range(count)]
        rows = np.arange(count)  # that are still being written
        memory = _Memory(self._depth, count, self._heads, self._width // self._heads)
        x = np.tile(self._held["begin"] + self._held["place.weight"][0], (count, 1))
        for place in range(longest):
            picked = self._note(self._seen(x, memory), [known[row] for row in rows], rng, first=place == 0)
            on = picked[:, ONSET] < self.grid.steps
            ends[rows[~on]] = place
            rows, picked = rows[on], picked[on]
            if not len(rows):
                break
            notes[rows, place] = picked
            for row, note in zip(rows.tolist(), picked.tolist(), strict=True):
                known[row].add(note)
            memory.keep(on)
            x = self._held["place.weight"][place + 1] + self._known(picked)
        notes += LOWEST
        notes[:, :, VELOCITY] = np.maximum(1, notes[:, :, VELOCITY])
        return [phrase_of(self.grid, own[:end]) for own, end in zip(notes, ends.tolist(), strict=True)]

    def _note(self, x: Floats, known: list[References], rng: np.random.Generator, *, first: bool) -> Ints:
        """Choose a note's numbers, int64 [B, 6], given what the blocks made of those before it, [B, width].

        None begins before the one before it, the first does not end the phrase.
        """
        picked = np.tile(self._constant, (len(x), 1))
        references = np.full((len(x), 2, len(COLUMNS)), NONE)
        references[:, :, [ONSET, TRACK]] = _places(known)
        first_said = next((column for column in self._chosen if column in SAID), None)
        for column in self._chosen:
            if column == first_said:
                references[:, :, list(SAID)] = _others(known, picked)
            odds = self._odds(column, x, references[:, :, column])
            if column == ONSET:
                odds[np.arange(odds.shape[1]) < references[:, :1, ONSET]] = -np.inf
                odds[:, -1] = -np.inf if first else odds[:, -1]
            # the Gumbel-max trick (Maddison et al. 2014, "A* sampling", section 2)
            picked[:, column] = (odds + rng.gumbel(size=odds.shape)).argmax(1)
            x = x + self._held[f"{NAMES[column]}.weight"][picked[:, column]]
        return picked

    def _odds(self, column: int, x: Floats, references: Ints) -> Floats:
        """Return the log odds of a column's choices, [B, choices], given two references, [B, 2]."""
        name, choices = NAMES[column], sizes(self.grid)[column]
        inner = np.maximum(self._linear(f"{name}.up", self._norm(f"{name}.norm", x)), 0.0)
        odds, *away = np.split(self._linear(f"{name}.out", inner), (choices, 3 * choices - 1), axis=1)
        for number, far in enumerate(away):
            reference = references[:, number, None]
            there = np.take_along_axis(far, np.arange(choices) - np.maximum(0, reference) + choices - 1, 1)
            odds = odds + np.where(reference == NONE, np.float32(0.0), there)
        return odds

    def _known(self, notes: Ints) -> Floats:
        """Return what the blocks are told of notes, [B, width]."""
        parts = [self._held[f"{NAMES[column]}.weight"][notes[:, column]] for column in self._chosen]
        out: Floats = np.sum(parts, axis=0, dtype=np.float32)
        return out

    def _seen(self, x: Floats, memory: "_Memory") -> Floats:
        """Map one token of each phrase [B, width] as `model.causal.CausalBlocks.step` does."""
        count = len(x)
        memory.begin()
        for index in range(self._depth):
            mixed = self._linear(f"{index}.mix", self._norm(f"{index}.norm1", x))
            query, key, value = mixed.reshape(count, 3, self._heads, 1, -1).swapaxes(0, 1)
            keys, values = memory.add(index, key, value)
            weights = query @ keys.swapaxes(-1, -2) * np.float32(keys.shape[-1] ** -0.5)
            weights = np.exp(weights - weights.max(-1, keepdims=True))
            weights /= weights.sum(-1, keepdims=True)
            x = x + self._linear(f"{index}.out", (weights @ values).reshape(count, -1))
            inner = np.maximum(self._linear(f"{index}.up", self._norm(f"{index}.norm2", x)), 0.0)
            x = x + self._linear(f"{index}.down", inner)
        return x

    def _linear(self, name: str, x: Floats) -> Floats:
        out: Floats = x @ self._held[f"{name}.weight"].T + self._held[f"{name}.bias"]
        return out

    def _norm(self, name: str, x: Floats) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(-1, keepdims=True) + NORM)
        out: Floats = centred / spread * self._held[f"{name}.weight"] + self._held[f"{name}.bias"]
        return out


def _places(known: list[References]) -> Ints:
    """Return the references of onset and track, [B, 2, 2]."""
    told = np.array([own.place() for own in known], dtype=np.int64).reshape(-1, 2, 2)
    return told.transpose(0, 2, 1)


def _others(known: list[References], picked: Ints) -> Ints:
    """Return the references of the columns of `SAID`, given onset and track, [B, 2, 4]."""
    found = np.full((len(known), 2, len(SAID)), NONE)
    for own, row, (onset, track) in zip(known, found, picked[:, [ONSET, TRACK]].tolist(), strict=True):
        for reference, note in zip(row, own.rest(onset, track), strict=True):
            if note is not None:
                reference[:] = [note[column] for column in SAID]
    return found


class _Memory:
    """Keys and values of the tokens so far, [depth, 2, B, heads, room, size]."""

    def __init__(self, depth: int, count: int, heads: int, size: int) -> None:
        self._all = np.zeros((depth, 2, count, heads, ROOM, size), dtype=np.float32)
        self._tokens = 0

    def begin(self) -> None:
        """Make room for one token more."""
        self._tokens += 1
        if self._tokens > self._all.shape[4]:
            self._all = np.concatenate((self._all, np.zeros_like(self._all[..., :ROOM, :])), axis=4)

    def add(self, block: int, key: Floats, value: Floats) -> tuple[Floats, Floats]:
        """Put a block's key and value of the token, [B, heads, 1, size]; return all, [B, heads, L, size]."""
        own, now = self._all[block], self._tokens
        own[0, :, :, now - 1], own[1, :, :, now - 1] = key[:, :, 0], value[:, :, 0]
        return own[0, :, :, :now], own[1, :, :, :now]

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget all phrases but some."""
        if not rows.all():
            self._all = self._all[:, :, rows]


def held(extras: Mapping[str, NDArray[Any]], grid: Grid) -> Prior | None:
    """Return the prior among a checkpoint's further tensors, if there is one.

    Raises:
        KeyError: one of its tensors is missing.
        ValueError: they do not fit together, or another grid.

    """
    tensors = {name.removeprefix(FOLDER): value for name, value in extras.items() if name.startswith(FOLDER)}
    return Prior(tensors, grid) if tensors else None
