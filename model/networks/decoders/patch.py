"""A decoder that writes all beats at once: one token per beat and a Transformer.

Tested in tests/model/runtimes/test_onnx.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.config import DecoderConfig
from model.networks.conditioning import Conditioning
from model.networks.decoders.base import ParallelDecoder
from model.networks.layers.blocks import Block
from model.networks.sizes import Sizes


class PatchDecoder(ParallelDecoder):
    """z to one token per beat, a Transformer, one linear head for a beat's steps."""

    def __init__(self, config: DecoderConfig, sizes: Sizes) -> None:
        super().__init__()
        beats, steps = sizes.grid.beats, sizes.grid.steps_per_beat
        self.beats, self.sliced, self.logits = beats, sizes.sliced, sizes.logits
        if self.sliced:
            self.enter = nn.Linear(sizes.latent // beats, config.width)
        else:
            self.enter = nn.Linear(sizes.latent, beats * config.width)
        self.width = config.width
        self.place = nn.Parameter(torch.randn(beats, config.width) * 0.02)
        self.steer = Conditioning(sizes, config.width)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.widen = nn.Linear(config.width, 2 * config.width)
        self.head = nn.Linear(2 * config.width, steps * sizes.logits)

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None) -> Tensor:
        """Return outputs [B, S, L]."""
        tokens = (
            self.enter(z.reshape(-1, self.beats, z.shape[-1] // self.beats))
            if self.sliced
            else (self.enter(z).reshape(-1, self.beats, self.width))
        )
        tokens = tokens + self.place + self.steer.beats(change, condition)
        out: Tensor = self.head(F.relu(self.widen(self.norm(self.blocks(tokens)))))
        return out.reshape(-1, self.steer.grid.steps, self.logits)
