"""Encoders: per-beat features [B, beats, features] to per-beat summaries [B, beats, encoder.width]."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.bands import BandEncoder, Layout
from model.blocks import Block
from model.config import EncoderConfig
from model.errors import ConfigError, nearest


class PatchEncoder(nn.Module):
    """One token per beat, read by a Transformer."""

    def __init__(self, config: EncoderConfig, *, features: int, beats: int) -> None:
        """Make a projection, learned beat positions and `depth` blocks."""
        super().__init__()
        self.width = config.width
        self.enter = nn.Linear(features, config.width)
        self.place = nn.Parameter(torch.randn(beats, config.width) * 0.02)
        self.widen = nn.Linear(config.width, config.width)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Return one summary per beat."""
        tokens = self.enter(x)
        tokens = tokens + self.widen(F.relu(tokens)) + self.place
        out: Tensor = self.norm(self.blocks(tokens))
        return out


class ConvEncoder(nn.Module):
    """Convolutions along the beats, each output seeing its neighbours; `depth` residual layers."""

    def __init__(self, config: EncoderConfig, *, features: int, beats: int) -> None:
        """Make a projection, learned beat positions and `depth` convolutions of three beats."""
        super().__init__()
        self.width = config.width
        self.enter = nn.Linear(features, config.width)
        self.place = nn.Parameter(torch.randn(beats, config.width) * 0.02)
        self.layers = nn.ModuleList(
            nn.Conv1d(config.width, config.width, 3, padding=1) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Return one summary per beat."""
        tokens = self.enter(x) + self.place
        for layer in self.layers:
            tokens = tokens + F.relu(layer(tokens.transpose(1, 2)).transpose(1, 2))
        out: Tensor = self.norm(tokens)
        return out


Encoder = PatchEncoder | ConvEncoder | BandEncoder
ENCODERS: dict[str, type[PatchEncoder | ConvEncoder]] = {"patch": PatchEncoder, "conv": ConvEncoder}


def build_encoder(config: EncoderConfig, *, features: int, beats: int, layout: Layout | None) -> Encoder:
    """Return the encoder that the configuration names.

    Raises:
        ConfigError: there is no such encoder, it does not fit the codec, or its heads do not divide
            its width.

    """
    if config.width % config.heads:
        raise ConfigError(f"model.encoder: heads {config.heads} do not divide width {config.width}")
    if config.kind == "bands":
        if layout is None:
            raise ConfigError("model.encoder: kind 'bands' needs a codec with a roll of keys, such as 'poly'")
        return BandEncoder(config, layout)
    if config.kind not in ENCODERS:
        known = (*ENCODERS, "bands")
        raise ConfigError(f"model.encoder: unknown kind '{config.kind}'; {nearest(config.kind, known)}")
    return ENCODERS[config.kind](config, features=features, beats=beats)
