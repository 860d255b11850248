"""What a step of training reads: the order of the phrases, their augmentation, and the edits beside them.

In a run of several processes all of them draw the same order and each takes its own part of it; what is
drawn to augment a phrase is each process's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from model.codecs.base import Arrays, Codec
from model.config import ModelConfig
from trainer.data import part_dropout
from trainer.data.augment import Ints
from trainer.data.conditions import ConditionMaker
from trainer.data.dataset import Phrases, batch, batch_with_edits
from trainer.data.edit_pairs import EditPairs
from trainer.run.distributed import World
from trainer.settings import FitConfig

T = TypeVar("T")
Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Drawn:
    """One batch, of numpy arrays or of tensors; see `trainer.training.objectives.base.Batch`.

    Attributes:
        hidden: bool [B, parts], the parts that the encoder does not hear; see `trainer.data.part_dropout`.
    """

    arrays: Mapping[str, Any]
    edited: Mapping[str, Any]
    change: np.ndarray
    hidden: part_dropout.Mask | None = None
    condition: np.ndarray | None = None


class Batches(Protocol[T]):
    """Makes arrays of chosen phrases, drawing what augments them from a generator."""

    def plain(self, chosen: Ints, rng: Generator) -> dict[str, T]:
        """Pack the chosen phrases."""

    def paired(self, picked: Ints, rng: Generator) -> tuple[dict[str, T], dict[str, T]]:
        """Pack the phrases that edits come from, and these edits."""

    def joined(self, first: dict[str, T], then: dict[str, T]) -> dict[str, T]:
        """Return the arrays of two batches as those of one."""


@dataclass(frozen=True, slots=True)
class HostBatches:
    """Makes batches with numpy, of phrases that may lie on disk."""

    fit: FitConfig
    codec: Codec
    train: Phrases
    edits: EditPairs | None

    def plain(self, chosen: Ints, rng: Generator) -> Arrays:
        """Pack phrases, augmented."""
        fit = self.fit
        return batch(
            self.train, self.codec, chosen, rng=rng, reach=fit.transpose, rotated=fit.rotate, alone=fit.alone
        )

    def paired(self, picked: Ints, rng: Generator) -> tuple[Arrays, Arrays]:
        """Pack phrases and their edits."""
        assert self.edits is not None
        source, reach = self.edits.source[picked], self.fit.transpose
        return batch_with_edits(
            self.train, self.edits.edited, self.codec, source, picked, rng=rng, reach=reach
        )

    def joined(self, first: Arrays, then: Arrays) -> Arrays:
        """Return two batches as one."""
        return {name: np.concatenate((first[name], value)) for name, value in then.items()}


@dataclass(frozen=True, slots=True)
class FeedState:
    """Where a feed stands: what is left of the epoch's order, and its generators as JSON holds them."""

    order: Ints
    shared: dict[str, Any]
    chance: dict[str, Any]


@dataclass(slots=True)
class Feed:
    """Draws batches.

    Attributes:
        batches: makes them; with numpy where None.
        order: what is left of the epoch's order of phrases; the same in all processes.
        rng: draws what all processes share.
        chance: draws what is this process's own; alone, the same generator.
    """

    model: ModelConfig
    fit: FitConfig
    codec: Codec
    train: Phrases
    edits: EditPairs | None
    conditions: ConditionMaker
    world: World = field(default_factory=World)
    batches: Batches[Any] | None = None
    order: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    rng: Generator = field(init=False)
    chance: Generator = field(init=False)

    def __post_init__(self) -> None:
        """Seed the generators."""
        self.rng = np.random.default_rng(self.fit.seed)
        alone = self.world.size == 1
        self.chance = self.rng if alone else np.random.default_rng((self.fit.seed, 1 + self.world.rank))

    def draw(self, *, edits: bool) -> Drawn:
        """Return this process's part of the next batch, its first phrases with edits if they are wanted."""
        fit, size = self.fit, self.world.size
        paired = round(fit.batch * fit.edit_share) if edits and self.edits is not None else 0
        plain = fit.batch - paired
        while len(self.order) < plain * size:
            self.order = np.concatenate((self.order, self.rng.permutation(len(self.train))))
        wanted, self.order = self.order[: plain * size], self.order[plain * size :]
        chosen = self.slice_of(wanted, plain)
        batches = self.batches or HostBatches(fit, self.codec, self.train, self.edits)
        arrays = batches.plain(chosen, self.chance)
        edited = {name: value[:0] for name, value in arrays.items()}
        change = np.zeros((0, max(len(self.model.knobs), 1)), dtype=np.float32)
        if self.edits is not None and paired:
            picked = self.slice_of(self.rng.integers(len(self.edits), size=paired * size), paired)
            first, edited = batches.paired(picked, self.chance)
            arrays = batches.joined(first, arrays)
            change = self.edits.change[picked]
            chosen = np.concatenate((self.edits.source[picked], chosen))
        hidden = None
        if fit.drop_parts:
            hidden = part_dropout.draw(part_dropout.sounding(arrays), fit.drop_parts, self.chance)
        condition = self.conditions.about(
            arrays, self.train, chosen, share=fit.condition_dropout, rng=self.chance
        )
        return Drawn(arrays, edited, change, hidden, condition)

    def slice_of(self, values: Ints, count: int) -> Ints:
        """Return this process's `count` of what was drawn for all."""
        return values[self.world.rank * count : (self.world.rank + 1) * count]

    def snapshot(self) -> FeedState:
        """Return where it stands."""
        return FeedState(
            self.order, dict(self.rng.bit_generator.state), dict(self.chance.bit_generator.state)
        )

    def restore(self, state: FeedState) -> None:
        """Go back to where it stood."""
        self.order = state.order
        self.rng.bit_generator.state = state.shared
        self.chance.bit_generator.state = state.chance

    def reseed(self, step: int) -> None:
        """Draw anew what is this process's own, from a step on."""
        if self.chance is not self.rng:
            self.chance = np.random.default_rng((self.fit.seed, 1 + self.world.rank, step))
