"""Encoder and decoder for rolls of keys that share one small network among all octaves.

A beat of a roll is cut into bands of twelve keys; each band of each beat is a cell of
steps x channels x 12.  Cells are read and written by the same weights wherever they lie, which makes
every note an example for all octaves and beats, while a Transformer over the beats' tokens carries what
the cells say to each other.  Each cell owns its slice of z.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.blocks import Block
from model.config import BottleneckConfig, DecoderConfig, EncoderConfig

BAND = 12
SPARSE = 4.0


class Layout:
    """How features [B, beats, steps x channels x keys] fall into cells."""

    def __init__(self, *, beats: int, steps: int, channels: int, keys: int) -> None:
        """Count the bands; the highest may be filled up with keys that are not there."""
        self.beats, self.steps, self.channels, self.keys = beats, steps, channels, keys
        self.bands = -(-keys // BAND)
        self.cell = steps * channels * BAND

    def cut(self, x: Tensor) -> Tensor:
        """Return cells [B, beats, bands, cell] of features."""
        rows = F.pad(x.reshape(-1, self.keys), (0, self.bands * BAND - self.keys))
        rows = rows.reshape(-1, self.beats, self.steps * self.channels, self.bands, BAND)
        return rows.transpose(2, 3).reshape(-1, self.beats, self.bands, self.cell)

    def join(self, x: Tensor) -> Tensor:
        """Return features of cells [B, beats, bands, cell]."""
        rows = x.reshape(-1, self.beats, self.bands, self.steps * self.channels, BAND).transpose(2, 3)
        rows = rows.reshape(-1, self.beats, self.steps * self.channels, self.bands * BAND)
        return rows[..., : self.keys].flatten(2)


class Residual(nn.Module):
    """Two layers beside the identity."""

    def __init__(self, width: int, inner: int) -> None:
        """Make the layers."""
        super().__init__()
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., width] -> [..., width]."""
        out: Tensor = x + self.down(F.relu(self.up(F.relu(x))))
        return out


class BandEncoder(nn.Module):
    """Features to one summary per cell, [B, beats, bands x cell width]."""

    def __init__(self, config: EncoderConfig, layout: Layout) -> None:
        """Make the cells' reader and the Transformer over beats."""
        super().__init__()
        self.layout = layout
        local, bands = config.cell, layout.bands
        self.enter = nn.Linear(layout.cell, local)
        with torch.no_grad():  # a cell holds few ones: at the usual size they would hardly be heard
            self.enter.weight *= SPARSE
        self.band = nn.Parameter(torch.randn(bands, local) * 0.02)
        self.local = Residual(local, 2 * local)
        self.token = nn.Linear(bands * local, config.width)
        self.place = nn.Parameter(torch.randn(layout.beats, config.width) * 0.02)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.spread = nn.Linear(config.width, bands * local)
        self.width = bands * local

    def forward(self, x: Tensor) -> Tensor:
        """Return the cells' summaries, what each beat's token says added to each."""
        cells = F.relu(self.local(self.enter(self.layout.cut(x)) + self.band)).flatten(2)
        tokens = self.norm(self.blocks(self.token(cells) + self.place))
        out: Tensor = cells + self.spread(tokens)
        return out


class BandDecoder(nn.Module):
    """z and the wanted change to features of every cell; see `model.decoders` for the contract."""

    def __init__(
        self, config: DecoderConfig, bottleneck: BottleneckConfig, layout: Layout, *, knobs: int
    ) -> None:
        """Make the Transformer over beats and the cells' writer."""
        super().__init__()
        self.layout = layout
        self.slice = bottleneck.size // (layout.beats * layout.bands)
        local, bands = config.cell, layout.bands
        self.token = nn.Linear(bands * self.slice, config.width)
        self.place = nn.Parameter(torch.randn(layout.beats, config.width) * 0.02)
        self.steer = nn.Linear(max(knobs, 1), config.width, bias=False)
        nn.init.zeros_(self.steer.weight)
        self.blocks = nn.Sequential(*(Block(config.width, config.heads) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width)
        self.spread = nn.Linear(config.width, bands * local)
        self.enter = nn.Linear(self.slice, local)
        self.band = nn.Parameter(torch.randn(bands, local) * 0.02)
        self.local = Residual(local, 4 * local)
        self.head = nn.Linear(local, layout.cell)

    def forward(self, z: Tensor, change: Tensor) -> Tensor:
        """Return outputs [B, beats, steps x channels x keys] at z [B, d] and change [B, knobs]."""
        cells = z.reshape(-1, self.layout.beats, self.layout.bands, self.slice)
        tokens = self.token(cells.flatten(2)) + self.place + self.steer(change).unsqueeze(1)
        said = self.spread(self.norm(self.blocks(tokens)))
        said = said.reshape(-1, self.layout.beats, self.layout.bands, self.band.shape[1])
        cells = self.local(said + self.enter(cells) + self.band)
        return self.layout.join(self.head(F.relu(cells)))
