"""From an encoder's summaries to the latent: its law, its slices, its noise and what it costs."""

import math

import torch
from torch import Tensor, nn

from model.config import BottleneckConfig
from model.errors import ConfigError
from model.networks.layers.part_io import shares
from model.networks.sizes import Sizes

START_LOGVAR = -4.0  # begins nearly without noise: a code is found first, its price later
NO_NOISE = -30.0  # log-variance of a deterministic summary


class Bottleneck(nn.Module):
    """Summaries [B, tokens, width] to mean and log-variance of z, each [B, d].

    One projection serves every group of the summaries: the whole phrase, each beat, or each cell.
    """

    def __init__(self, config: BottleneckConfig, sizes: Sizes, *, tokens: int, width: int) -> None:
        """Make the projection.

        Raises:
            ConfigError: the encoder's summaries do not belong to the slices.
        """
        super().__init__()
        self.groups = slices(config.kind, sizes)
        if config.kind != "phrase" and tokens % sizes.grid.beats:
            raise ConfigError(
                f"model.bottleneck: kind '{config.kind}' needs an encoder that tells the beats apart, "
                f"such as 'patch'; this one gives {tokens} summary of the whole phrase: kind is 'phrase'"
            )
        self.slice = config.size // self.groups
        self.certain = config.law == "none"
        self.out = nn.Linear(width * tokens // self.groups, self.slice if self.certain else 2 * self.slice)
        if config.law == "gaussian":
            with torch.no_grad():
                self.out.bias[self.slice :] += START_LOGVAR

    def forward(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance."""
        both = self.out(summary.reshape(-1, self.groups, self.out.in_features))  # [B, slices, 1 or 2 x slice]
        mean = both[..., : self.slice].flatten(1)  # [B, d]
        if self.certain:
            return mean, torch.zeros_like(mean) + NO_NOISE
        return mean, both[..., self.slice :].flatten(1).clamp(-9.0, 3.0)


def slices(kind: str, sizes: Sizes) -> int:
    """Count the slices of z; `cells` needs a codec with keys.

    Raises:
        ConfigError: the codec has none.
    """
    if kind == "cells":
        if sizes.layout is None:
            raise ConfigError(
                "model.bottleneck: kind 'cells' needs a codec with a roll of keys, such as 'poly'"
            )
        return sizes.grid.beats * sizes.layout.bands
    if kind == "parts":
        return sizes.grid.beats * sum(shares(sizes))
    return sizes.grid.beats if kind == "beats" else 1


def check_slices(config: BottleneckConfig, sizes: Sizes) -> None:
    """Check that z falls into equal slices.

    Raises:
        ConfigError: it does not, or the codec has no keys to slice by.
    """
    if sizes.latent and config.size % (count := slices(config.kind, sizes)):
        raise ConfigError(f"model.bottleneck: size {config.size} is no multiple of its {count} slices")


def divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(q || N(0, 1)) in nats of each dimension, [B, d] (Kingma and Welling 2013, appendix B)."""
    return 0.5 * (mean.float().square() + logvar.float().exp() - 1 - logvar.float())


def bits(nats: float) -> float:
    """Return nats in bits."""
    return nats / math.log(2)
