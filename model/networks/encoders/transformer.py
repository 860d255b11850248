"""The Transformer encoder: one token per step, multi-head self-attention among all of them.

What is played at a step and where the step lies are both learned embeddings (Vaswani et al. 2017,
"Attention is all you need", with learned places).

Tested in tests/model/networks/encoders/test_base.py.
"""

import torch
from torch import Tensor, nn

from model.config import EncoderConfig
from model.networks.encoders.base import Encoder
from model.networks.layers.blocks import Block
from model.networks.sizes import Sizes

NARROW = 4


class TransformerEncoder(Encoder):
    """Features [B, S, F] to summaries of a beat, or of the phrase where z is the phrase's.

    A summary is its steps' tokens, made narrower by `NARROW` and set side by side: nothing is averaged away.
    """

    def __init__(self, config: EncoderConfig, sizes: Sizes) -> None:
        super().__init__()
        narrow = max(1, config.width // NARROW)
        self.tokens = sizes.grid.beats if sizes.sliced else 1
        self.width = sizes.grid.steps // self.tokens * narrow
        self.enter = nn.Linear(sizes.features, config.width)
        self.place = nn.Parameter(torch.randn(sizes.grid.steps, config.width) * 0.02)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.narrow = nn.Linear(config.width, narrow)

    def forward(self, x: Tensor) -> Tensor:
        """Return the summaries."""
        out: Tensor = self.narrow(self.norm(self.blocks(self.enter(x) + self.place)))
        return out.reshape(-1, self.tokens, self.width)
