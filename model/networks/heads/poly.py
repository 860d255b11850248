"""The heads of the codecs poly and roll: rolls in; onset, hold and velocity rolls out.

Tested in tests/model/networks/heads/test_base.py, tests/model/codecs/test_poly.py.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.codecs.poly import UNLIKELY, PolyCodec, RollCodec
from model.music.grid import Grid
from model.networks.heads.base import Chance, Head, Tensors, flip, offset_loss, through, velocity_loss
from model.networks.layers.layout import Layout

RARE = 4.0  # an untrained network strikes a key at one step in fifty-five


class PolyHead(Head):
    """Three numbers a key and step; nothing to learn.  Roll channels: onsets, holds, velocities of K keys."""

    keys: ClassVar[int] = PolyCodec.keys

    inputs: ClassVar[tuple[str, ...]] = ("roll",)
    outputs: ClassVar[tuple[str, ...]] = ("onset", "hold", "velocity")

    def __init__(self, grid: Grid) -> None:
        keys = self.keys
        super().__init__(grid, features=3 * keys, logits=3 * keys, chances=2 * keys, channels=3 * keys)
        self.onset_channels = ((0, keys),)
        self.layout = Layout(beats=grid.beats, steps=grid.steps_per_beat, channels=3, keys=keys)

    def read(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Flatten the roll [B, S, 3, K]."""
        return arrays["roll"].flatten(2)

    def write(self, flat: Tensor) -> Tensors:
        """Split into onset and hold logits and velocity 0..1, each [B, S, K]."""
        onset, hold, velocity = torch.split(flat, self.keys, dim=-1)
        return {"onset": onset - RARE, "hold": hold, "velocity": torch.sigmoid(velocity)}

    def loss(self, heads: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensors:
        """Binary cross-entropy of onsets everywhere, of holds where the key sounded on the step before.

        A hold elsewhere is never read, so that the network may put there what it likes.
        """
        onset, hold, velocity = target["roll"].unbind(2)
        struck = F.binary_cross_entropy_with_logits(heads["onset"].float(), onset, reduction="none")
        sounding = (onset + hold)[:, :-1] * (1 - onset[:, 1:])
        held = F.binary_cross_entropy_with_logits(heads["hold"][:, 1:].float(), hold[:, 1:], reduction="none")
        return {
            "onset": struck.sum((1, 2)),
            "hold": (held * sounding).sum((1, 2)),
            "velocity": velocity_loss(heads["velocity"], velocity, onset),
        }

    def draw(self, logits: Tensor, chance: Chance, last: Mapping[str, Tensor]) -> Tensors:
        """Draw each key's onset, and its hold where it sounded on the step before.

        Keys less likely than `UNLIKELY` stay silent, as in the codec: there are so many that some would
        always sound.
        """
        heads = self.write(logits.float())
        likely = heads["onset"] > UNLIKELY
        onset = (flip(heads["onset"], chance.part(0, self.keys)) & likely).float()
        sounding = last["roll"][:, 0, :2].sum(1)
        hold = flip(heads["hold"], chance.part(self.keys, 2 * self.keys)).float() * sounding * (1 - onset)
        return {"roll": torch.stack((onset, hold, heads["velocity"] * onset), dim=1).unsqueeze(1)}

    def blank(self, count: int, device: torch.device) -> Tensors:
        """Return silent steps."""
        return {"roll": torch.zeros(count, 1, 3, self.keys, device=device)}

    def roll(self, heads: Mapping[str, Tensor]) -> Tensor:
        """Return onsets, holds and velocities; see `Head.roll`.

        Holds go on through steps whose onset or hold goes before them, as they are heard.
        """
        onset = through((heads["onset"] > 0).float(), torch.sigmoid(heads["onset"].float()))
        wish = through((heads["hold"] > 0).float(), torch.sigmoid(heads["hold"].float()))
        holds = [torch.zeros_like(onset[:, 0])]
        for step in range(1, onset.shape[1]):
            before = onset[:, step - 1] + holds[-1]
            holds.append(before * wish[:, step] * (1 - onset[:, step]))
        return torch.cat((onset, torch.stack(holds, dim=1), onset * heads["velocity"]), dim=-1)

    def rolled(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return the roll itself, flat."""
        return arrays["roll"].flatten(2)


class RollHead(PolyHead):
    """As `PolyHead`, of all 128 keys."""

    keys: ClassVar[int] = RollCodec.keys


class TimedPolyHead(PolyHead):
    """As `PolyHead`, and micro-offsets: a fourth number a key and step, at onsets.

    The roll is the same: what critics hear is on the steps.
    """

    inputs: ClassVar[tuple[str, ...]] = ("roll", "offset")
    outputs: ClassVar[tuple[str, ...]] = ("onset", "hold", "velocity", "offset")

    def __init__(self, grid: Grid) -> None:
        super().__init__(grid)
        self.step_features = self.step_logits = 4 * self.keys
        self.track_features = self.track_logits = (4 * self.keys,)
        self.layout = Layout(beats=grid.beats, steps=grid.steps_per_beat, channels=4, keys=self.keys)

    def read(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Append offset [B, S, K] to the flat roll."""
        return torch.cat((super().read(arrays), arrays["offset"]), dim=-1)

    def write(self, flat: Tensor) -> Tensors:
        """Split into onset and hold logits, velocity 0..1 and offset -0.5..0.5, each [B, S, K]."""
        heads = super().write(flat[..., : 3 * self.keys])
        return {**heads, "offset": 0.5 * torch.tanh(flat[..., 3 * self.keys :])}

    def loss(self, heads: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensors:
        """As without, and the squared error of offsets at onsets."""
        onset = target["roll"][:, :, 0]
        return {
            **super().loss(heads, target),
            "offset": offset_loss(heads["offset"], target["offset"], onset),
        }

    def draw(self, logits: Tensor, chance: Chance, last: Mapping[str, Tensor]) -> Tensors:
        """As without, and the offset of what is struck."""
        drawn = super().draw(logits[..., : 3 * self.keys], chance, last)
        offset = self.write(logits.float())["offset"] * drawn["roll"][:, 0, 0]
        return {**drawn, "offset": offset.unsqueeze(1)}

    def blank(self, count: int, device: torch.device) -> Tensors:
        """Return silent steps."""
        return {**super().blank(count, device), "offset": torch.zeros(count, 1, self.keys, device=device)}
