"""Fine-tuning a decoder on a few phrases: low-rank changes of its matrices, full ones of its biases.

The network itself is never touched: a step computes with weights + changes, and what is kept in the end is
their sum, so that graphs, size and speed stay what they were.  Low-rank changes: Hu et al. 2021, "LoRA:
Low-rank adaptation of large language models", section 4.1.  A part of the change alone (`strength`):
Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (weight-space interpolation).
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from model.codecs.base import Codec, pack_phrase
from model.codecs.sampling import ARGMAX
from model.music.phrase import Phrase
from model.networks.heads.base import Tensors
from model.networks.vae import VAE
from trainer.evaluation.measures import Matches, agreement, positions, symbols

DECODER = "decoder."
RANK = 8


@dataclass(frozen=True, slots=True)
class EncodedPhrases:
    """What a decoder shall write, and from where.

    Attributes:
        z: float32 [n, d], [n, 0] without a latent.
        spread: standard deviation of z around it, float32 [n, d].
        arrays: packed phrases, [n, ...].
        phrases: the same as phrases.
    """

    z: Tensor
    spread: Tensor
    arrays: Tensors
    phrases: list[Phrase]

    def __len__(self) -> int:
        """Count them."""
        return len(self.phrases)

    def take(self, rows: Sequence[int]) -> "EncodedPhrases":
        """Return some of them."""
        index = torch.as_tensor(list(rows), dtype=torch.int64)
        arrays = {name: value[index] for name, value in self.arrays.items()}
        return EncodedPhrases(self.z[index], self.spread[index], arrays, [self.phrases[row] for row in rows])


def packed(codec: Codec, phrases: Sequence[Phrase]) -> Tensors:
    """Return packed arrays of phrases, [n, ...]."""
    rows = [pack_phrase(codec, phrase) for phrase in phrases]
    return {name: torch.from_numpy(np.concatenate([row[name] for row in rows])) for name in rows[0]}


def encoded(net: VAE, codec: Codec, phrases: Sequence[Phrase]) -> EncodedPhrases:
    """Return phrases with their posteriors."""
    arrays = packed(codec, phrases)
    with torch.no_grad():
        mean, logvar = net.encode(arrays)
    return EncodedPhrases(mean, (0.5 * logvar).exp(), arrays, list(phrases))


class TeacherForcedLoss(nn.Module):
    """A network's loss as a module, so that it can be computed with other weights than its own."""

    def __init__(self, net: VAE) -> None:
        super().__init__()
        self.net = net

    def forward(self, z: Tensor, arrays: Tensors) -> Tensor:
        """Return the loss of each phrase, [B], nats."""
        heads = self.net.teach(z, None, arrays)
        losses: Tensor = torch.stack(list(self.net.head.loss(heads, arrays).values())).sum(0)
        return losses


class Changes(nn.Module):
    """Learned changes of a network's decoder.

    Every matrix (or kernel, its inputs and taps flattened) changes by B A of low rank, B beginning at zero;
    vectors (biases, norms) change freely.
    """

    def __init__(self, net: VAE, *, generator: torch.Generator, rank: int = RANK) -> None:
        super().__init__()
        self.base = {
            name: value.detach() for name, value in net.named_parameters() if name.startswith(DECODER)
        }
        self.free, self.left, self.right = nn.ParameterDict(), nn.ParameterDict(), nn.ParameterDict()
        for name, value in self.base.items():
            key = name.replace(".", "/")
            if value.ndim < 2 or min(value.shape[0], value[0].numel()) <= 2 * rank:
                self.free[key] = nn.Parameter(torch.zeros_like(value))
                continue
            columns = value[0].numel()
            drawn = torch.randn(rank, columns, generator=generator) / columns**0.5
            self.left[key] = nn.Parameter(torch.zeros(value.shape[0], rank))
            self.right[key] = nn.Parameter(drawn)

    def weights(self, strength: float = 1.0) -> Tensors:
        """Return the decoder's weights with their changes, by the network's names."""
        found = {}
        for name, value in self.base.items():
            key = name.replace(".", "/")
            change = (
                self.free[key]
                if key in self.free
                else (self.left[key] @ self.right[key]).reshape(value.shape)
            )
            found[name] = value + strength * change
        return found

    def loss(self, taught: TeacherForcedLoss, z: Tensor, arrays: Tensors) -> Tensor:
        """Return the loss of each phrase with the changes, [B], nats."""
        weights = {f"net.{name}": value for name, value in self.weights().items()}
        found: Tensor = functional_call(taught, weights, (z, arrays))
        return found


def with_weights(net: VAE, weights: Mapping[str, Tensor], *, half: bool) -> VAE:
    """Return a copy of a network with other weights, rounded as a checkpoint would store them."""
    made = copy.deepcopy(net)
    state = made.state_dict()
    for name, value in weights.items():
        held = value.detach()
        state[name] = held.half().float() if half else held
    made.load_state_dict(state)
    return made.eval()


def answers(net: VAE, codec: Codec, pairs: EncodedPhrases, levels: Mapping[str, float]) -> list[Phrase]:
    """Return what a network writes from each z, free-running at temperature 0."""
    with torch.no_grad():
        if net.autoregressive:
            drawn = net.generate(pairs.z, None, ARGMAX)
            arrays = {name: value.numpy() for name, value in drawn.items()}
            return [codec.unpack(arrays, row) for row in range(len(pairs))]
        heads = {name: value.numpy() for name, value in net.decode(pairs.z).items()}
    return [
        codec.read({name: value[row] for name, value in heads.items()}, levels=levels)
        for row in range(len(pairs))
    ]


def skill(net: VAE, codec: Codec, pairs: EncodedPhrases, levels: Mapping[str, float]) -> float:
    """Return how well phrases come back: note F1 on (onset, pitch), pooled, free-running.

    Of a model without a latent: share of equal steps, each after the true ones before it.
    """
    if net.latent:
        found = Matches()
        for answer, phrase in zip(answers(net, codec, pairs, levels), pairs.phrases, strict=True):
            found.add(positions(answer), positions(phrase))
        return found.f1
    with torch.no_grad():
        heads = {name: value.numpy() for name, value in net.teach(pairs.z, None, pairs.arrays).items()}
    rows = []
    for row, phrase in enumerate(pairs.phrases):
        decoded = codec.read({name: value[row] for name, value in heads.items()}, levels=levels)
        rows.append(agreement(*(symbols(one, codec.kind) for one in (decoded, phrase))))
    return float(np.mean(rows))


def cost(net: VAE, pairs: EncodedPhrases) -> float:
    """Return the mean loss of phrases at their z, nats a phrase."""
    with torch.no_grad():
        return float(TeacherForcedLoss(net)(pairs.z, pairs.arrays).mean())
