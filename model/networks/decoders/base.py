"""What a decoder promises, at once or step by step, and how steps are shifted for the latter.

Shapes: B phrases, S steps of the grid, F features of a step as it is read, L outputs of a step; z [B, d]
(d may be 0), `change` [B, max(knobs, 1)] in standard deviations, `condition` [B, beats, condition] or None.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

State = dict[str, Tensor]
"""What a step-by-step decoder carries on: tensors by name, each [B, ...], with `place` int64 [B] among them.

`place` is the step to be computed next, the same in every row.  The names and their order are always the
same; one dimension of a tensor beside B may grow from step to step.
"""


class ParallelDecoder(nn.Module, ABC):
    """Base of decoders that write all steps at once."""

    @abstractmethod
    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None) -> Tensor:
        """Return outputs [B, S, L]."""


class AutoregressiveDecoder(nn.Module, ABC):
    """Base of decoders that write a step given those before it.

    `forward` on what was fed and `step` for every fed step give the same outputs.
    """

    @abstractmethod
    def forward(self, z: Tensor, change: Tensor, condition: Tensor | None, before: Tensor) -> Tensor:
        """Return outputs [B, S, L], teacher-forced.

        Args:
            z: float [B, d].
            change: of the knobs' attributes.
            condition: of the beats.
            before: features of the step before each, [B, S, F]; see `delayed`.  S may be shorter than the
                grid: the first steps.
        """

    @abstractmethod
    def start(self, z: Tensor, change: Tensor, condition: Tensor | None) -> State:
        """Return the state before the first step, its `place` 0."""

    @abstractmethod
    def step(self, state: State, before: Tensor) -> tuple[Tensor, State]:
        """Return one step's outputs [B, L], and the state after it.

        Args:
            state: from `start` or the step before; not changed.
            before: features of the step before, [B, F]; zeros for the first.
        """


def delayed(features: Tensor) -> Tensor:
    """Return the features [B, S, F] one step later, zeros first."""
    return torch.cat((torch.zeros_like(features[:, :1]), features[:, :-1]), dim=1)


def at(sequence: Tensor, place: Tensor) -> Tensor:
    """Return [B, width] of a sequence [B, S, width] at a place int64 [B]; one step alone stands for all."""
    if sequence.shape[1] == 1:
        return sequence[:, 0]
    return sequence.index_select(1, place[:1])[:, 0]


def until(sequence: Tensor, steps: int) -> Tensor:
    """Return the first steps of a sequence [B, S, width], one that stands for all repeated."""
    if sequence.shape[1] == 1:
        return sequence.expand(-1, steps, -1)
    return sequence[:, :steps]


def begun(z: Tensor) -> Tensor:
    """Return the place before the first step, int64 [B] zeros."""
    return torch.zeros(z.shape[0], dtype=torch.int64, device=z.device)
