"""The multitrack codec's head: those of its tracks side by side."""

from collections.abc import Mapping
from itertools import accumulate
from typing import ClassVar

import torch
from torch import Tensor, nn

from model.codecs.multitrack import below
from model.music.grid import Grid
from model.music.tracks import TRACKS
from model.networks.heads.base import Chance, Head, Tensors
from model.networks.heads.drums import DrumsHead
from model.networks.heads.melody import MelodyHead
from model.networks.heads.poly import PolyHead

HEADS: tuple[type[MelodyHead | PolyHead | DrumsHead], ...] = (
    MelodyHead,
    PolyHead,
    MelodyHead,
    DrumsHead,
)
"""The head of each track, in the order of `TRACKS`."""


class MultitrackHead(Head):
    """Features, outputs, chances and channels of melody, chords, bass and drums, in this order.

    Names of arrays, heads and losses have the track's before them, as the codec's.
    """

    inputs: ClassVar[tuple[str, ...]] = tuple(
        f"{name}.{key}" for name, kind in zip(TRACKS, HEADS, strict=True) for key in kind.inputs
    )
    outputs: ClassVar[tuple[str, ...]] = tuple(
        f"{name}.{key}" for name, kind in zip(TRACKS, HEADS, strict=True) for key in kind.outputs
    )

    def __init__(self, grid: Grid) -> None:
        made: dict[str, Head] = {name: kind(grid) for name, kind in zip(TRACKS, HEADS, strict=True)}
        super().__init__(
            grid,
            features=sum(part.step_features for part in made.values()),
            logits=sum(part.step_logits for part in made.values()),
            chances=sum(part.chances for part in made.values()),
            channels=sum(part.channels for part in made.values()),
        )
        self.parts = nn.ModuleDict(made)
        self.track_features = tuple(part.step_features for part in made.values())
        self.track_logits = tuple(part.step_logits for part in made.values())
        shifts = accumulate((part.channels for part in made.values()), initial=0)
        self.onset_channels = tuple(
            (begin + shift, end + shift)
            for part, shift in zip(made.values(), shifts, strict=False)
            for begin, end in part.onset_channels
        )

    def read(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return the tracks' features side by side, [B, S, F]."""
        return torch.cat([part.read(below(arrays, name)) for name, part in self._parts()], dim=-1)

    def write(self, flat: Tensor) -> Tensors:
        """Return every track's heads of outputs [B, S, L]."""
        slices = torch.split(flat, [*self.track_logits], dim=-1)
        return {
            f"{name}.{key}": value
            for (name, part), part_logits in zip(self._parts(), slices, strict=True)
            for key, value in part.write(part_logits).items()
        }

    def loss(self, heads: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensors:
        """Return every track's losses, [B] each."""
        return {
            f"{name}.{key}": value
            for name, part in self._parts()
            for key, value in part.loss(below(heads, name), below(target, name)).items()
        }

    def draw(self, logits: Tensor, chance: Chance, last: Mapping[str, Tensor]) -> Tensors:
        """Draw one step of every track, each by its own part of the noise."""
        drawn: Tensors = {}
        begin = 0
        for (name, part), part_logits in zip(
            self._parts(), torch.split(logits, [*self.track_logits], dim=-1), strict=True
        ):
            luck = chance.part(begin, begin + part.chances)
            begin += part.chances
            drawn.update(
                {f"{name}.{key}": v for key, v in part.draw(part_logits, luck, below(last, name)).items()}
            )
        return drawn

    def blank(self, count: int, device: torch.device) -> Tensors:
        """Return steps at which no track sounds."""
        return {
            f"{name}.{key}": value
            for name, part in self._parts()
            for key, value in part.blank(count, device).items()
        }

    def roll(self, heads: Mapping[str, Tensor]) -> Tensor:
        """Return the tracks' rolls side by side; see `Head.roll`."""
        return torch.cat([part.roll(below(heads, name)) for name, part in self._parts()], dim=-1)

    def rolled(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return what packed arrays play in the channels of `roll`."""
        return torch.cat([part.rolled(below(arrays, name)) for name, part in self._parts()], dim=-1)

    def _parts(self) -> list[tuple[str, Head]]:
        """Return the tracks' heads by name."""
        return [(name, part) for name, part in self.parts.items() if isinstance(part, Head)]
