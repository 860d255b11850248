"""The codecs poly and roll: keys as onset, hold and velocity rolls, and micro-offsets beside them.

They keep onset, pitch, length, velocity and micro-offset (to a hundredth of a step).  poly has the 88 keys of
a piano, 21..108, and moves what lies outside into them by octaves; roll has all 128 of MIDI.  Tracks and
drums are not kept.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import (
    LENGTH,
    OFFSET,
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

KEYS = 88
LOWEST = 21
UNLIKELY = -3.0  # logit of one chance in twenty


class PolyCodec:
    """Polyphonic phrases on one grid.

    Arrays: `roll` float32 [B, steps, 3, 88]: onset 0 or 1, hold 0 or 1 (sounding, after its onset), and
    velocity 0..1 at onsets; `offset` float32 [B, steps, 88]: -0.5..0.5 of a step at onsets.  Heads: `onset`
    and `hold` logits and `velocity` 0..1, each [steps, 88]; hold says whether a key that sounded on the step
    before sounds on.  A model may have a fourth head `offset`, -0.5..0.5, and a model without it arrays
    without `offset`: all is then on the step.

    Attributes:
        timed: whether `pack` makes `offset`, a quarter of the arrays.
    """

    kind: ClassVar[str] = "poly"
    keys: ClassVar[int] = KEYS
    lowest: ClassVar[int] = LOWEST

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.timed = True

    def pack(self, table: Table, rows: NDArray[np.int64], count: int) -> Arrays:
        """Return the roll of `count` phrases; see `Codec.pack`."""
        table, rows = pitched(table, rows)
        steps = self.grid.steps
        roll = np.zeros((count, steps, 3, self.keys), dtype=np.float32)
        onset = table[:, ONSET].astype(np.int64)
        key = fold(table[:, PITCH].astype(np.int64), self.lowest, self.keys)
        length = np.minimum(table[:, LENGTH], steps - onset)
        index, step = spans(onset, length)
        flat, plane = roll.reshape(-1), 3 * self.keys  # one index is quicker than four
        flat[(rows[index] * steps + step) * plane + self.keys + key[index]] = 1
        cell = rows * steps + onset
        struck = cell * plane + key
        flat[struck] = 1
        flat[struck + self.keys] = 0
        order = np.argsort(table[:, VELOCITY], kind="stable")  # of two on one key and step the louder stays
        flat[struck[order] + 2 * self.keys] = table[order, VELOCITY] / np.float32(127)
        if not self.timed:
            return {"roll": roll}
        offset = np.zeros((count, steps, self.keys), dtype=np.float32)
        offset.reshape(-1)[(cell * self.keys + key)[order]] = table[order, OFFSET] / np.float32(100)
        return {"roll": roll, "offset": offset}

    def unpack(self, arrays: Arrays, row: int) -> Phrase:
        """Return the phrase that the roll holds in one row."""
        onset, hold, velocity = np.moveaxis(arrays["roll"][row], 1, 0)
        away = arrays.get("offset")
        return self._spell(onset > 0.5, hold > 0.5, velocity, None if away is None else away[row])

    def named(self, phrase: Phrase) -> Phrase:
        """Return all of a phrase's notes but drums, of one part; see `Codec.named`."""
        return of_one_part(phrase)

    def heads(self) -> dict[str, tuple[int, ...]]:
        """Return the heads' shapes."""
        shape = (self.grid.steps, self.keys)
        return {"onset": shape, "hold": shape, "velocity": shape}

    def noise(self, rng: np.random.Generator) -> Arrays:
        """Draw logistic noise for onsets and holds."""
        shape = (self.grid.steps, self.keys)
        return {
            "onset": rng.logistic(size=shape).astype(np.float32),
            "hold": rng.logistic(size=shape).astype(np.float32),
        }

    def read(
        self, heads: Heads, *, temperature: float = 0.0, noise: Arrays | None = None, levels: Levels = ZERO
    ) -> Phrase:
        """Return the phrase that the heads spell; `levels` may hold the logits `onset` and `hold` to pass.

        Sampled, the levels fade as the temperature rises, since at 1 the heads' own chances are meant; keys
        less likely than `UNLIKELY` stay silent, for there are so many that some would always sound.
        """
        cold = max(0.0, 1.0 - temperature)
        onset = heads["onset"] - cold * levels.get("onset", 0.0)
        hold = heads["hold"] - cold * levels.get("hold", 0.0)
        if temperature > 0 and noise is not None:
            heat = np.float32(temperature)
            onset = np.where(onset > UNLIKELY, onset + heat * noise["onset"], onset)
            hold = hold + heat * noise["hold"]
        return self._spell(onset > 0, hold > 0, heads["velocity"], heads.get("offset"))

    def _spell(
        self,
        onset: NDArray[np.bool_],
        hold: NDArray[np.bool_],
        velocity: NDArray[np.float32],
        offset: NDArray[np.float32] | None,
    ) -> Phrase:
        """Turn rolls, each [steps, 88], into notes: a note goes on while its key holds and is not struck."""
        going = hold & ~onset
        going[0] = False
        # the first step at or after each at which the key no longer sounds
        steps = self.grid.steps
        until = np.full((steps + 1, self.keys), steps, dtype=np.int64)
        for step in range(steps - 1, -1, -1):
            until[step] = np.where(going[step], until[step + 1], step)
        struck, keys = np.nonzero(onset)
        levels = np.clip(np.rint(velocity[struck, keys] * 127), 1, 127).astype(int)
        lengths = until[struck + 1, keys] - struck
        columns = (struck.tolist(), keys.tolist(), levels.tolist(), lengths.tolist())
        if offset is None:
            notes = [
                Note(step, key + self.lowest, level, long)
                for step, key, level, long in zip(*columns, strict=True)
            ]
        else:
            micro = np.clip(np.rint(offset[struck, keys] * 100), -50, 50).astype(int).tolist()
            notes = [
                Note(step, key + self.lowest, level, long, away / 100)
                for step, key, level, long, away in zip(*columns, micro, strict=True)
            ]
        return Phrase(self.grid, tuple(notes))


class RollCodec(PolyCodec):
    """As `PolyCodec`, of all 128 keys of MIDI: its roll is float32 [B, steps, 3, 128]."""

    kind: ClassVar[str] = "roll"
    keys: ClassVar[int] = 128
    lowest: ClassVar[int] = 0


def fold(pitch: NDArray[np.int64], lowest: int = LOWEST, keys: int = KEYS) -> NDArray[np.int64]:
    """Return keys 0..keys-1, pitches outside moved by octaves."""
    key = pitch - lowest
    key = np.where(key < 0, key % 12, key)
    return np.asarray(np.where(key >= keys, (keys - 12) + (key - (keys - 12)) % 12, key), dtype=np.int64)
