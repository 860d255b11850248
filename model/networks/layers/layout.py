"""How the features of a beat fall into cells: one octave of keys, or one drum, of one beat each.

Cells are read and written by the same weights wherever they lie, which makes every note an example for all
octaves (drums) and beats.
"""

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

BAND = 12
SPARSE = 4.0  # a cell holds few ones: at the usual size they would hardly be heard


class Layout:
    """How features [B, beats, steps x channels x keys] fall into cells."""

    def __init__(self, *, beats: int, steps: int, channels: int, keys: int, band: int = BAND) -> None:
        """Count the bands of `band` keys; the highest may be filled up with keys that are not there."""
        self.beats, self.steps, self.channels, self.keys, self.band = beats, steps, channels, keys, band
        self.bands = -(-keys // band)
        self.cell = steps * channels * band

    def cut(self, x: Tensor) -> Tensor:
        """Return cells [B, beats, bands, cell] of features."""
        rows = F.pad(x.reshape(-1, self.keys), (0, self.bands * self.band - self.keys))
        rows = rows.reshape(-1, self.beats, self.steps * self.channels, self.bands, self.band)
        return rows.transpose(2, 3).reshape(-1, self.beats, self.bands, self.cell)

    def join(self, x: Tensor) -> Tensor:
        """Return features of cells [B, beats, bands, cell]."""
        rows = x.reshape(-1, self.beats, self.bands, self.steps * self.channels, self.band).transpose(2, 3)
        rows = rows.reshape(-1, self.beats, self.steps * self.channels, self.bands * self.band)
        return rows[..., : self.keys].flatten(2)
