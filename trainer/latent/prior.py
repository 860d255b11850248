"""Fit the prior of a checkpoint: a language model that writes phrases note by note (`note_transformer`).

It learns the training phrases as the codec keeps them, some transposed and told by how much, so that it
knows all keys and draws those of the music (distribution augmentation; Jun et al. 2020, "Distribution
augmentation for generative modeling").  What is kept is a running average of the weights, where it fits the
validation phrases best: small sets are soon known by heart.
"""

import copy
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace as replace_fields
from numpy.typing import NDArray
from torch import nn

from model.checkpoint import read, write
from model.codecs.base import Codec
from model.latent import importance
from model.latent.note_transformer import FOLDER, NAMES, ORDER, note_transformer_in
from trainer.data.dataset import Phrases
from trainer.errors import OperationError
from trainer.latent.note_network import EncodedNotes, NoteBatch, NoteNetwork, batches, encode_notes, varying
from trainer.run.progress import RunLog
from trainer.settings import PriorConfig

AVERAGE = 0.999  # of the weights, a step
REPORTED = 20  # steps between two signs of life
CHECKED = 400  # steps between two validations
UNSEEN = 512  # of them at most
VALIDATED = 20  # batches
MOST = 100_000  # phrases that are learned from
DECAY = 0.05
WARM = 100  # steps
GENTLER = 0.3  # of the learning rate: what has been learned is to be leaned, not forgotten


@dataclass(frozen=True, slots=True)
class Music:
    """What a prior learns from and is checked on.

    Attributes:
        codec: of the phrases.
        train: as the codec keeps them.
        validation: likewise; may hold none.
    """

    codec: Codec
    train: EncodedNotes
    validation: EncodedNotes

    @classmethod
    def of(
        cls, codec: Codec, train: Phrases, validation: Phrases, seed: int, go_on: Callable[[], bool]
    ) -> "Music":
        """Take at most so many phrases, drawn by the seed, and fewer when it may not go on."""
        rng = np.random.default_rng(seed)
        most = ((validation, UNSEEN), (train, MOST))
        unseen, seen = (
            encode_notes(codec, split, rng.permutation(len(split))[:limit], go_on) for split, limit in most
        )
        return cls(codec, seen, unseen)


