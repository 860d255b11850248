"""What every objective promises the training loop: losses by role, and what it trains beside the model.

A step of training is one or more rounds.  Each round minimises one loss over the parameters of one
role: `model` is the network of the configuration, any other is one of the objective's own (a critic).
The loop owns the order of things (batches, precision, accumulation, clipping, other processes, the
state on disk); an objective owns the formulas.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from model.networks.heads.base import Tensors
from model.networks.vae import VAE
from trainer.settings import FitConfig

MODEL = "model"


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed phrases x, and for the first E of them an edit x'.

    Attributes:
        arrays: the codec's arrays of x, [B, ...]: what the model shall write.
        edited: the codec's arrays of x', [E, ...]; E may be 0.
        change: float32 [E, max(knobs, 1)], in standard deviations.
        encoder_input: the codec's arrays that the encoder gets; None where they are those of x.
        condition: of the decoder, [B, beats, width], see `model.codecs.conditions`; None without.
    """

    arrays: Tensors
    edited: Tensors
    change: Tensor
    encoder_input: Tensors | None = None
    condition: Tensor | None = None

    def __len__(self) -> int:
        """Count the phrases."""
        return len(next(iter(self.arrays.values())))


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in a run a step stands.

    Attributes:
        step: optimiser steps of the model that are done.
        share: of the run that is done, 0..1.
    """

    step: int
    share: float


@dataclass(frozen=True, slots=True)
class Loss:
    """What a round minimises.

    Attributes:
        total: scalar.
        parts: scalars by name, means over the batch (in nats where they are likelihoods), unweighted;
            logged as `loss_NAME`.
    """

    total: Tensor
    parts: Tensors


class Objective(ABC):
    """Base of all objectives.  Everything it draws comes from torch's global generator.

    Attributes:
        betas: of the model's AdamW.
        uses_edits: whether batches should come with edit pairs.
        networks: the objective's own networks by role, other than `model`; the loop moves them to the
            device, saves and restores them and their optimisers, and shares them among processes.
    """

    betas: ClassVar[tuple[float, float]] = (0.9, 0.98)
    uses_edits: ClassVar[bool] = False

    def __init__(self, net: VAE, fit: FitConfig) -> None:
        """Hold the network, which is on no device yet, and the settings.

        Raises:
            RequestError: the two do not go together.
        """
        self.net, self.fit = net, fit
        self.networks = nn.ModuleDict()

    def optimiser(self, role: str) -> torch.optim.Optimizer:
        """Return the optimiser of one of `networks`, whose parameters are on their device by now.

        The loop lays its warm-up and cosine over the rates set here.

        Raises:
            KeyError: the objective has no such network; the base has none at all.
        """
        raise KeyError(role)

    def rounds(self, moment: Moment) -> tuple[str, ...]:  # noqa: ARG002 - others take several
        """Return the roles that learn in a step, in order; a role may come several times."""
        return (MODEL,)

    @abstractmethod
    def loss(self, role: str, batch: Batch, moment: Moment) -> Loss:
        """Return what a role minimises on a batch.

        Called under autocast.  Only the parameters of `role` require gradients meanwhile; losses are means
        over the batch, so that batches accumulate.
        """

    def reads_all(self, role: str) -> bool:  # noqa: ARG002 - others tell them apart
        """Return whether a role's loss always reads every parameter of its network; if unsure, False."""
        return False

    def state(self) -> Tensors:
        """Return tensors to save beside the networks: running means and such.  Mostly empty."""
        return {}

    def restore(self, state: Tensors) -> None:  # noqa: B027 - most have nothing to take up
        """Take up what `state` gave."""


class Term(Protocol):
    """An addition to the loss of another objective, with networks of its own: a critic on decoded rolls.

    Attributes:
        networks: as those of an objective.
    """

    networks: nn.ModuleDict

    def optimiser(self, role: str) -> torch.optim.Optimizer:
        """Return the optimiser of one of `networks`."""

    def rounds(self, moment: Moment) -> tuple[str, ...]:
        """Return the roles that learn in a step before the model does; may be empty."""

    def loss(self, role: str, heads: Tensors, batch: Batch, moment: Moment) -> Loss:
        """Return what a role minimises; `heads` are what the model decoded, without gradients."""

    def parts(self, heads: Tensors, batch: Batch, moment: Moment) -> Tensors:
        """Return scalars by name that the model minimises beside its own loss, weighted already."""


def weighed(losses: Tensors, fit: FitConfig) -> Tensors:
    """Weigh the losses of velocities, of whatever part of a codec."""
    return {
        name: value * fit.velocity_weight if name.endswith("velocity") else value
        for name, value in losses.items()
    }
