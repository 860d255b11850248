"""Where the bar line is, by excerpts of music: a fit that both scripts of tables share."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

CUES = 29


class Excerpt(NamedTuple):
    """What a few bars say: cues by place, the rhythm's logarithms by shift, the first onset's place."""

    cues: NDArray[np.float32]
    rhythm: NDArray[np.float64]
    first: int


def fitted(excerpts: Sequence[Excerpt], steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the first onset's place and the cues, [cue][place], count for, in logarithms."""
    cues = torch.tensor(np.array([excerpt.cues for excerpt in excerpts]))
    rhythm = torch.tensor(np.array([excerpt.rhythm for excerpt in excerpts]), dtype=torch.float32)
    opening = torch.tensor([excerpt.first for excerpt in excerpts])
    weights = torch.zeros(CUES, steps, requires_grad=True)
    first = torch.zeros(steps, requires_grad=True)
    share = torch.tensor(0.8, requires_grad=True)
    search = torch.optim.LBFGS([weights, first, share], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        scores = [
            (cues * torch.roll(weights, -shift, 1)[None]).sum((1, 2))
            + share * rhythm[:, shift]
            + first[(opening + shift) % steps]
            for shift in range(steps)
        ]
        true = torch.zeros(len(excerpts), dtype=torch.long)
        fit = torch.nn.functional.cross_entropy(torch.stack(scores, 1), true)
        return fit + 2e-3 * (weights**2).sum() + 1e-3 * (first**2).sum()

    def step() -> float:
        search.zero_grad()
        value = loss()
        value.backward()
        return float(value.detach())

    search.step(step)
    by_cue = weights.detach().double().numpy()
    by_place = torch.log_softmax(first.detach().double(), 0).numpy()
    return by_place, by_cue - by_cue.mean(1, keepdims=True)
