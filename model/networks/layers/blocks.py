"""Layers that encoders and decoders share: a Transformer block over a few tokens, a residual pair.

Tested in tests/model/networks/layers/test_blocks.py, tests/model/networks/encoders/test_base.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it


class Attention(nn.Module):
    """Multi-head self-attention over all tokens, in plain matrix products.

    With 8 tokens they are faster than a fused kernel, and ONNX holds them as they are.
    """

    def __init__(self, width: int, heads: int) -> None:
        """Make the projections; `heads` must divide `width`."""
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.mix = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Mix tokens [B, L, width] -> [B, L, width]."""
        length = x.shape[1]
        mixed = self.mix(x).reshape(-1, length, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        query, key, value = mixed.unbind()  # each [B, heads, L, size]
        weights = torch.softmax(query @ key.transpose(-1, -2) * self.size**-0.5, dim=-1)
        joined = (weights @ value).transpose(1, 2).reshape(-1, length, self.heads * self.size)
        out: Tensor = self.out(joined)
        return out


class Block(nn.Module):
    """Pre-norm Transformer block (Xiong et al. 2020, "On layer normalization in the Transformer")."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens [B, L, width] -> [B, L, width]."""
        x = x + self.attention(self.norm1(x))
        out: Tensor = x + self.down(F.relu(self.up(self.norm2(x))))
        return out


class Residual(nn.Module):
    """Two layers beside the identity."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., width] -> [..., width]."""
        out: Tensor = x + self.down(F.relu(self.up(F.relu(x))))
        return out
