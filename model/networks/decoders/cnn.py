"""A decoder that draws a piano roll of all steps at once, by transposed convolutions.

Tested in tests/model/networks/layers/test_roll_image.py.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.config import DecoderConfig
from model.networks.conditioning import Conditioning
from model.networks.decoders.base import ParallelDecoder
from model.networks.layers.roll_image import heights, image_of
from model.networks.sizes import Sizes


class CnnDecoder(ParallelDecoder):
    """z to a image of all steps at once, by transposed convolutions along the pitch axis.

    What is no image (a melody's states and velocity) comes from the beats directly.  The wanted change of
    attributes and the conditions enter every beat; see `model.networks.conditioning`.
    """

    def __init__(self, config: DecoderConfig, sizes: Sizes) -> None:
        """Make the way in, convolutions along the beats and `depth` layers that double the rows.

        Raises:
            ConfigError: the codec has no single roll.
        """
        super().__init__()
        grid = self.grid = sizes.grid
        image = self.image = image_of(sizes, "model.decoder")
        self.cell, self.width, self.sliced = config.cell, config.width, sizes.sliced
        self.enter = (
            nn.Linear(sizes.latent // grid.beats, config.width)
            if self.sliced
            else nn.Linear(sizes.latent, grid.beats * config.width)
        )
        self.place = nn.Parameter(torch.randn(grid.beats, config.width) * 0.02)
        self.steer = Conditioning(sizes, config.width)
        self.around = nn.ModuleList(nn.Conv1d(config.width, config.width, 3, padding=1) for _ in range(2))
        self.rows = heights(image.rows, config.depth)
        self.spread = nn.Linear(config.width, grid.steps_per_beat * config.cell * self.rows[-1])
        drawn = [*[config.cell] * config.depth, image.written]
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(before, after, (3, 4), stride=(1, 2), padding=(1, 1))
            for before, after in pairwise(drawn)
        )
        self.flat = nn.Conv2d(config.cell, image.written, 1) if not config.depth else None
        rest = image.before + image.after
        self.rest = nn.Linear(config.width, grid.steps_per_beat * rest) if rest else None

    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None) -> Tensor:
        """Return outputs [B, S, L]."""
        grid, image = self.grid, self.image
        beats = (
            self.enter(z.reshape(-1, grid.beats, self.enter.in_features))
            if self.sliced
            else self.enter(z).reshape(-1, grid.beats, self.width)
        )
        beats = beats + self.place + self.steer.beats(change, condition)
        for layer in self.around:
            beats = beats + F.relu(layer(F.relu(beats).transpose(1, 2))).transpose(1, 2)
        x = F.relu(self.spread(beats)).reshape(-1, grid.steps, self.cell, self.rows[-1]).transpose(1, 2)
        for index, layer in enumerate(self.layers):
            x = layer(F.relu(x) if index else x)[..., : self.rows[-2 - index]]
        if self.flat is not None:
            x = self.flat(x)
        drawn = x.transpose(1, 2).reshape(-1, grid.steps, image.written * image.rows)
        if self.rest is None:
            return drawn
        rest = self.rest(F.relu(beats)).reshape(-1, grid.steps, image.before + image.after)
        return torch.cat((rest[..., : image.before], drawn, rest[..., image.before :]), dim=-1)