def fit_prior(
    codec: Codec,
    train: Phrases,
    validation: Phrases,
    path: Path,
    config: PriorConfig,
    *,
    seed: int,
    run_log: RunLog,
    stop: threading.Event,
    seconds: float | None = None,
    device: torch.device | None = None,
    begun: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Fit a prior to a split's phrases and put it into the checkpoint.

    Ended early by `stop`, it keeps what it has.

    Args:
        codec: the network's.
        train: what the prior is to be like.
        validation: what tells when it knows them by heart; may hold none.
        path: the checkpoint, which is written again with the prior in it.
        config: size and time.
        seed: of the weights and the draws.
        run_log: shows how far it is.
        stop: ends it.
        seconds: that all of it may take, the reading a quarter of them, in place of the configuration's
            minutes.
        device: that it is fitted on; the processor by default.
        begun: further tensors of the checkpoint that the network began with: its prior is gone on from, and
            kept where nothing better is found; so are then the weights of its draws, if any are wanted.

    Raises:
        OperationError: the loss is no number, or there is no note to learn from; the checkpoint stays as it
            was.
        CheckpointError: the disk refuses; the checkpoint stays as it was.
    """
    until = time.monotonic() + (seconds if seconds is not None else float("inf"))
    early = until - 0.75 * (seconds or 0.0)
    run_log.say(f"reading {min(MOST, len(train))} phrases for the prior")
    music = Music.of(codec, train, validation, seed, lambda: not stop.is_set() and time.monotonic() < early)
    if not len(music.train):
        raise OperationError("the training phrases hold no note that a prior could learn")
    if seconds is not None:
        config = replace_fields(config, minutes=max(0.0, until - time.monotonic()) / 60)
    constant, chosen = varying(music.train)
    lengths = (np.diff(split.phrases.starts) for split in (music.train, music.validation))
    longest = max(int(split.max()) for split in lengths if len(split))
    torch.manual_seed(seed)
    earlier = {n.removeprefix(FOLDER): value for n, value in (begun or {}).items() if n.startswith(FOLDER)}
    if earlier:
        theirs = tuple(column for column in ORDER if f"{NAMES[column]}.weight" in earlier)
        if set(chosen) <= set(theirs):
            chosen = theirs
        longest = max(longest, len(earlier["place.weight"]) - 1)
    network = NoteNetwork(
        codec.grid,
        constant,
        chosen,
        longest=longest,
        width=config.width,
        depth=config.depth,
        heads=config.heads,
        dropout=config.dropout,
    )
    known = bool(earlier) and network.take_over(earlier)
    best, loss = train_network(
        network.to(device or torch.device("cpu")),
        music,
        config,
        np.random.default_rng(seed),
        run_log=run_log,
        stop=stop,
        known=known,
    )
    checkpoint = read(path)
    extras = {f"{FOLDER}{name}": value for name, value in best.tensors().items()}
    note_transformer_in(extras, codec.grid)  # what is written can be read
    stale = (FOLDER, importance.FOLDER)  # weights of another prior's draws say nothing of this one's
    others = {name: value for name, value in checkpoint.extras.items() if not name.startswith(stale)}
    if known and begun is not None and config.draws:  # until others are fitted
        others |= {name: value for name, value in begun.items() if name.startswith(importance.FOLDER)}
    figures = {**checkpoint.figures, "prior_loss": round(loss, 4)}
    write(replace(checkpoint, extras={**others, **extras}, figures=figures), path)
    run_log.say(f"the prior of {path.name} is fitted: {loss:.3f} nats a note on phrases that it did not see")


def train_network(
    network: NoteNetwork,
    music: Music,
    config: PriorConfig,
    rng: np.random.Generator,
    *,
    run_log: RunLog,
    stop: threading.Event,
    known: bool = False,
) -> tuple[NoteNetwork, float]:
    """Take steps until the time or the steps are over.

    Args:
        network: takes the steps; on any device.
        music: what is learned.
        config: size and time.
        rng: of the order and the transpositions; torch's own draws what is dropped out.
        run_log: shows how far it is.
        stop: ends it.
        known: the network has learned already: it takes smaller steps, and is the first that is looked at.

    Returns:
        The running average of the weights where it fitted the validation phrases best, and how well: nats a
        note; of the training phrases where there are no others.
    """
    average = copy.deepcopy(network).eval()
    best, least = copy.deepcopy(average), float("inf")
    if known:
        best, least = _better(average, music, best, least)
    device = network.place.weight.device
    optimisers = _optimisers(network)
    highest = config.learning_rate * (GENTLER if known else 1.0)
    began = time.monotonic()
    for step, batch in enumerate(_forever(music, config.batch, rng)):
        seconds = time.monotonic() - began
        share = max(seconds / max(1e-6, 60 * config.minutes), step / config.steps)
        if stop.is_set() or share >= 1:
            break
        warm = min(1.0, (step + 1) / WARM)
        rate = highest * warm * (0.02 + 0.49 * (1 + cos(pi * share)))
        for group in (group for optimiser in optimisers for group in optimiser.param_groups):
            group["lr"] = rate
        loss = _loss(network, batch.to(device))
        network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        if not torch.isfinite(loss):
            raise OperationError(
                f"the loss of the prior is no number at step {step}: lower prior.learning_rate"
            )
        for optimiser in optimisers:
            optimiser.step()
        slow = min(AVERAGE, (step + 1) / (step + 10))
        with torch.no_grad():
            for old, new in zip(average.parameters(), network.parameters(), strict=True):
                old.lerp_(new, 1 - slow)
        if (step + 1) % REPORTED == 0:
            run_log.advance(share, f"prior: step {step + 1}, {float(loss.detach()):.3f} nats a note")
        if (step + 1) % CHECKED == 0:
            best, least = _better(average, music, best, least)
    return _better(average, music, best, least)


def _optimisers(network: NoteNetwork) -> list[torch.optim.Optimizer]:
    """Return Muon (Jordan et al. 2024) for the matrices between hidden layers, AdamW for all else.

    Muon's steps are as large as AdamW's (Liu et al. 2025, "Muon is scalable for LLM training", section 2.2),
    so that one rate serves both.
    """
    inner = network.matrices()
    known = set(map(id, inner))
    rest = [weight for weight in network.parameters() if id(weight) not in known]
    return [
        torch.optim.Muon(inner, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, weight_decay=DECAY, betas=(0.9, 0.98)),
    ]


def _better(average: NoteNetwork, music: Music, best: NoteNetwork, least: float) -> tuple[NoteNetwork, float]:
    """Return the better of two and its loss on phrases that were not learned from."""
    found = unseen(average, music)
    return (copy.deepcopy(average), found) if found < least else (best, least)


def unseen(network: NoteNetwork, music: Music) -> float:
    """Return the loss on the validation phrases, or on some training phrases where there are none."""
    rng = np.random.default_rng(0)
    phrases = music.validation if len(music.validation) else music.train
    device = network.place.weight.device
    nats, notes = 0.0, 0
    with torch.no_grad():
        for batch in islice(batches(phrases, music.codec.kind, 4000, rng, moved=0.0), VALIDATED):
            nats += float(network(batch.to(device)).sum())
            notes += int(batch.counts.sum())
    return nats / max(1, notes)


def _loss(network: NoteNetwork, batch: NoteBatch) -> torch.Tensor:
    """Return nats a note of a batch."""
    kind = batch.notes.device.type
    mixed = kind in ("cpu", "cuda")
    with torch.autocast(kind, dtype=torch.bfloat16 if mixed else torch.float32, enabled=mixed):
        nats: torch.Tensor = network(batch).sum()
    return nats / batch.counts.sum()


def _forever(music: Music, size: int, rng: np.random.Generator) -> Iterator[NoteBatch]:
    """Yield batches of the training phrases again and again."""
    while True:
        yield from batches(music.train, music.codec.kind, size, rng)
