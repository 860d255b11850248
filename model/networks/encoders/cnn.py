"""An encoder of convolutions over time and pitch, which looks at a piano roll.

Going down the pitch axis each layer halves it, so that one filter serves all registers; beats are kept apart,
for a slice of the latent may belong to each.

Tested in tests/model/networks/layers/test_roll_image.py.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.config import EncoderConfig
from model.networks.encoders.base import Encoder
from model.networks.layers.roll_image import cut, heights, image_of
from model.networks.sizes import Sizes


class CnnEncoder(Encoder):
    """Rolls [B, steps, channels], as heads give them, to summaries [B, beats, config.width].

    For a latent of the whole phrase the beats are taken together.
    """

    rolls = True  # reads what is heard, not the head's features

    def __init__(self, config: EncoderConfig, sizes: Sizes) -> None:
        """Make `depth` layers of `cell` channels and the way to one summary per beat.

        Raises:
            ConfigError: the codec has no single roll.
        """
        super().__init__()
        grid = sizes.grid
        image = self.image = image_of(sizes, "model.encoder")
        self.tokens, self.width = grid.beats, config.width
        self.grid, self.rows = grid, heights(image.rows, config.depth)[-1]
        seen = [image.seen, *[config.cell] * config.depth]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, (3, 5), stride=(1, 2), padding=(1, 2))
            for before, after in pairwise(seen)
        )
        self.cell = seen[-1] * self.rows
        self.enter = nn.Linear(grid.steps_per_beat * self.cell, config.width)
        self.around = nn.Conv1d(config.width, config.width, 3, padding=1)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the summaries."""
        x = cut(self.image, x)
        for layer in self.layers:
            x = F.relu(layer(x))
        x = x.transpose(1, 2).reshape(-1, self.grid.beats, self.grid.steps_per_beat * self.cell)
        beats = F.relu(self.enter(x))
        out: Tensor = self.norm(beats + F.relu(self.around(beats.transpose(1, 2))).transpose(1, 2))
        return out
