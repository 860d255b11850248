"""A Transformer that writes step by step, with a cache of keys and values.

Masked self-attention over one token per step (Vaswani et al. 2017, "Attention is all you need"; learned
positions).  z stands before the steps as one token, or one for each beat's slice, and is added to every step
(both ways are compared in Li et al. 2020, "Optimus").  Without a latent the same is a language model.

Tested in tests/model/networks/decoders/test_base.py.
"""

import torch
from torch import Tensor, nn

from model.config import DecoderConfig
from model.errors import ConfigError
from model.networks.conditioning import Conditioning
from model.networks.decoders.base import AutoregressiveDecoder, State, at, begun, until
from model.networks.layers.causal import CausalBlocks
from model.networks.sizes import Sizes


class TransformerDecoder(AutoregressiveDecoder):
    """Kind `transformer`: `depth` blocks of `width`."""

    def __init__(self, config: DecoderConfig, sizes: Sizes) -> None:
        """Make the ways in, the blocks and the head.

        Raises:
            ConfigError: there is no block.
        """
        super().__init__()
        if not config.depth:
            raise ConfigError("model.decoder: depth of kind 'transformer' is at least 1")
        grid, width = sizes.grid, config.width
        self.prefix = 0 if not sizes.latent else grid.beats if sizes.sliced else 1
        self.enter = nn.Linear(sizes.features, width)
        self.place = nn.Parameter(torch.randn(self.prefix + grid.steps, width) * 0.02)
        self.token = nn.Linear(sizes.latent // self.prefix, width) if self.prefix else None
        self.add = nn.Linear(sizes.latent, width, bias=False) if self.prefix else None
        self.steer = Conditioning(sizes, width)
        self.blocks = CausalBlocks(width, config.heads, config.depth)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, sizes.logits)

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None, before: Tensor) -> Tensor:
        """Return outputs [B, S, L], teacher-forced."""
        steps = before.shape[1]
        tokens = self.enter(before) + until(self._beside(z, change, condition), steps)
        tokens = tokens + self.place[self.prefix : self.prefix + steps]
        hidden = self.blocks(torch.cat((self._tokens(z), tokens), dim=1))[:, self.prefix :]
        out: Tensor = self.head(self.norm(hidden))
        return out

    def start(self, z: Tensor, change: Tensor, condition: Tensor | None) -> State:
        """Return `place`, `cache` [B, depth, 2, heads, L, size] and `beside` [B, S or 1, width]."""
        cache = self.blocks.begin(self._tokens(z)) if self.prefix else self.blocks.empty(z)
        return {"place": begun(z), "cache": cache, "beside": self._beside(z, change, condition)}

    def step(self, state: State, before: Tensor) -> tuple[Tensor, State]:
        """Return one step's outputs [B, L], and the state after it."""
        place = state["place"]
        token = self.enter(before) + at(state["beside"], place)
        token = token + self.place.index_select(0, self.prefix + place[:1])
        hidden, cache = self.blocks.step(token.unsqueeze(1), state["cache"])
        out = self.head(self.norm(hidden[:, 0]))
        return out, {"place": place + 1, "cache": cache, "beside": state["beside"]}

    def _tokens(self, z: Tensor) -> Tensor:
        """Return z as tokens [B, prefix, width]."""
        if self.token is None:
            return z.new_zeros(z.shape[0], 0, self.place.shape[1])
        tokens: Tensor = self.token(z.reshape(z.shape[0], self.prefix, -1)) + self.place[: self.prefix]
        return tokens

    def _beside(self, z: Tensor, change: Tensor, condition: Tensor | None) -> Tensor:
        """Return what is added to every step, [B, S or 1, width]."""
        wanted = self.steer.steps(change, condition)
        return wanted if self.add is None else wanted + self.add(z).unsqueeze(1)
