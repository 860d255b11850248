"""Notes to a codec's arrays on the device that learns from them: `Codec.pack` of each codec in torch.

Tested in tests/trainer/data/test_on_device.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.codecs.base import LENGTH, OFFSET, ONSET, PITCH, TRACK, VELOCITY, Codec
from model.codecs.drums import CLASS_OF_KEY, DrumsCodec
from model.codecs.melody import HOLD, REST, MelodyCodec
from model.codecs.multitrack import MultitrackCodec
from model.codecs.poly import PolyCodec
from model.music.tracks import DRUMS

Tensors = dict[str, Tensor]


@dataclass(slots=True)
class Notes:
    """Notes of several phrases.

    Attributes:
        table: int64 [M, 6], see `model.codecs.base`.
        rows: int64 [M], the phrase of each, rising.
    """

    table: Tensor
    rows: Tensor

    @property
    def columns(self) -> Tensor:
        """The table's columns, [6, M]; what is written there is written in the table."""
        return self.table.T

    def only(self, chosen: Tensor) -> "Notes":
        """Return some of them, bool [M]."""
        index = chosen.nonzero().squeeze(1)
        return Notes(self.table.index_select(0, index), self.rows.index_select(0, index))


def pack(codec: Codec, notes: Notes, count: int) -> Tensors:
    """Return the arrays of `count` phrases; of several tracks none may be a keyboard's, all of the first.

    Raises:
        TypeError: the codec is none of those that prepared phrases have.
    """
    if isinstance(codec, MultitrackCodec):
        arrays: Tensors = {}
        for number, (name, part) in enumerate(codec.parts.items()):
            packed = _part(part, notes.only(notes.columns[TRACK] == number), count)
            arrays |= {f"{name}.{key}": value for key, value in packed.items()}
        return arrays
    if isinstance(codec, DrumsCodec):
        return _hits(codec, notes, count)
    return _part(codec, notes.only(notes.columns[TRACK] != DRUMS), count)


def _part(codec: Codec, notes: Notes, count: int) -> Tensors:
    if isinstance(codec, MelodyCodec):
        return _line(codec, notes, count)
    if isinstance(codec, PolyCodec):
        return _keys(codec, notes, count)
    if isinstance(codec, DrumsCodec):
        return _hits(codec, notes, count)
    raise TypeError(f"no phrases are packed for {codec.kind}")


def _line(codec: MelodyCodec, notes: Notes, count: int) -> Tensors:
    """Return the highest note of each step, which sounds until the next one at most."""
    steps, device = codec.grid.steps, notes.rows.device
    pitch = notes.columns[PITCH]
    place = notes.rows * steps + notes.columns[ONSET]
    top = torch.full((count * steps,), -1, device=device).scatter_reduce_(0, place, pitch, "amax")
    highest = (pitch == top[place]).nonzero().squeeze(1)
    place = place[highest]
    velocity = torch.zeros(count * steps, device=device)
    velocity[place] = notes.columns[VELOCITY][highest].float() / 127
    length = torch.zeros_like(top)
    length[place] = notes.columns[LENGTH][highest]
    top, length = top.view(count, steps), length.view(count, steps)
    step = torch.arange(steps, device=device).expand(count, steps)
    last = torch.where(top >= 0, step, -1).cummax(1).values  # where the note before or on each step starts
    first = last.clamp(min=0)
    sounds = (last >= 0) & (step < first + length.gather(1, first))
    token = torch.where(top >= 0, top, torch.where(sounds, HOLD, REST))
    return {"token": token, "velocity": velocity.view(count, steps)}


def _keys(codec: PolyCodec, notes: Notes, count: int) -> Tensors:
    """Return onsets, holds and velocities by key, and offsets if the codec packs them."""
    steps, keys, device = codec.grid.steps, codec.keys, notes.rows.device
    onset, key = notes.columns[ONSET], _fold(notes.columns[PITCH], codec.lowest, keys)
    cell, plane = notes.rows * steps + onset, 3 * keys
    roll = torch.zeros(count * steps * plane, device=device)
    extra = (torch.minimum(notes.columns[LENGTH], steps - onset) - 1).clamp(min=0)
    total = int(extra.sum())
    held = torch.repeat_interleave(cell * plane + keys + key + plane, extra, output_size=total)
    before = torch.repeat_interleave(extra.cumsum(0) - extra, extra, output_size=total)
    roll[held + (torch.arange(total, device=device) - before) * plane] = 1
    struck = cell * plane + key
    roll[struck] = 1
    roll[struck + keys] = 0
    arrays = {"roll": roll.view(count, steps, 3, keys)}
    offset = torch.zeros(count * steps * keys, device=device) if codec.timed else None
    _loudest(notes, roll, struck + 2 * keys, offset, cell * keys + key)
    if offset is not None:
        arrays["offset"] = offset.view(count, steps, keys)
    return arrays


def _hits(codec: DrumsCodec, notes: Notes, count: int) -> Tensors:
    """Return hits, velocities and offsets by class."""
    steps, device = codec.grid.steps, notes.rows.device
    kinds = int(CLASS_OF_KEY.max()) + 1
    kind = torch.from_numpy(CLASS_OF_KEY).to(device)[notes.columns[PITCH]].long()
    drums = torch.zeros(count * steps * 3 * kinds, device=device)
    place = (notes.rows * steps + notes.columns[ONSET]) * 3 * kinds + kind
    drums[place] = 1
    _loudest(notes, drums, place + kinds, drums, place + 2 * kinds)
    return {"drums": drums.view(count, steps, 3, kinds)}


def _loudest(notes: Notes, loud: Tensor, where: Tensor, away: Tensor | None, targets: Tensor) -> None:
    """Write the velocity of the loudest note of each place, and how far it is off its step; in place."""
    velocity = notes.columns[VELOCITY].float() / 127
    loud.scatter_reduce_(0, where, velocity, "amax")
    if away is None:
        return
    won = (loud[where] == velocity).nonzero().squeeze(1)
    away[targets[won]] = notes.columns[OFFSET][won].float() / 100


def _fold(pitch: Tensor, lowest: int, keys: int) -> Tensor:
    """Return keys 0..keys-1, pitches outside moved by octaves; see `model.codecs.poly.fold`."""
    key = pitch - lowest
    key = torch.where(key < 0, key % 12, key)
    return torch.where(key >= keys, (keys - 12) + (key - (keys - 12)) % 12, key)
