"""The drums codec's head: nine hits a step, each with a velocity and a micro-offset, in and out."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.codecs.drums import CLASSES, UNLIKELY
from model.music.grid import Grid
from model.networks.heads.base import Chance, Head, Tensors, flip, offset_loss, through, velocity_loss
from model.networks.layers.layout import Layout

KITS = len(CLASSES)
RARE = 2.0  # an untrained network hits a class at one step in eight


class DrumsHead(Head):
    """Three numbers a class and step; nothing to learn here.  Roll channels: 9 hits, velocities, offsets."""

    inputs: ClassVar[tuple[str, ...]] = ("drums",)
    outputs: ClassVar[tuple[str, ...]] = ("hit", "drum_velocity", "drum_offset")

    def __init__(self, grid: Grid) -> None:
        super().__init__(grid, features=3 * KITS, logits=3 * KITS, chances=KITS, channels=3 * KITS)
        self.onset_channels = ((0, KITS),)
        self.layout = Layout(beats=grid.beats, steps=grid.steps_per_beat, channels=3, keys=KITS, band=1)

    def read(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Flatten the hits [B, S, 3, 9]."""
        return arrays["drums"].flatten(2)

    def write(self, flat: Tensor) -> Tensors:
        """Split into hit logits, velocity 0..1 and offset -0.5..0.5 of a step, each [B, S, 9]."""
        return {
            "hit": flat[..., :KITS] - RARE,
            "drum_velocity": torch.sigmoid(flat[..., KITS : 2 * KITS]),
            "drum_offset": 0.5 * torch.tanh(flat[..., 2 * KITS :]),
        }

    def loss(self, heads: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensors:
        """Binary cross-entropy of hits everywhere; squared errors of velocities and offsets at hits."""
        hit, velocity, offset = target["drums"].unbind(2)
        struck = F.binary_cross_entropy_with_logits(heads["hit"].float(), hit, reduction="none")
        return {
            "hit": struck.sum((1, 2)),
            "velocity": velocity_loss(heads["drum_velocity"], velocity, hit),
            "offset": offset_loss(heads["drum_offset"], offset, hit),
        }

    def draw(self, logits: Tensor, chance: Chance, last: Mapping[str, Tensor]) -> Tensors:
        """Draw each class's hit; those less likely than `UNLIKELY` are not played, as in the codec."""
        del last  # nothing sounds on
        heads = self.write(logits.float())
        hit = (flip(heads["hit"], chance) & (heads["hit"] > UNLIKELY)).float()
        drums = torch.stack((hit, heads["drum_velocity"] * hit, heads["drum_offset"] * hit), dim=1)
        return {"drums": drums.unsqueeze(1)}

    def blank(self, count: int, device: torch.device) -> Tensors:
        """Return silent steps."""
        return {"drums": torch.zeros(count, 1, 3, KITS, device=device)}

    def roll(self, heads: Mapping[str, Tensor]) -> Tensor:
        """Return hits, velocities and offsets; see `Head.roll`."""
        hit = through((heads["hit"] > 0).float(), torch.sigmoid(heads["hit"].float()))
        return torch.cat((hit, hit * heads["drum_velocity"], hit * heads["drum_offset"]), dim=-1)

    def rolled(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return the hits themselves, flat."""
        return arrays["drums"].flatten(2)
