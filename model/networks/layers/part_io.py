"""Ways in and out of one part of several: features of a beat to a token and cells, and back.

Each part of a beat has its shares of the latent: one for each cell of keys or drums (`layers.layout`), which
the same small network reads and writes wherever it lies, or `SHARES` for a voice, which has no cells.  What
the parts say to each other goes through one token for each beat of each part.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.codecs.drums import CLASSES
from model.codecs.poly import KEYS, RollCodec
from model.networks.layers.blocks import Residual
from model.networks.layers.layout import SPARSE, Layout
from model.networks.sizes import Sizes

CHANNELS = 3  # of a roll: onset, hold, velocity of a key; hit, velocity, micro-offset of a drum
SHARES = 3  # of a voice in a beat


def layouts(sizes: Sizes) -> list[Layout | None]:
    """Return how each track's beats fall into cells, by the width of its steps; None for a voice."""
    beats, steps = sizes.grid.beats, sizes.grid.steps_per_beat
    known = {
        CHANNELS * RollCodec.keys: Layout(beats=beats, steps=steps, channels=CHANNELS, keys=RollCodec.keys),
        CHANNELS * KEYS: Layout(beats=beats, steps=steps, channels=CHANNELS, keys=KEYS),
        CHANNELS * len(CLASSES): Layout(
            beats=beats, steps=steps, channels=CHANNELS, keys=len(CLASSES), band=1
        ),
    }
    return [known.get(width) for width in sizes.track_features]


def shares(sizes: Sizes) -> list[int]:
    """Count each track's shares of a beat's latent."""
    return [layout.bands if layout else SHARES for layout in layouts(sizes)]


class PartReader(nn.Module, ABC):
    """A beat of a part to a token, and, when that has heard the others, to summaries."""

    @abstractmethod
    def enter(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the token [B, beats, width] and what `leave` needs, of features [B, beats, features]."""

    @abstractmethod
    def leave(self, token: Tensor, entry: Tensor) -> Tensor:
        """Return summaries [B, beats, shares, cell]."""


class PartWriter(nn.Module, ABC):
    """Slices of the latent to a token, and, when that has heard the others, to a beat of a part."""

    @abstractmethod
    def enter(self, slices: Tensor) -> Tensor:
        """Return the token [B, beats, width] of slices [B, beats, shares, share]."""

    @abstractmethod
    def leave(self, token: Tensor, slices: Tensor) -> Tensor:
        """Return outputs [B, beats, logits]."""


class CellReader(PartReader):
    """Of a part with cells: each cell's summary is what it holds and what the token has heard."""

    def __init__(self, layout: Layout, *, cell: int, width: int) -> None:
        super().__init__()
        self.layout = layout
        self.inner = nn.Linear(layout.cell, cell)
        with torch.no_grad():
            self.inner.weight *= SPARSE
        self.band = nn.Parameter(torch.randn(layout.bands, cell) * 0.02)
        self.local = Residual(cell, 2 * cell)
        self.token = nn.Linear(layout.bands * cell, width)
        self.spread = nn.Linear(width, layout.bands * cell)

    def enter(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return token and cells."""
        cells = F.relu(self.local(self.inner(self.layout.cut(x)) + self.band))
        return self.token(cells.flatten(2)), cells

    def leave(self, token: Tensor, entry: Tensor) -> Tensor:
        """Return the cells' summaries."""
        out: Tensor = entry + self.spread(token).reshape(entry.shape)
        return out


class VoiceReader(PartReader):
    """Of a voice, which has no cells."""

    def __init__(self, features: int, *, cell: int, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(features, width)
        self.widen = nn.Linear(width, width)
        self.spread = nn.Linear(width, SHARES * cell)

    def enter(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the token, twice."""
        token = self.inner(x)
        token = token + self.widen(F.relu(token))
        return token, token

    def leave(self, token: Tensor, entry: Tensor) -> Tensor:
        """Return the summaries."""
        out: Tensor = self.spread(token + entry)
        return out.reshape(*token.shape[:2], SHARES, -1)


class CellWriter(PartWriter):
    """Of a part with cells: each is written from its own slice and what the token has heard."""

    def __init__(self, layout: Layout, *, share: int, cell: int, width: int) -> None:
        super().__init__()
        self.layout = layout
        self.token = nn.Linear(layout.bands * share, width)
        self.spread = nn.Linear(width, layout.bands * cell)
        self.inner = nn.Linear(share, cell)
        self.band = nn.Parameter(torch.randn(layout.bands, cell) * 0.02)
        self.local = Residual(cell, 4 * cell)
        self.head = nn.Linear(cell, layout.cell)

    def enter(self, slices: Tensor) -> Tensor:
        """Return the token."""
        out: Tensor = self.token(slices.flatten(2))
        return out

    def leave(self, token: Tensor, slices: Tensor) -> Tensor:
        """Return the outputs."""
        cells = self.inner(slices) + self.band
        cells = self.local(cells + self.spread(token).reshape(cells.shape))
        return self.layout.join(self.head(F.relu(cells)))


class VoiceWriter(PartWriter):
    """Of a voice: written from the token alone, which its slices have entered."""

    def __init__(self, logits: int, *, share: int, width: int) -> None:
        super().__init__()
        self.token = nn.Linear(SHARES * share, width)
        self.widen = nn.Linear(width, 2 * width)
        self.head = nn.Linear(2 * width, logits)

    def enter(self, slices: Tensor) -> Tensor:
        """Return the token."""
        out: Tensor = self.token(slices.flatten(2))
        return out

    def leave(self, token: Tensor, slices: Tensor) -> Tensor:  # noqa: ARG002 - cells need them
        """Return the outputs."""
        out: Tensor = self.head(F.relu(self.widen(token)))
        return out
