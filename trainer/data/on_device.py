"""Batches made on the device that learns: notes lie there, and are gathered, augmented and packed there.

What is drawn (keys, velocities, timing) comes from numpy's generator in the order of `trainer.data.dataset`,
so that a run has the same batches wherever they are made; on a card, where several notes may be written at
once, but for the offsets of notes of one key, step and velocity.

Tested in tests/trainer/data/test_on_device.py.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from model.codecs.base import OFFSET, ONSET, PITCH, TRACK, VELOCITY, Codec
from model.config import ModelConfig
from model.music.tracks import DRUMS, MELODY, TRACKS
from trainer.data.augment import HIGH_VELOCITY, LIMITS, LOUDER, LOW_VELOCITY, UNSTEADY, Ints
from trainer.data.dataset import BEATEN, Phrases
from trainer.data.edit_pairs import EditPairs
from trainer.data.packing import Notes, Tensors, pack
from trainer.settings import FitConfig

Generator = np.random.Generator
SHARE_OF_MEMORY = 0.25  # of what is free on a card that notes may take


def why_not(model: ModelConfig, train: Phrases, device: torch.device) -> str:
    """Say why batches cannot be made on a device, "" where they can."""
    if device.type == "mps":
        return "it has no numbers of 64 bits"
    if model.conditions:
        return "conditions are measured on the processor"
    if model.codec == "multitrack":
        begins = train.starts[:-1][np.diff(train.starts) > 0]
        if (np.maximum.reduceat(train.notes[:, TRACK], begins) == MELODY).any():
            return "keyboards are divided into parts on the processor"
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if train.notes.nbytes > SHARE_OF_MEMORY * free:
            return "its memory is too small for the notes"
    return ""


class DevicePhrases:
    """The notes of many phrases on a device, int16 [N, 6]."""

    def __init__(self, phrases: Phrases, device: torch.device) -> None:
        """Copy them there, once."""
        self._notes = moved(np.array(phrases.notes), device)
        self._starts = phrases.starts

    def gather(self, chosen: Ints) -> Notes:
        """Return the notes of the chosen phrases."""
        begin, counts = self._starts[chosen], np.diff(self._starts)[chosen]
        total, device = int(counts.sum()), self._notes.device
        rows = torch.repeat_interleave(
            torch.arange(len(chosen), device=device), moved(counts, device), output_size=total
        )
        index = moved(begin - np.cumsum(counts) + counts, device)[rows] + torch.arange(total, device=device)
        return Notes(self._notes.index_select(0, index).long(), rows)


def moved(values: np.ndarray, device: torch.device) -> Tensor:
    """Bring an array to a device; to a card from pinned memory, without waiting for it."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


