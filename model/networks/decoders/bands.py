"""A decoder for rolls of keys that shares one small network among all octaves; see `encoders.bands`.

Tested in tests/model/runtimes/test_onnx.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.config import DecoderConfig
from model.errors import ConfigError
from model.networks.conditioning import Conditioning
from model.networks.decoders.base import ParallelDecoder
from model.networks.layers.blocks import Block, Residual
from model.networks.sizes import Sizes


class BandDecoder(ParallelDecoder):
    """Each cell has its own slice of z."""

    def __init__(self, config: DecoderConfig, sizes: Sizes) -> None:
        """Make the Transformer over beats and the cells' writer.

        Raises:
            ConfigError: the codec has no keys to cut, or z does not divide among the cells.
        """
        super().__init__()
        layout = sizes.layout
        if layout is None:
            raise ConfigError("model.decoder: kind 'bands' needs a codec with a roll of keys, such as 'poly'")
        if sizes.latent % (layout.beats * layout.bands):
            cells = f"{layout.beats} beats x {layout.bands} bands"
            raise ConfigError(f"model.bottleneck: size {sizes.latent} is no multiple of {cells}")
        self.layout, self.steps = layout, sizes.grid.steps
        self.slice = sizes.latent // (layout.beats * layout.bands)
        local, bands = config.cell, layout.bands
        self.token = nn.Linear(bands * self.slice, config.width)
        self.place = nn.Parameter(torch.randn(layout.beats, config.width) * 0.02)
        self.steer = Conditioning(sizes, config.width)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.spread = nn.Linear(config.width, bands * local)
        self.enter = nn.Linear(self.slice, local)
        self.band = nn.Parameter(torch.randn(bands, local) * 0.02)
        self.local = Residual(local, 4 * local)
        self.head = nn.Linear(local, layout.cell)

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None) -> Tensor:
        """Return outputs [B, S, L]."""
        cells = z.reshape(-1, self.layout.beats, self.layout.bands, self.slice)
        tokens = self.token(cells.flatten(2)) + self.place + self.steer.beats(change, condition)
        said = self.spread(self.norm(self.blocks(tokens)))
        said = said.reshape(-1, self.layout.beats, self.layout.bands, self.band.shape[1])
        cells = self.local(said + self.enter(cells) + self.band)
        joined = self.layout.join(self.head(F.relu(cells)))
        return joined.reshape(-1, self.steps, self.layout.channels * self.layout.keys)
