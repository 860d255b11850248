"""What every head promises: packed arrays to features of steps, outputs of steps to logits, loss and draw.

A head is the torch side of a codec; what it writes of a step has names (`state`, `pitch`, ...): the codec's
heads.  It works step by step: what it reads and writes of a step does not depend on another step, but for
what a draw may not do (hold a key that does not sound).  Losses are in nats, summed over a phrase's steps, so
that beta on the KL keeps its meaning in the evidence lower bound.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from model.codecs.sampling import Sampling
from model.music.grid import Grid
from model.networks.layers.layout import Layout

Tensors = dict[str, Tensor]
VELOCITY_SPREAD = 0.06  # standard deviation, of 0..1, at which a velocity's error costs half a nat
OFFSET_SPREAD = 0.08  # the same of a micro-offset, in steps: 10 ms of a sixteenth at 120 bpm
LEAST = 1e-6  # of a uniform draw: its logarithm stays a number


class Chance(NamedTuple):
    """One step's chance, all tensors, so that a traced graph can be given another.

    Attributes:
        noise: uniform in 0..1, [B, chances].
        temperature: float scalar, see `Sampling`.
        top_k: int64 scalar.
        top_p: float scalar.
    """

    noise: Tensor
    temperature: Tensor
    top_k: Tensor
    top_p: Tensor

    @classmethod
    def of(cls, sampling: Sampling, noise: Tensor) -> "Chance":
        """Lay the sampling beside its noise."""
        return cls(
            noise,
            noise.new_tensor(sampling.temperature),
            torch.tensor(sampling.top_k, device=noise.device),
            noise.new_tensor(sampling.top_p),
        )

    def part(self, begin: int, end: int) -> "Chance":
        """Return the chance that uses these columns of the noise."""
        return self._replace(noise=self.noise[:, begin:end])


class Head(nn.Module, ABC):
    """Base of the heads; a subclass sets the attributes and writes what is abstract.

    Attributes:
        inputs: names of the codec's arrays, in the order of graphs.
        outputs: names of the codec's heads, in the order of graphs.
        step_features: F, of a step as encoders and autoregressive decoders read it.
        step_logits: L, of a step as decoders write it.
        chances: uniform numbers that the draw of one step uses up.
        channels: of a step in `roll`.
        onset_channels: of these the onsets of keys or drums, by track: (first, one past the last).
        layout: how a beat's features fall into cells of keys, where they do.
        track_features: F by track; they sum to F, in order.
        track_logits: L by track; they sum to L, in order.
    """

    inputs: ClassVar[tuple[str, ...]]
    outputs: ClassVar[tuple[str, ...]]
    step_features: int
    step_logits: int
    chances: int
    channels: int
    onset_channels: tuple[tuple[int, int], ...]
    layout: Layout | None
    track_features: tuple[int, ...]
    track_logits: tuple[int, ...]

    def __init__(self, grid: Grid, *, features: int, logits: int, chances: int, channels: int) -> None:
        super().__init__()
        self.grid = grid
        self.step_features, self.step_logits = features, logits
        self.chances, self.channels = chances, channels
        self.layout = None
        self.track_features, self.track_logits = (features,), (logits,)

    @abstractmethod
    def read(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return features [B, S, F] of packed arrays [B, S, ...]; S is any number of steps."""

    @abstractmethod
    def write(self, flat: Tensor) -> Tensors:
        """Return the codec's heads, each [B, S, ...], of outputs [B, S, L]."""

    @abstractmethod
    def loss(self, heads: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensors:
        """Return each part's loss by name, [B], nats summed over steps, of heads against packed arrays."""

    @abstractmethod
    def draw(self, logits: Tensor, chance: Chance, last: Mapping[str, Tensor]) -> Tensors:
        """Draw one step, as the codec's arrays [B, 1, ...].

        What is drawn can be played: it is what the codec would pack of the phrase that it spells.  Tensor
        operations only, so that it can be traced.

        Args:
            logits: outputs of the step, [B, L].
            chance: noise [B, chances] and how to use it.
            last: arrays [B, 1, ...] of the step before; `blank` before the first.
        """

    @abstractmethod
    def blank(self, count: int, device: torch.device) -> Tensors:
        """Return `count` steps, [count, 1, ...], at which nothing sounds."""

    @abstractmethod
    def roll(self, heads: Mapping[str, Tensor]) -> Tensor:
        """Return what the heads play as numbers that gradients pass, [B, S, channels].

        Forward it is exactly what the likeliest decode plays (0 or 1, velocities at onsets), backward the
        probabilities' gradient (Bengio et al. 2013, "Estimating or propagating gradients through stochastic
        neurons", straight-through).
        """

    @abstractmethod
    def rolled(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return what packed arrays play in the channels of `roll`, [B, S, channels]."""


def velocity_loss(got: Tensor, wanted: Tensor, onset: Tensor) -> Tensor:
    """Return half the squared error in units of `VELOCITY_SPREAD`, at onsets, per phrase [B]."""
    error = ((got.float() - wanted) / VELOCITY_SPREAD).square() * 0.5 * onset
    return error.flatten(1).sum(1)


def offset_loss(got: Tensor, wanted: Tensor, onset: Tensor) -> Tensor:
    """Return half the squared error in units of `OFFSET_SPREAD`, at onsets, per phrase [B]."""
    error = ((got.float() - wanted) / OFFSET_SPREAD).square() * 0.5 * onset
    return error.flatten(1).sum(1)


def pick(logits: Tensor, chance: Chance) -> Tensor:
    """Draw one of C classes by the Gumbel-max trick; int64 [B] of logits [B, C] and noise [B, C]."""
    logits = logits.float()
    heat = chance.temperature.clamp(min=1e-4)
    ordered, _ = torch.sort(logits, dim=-1, descending=True)
    mass = torch.softmax(ordered / heat, dim=-1)
    before = mass.cumsum(-1) - mass  # of all likelier ones
    inside = (before < chance.top_p).sum(-1, keepdim=True).clamp(min=1)
    classes = logits.shape[-1]
    wanted = torch.where(chance.top_k > 0, chance.top_k, classes).clamp(max=classes)
    least = ordered.gather(-1, torch.minimum(inside, wanted) - 1)
    gumbel = -torch.log(-torch.log(chance.noise.clamp(LEAST, 1 - LEAST)))
    noisy = torch.where(logits >= least, logits + chance.temperature * gumbel, torch.full_like(logits, -1e9))
    return noisy.argmax(-1)


def flip(logits: Tensor, chance: Chance) -> Tensor:
    """Draw yes or no for each of C switches; bool [B, C] of logits [B, C] and noise [B, C].

    A switch has two values: with top_k 1, or where the likelier one alone reaches top_p, it is taken.
    """
    logits = logits.float()
    heat = chance.temperature.clamp(min=1e-4)
    likelier = torch.sigmoid(logits.abs() / heat)
    open_ = (likelier < chance.top_p) & (chance.top_k != 1)
    uniform = chance.noise.clamp(LEAST, 1 - LEAST)
    logistic = torch.log(uniform) - torch.log1p(-uniform)
    return torch.where(open_, logits + chance.temperature * logistic, logits) > 0


def through(hard: Tensor, soft: Tensor) -> Tensor:
    """Return `hard` forward and the gradient of `soft` backward."""
    return hard.detach() + soft - soft.detach()
