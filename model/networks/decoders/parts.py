"""A decoder of several parts at once: a token for each beat of each part, and each part's own way out.

Tested in tests/model/networks/layers/test_part_io.py.
"""

from typing import cast

import torch
from torch import Tensor, nn

from model.config import DecoderConfig
from model.networks.conditioning import Conditioning
from model.networks.decoders.base import ParallelDecoder
from model.networks.layers.blocks import Block
from model.networks.layers.part_io import CellWriter, PartWriter, VoiceWriter, layouts, shares
from model.networks.sizes import Sizes

INNER = 4  # width of a share where z does not come in shares


class PartsDecoder(ParallelDecoder):
    """z to the outputs of all parts at once.

    The wanted change of attributes and the conditions enter every token; see `model.networks.conditioning`.
    """

    def __init__(self, config: DecoderConfig, sizes: Sizes) -> None:
        super().__init__()
        grid, self.logits = sizes.grid, list(sizes.track_logits)
        self.grid, self.shares = grid, shares(sizes)
        count = grid.beats * sum(self.shares)
        groups = {"phrase": 1, "beats": grid.beats}.get(sizes.neck, count)
        self.share = sizes.latent // count if groups == count else INNER
        self.enter = (
            nn.Linear(sizes.latent // groups, count // groups * self.share) if groups < count else None
        )
        self.writers = nn.ModuleList(
            CellWriter(layout, share=self.share, cell=config.cell, width=config.width)
            if layout
            else VoiceWriter(grid.steps_per_beat * logits, share=self.share, width=config.width)
            for logits, layout in zip(self.logits, layouts(sizes), strict=True)
        )
        self.place = nn.Parameter(torch.randn(grid.beats, 1, config.width) * 0.02)
        self.part = nn.Parameter(torch.randn(len(self.logits), config.width) * 0.02)
        self.steer = Conditioning(sizes, config.width)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None) -> Tensor:
        """Return outputs [B, S, L of all parts] at z [B, d]."""
        grid = self.grid
        if self.enter is not None:
            z = self.enter(z.reshape(-1, self.enter.in_features))
        slices = torch.split(z.reshape(-1, grid.beats, sum(self.shares), self.share), self.shares, dim=2)
        entered = [
            cast("PartWriter", writer).enter(piece)
            for writer, piece in zip(self.writers, slices, strict=True)
        ]
        tokens = torch.stack(entered, dim=2) + self.place + self.part
        tokens = tokens + self.steer.beats(change, condition).unsqueeze(2)
        tokens = self.norm(self.blocks(tokens.flatten(1, 2))).reshape(tokens.shape)
        written = [
            cast("PartWriter", writer)
            .leave(tokens[:, :, index], piece)
            .reshape(-1, grid.steps, self.logits[index])
            for index, (writer, piece) in enumerate(zip(self.writers, slices, strict=True))
        ]
        return torch.cat(written, dim=-1)
