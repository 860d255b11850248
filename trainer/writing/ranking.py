"""Fit the ranker: to know the true next phrase of a piece among phrases of other songs.

For each kind, phrases of the training songs with those before them, and phrases of other songs beside; a few
small networks, fitted by the softmax over each such group, whose mean is one network.

Tested in tests/trainer/writing/test_ranking.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save as save_numpy
from torch import nn

from model.files import atomic_write
from model.writing.continuity import NAMES, Floats, compared, sketch
from model.writing.ranker import FARTHEST
from model.writing.wish import Kind
from trainer.corpus.pieces import Pieces, load_pieces
from trainer.errors import OperationError
from trainer.evaluation.samples import Progress, no_progress
from trainer.evaluation.writing import CANDIDATES, phrases_in_pieces, ranks_of

POOL = 300  # phrases of other songs that are drawn from, at least, and
SPARE = 3  # times as many as stand beside each
GROUPS = 64  # a step
RATE, DECAY, DROPPED = 3e-3, 1e-3, 0.2
LEAST_SPREAD = 1e-3
CHECKED = 100  # steps


@dataclass(frozen=True, slots=True)
class RankerConfig:
    """How a ranker is fitted.

    Attributes:
        phrases: of each kind that are asked for.
        others: phrases of other songs beside each.
        units: of each network.
        members: networks whose mean it is.
        steps: of each, at most; where it ranks the validation songs best counts.
        seed: of phrases and weights.
    """

    phrases: int = 4000
    others: int = 30
    units: int = 48
    members: int = 4
    steps: int = 1500
    seed: int = 0


def fit_ranker(
    data: Path,
    out: Path,
    config: RankerConfig,
    say: Callable[[str], None] = print,
    progress: Progress = no_progress,
) -> Path:
    """Fit a ranker to a prepared folder's pieces; return its file.

    Args:
        data: the folder.
        out: the file.
        config: how.
        say: called with how good it is, for each kind.
        progress: called with (what, done, of how many).

    Raises:
        OperationError: there are no pieces, or too few songs of a kind.
    """
    learned, held_out = load_pieces(data, "train"), load_pieces(data, "validation")
    sides: dict[Kind, tuple[Floats, Floats]] = {}
    for kind in Kind:  # all before the first is fitted: what is missing is said at once
        name = kind.name.lower()
        phrases = partial(progress, f"{name}, phrases")
        checks = numbers(held_out, kind, max(1, config.phrases // 10), CANDIDATES - 1, config.seed)
        groups = numbers(learned, kind, config.phrases, config.others, config.seed, report=phrases)
        for split, some, least in (("train", groups, 2), ("validation", checks, 1)):
            if len(some) < least:
                raise OperationError(
                    f"'{data}' holds too few songs of {name} in its {split} split to rank "
                    "by: two that go on for more than a phrase, at least; prepare more music"
                )
        sides[kind] = groups, checks
    arrays: dict[str, NDArray[np.float32]] = {}
    for kind, (groups, checks) in sides.items():
        name = kind.name.lower()
        found, rank = fitted(groups, checks, config, partial(progress, f"{name}, networks"))
        say(
            f"{name}: {len(groups)} phrases; mean reciprocal rank on validation songs {rank:.3f}"
            f" (n {len(checks)}, among {checks.shape[1]})"
        )
        arrays |= {f"{name}.{part}": value for part, value in found.items()}
    with atomic_write(out) as draft:
        draft.write_bytes(save_numpy(arrays))
    return out


def numbers(
    pieces: Pieces,
    kind: Kind,
    count: int,
    others: int,
    seed: int,
    *,
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> Floats:
    """Return how true next phrases, and phrases of other songs, go on, float32 [n, 1 + others, NAMES].

    Args:
        pieces: of a split.
        kind: of the phrases.
        count: of phrases, at most.
        others: of other songs beside each; fewer where there are not so many.
        seed: of the choice.
        report: called with how many are done, of how many.
    """
    rng = np.random.default_rng(seed)
    asked = phrases_in_pieces(pieces, kind, count, rng)
    pool = phrases_in_pieces(pieces, kind, max(POOL, SPARE * others), np.random.default_rng(seed + 1))
    songs = np.array([turn.song for turn in pool])
    known = [sketch(turn.phrase) for turn in pool]
    others = min([others, *((songs != turn.song).sum() for turn in asked)])
    found = []
    for number, turn in enumerate(asked, 1):
        beside = rng.choice(np.flatnonzero(songs != turn.song), others, replace=False)
        context = [sketch(phrase) for phrase in turn.context if phrase.notes]
        if context and others:
            found.append(compared(context, [sketch(turn.phrase), *(known[one] for one in beside)]))
        report(number, len(asked))
    return np.stack(found) if found else np.zeros((0, 1, len(NAMES)), dtype=np.float32)


def fitted(
    groups: Floats,
    checks: Floats,
    config: RankerConfig,
    report: Callable[[int, int], None] = lambda _done, _all: None,
) -> tuple[dict[str, NDArray[np.float32]], float]:
    """Return a ranker's arrays and the mean reciprocal rank that it reaches on the checks."""
    flat = groups.reshape(-1, groups.shape[-1])
    middle, spread = flat.mean(0), flat.std(0) + LEAST_SPREAD
    x, held = (
        torch.from_numpy(np.clip((one - middle) / spread, -FARTHEST, FARTHEST)) for one in (groups, checks)
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so little is multiplied that a second one only waits
    try:
        members = []
        for number in range(config.members):
            members.append(_member(x, held, config, config.seed + number))
            report(number + 1, config.members)
    finally:
        torch.set_num_threads(threads)
    arrays = {
        "middle": middle,
        "spread": spread,
        "weights": np.concatenate([weights for weights, _, _ in members], 1),
        "biases": np.concatenate([biases for _, biases, _ in members]),
        "sums": np.concatenate([sums for _, _, sums in members]) / len(members),
    }
    scores = np.maximum(0, held.numpy() @ arrays["weights"] + arrays["biases"]) @ arrays["sums"]
    return {name: value.astype(np.float32) for name, value in arrays.items()}, float(
        np.mean(1 / ranks_of(scores))
    )


Member = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def _member(x: torch.Tensor, held: torch.Tensor, config: RankerConfig, seed: int) -> Member:
    """Return one network's weights, biases and sums, as they ranked the checks best."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(x.shape[-1], config.units),
        nn.ReLU(),
        nn.Dropout(DROPPED),
        nn.Linear(config.units, 1, bias=False),
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    best, best_weights = -1.0, None
    for step in range(config.steps):
        network.train()
        chosen = torch.randint(len(x), (GROUPS,), generator=generator)
        loss = -network(x[chosen])[..., 0].log_softmax(1)[:, 0].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % CHECKED == CHECKED - 1 or step == config.steps - 1:
            network.eval()
            with torch.no_grad():
                rank = float(np.mean(1 / ranks_of(network(held)[..., 0].numpy())))
            if rank > best:
                best = rank
                best_weights = [value.detach().clone() for value in network.parameters()]
    assert best_weights is not None
    weights, biases, sums = (value.numpy() for value in best_weights)
    return weights.T, biases, sums[0]
