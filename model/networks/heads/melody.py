"""The melody codec's head: embedded classes in; state, pitch and velocity out.

Tested in tests/model/networks/heads/test_base.py.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.codecs.melody import CLASSES, HOLD, REST
from model.music.grid import Grid
from model.networks.heads.base import Chance, Head, Tensors, pick, through, velocity_loss

STATES = 3  # onset, hold, rest


class MelodyHead(Head):
    """130 classes and a velocity a step; roll channels: 128 onsets, hold, velocity."""

    inputs: ClassVar[tuple[str, ...]] = ("token", "velocity")
    outputs: ClassVar[tuple[str, ...]] = ("state", "pitch", "velocity")
    embedding: ClassVar[int] = 64

    def __init__(self, grid: Grid) -> None:
        width = self.embedding + 1
        super().__init__(grid, features=width, logits=STATES + 128 + 1, chances=STATES + 128, channels=130)
        self.onset_channels = ((0, 128),)
        self.embed = nn.Embedding(CLASSES, self.embedding)

    def read(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Embed token [B, S] and append velocity [B, S]."""
        return torch.cat((self.embed(arrays["token"]), arrays["velocity"].unsqueeze(-1)), dim=-1)

    def write(self, flat: Tensor) -> Tensors:
        """Split into state [B, S, 3], pitch [B, S, 128], velocity [B, S] (0..1)."""
        return {"state": flat[..., :3], "pitch": flat[..., 3:131], "velocity": torch.sigmoid(flat[..., 131])}

    def loss(self, heads: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensors:
        """Cross-entropy of states at every step and of pitches at onsets; squared error of velocities."""
        token = target["token"]
        onset = token < HOLD
        state = torch.where(onset, 0, token - 127)
        at_states = F.cross_entropy(heads["state"].float().transpose(1, 2), state, reduction="none")
        at_pitches = F.cross_entropy(
            heads["pitch"].float().transpose(1, 2), token.clamp(max=127), reduction="none"
        )
        return {
            "state": at_states.sum(1),
            "pitch": (at_pitches * onset).sum(1),
            "velocity": velocity_loss(heads["velocity"], target["velocity"], onset),
        }

    def draw(self, logits: Tensor, chance: Chance, last: Mapping[str, Tensor]) -> Tensors:
        """Draw a state, then a pitch; nothing is held after a rest."""
        heads = self.write(logits.float())
        silent = last["token"] == REST
        no_hold = torch.tensor((0.0, 1.0, 0.0), device=logits.device) * -1e9
        state = pick(heads["state"] + no_hold * silent, chance.part(0, STATES))
        pitch = pick(heads["pitch"], chance.part(STATES, STATES + 128))
        token = torch.where(state == 0, pitch, state + 127)
        velocity = torch.where(state == 0, heads["velocity"], torch.zeros_like(heads["velocity"]))
        return {"token": token.unsqueeze(1), "velocity": velocity.unsqueeze(1)}

    def blank(self, count: int, device: torch.device) -> Tensors:
        """Return rests."""
        return {
            "token": torch.full((count, 1), REST, dtype=torch.int64, device=device),
            "velocity": torch.zeros(count, 1, device=device),
        }

    def roll(self, heads: Mapping[str, Tensor]) -> Tensor:
        """Return onsets, hold and velocity; see `Head.roll`."""
        state, pitch = heads["state"].float(), heads["pitch"].float()
        says = through(F.one_hot(state.argmax(-1), STATES).float(), torch.softmax(state, -1))
        key = through(F.one_hot(pitch.argmax(-1), 128).float(), torch.softmax(pitch, -1))
        struck = says[..., :1]
        return torch.cat((struck * key, says[..., 1:2], struck * heads["velocity"].unsqueeze(-1)), dim=-1)

    def rolled(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return onsets, hold and velocity of packed arrays."""
        token = arrays["token"]
        onsets = F.one_hot(token.clamp(max=HOLD), 129)[..., :128]
        hold = (token == HOLD).unsqueeze(-1)
        return torch.cat((onsets.float(), hold.float(), arrays["velocity"].unsqueeze(-1)), dim=-1)
