"""An encoder of convolutions along the beats.

Tested in tests/model/runtimes/test_onnx.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.config import EncoderConfig
from model.networks.encoders.base import Encoder
from model.networks.sizes import Sizes


class ConvEncoder(Encoder):
    """Each output sees its neighbours; `depth` residual layers."""

    def __init__(self, config: EncoderConfig, sizes: Sizes) -> None:
        super().__init__()
        self.tokens, self.width = sizes.grid.beats, config.width
        self.enter = nn.Linear(sizes.grid.steps_per_beat * sizes.features, config.width)
        self.place = nn.Parameter(torch.randn(self.tokens, config.width) * 0.02)
        self.layers = nn.ModuleList(
            nn.Conv1d(config.width, config.width, 3, padding=1) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Return one summary per beat."""
        tokens = self.enter(x.reshape(-1, self.tokens, self.enter.in_features)) + self.place
        for layer in self.layers:
            tokens = tokens + F.relu(layer(tokens.transpose(1, 2)).transpose(1, 2))
        out: Tensor = self.norm(tokens)
        return out
