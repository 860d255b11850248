"""Fit the weights of a learned prior's draws: small networks that tell them from music (`latent.importance`).

The data are features (`latent.features`) in draws and in training phrases that the model has decoded
again, so that what its decoder does to any phrase tells nothing.  A share of both, which no network learns
from, ends each network's training where it tells them best and says how well that is.
"""

import copy
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model.checkpoint import read, write
from model.codecs.base import Codec, pack_phrase
from model.latent.features import features
from model.latent.geometry import Latent
from model.latent.importance import FARTHEST, FOLDER, MOST, importance_weights_in
from model.playing.checkpoint_player import CheckpointPlayer
from model.runtimes.registry import open_runtime
from trainer.data.dataset import Phrases
from trainer.run.progress import RunLog

NETWORKS = 4
LAYERS = (96, 48)
DROPPED = 0.3
BATCH = 256
RATE = 1e-3
DECAY = 0.05
EPOCHS = 60
PATIENCE = 6  # epochs without getting better
UNSEEN = 0.15  # share that tells when to stop
MUSIC = 2  # phrases for each draw
LEAST = 20  # draws, and phrases, that can be learned from at all
AT_ONCE = 100  # draws between two signs of life
FEWEST = 4  # candidates, one of which is kept

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned.

    Attributes:
        tensors: for `model.latent.importance.ImportanceWeights`.
        auc: how well the networks together tell unseen draws from unseen music, .5 to 1.
        effective: effective share of the draws under the weights (Kish 1965), 0..1: the smaller, the more
            candidates it takes.
    """

    tensors: dict[str, NDArray[Any]]
    auc: float
    effective: float


def fit_importance_weights(
    codec: Codec,
    phrases: Phrases,
    path: Path,
    *,
    draws: int,
    seed: int,
    run_log: RunLog,
    stop: threading.Event,
    seconds: float | None = None,
) -> None:
    """Draw from a checkpoint's learned prior, fit weights of the draws and put them into the checkpoint.

    Args:
        codec: the model's.
        phrases: what the draws are to be like.
        path: the checkpoint, which is written again with the weights in it.
        draws: that are learned from.
        seed: of everything.
        run_log: shows how far it is.
        stop: ends it, the checkpoint left as it was.
        seconds: that it may take; of as many draws as that allows it learns, or, of fewer than `LEAST`, not
            at all.

    Raises:
        CheckpointError: the disk refuses; the checkpoint stays as it was.
    """
    checkpoint = read(path)
    others = {name: value for name, value in checkpoint.extras.items() if not name.startswith(FOLDER)}
    plain = replace(checkpoint, extras=others)
    player = CheckpointPlayer(plain, open_runtime(plain, path))
    kind, rng = player.card.codec, np.random.default_rng(seed)
    limit = seconds if seconds is not None else float("inf")
    began = time.monotonic()

    def over(share: float) -> bool:
        return stop.is_set() or time.monotonic() - began > share * limit

    def described(latents: Sequence[Latent]) -> list[Floats]:
        return [features(phrase, kind) for phrase in player.decode_all([(each, {}) for each in latents])]

    drawn: list[Floats] = []
    while len(drawn) < draws and not over(0.5):
        drawn += described(player.prior(min(AT_ONCE, draws - len(drawn)), seed + len(drawn)))
        run_log.advance(0.5 * len(drawn) / draws, f"weights of the draws: {len(drawn)} of {draws} drawn")
    real: list[Floats] = []
    chosen = rng.permutation(len(phrases))[: MUSIC * len(drawn)].tolist()
    for begin in range(0, len(chosen), AT_ONCE):
        if over(0.8):
            break
        packed = (pack_phrase(codec, phrases.phrase(index, codec.grid)) for index in chosen[begin:][:AT_ONCE])
        real += described(player.encode_all([codec.unpack(arrays, 0) for arrays in packed]))
    if stop.is_set() or min(len(drawn), len(real)) < LEAST:
        how = "weighed as before" if len(others) < len(checkpoint.extras) else "not weighed"
        run_log.say(f"the draws of {path.name} are {how}: there was no time to learn more")
        return
    fitted = learn(np.stack(drawn), np.stack(real), seed)
    extras = {f"{FOLDER}{name}": value for name, value in fitted.tensors.items()}
    importance_weights_in(extras)  # what is written can be read
    figures = {**checkpoint.figures, "weigher_auc": round(fitted.auc, 4)}
    write(replace(checkpoint, extras={**others, **extras}, figures=figures), path)
    run_log.say(
        f"the draws of {path.name} are weighed: told from music with AUC {fitted.auc:.3f}, "
        f"effective share {fitted.effective:.3f}; one of {int(fitted.tensors['candidates'][0])} is kept"
    )


def learn(drawn: Floats, real: Floats, seed: int) -> Fitted:
    """Fit the networks.

    Args:
        drawn: features of draws, [n, F].
        real: features of music, [m, F]; both count the same in sum.
        seed: of the weights, the order and the shares.
    """
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - slow to import

    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    parts = [
        np.split(rows[rng.permutation(len(rows))], [round(UNSEEN * len(rows))]) for rows in (drawn, real)
    ]
    (unseen_drawn, seen_drawn), (unseen_real, seen_real) = parts
    seen = np.concatenate((seen_drawn, seen_real))
    mean, scale = seen.mean(0), np.maximum(seen.std(0), 1e-3)

    def standardised(rows: Floats) -> Tensor:
        return torch.from_numpy(np.clip((rows - mean) / scale, -FARTHEST, FARTHEST).astype(np.float32))

    learnt, checked = (
        (standardised(seen_drawn), standardised(seen_real)),
        (standardised(unseen_drawn), standardised(unseen_real)),
    )
    tensors: dict[str, NDArray[Any]] = {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32)}
    votes = []
    for number in range(NETWORKS):
        net = _fit(learnt, checked)
        layers = [layer for layer in net if isinstance(layer, nn.Linear)]
        for place, layer in enumerate(layers):
            tensors[f"{number}.{place}.weight"] = layer.weight.detach().numpy().astype(np.float16)
            tensors[f"{number}.{place}.bias"] = layer.bias.detach().numpy().astype(np.float16)
        with torch.no_grad():
            votes.append([net(rows)[:, 0] for rows in checked])
    of_drawn, of_real = (torch.stack(rows).mean(0) for rows in zip(*votes, strict=True))
    sharpness = _sharpness(of_drawn, of_real)
    for number in range(NETWORKS):
        for kind in ("weight", "bias"):
            tensors[f"{number}.{len(LAYERS)}.{kind}"] *= np.float16(sharpness)
    odds = (sharpness * of_drawn).numpy()
    weights = np.exp(odds - odds.max())
    effective = float(weights.sum() ** 2 / (weights**2).sum() / len(weights))
    candidates = min(MOST, max(FEWEST, round(2 / effective)))  # two of them count, on average
    tensors["candidates"] = np.array([candidates], dtype=np.float16)
    music = (sharpness * of_real).numpy()
    labels = np.repeat((0, 1), (len(odds), len(music)))
    return Fitted(tensors, float(roc_auc_score(labels, np.concatenate((odds, music)))), effective)


def _sharpness(drawn: Tensor, real: Tensor) -> float:
    """Return the factor of the log odds at which they fit unseen rows best.

    Dropout makes the networks too modest, and what is too modest weighs too little (temperature scaling; Guo
    et al. 2017, "On calibration of modern neural networks", section 4.2).
    """
    factors: list[float] = np.geomspace(0.25, 4.0, 81).tolist()
    return min(factors, key=lambda factor: float(_odds_loss(factor * drawn, factor * real)))


def _fit(learnt: tuple[Tensor, Tensor], checked: tuple[Tensor, Tensor]) -> nn.Sequential:
    """Return one network, as it was when it told them apart best."""
    net = _network(learnt[0].shape[1])
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    best, since, best_weights = float("inf"), 0, copy.deepcopy(net.state_dict())
    for _ in range(EPOCHS):
        net.train()
        for rows in _batches(learnt):
            optimiser.zero_grad(set_to_none=True)
            _loss(net, rows).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        net.eval()
        with torch.no_grad():
            away = float(_loss(net, checked))
        since += 1
        if away < best:
            best, since, best_weights = away, 0, copy.deepcopy(net.state_dict())
        if since >= PATIENCE:
            break
    net.load_state_dict(best_weights)
    net.eval()
    return net


def _network(size: int) -> nn.Sequential:
    """Return a fresh network from features to log odds."""
    layers: list[nn.Module] = []
    for before, after in pairwise((size, *LAYERS)):
        layers += [nn.Dropout(DROPPED), nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(LAYERS[-1], 1))


def _batches(learnt: tuple[Tensor, Tensor]) -> Iterable[tuple[Tensor, Tensor]]:
    """Yield batches of as many draws as phrases, until the larger of the two has been through once."""
    longest = max(map(len, learnt))
    orders = [torch.randint(len(rows), (longest,)) for rows in learnt]
    for first in range(0, longest, BATCH // 2):
        drawn, real = (
            rows[order[first : first + BATCH // 2]] for rows, order in zip(learnt, orders, strict=True)
        )
        yield drawn, real


def _loss(net: nn.Module, rows: tuple[Tensor, Tensor]) -> Tensor:
    """Return the mean cross-entropy; draws and music count the same."""
    drawn, real = (net(part)[:, 0] for part in rows)
    return _odds_loss(drawn, real)


def _odds_loss(drawn: Tensor, real: Tensor) -> Tensor:
    """Return the mean cross-entropy of log odds."""
    return 0.5 * (F.softplus(drawn).mean() + F.softplus(-real).mean())
