"""A Transformer block that looks back only: a whole sequence, or a token with cached keys and values.

Tested in tests/model/networks/decoders/test_base.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.networks.layers.blocks import Block

AHEAD = -1e4  # what is added to the weight of a token to come; float16 holds it


class CausalBlock(Block):
    """`model.networks.layers.blocks.Block` whose tokens see themselves and those before them.

    In plain products, as `layers.blocks.Attention`: on a processor the fused kernel's way back takes several
    times as long for so few tokens.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens [B, L, width] -> [B, L, width]."""
        return self.cached(x)[0]

    def cached(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the tokens as `forward`, and their keys and values, each [B, heads, L, size]."""
        query, key, value = self._mixed(x)
        length = x.shape[1]
        weights = query @ key.transpose(-1, -2) * self.attention.size**-0.5
        ahead = torch.full((length, length), AHEAD, dtype=weights.dtype, device=x.device).triu(1)
        weights = torch.softmax(weights + ahead, dim=-1).to(value.dtype)
        return self._after(x, weights @ value), key, value

    def step(self, x: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return one token more [B, 1, width], and keys and values with its own behind them."""
        query, key, value = self._mixed(x)
        keys, values = torch.cat((keys, key), dim=2), torch.cat((values, value), dim=2)
        weights = torch.softmax(query @ keys.transpose(-1, -2) * self.attention.size**-0.5, dim=-1)
        return self._after(x, weights @ values), keys, values

    def _mixed(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each [B, heads, L, size]."""
        attention = self.attention
        mixed = attention.mix(self.norm1(x)).reshape(-1, x.shape[1], 3, attention.heads, attention.size)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        return query, key, value

    def _after(self, x: Tensor, joined: Tensor) -> Tensor:
        """Add what attention says, and the feed-forward layer."""
        said = joined.transpose(1, 2).reshape(-1, x.shape[1], self.attention.heads * self.attention.size)
        x = x + self.attention.out(said)
        out: Tensor = x + self.down(F.relu(self.up(self.norm2(x))))
        return out


class CausalBlocks(nn.Module):
    """`depth` blocks one after another; their cache is one tensor [B, depth, 2, heads, L, size]."""

    def __init__(self, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.blocks = nn.ModuleList(CausalBlock(width, heads) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens [B, L, width] -> [B, L, width]."""
        for block in self.blocks:
            x = block(x)
        return x

    def begin(self, x: Tensor) -> Tensor:
        """Return the cache after the tokens [B, L, width]; L may be 0."""
        caches = []
        for block in self.blocks:
            assert isinstance(block, CausalBlock)
            x, keys, values = block.cached(x)
            caches.append(torch.stack((keys, values), dim=1))
        return torch.stack(caches, dim=1)

    def empty(self, like: Tensor) -> Tensor:
        """Return the cache before any token, for as many phrases as a tensor [B, ...] has."""
        return like.new_zeros(like.shape[0], len(self.blocks), 2, self.heads, 0, self.size)

    def step(self, x: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Return one token more [B, 1, width] and the cache with it."""
        caches = []
        for index, block in enumerate(self.blocks):
            assert isinstance(block, CausalBlock)
            x, keys, values = block.step(x, cache[:, index, 0], cache[:, index, 1])
            caches.append(torch.stack((keys, values), dim=1))
        return x, torch.stack(caches, dim=1)
