"""An encoder of several parts at once: a token for each beat of each part.

Every part has its own way in and out (`layers.part_io`); a Transformer over all beats and parts carries
what they say to each other.  Summaries lie beat by beat, in it part by part, so that a slice of z may belong
to a part's cell in a beat (bottleneck kind `parts`), to a beat (`beats`) or to the phrase.

Tested in tests/model/networks/layers/test_part_io.py.
"""

from typing import cast

import torch
from torch import Tensor, nn

from model.config import EncoderConfig
from model.networks.encoders.base import Encoder
from model.networks.layers.blocks import Block
from model.networks.layers.part_io import CellReader, PartReader, VoiceReader, layouts, shares
from model.networks.sizes import Sizes


class PartsEncoder(Encoder):
    """Features [B, S, F of all parts] to summaries [B, beats x shares of all parts, config.cell]."""

    def __init__(self, config: EncoderConfig, sizes: Sizes) -> None:
        super().__init__()
        grid, self.cuts = sizes.grid, list(sizes.track_features)
        self.grid, self.width = grid, config.cell
        self.tokens = grid.beats * sum(shares(sizes))
        self.readers = nn.ModuleList(
            CellReader(layout, cell=config.cell, width=config.width)
            if layout
            else VoiceReader(grid.steps_per_beat * features, cell=config.cell, width=config.width)
            for features, layout in zip(self.cuts, layouts(sizes), strict=True)
        )
        self.place = nn.Parameter(torch.randn(grid.beats, 1, config.width) * 0.02)
        self.part = nn.Parameter(torch.randn(len(self.cuts), config.width) * 0.02)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the summaries."""
        grid = self.grid
        entered = [
            cast("PartReader", reader).enter(
                piece.reshape(-1, grid.beats, grid.steps_per_beat * piece.shape[-1])
            )
            for reader, piece in zip(self.readers, torch.split(x, self.cuts, dim=-1), strict=True)
        ]
        tokens = torch.stack([token for token, _ in entered], dim=2) + self.place + self.part
        tokens = self.norm(self.blocks(tokens.flatten(1, 2))).reshape(tokens.shape)
        left = [
            cast("PartReader", reader).leave(tokens[:, :, index], entry)
            for index, (reader, (_, entry)) in enumerate(zip(self.readers, entered, strict=True))
        ]
        return torch.cat(left, dim=2).flatten(1, 2)
