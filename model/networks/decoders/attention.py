"""A GRU that attends to the slices of z at every step: the decoder of seq2seq.

Global attention with the general score, after the recurrent step (Luong et al. 2015, "Effective approaches
to attention-based neural machine translation", section 3.1, without input feeding), so that all steps can be
taught at once.  The memory is z itself, a slice for each beat, which is why interpolated z still play.

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


class AttentionDecoder(AutoregressiveDecoder):
    """Kind `attention`: `depth` layers of GRU of `width`."""

    def __init__(self, config: DecoderConfig, sizes: Sizes) -> None:
        """Make the memory's layer, the recurrent layers, the score and the head.

        Raises:
            ConfigError: there is no layer, or no latent to attend to.
        """
        super().__init__()
        if not sizes.latent:
            raise ConfigError("model.decoder: kind 'attention' attends to a latent, and this model has none")
        if not config.depth:
            raise ConfigError("model.decoder: depth of kind 'attention' is at least 1")
        width, beats = config.width, sizes.grid.beats
        self.beats, self.width, self.sliced = beats, width, sizes.sliced
        self.remember = (
            nn.Linear(sizes.latent // beats, width) if self.sliced else nn.Linear(sizes.latent, beats * width)
        )
        self.place = nn.Parameter(torch.randn(beats, width) * 0.02)
        self.steer = Conditioning(sizes, width)
        self.cells = Cells("gru", sizes.features + width, width, config.depth)
        self.initial = nn.Linear(sizes.latent, config.depth * width)
        self.score = nn.Linear(width, width, bias=False)
        self.join = nn.Linear(2 * width, width)
        self.head = nn.Linear(width, sizes.logits)

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None, before: Tensor) -> Tensor:
        """Return outputs [B, S, L], teacher-forced."""
        state = self.start(z, change, condition)
        beside = until(state["beside"], before.shape[1])
        hidden, _ = self.cells.sequence(torch.cat((before, beside), dim=-1), state["cells"])
        return self._attended(hidden, state["memory"])

    def start(self, z: Tensor, change: Tensor, condition: Tensor | None) -> State:
        """Return `place`, `cells` [B, depth, width], `beside` [B, S or 1, width], `memory` [B, beats, w]."""
        parts = z.reshape(z.shape[0], self.beats, -1) if self.sliced else z
        memory = self.remember(parts).reshape(-1, self.beats, self.width) + self.place
        cells = torch.tanh(self.initial(z)).reshape(-1, self.cells.depth, self.width)
        beside = self.steer.steps(change, condition)
        return {"place": begun(z), "cells": cells, "beside": beside, "memory": memory}

    def step(self, state: State, before: Tensor) -> tuple[Tensor, State]:
        """Return one step's outputs [B, L], and the state after it."""
        fed = torch.cat((before, at(state["beside"], state["place"])), dim=-1)
        hidden, cells = self.cells.step(fed, state["cells"])
        out = self._attended(hidden.unsqueeze(1), state["memory"])[:, 0]
        return out, {**state, "place": state["place"] + 1, "cells": cells}

    def _attended(self, hidden: Tensor, memory: Tensor) -> Tensor:
        """Return outputs [B, S, L] of the recurrent layers' outputs [B, S, width]."""
        weights = torch.softmax(self.score(hidden) @ memory.transpose(1, 2), dim=-1)
        joined = torch.tanh(self.join(torch.cat((weights @ memory, hidden), dim=-1)))
        out: Tensor = self.head(joined)
        return out
