"""MusicVAE's flat decoder: recurrent layers that read z beside every step.

z gives the initial state through a tanh layer and is laid beside each input (Roberts et al. 2018, "A
hierarchical latent vector model for learning long-term structure in music", sections 3 and 4).  Without a
latent the same is a language model.

Tested in tests/model/networks/decoders/test_base.py.
"""

import torch
from torch import Tensor, nn

from model.config import DecoderConfig
from model.errors import ConfigError
from model.networks.conditioning import Conditioning
from model.networks.decoders.base import AutoregressiveDecoder, State, at, begun, until
from model.networks.layers.recurrence import Cells
from model.networks.sizes import Sizes


class FlatDecoder(AutoregressiveDecoder):
    """Kinds `rnn`, `gru` and `lstm`, `depth` layers of `width`.

    What is wanted moves the z that is laid beside the steps; without a latent it stands there alone.
    """

    def __init__(self, config: DecoderConfig, sizes: Sizes) -> None:
        """Make the initial state's layer, the recurrent layers and the head.

        Raises:
            ConfigError: there is no layer.
        """
        super().__init__()
        if not config.depth:
            raise ConfigError(f"model.decoder: depth of kind '{config.kind}' is at least 1")
        beside = sizes.latent or (config.width if sizes.knobs or sizes.condition_width else 0)
        self.cells = Cells(config.kind, sizes.features + beside, config.width, config.depth)
        self.initial = nn.Linear(sizes.latent, config.depth * self.cells.size) if sizes.latent else None
        self.steer = Conditioning(sizes, beside) if beside else None
        self.head = nn.Linear(config.width, sizes.logits)

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None, before: Tensor) -> Tensor:
        """Return outputs [B, S, L], teacher-forced."""
        state = self.start(z, change, condition)
        beside = until(state["beside"], before.shape[1])
        hidden, _ = self.cells.sequence(torch.cat((before, beside), dim=-1), state["cells"])
        out: Tensor = self.head(hidden)
        return out

    def start(self, z: Tensor, change: Tensor, condition: Tensor | None) -> State:
        """Return `place`, `cells` [B, depth, size] and `beside` [B, S or 1, width] for every step."""
        shape = (z.shape[0], self.cells.depth, self.cells.size)
        cells = z.new_zeros(shape) if self.initial is None else torch.tanh(self.initial(z)).reshape(shape)
        beside = z.unsqueeze(1)
        if self.steer is not None:
            wanted = self.steer.steps(change, condition)
            beside = beside + wanted if self.initial is not None else wanted
        return {"place": begun(z), "cells": cells, "beside": beside}

    def step(self, state: State, before: Tensor) -> tuple[Tensor, State]:
        """Return one step's outputs [B, L], and the state after it."""
        fed = torch.cat((before, at(state["beside"], state["place"])), dim=-1)
        hidden, cells = self.cells.step(fed, state["cells"])
        return self.head(hidden), {"place": state["place"] + 1, "cells": cells, "beside": state["beside"]}