@dataclass(slots=True)
class DeviceBatches:
    """Makes batches on a device; see `trainer.data.batches.Batches`."""

    fit: FitConfig
    codec: Codec
    train: Phrases
    edits: EditPairs | None
    device: torch.device
    _notes: DevicePhrases = field(init=False)
    _edited: DevicePhrases | None = field(init=False)

    def __post_init__(self) -> None:
        """Copy the notes."""
        self._notes = DevicePhrases(self.train, self.device)
        self._edited = DevicePhrases(self.edits.edited, self.device) if self.edits is not None else None

    def plain(self, chosen: Ints, rng: Generator) -> Tensors:
        """Pack phrases, augmented; see `trainer.data.dataset.batch`."""
        notes, count = self._notes.gather(chosen), len(chosen)
        if self.fit.alone:
            notes = _highest(notes, self._moved(rng.random(count) < self.fit.alone))
        self._augment([notes], count, rng)
        if self.codec.kind in BEATEN:
            self._jitter(notes, rng)
        steps = self.codec.grid.steps
        turn = rng.integers(1, steps, count) * (rng.random(count) < self.fit.rotate)
        if self.fit.rotate:
            onset = notes.columns[ONSET]
            onset += self._moved(turn)[notes.rows]
            onset %= steps
        return pack(self.codec, notes, count)

    def paired(self, picked: Ints, rng: Generator) -> tuple[Tensors, Tensors]:
        """Pack phrases and their edits; see `trainer.data.dataset.batch_with_edits`."""
        assert self.edits is not None
        assert self._edited is not None
        first, second = self._notes.gather(self.edits.source[picked]), self._edited.gather(picked)
        self._augment([first, second], len(picked), rng)
        return pack(self.codec, first, len(picked)), pack(self.codec, second, len(picked))

    def joined(self, first: Tensors, then: Tensors) -> Tensors:
        """Return two batches as one."""
        return {name: torch.cat((first[name], value)) for name, value in then.items()}

    def _moved(self, values: np.ndarray) -> Tensor:
        return moved(values, self.device)

    def _augment(self, tables: list[Notes], count: int, rng: Generator) -> None:
        """Transpose and give velocities, in all tables alike; in place."""
        if self.codec.kind in LIMITS:
            self._transpose(tables, count, rng)
        self._shape(tables, count, rng)
        if self.codec.kind in BEATEN:
            factor = self._moved(rng.uniform(*LOUDER, count))
            for notes in tables:
                played = (notes.columns[VELOCITY] * factor[notes.rows]).round().clamp(1, 127)
                _write(notes, VELOCITY, played, notes.columns[TRACK] == DRUMS)

    def _transpose(self, tables: list[Notes], count: int, rng: Generator) -> None:
        """See `trainer.data.augment.transpose`."""
        high = torch.zeros(count, dtype=torch.int64, device=self.device)
        low = torch.full_like(high, 127)
        for notes in tables:
            pitch, drums = notes.columns[PITCH], notes.columns[TRACK] == DRUMS
            high.scatter_reduce_(0, notes.rows, torch.where(drums, 0, pitch), "amax")
            low.scatter_reduce_(0, notes.rows, torch.where(drums, 127, pitch), "amin")
        least, most = LIMITS[self.codec.kind]
        drawn = self._moved(rng.integers(self.fit.transpose[0], self.fit.transpose[1] + 1, count))
        by = torch.clamp(drawn, (least - low).clamp(max=0), (most - high).clamp(min=0))
        for notes in tables:
            notes.columns[PITCH] += by[notes.rows] * (notes.columns[TRACK] != DRUMS)

    def _shape(self, tables: list[Notes], count: int, rng: Generator) -> None:
        """See `trainer.data.augment.shape_velocities`."""
        grid, (first, *_) = self.codec.grid, tables
        track = first.columns[TRACK]
        parts = len(TRACKS) if bool((track > 0).any() & (track < DRUMS).any()) else 1
        owners = [each.rows if parts == 1 else each.rows * parts + each.columns[TRACK] for each in tables]
        count *= parts
        high = torch.zeros(count, dtype=torch.int64, device=self.device)
        low = torch.full_like(high, 128)
        high.scatter_reduce_(0, owners[0], first.columns[VELOCITY], "amax")
        low.scatter_reduce_(0, owners[0], first.columns[VELOCITY], "amin")
        flat = high - low < 2
        level, slope = rng.uniform(40, 105, count), rng.normal(0, 12, count)
        accent, uneven = rng.uniform(-4, 14, count), rng.uniform(0, 6, count)
        about = self._moved(np.stack((level, slope, accent, uneven), axis=1))
        for notes, owner in zip(tables, owners, strict=True):
            onset = notes.columns[ONSET]
            level_of, slope_of, accent_of, uneven_of = about.index_select(0, owner).T
            drawn = level_of + slope_of * (onset / torch.tensor(grid.steps / 2, dtype=torch.float64) - 1.0)
            drawn += accent_of * (onset % grid.steps_per_beat == 0)
            if notes is first:
                drawn += self._moved(rng.normal(0, 1, len(owner))) * uneven_of
            _write(notes, VELOCITY, drawn.round().clamp(LOW_VELOCITY, HIGH_VELOCITY), flat[owner])

    def _jitter(self, notes: Notes, rng: Generator) -> None:
        """See `trainer.data.augment.jitter`."""
        drawn = notes.columns[OFFSET] + self._moved(rng.normal(0, UNSTEADY, len(notes.rows)))
        _write(notes, OFFSET, drawn.round().clamp(-50, 50), notes.columns[TRACK] == DRUMS)


def _write(notes: Notes, column: int, values: Tensor, where: Tensor) -> None:
    """Write whole numbers into a column, where so; in place."""
    notes.columns[column] = torch.where(where, values.long(), notes.columns[column])


def _highest(notes: Notes, single: Tensor) -> Notes:
    """Return the notes without those below another of the same onset, in the phrases that `single` marks."""
    rows, onset = notes.rows, notes.columns[ONSET]
    same = torch.zeros_like(rows, dtype=torch.bool)
    same[:-1] = (rows[:-1] == rows[1:]) & (onset[:-1] == onset[1:])
    return notes.only(~(same & single[rows]))
