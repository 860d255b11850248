"""Recurrent encoders: a phrase read forwards and backwards by a plain RNN, a GRU or an LSTM.

For a latent of the whole phrase the summary is what MusicVAE takes: the last state of both directions side
by side (Roberts et al. 2018, "A hierarchical latent vector model for learning long-term structure in music",
section 3.1).  With a slice per beat each summary holds the forward state at the beat's end and the backward
state at its beginning, so that it too has heard the whole phrase, and its own beat last.

Tested in tests/model/networks/encoders/test_base.py.
"""

import torch
from torch import Tensor

from model.config import EncoderConfig
from model.networks.encoders.base import Encoder
from model.networks.layers.recurrence import KINDS, run
from model.networks.sizes import Sizes


class RecurrentEncoder(Encoder):
    """Features [B, S, F] to summaries [B, tokens, 2 x config.width], one layer over another."""

    def __init__(self, config: EncoderConfig, sizes: Sizes) -> None:
        super().__init__()
        self.tokens = sizes.grid.beats if sizes.sliced else 1
        self.share, self.size = sizes.grid.steps // self.tokens, config.width
        self.width = 2 * config.width
        self.cells = KINDS[config.kind](
            sizes.features, config.width, max(1, config.depth), batch_first=True, bidirectional=True
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the summaries."""
        hidden = run(self.cells, x)[0].reshape(-1, self.tokens, self.share, 2, self.size)
        return torch.cat((hidden[:, :, -1, 0], hidden[:, :, 0, 1]), dim=-1)
