"""MusicVAE's hierarchical decoder: a conductor LSTM over segments, a decoder LSTM inside each.

Roberts et al. 2018, "A hierarchical latent vector model for learning long-term structure in music",
section 3.2.  z starts the conductor, which reads nothing else but the wanted change of attributes; each of
its outputs starts the decoder afresh for one segment and stands beside every input there, so that what a
segment shall be can only come through z.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.config import DecoderConfig
from model.errors import ConfigError
from model.networks.decoders.base import AutoregressiveDecoder, State, begun
from model.networks.layers.recurrence import Cells
from model.networks.sizes import Sizes


class HierarchicalDecoder(AutoregressiveDecoder):
    """`segment_beats` beats a segment; conductor and decoder have their own width and depth."""

    def __init__(self, config: DecoderConfig, sizes: Sizes) -> None:
        """Make both LSTMs and the layers that start them.

        Raises:
            ConfigError: the segments do not fill the grid, or there is no latent to conduct from.
        """
        super().__init__()
        grid = self.grid = sizes.grid
        if not sizes.latent:
            raise ConfigError("model.decoder: kind 'hierarchical' needs a latent, from which it conducts")
        if grid.beats % config.segment_beats:
            raise ConfigError(
                f"model.decoder: segments of {config.segment_beats} beats do not fill {grid.beats} beats"
            )
        self.segments = grid.beats // config.segment_beats
        self.length = config.segment_beats * grid.steps_per_beat
        self.conductor = Cells("lstm", max(sizes.knobs, 1), config.conductor_width, config.conductor_depth)
        self.begin = nn.Linear(sizes.latent, self.conductor.depth * self.conductor.size)
        fixed = sizes.features + self.conductor.width
        self.condition_width = sizes.condition_width
        self.cells = Cells("lstm", fixed + self.condition_width, config.width, max(1, config.depth))
        self.segment = nn.Linear(self.conductor.width, self.cells.depth * self.cells.size)
        self.head = nn.Linear(config.width, sizes.logits)
        with torch.no_grad():  # untrained, a knob and a condition do nothing
            self.conductor.net.get_parameter("weight_ih_l0").zero_()
            self.cells.net.get_parameter("weight_ih_l0")[:, fixed:].zero_()

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None, before: Tensor) -> Tensor:
        """Return outputs [B, S, L], all segments side by side."""
        steps = before.shape[1]
        count = -(-steps // self.length)
        asked = self.conduct(z, change)[:, :count].reshape(-1, 1, self.conductor.width)
        parts = [before] if not self.condition_width else [before, self.spread(z, condition)[:, :steps]]
        inputs = F.pad(torch.cat(parts, dim=-1), (0, 0, 0, count * self.length - steps))
        inputs = inputs.reshape(-1, self.length, inputs.shape[-1])
        width = before.shape[-1]
        joined = (inputs[..., :width], asked.expand(-1, self.length, -1), inputs[..., width:])
        hidden, _ = self.cells.sequence(torch.cat(joined, dim=-1), self.begun(asked[:, 0]))
        out: Tensor = self.head(hidden)
        return out.reshape(-1, count * self.length, out.shape[-1])[:, :steps]

    def start(self, z: Tensor, change: Tensor, condition: Tensor | None) -> State:
        """Return the state: what is asked of the segments, their conditions, and the decoder's `cells`."""
        asked = self.conduct(z, change)
        state = {"place": begun(z), "asked": asked, "cells": self.begun(asked[:, 0])}
        return state if not self.condition_width else {**state, "condition": self.spread(z, condition)}

    def step(self, state: State, before: Tensor) -> tuple[Tensor, State]:
        """Return one step's outputs and the state after it; a segment's first step starts the LSTM afresh."""
        place = state["place"]
        asked = state["asked"].index_select(1, place[:1] // self.length)[:, 0]
        parts = [before, asked]
        if self.condition_width:
            parts.append(state["condition"].index_select(1, place[:1])[:, 0])
        fresh = (place % self.length == 0).reshape(-1, 1, 1)
        cells = torch.where(fresh, self.begun(asked), state["cells"])
        hidden, cells = self.cells.step(torch.cat(parts, dim=-1), cells)
        return self.head(hidden), {**state, "place": place + 1, "cells": cells}

    def conduct(self, z: Tensor, change: Tensor) -> Tensor:
        """Return what the conductor asks of each segment, [B, segments, conductor width]."""
        first = torch.tanh(self.begin(z)).reshape(-1, self.conductor.depth, self.conductor.size)
        inputs = change.unsqueeze(1).expand(-1, self.segments, -1)
        return self.conductor.sequence(inputs, first)[0]

    def begun(self, asked: Tensor) -> Tensor:
        """Return the decoder's state [B, depth, size] where a segment begins of which that is asked."""
        return torch.tanh(self.segment(asked)).reshape(-1, self.cells.depth, self.cells.size)

    def spread(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """Return every step's conditions, [B, S, condition]: those of its beat, or zeros."""
        if condition is None:
            return z.new_zeros(z.shape[0], self.grid.steps, self.condition_width)
        return torch.repeat_interleave(condition, self.grid.steps_per_beat, dim=1)
