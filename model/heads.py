"""The torch side of a codec: packed arrays to per-beat features, per-beat outputs to heads, and the loss.

The loss is in nats, summed over a phrase's steps and averaged over the batch, so that beta on the KL keeps
its meaning in the evidence lower bound.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.bands import Layout
from model.codecs.melody import CLASSES
from model.codecs.poly import KEYS
from model.config import ModelConfig
from model.errors import ConfigError, nearest
from model.grid import Grid

Tensors = dict[str, Tensor]
VELOCITY_SPREAD = 0.06  # standard deviation, of 0..1, at which a velocity's error costs half a nat


class MelodySurface(nn.Module):
    """Embedded classes in; state, pitch and velocity out."""

    inputs: ClassVar[tuple[str, ...]] = ("token", "velocity")
    outputs: ClassVar[tuple[str, ...]] = ("state", "pitch", "velocity")
    embedding: ClassVar[int] = 64

    def __init__(self, grid: Grid) -> None:
        """Make the embedding of the 130 classes."""
        super().__init__()
        self.grid = grid
        self.layout: Layout | None = None
        self.embed = nn.Embedding(CLASSES, self.embedding)
        self.features = grid.steps_per_beat * (self.embedding + 1)
        self.logits = grid.steps_per_beat * (3 + 128 + 1)

    def read(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Embed token [B, steps] and append velocity [B, steps]."""
        steps = torch.cat((self.embed(arrays["token"]), arrays["velocity"].unsqueeze(-1)), dim=-1)
        return steps.reshape(-1, self.grid.beats, self.features)

    def write(self, flat: Tensor) -> Tensors:
        """Split into state [B, steps, 3], pitch [B, steps, 128], velocity [B, steps] (0..1)."""
        out = flat.reshape(-1, self.grid.steps, 132)
        return {"state": out[..., :3], "pitch": out[..., 3:131], "velocity": torch.sigmoid(out[..., 131])}

    def loss(self, heads: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensors:
        """Cross-entropy of states at every step and of pitches at onsets; squared error of velocities."""
        token = target["token"]
        onset = token < 128
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


class PolySurface(nn.Module):
    """Rolls in; onset, hold and velocity rolls out."""

    inputs: ClassVar[tuple[str, ...]] = ("roll",)
    outputs: ClassVar[tuple[str, ...]] = ("onset", "hold", "velocity")

    def __init__(self, grid: Grid) -> None:
        """Count features and logits; there is nothing to learn here."""
        super().__init__()
        self.grid = grid
        self.layout = Layout(beats=grid.beats, steps=grid.steps_per_beat, channels=3, keys=KEYS)
        self.features = self.logits = grid.steps_per_beat * 3 * KEYS

    def read(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Flatten the roll [B, steps, 3, 88] beat by beat."""
        return arrays["roll"].reshape(-1, self.grid.beats, self.features)

    def write(self, flat: Tensor) -> Tensors:
        """Split into onset and hold logits and velocity 0..1, each [B, steps, 88]."""
        out = flat.reshape(-1, self.grid.steps, 3, KEYS)
        return {"onset": out[:, :, 0] - 4.0, "hold": out[:, :, 1], "velocity": torch.sigmoid(out[:, :, 2])}

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


def velocity_loss(got: Tensor, wanted: Tensor, onset: Tensor) -> Tensor:
    """Return half the squared error in units of `VELOCITY_SPREAD`, at onsets, per phrase [B]."""
    error = ((got.float() - wanted) / VELOCITY_SPREAD).square() * 0.5 * onset
    return error.flatten(1).sum(1)


SURFACES: dict[str, type[MelodySurface | PolySurface]] = {"melody": MelodySurface, "poly": PolySurface}


def build_surface(config: ModelConfig) -> MelodySurface | PolySurface:
    """Return the surface of the configuration's codec.

    Raises:
        ConfigError: there is no such codec.

    """
    if config.codec not in SURFACES:
        raise ConfigError(f"model: unknown codec '{config.codec}'; {nearest(config.codec, SURFACES)}")
    return SURFACES[config.codec](config.grid.build())


def bits(nats: float) -> float:
    """Return nats in bits."""
    return nats / math.log(2)
