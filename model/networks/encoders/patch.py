"""An encoder with one token per beat, read by a Transformer.

Tested in tests/model/runtimes/test_onnx.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.config import EncoderConfig
from model.networks.encoders.base import Encoder
from model.networks.layers.blocks import Block
from model.networks.sizes import Sizes


class PatchEncoder(Encoder):
    """A beat's steps side by side make a token."""

    def __init__(self, config: EncoderConfig, sizes: Sizes) -> None:
        super().__init__()
        self.tokens, self.width = sizes.grid.beats, config.width
        self.enter = nn.Linear(sizes.grid.steps_per_beat * sizes.features, config.width)
        self.place = nn.Parameter(torch.randn(self.tokens, config.width) * 0.02)
        self.widen = nn.Linear(config.width, config.width)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Return one summary per beat."""
        tokens = self.enter(x.reshape(-1, self.tokens, self.enter.in_features))
        tokens = tokens + self.widen(F.relu(tokens)) + self.place
        out: Tensor = self.norm(self.blocks(tokens))
        return out
