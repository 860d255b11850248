"""An encoder for rolls of keys that shares one small network among all octaves.

A Transformer over the beats' tokens carries what the cells of `layers.layout` say to each other.

Tested in tests/model/runtimes/test_onnx.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.config import EncoderConfig
from model.errors import ConfigError
from model.networks.encoders.base import Encoder
from model.networks.layers.blocks import Block, Residual
from model.networks.layers.layout import SPARSE
from model.networks.sizes import Sizes


class BandEncoder(Encoder):
    """Features to one summary per cell, [B, beats, bands x cell width]."""

    def __init__(self, config: EncoderConfig, sizes: Sizes) -> None:
        """Make the cells' reader and the Transformer over beats.

        Raises:
            ConfigError: the codec has no keys to cut.
        """
        super().__init__()
        layout = sizes.layout
        if layout is None:
            raise ConfigError("model.encoder: kind 'bands' needs a codec with a roll of keys, such as 'poly'")
        self.layout = layout
        local, bands = config.cell, layout.bands
        self.enter = nn.Linear(layout.cell, local)
        with torch.no_grad():
            self.enter.weight *= SPARSE
        self.band = nn.Parameter(torch.randn(bands, local) * 0.02)
        self.local = Residual(local, 2 * local)
        self.token = nn.Linear(bands * local, config.width)
        self.place = nn.Parameter(torch.randn(layout.beats, config.width) * 0.02)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.spread = nn.Linear(config.width, bands * local)
        self.tokens, self.width = layout.beats, bands * local

    def forward(self, x: Tensor) -> Tensor:
        """Return the cells' summaries, what each beat's token says added to each."""
        cells = F.relu(self.local(self.enter(self.layout.cut(x)) + self.band)).flatten(2)
        tokens = self.norm(self.blocks(self.token(cells) + self.place))
        out: Tensor = cells + self.spread(tokens)
        return out
