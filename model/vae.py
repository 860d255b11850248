"""The variational autoencoder that a configuration describes: encoder, gaussian bottleneck, decoder."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.decoders import build_decoder
from model.encoders import build_encoder
from model.errors import ConfigError, nearest
from model.heads import Tensors, build_surface

BOTTLENECKS = ("phrase", "beats", "cells")
START_LOGVAR = -4.0  # begins nearly without noise: a code is found first, its price later


class Gaussian(nn.Module):
    """Per-beat summaries [B, beats, width] to mean and log-variance of z, each [B, d].

    One projection serves every group of the summary: the whole phrase, each beat, or each cell.
    """

    def __init__(self, *, size: int, width: int, beats: int, groups: int) -> None:
        """Make the projection of `groups` groups; they divide size and beats x width."""
        super().__init__()
        self.groups, self.size, self.slice = groups, size, size // groups
        self.out = nn.Linear(width * beats // groups, 2 * self.slice)
        with torch.no_grad():
            self.out.bias[self.slice :] += START_LOGVAR

    def forward(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance."""
        both = self.out(summary.reshape(-1, self.groups, self.out.in_features))
        mean, logvar = both[..., : self.slice].flatten(1), both[..., self.slice :].flatten(1)
        return mean, logvar.clamp(-9.0, 3.0)


class VAE(nn.Module):
    """Phrase arrays to z and back (Kingma and Welling 2013, "Auto-encoding variational Bayes")."""

    def __init__(self, config: ModelConfig) -> None:
        """Build every part that the configuration names.

        Raises:
            ConfigError: a part is unknown, or sizes do not fit together.

        """
        super().__init__()
        grid = config.grid.build()
        neck = config.bottleneck
        if neck.kind not in BOTTLENECKS:
            raise ConfigError(
                f"model.bottleneck: unknown kind '{neck.kind}'; {nearest(neck.kind, BOTTLENECKS)}"
            )
        self.config = config
        self.surface = build_surface(config)
        layout = self.surface.layout
        groups = {"phrase": 1, "beats": grid.beats, "cells": grid.beats * (layout.bands if layout else 0)}[
            neck.kind
        ]
        if neck.kind == "cells" and config.encoder.kind != "bands":
            raise ConfigError("model.bottleneck: kind 'cells' needs an encoder of kind 'bands'")
        if neck.size % groups:
            raise ConfigError(f"model.bottleneck: size {neck.size} is no multiple of its {groups} slices")
        self.encoder = build_encoder(
            config.encoder, features=self.surface.features, beats=grid.beats, layout=layout
        )
        self.bottleneck = Gaussian(size=neck.size, width=self.encoder.width, beats=grid.beats, groups=groups)
        self.decoder = build_decoder(
            config.decoder,
            neck,
            beats=grid.beats,
            knobs=len(config.knobs),
            logits=self.surface.logits,
            layout=layout,
        )

    def encode(self, arrays: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z given x), each float [B, d]."""
        mean, logvar = self.bottleneck(self.encoder(self.surface.read(arrays)))
        return mean, logvar

    def decode(self, z: Tensor, change: Tensor | None = None) -> Tensors:
        """Return the codec's heads at z [B, d]; `change` [B, knobs] in standard deviations, none is zero."""
        if change is None:
            change = z.new_zeros(z.shape[0], max(len(self.config.knobs), 1))
        return self.surface.write(self.decoder(z, change))


def divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(q || N(0, 1)) in nats of each dimension, [B, d] (Kingma and Welling 2013, appendix B)."""
    return 0.5 * (mean.float().square() + logvar.float().exp() - 1 - logvar.float())


def sample(mean: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw z from q(z given x), [B, d]."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + noise * (0.5 * logvar).exp()
