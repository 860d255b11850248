"""The melody codec: one voice as the field's 130 classes (128 onsets, hold, rest) with velocities.

Keeps onset, pitch, length and velocity of a monophonic phrase; of a chord it keeps the highest key,
and a note ends where the next begins.  Micro-offsets, tracks and drums are not kept.  (Classes: Roberts et
al. 2018, "A hierarchical latent vector model for learning long-term structure in music", section 4.)
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import (
    LENGTH,
    ONSET,
    PITCH,
    VELOCITY,
    ZERO,
    Arrays,
    Heads,
    Levels,
    Table,
    of_one_part,
    pitched,
    spans,
)
from model.music.grid import Grid
from model.music.phrase import Note, Phrase

HOLD = 128
REST = 129
CLASSES = 130
Logits = NDArray[np.floating[Any]]
STATES = ("onset", "hold", "rest")


class MelodyCodec:
    """Monophonic phrases on one grid.

    Arrays: `token` int64 [B, steps] in 0..129; `velocity` float32 [B, steps], 0..1, at onsets.
    Heads: `state` [steps, 3] and `pitch` [steps, 128] logits; `velocity` [steps], 0..1.
    """

    kind: ClassVar[str] = "melody"

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    def pack(self, table: Table, rows: NDArray[np.int64], count: int) -> Arrays:
        """Return token and velocity of `count` phrases; see `Codec.pack`."""
        table, rows = pitched(table, rows)
        steps = self.grid.steps
        onset, pitch = table[:, ONSET].astype(np.int64), table[:, PITCH].astype(np.int64)
        place = rows * steps + onset
        order = np.argsort(place << 7 | pitch, kind="stable")
        place = place[order]
        last = np.r_[place[1:] != place[:-1], True] if len(place) else np.zeros(0, dtype=bool)
        order, place = order[last], place[last]
        row, onset = rows[order], onset[order]
        ends = np.r_[place[1:], count * steps] if len(place) else place
        limit = np.minimum(ends, (row + 1) * steps) - place
        length = np.minimum(table[order, LENGTH], limit)
        token = np.full(count * steps, REST, dtype=np.int64)
        token[place] = pitch[order]
        index, step = spans(place, length)
        token[step] = HOLD
        velocity = np.zeros(count * steps, dtype=np.float32)
        velocity[place] = table[order, VELOCITY] / np.float32(127)
        del index
        return {"token": token.reshape(count, steps), "velocity": velocity.reshape(count, steps)}

    def unpack(self, arrays: Arrays, row: int) -> Phrase:
        """Return the phrase that the arrays hold in one row."""
        return self._spell(arrays["token"][row], arrays["velocity"][row])

    def named(self, phrase: Phrase) -> Phrase:
        """Return all of a phrase's notes but drums, of one part; see `Codec.named`."""
        return of_one_part(phrase)

    def heads(self) -> dict[str, tuple[int, ...]]:
        """Return the heads' shapes."""
        steps = self.grid.steps
        return {"state": (steps, len(STATES)), "pitch": (steps, 128), "velocity": (steps,)}

    def noise(self, rng: np.random.Generator) -> Arrays:
        """Draw Gumbel noise for states and pitches."""
        steps = self.grid.steps
        return {
            "state": rng.gumbel(size=(steps, len(STATES))).astype(np.float32),
            "pitch": rng.gumbel(size=(steps, 128)).astype(np.float32),
        }

    def read(
        self, heads: Heads, *, temperature: float = 0.0, noise: Arrays | None = None, levels: Levels = ZERO
    ) -> Phrase:
        """Return the phrase that the heads spell: likeliest, or sampled by the Gumbel-max trick.

        A hold without a sounding note is not a state that can be: there the better of the other two
        is taken.
        """
        del levels
        state: Logits = heads["state"]
        pitch: Logits = heads["pitch"]
        if temperature > 0 and noise is not None:
            state = state + temperature * noise["state"]
            pitch = pitch + temperature * noise["pitch"]
        keys = pitch.argmax(-1)
        token = np.full(self.grid.steps, REST, dtype=np.int64)
        sounding = False
        best = state.argmax(-1)
        without_hold = np.where(state[:, 0] >= state[:, 2], 0, 2)
        for step in range(self.grid.steps):
            now = best[step] if sounding or best[step] != 1 else without_hold[step]
            token[step] = keys[step] if now == 0 else HOLD if now == 1 else REST
            sounding = now != 2
        return self._spell(token, heads["velocity"])

    def _spell(self, token: NDArray[np.int64], velocity: NDArray[np.float32]) -> Phrase:
        """Turn classes and velocities, each [steps], into notes."""
        notes: list[Note] = []
        for step, (value, level) in enumerate(zip(token.tolist(), velocity.tolist(), strict=True)):
            if value < HOLD:
                notes.append(Note(step, value, min(127, max(1, round(level * 127))), 1))
            elif value == HOLD and notes and notes[-1].onset + notes[-1].length == step:
                notes[-1] = notes[-1]._replace(length=notes[-1].length + 1)
        return Phrase(self.grid, tuple(notes))
