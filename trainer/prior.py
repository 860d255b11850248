"""Fit the prior of a trained network's latents: conditional flow matching (see `model.prior`).

Its data are the posteriors' means with a share of their noise, in units of the aggregate posterior's
deviation: a dimension that tells little of the phrases is then small and easily had, where its means, blown
up to the spread of all others, would have to be learned as finely as what matters.

For a standardised latent x1 of a training phrase, noise x0 ~ N(0, I) and t in 0..1, the velocity at
(1 - t) x0 + t x1 learns x1 - x0 in mean square (Lipman et al. 2023, equation 23, with no noise left at the
end; Liu et al. 2023, "Flow straight and fast", equation 1); t is drawn logit-normally (Esser et al. 2024,
"Scaling rectified flow transformers", section 3.1).  What is kept is a running average of the weights.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace as replace_fields
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from model import weigher
from model.blocks import Block
from model.checkpoint import read, write
from model.codecs.base import Codec
from model.prior import FOLDER, FREQUENCIES, held, turning
from model.vae import VAE
from trainer.dataset import Phrases, batch
from trainer.errors import FailureError
from trainer.settings import PriorConfig
from trainer.watch import Watch

AVERAGE = 0.999  # of the weights, a step
ENCODED = 512  # phrases at once
TOLD = 20  # steps between two signs of life


Halves = NDArray[np.float16]


class Flow(nn.Module):
    """Standardised latents [B, d] and t [B] to velocities [B, d]: a Transformer over slices of z."""

    def __init__(self, *, size: int, tokens: int, width: int, depth: int, heads: int) -> None:
        """Make the network; `tokens` divide `size`, `heads` the width."""
        super().__init__()
        self.tokens, self.heads = tokens, heads
        self.enter = nn.Linear(size // tokens, width)
        self.place = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.clock1, self.clock2 = nn.Linear(2 * FREQUENCIES, width), nn.Linear(width, width)
        self.times = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, size // tokens)
        nn.init.zeros_(self.head.weight)
        self.register_buffer("turning", torch.from_numpy(turning()), persistent=False)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Return the velocity at x and t."""
        angles = t[:, None] * self.get_buffer("turning")
        clock = self.clock2(F.silu(self.clock1(torch.cat((angles.sin(), angles.cos()), dim=1))))
        tokens = self.enter(x.reshape(len(x), self.tokens, -1)) + self.place
        for block, moment in zip(self.blocks, self.times, strict=True):
            tokens = block(tokens + moment(clock).unsqueeze(1))
        out: Tensor = self.head(self.norm(tokens)).reshape(x.shape)
        return out

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the weights, float16, under the names of `model.prior.Prior`."""
        found: dict[str, NDArray[Any]] = {"heads": np.array([self.heads], dtype=np.float16)}
        for name, value in self.state_dict().items():
            found[_told(name)] = value.detach().cpu().to(torch.float16).numpy()
        return found


def _told(parameter: str) -> str:
    """Return the name that `model.prior.Prior` has for a parameter."""
    kind, *rest = parameter.split(".")
    if kind == "blocks":
        return ".".join(part for part in rest if part != "attention")
    return f"{rest[0]}.time.{rest[1]}" if kind == "times" else parameter


def fit_prior(
    net: VAE,
    codec: Codec,
    phrases: Phrases,
    path: Path,
    config: PriorConfig,
    *,
    seed: int,
    watch: Watch,
    stop: threading.Event,
    seconds: float | None = None,
) -> None:
    """Fit a prior to the latents of a split and put it into the checkpoint.

    Ended early by `stop`, it keeps what it has.

    Args:
        net: trained; on any device.
        codec: the network's.
        phrases: what the prior is to be like.
        path: the checkpoint, which is written again with the prior in it.
        config: size and time.
        seed: of the weights and the draws.
        watch: told how far it is.
        stop: ends it.
        seconds: that all of it may take, the encoding a quarter of them, in place of the configuration's
            minutes.

    Raises:
        FailureError: the loss is no number; the checkpoint stays as it was.
        CheckpointError: the disk refuses; the checkpoint stays as it was.

    """
    device = next(net.parameters()).device
    until = time.monotonic() + seconds if seconds is not None else float("inf")
    early = until - 0.75 * seconds if seconds is not None else until
    watch.say(f"encoding {len(phrases)} phrases for the prior")
    order = np.random.default_rng(seed).permutation(len(phrases))
    means, noises = encoded(
        net, codec, phrases, order, lambda: not stop.is_set() and time.monotonic() < early
    )
    if seconds is not None:
        config = replace_fields(config, minutes=max(0.0, until - time.monotonic()) / 60)
    mean, scale = _standard(means, noises)
    slices = net.bottleneck.groups if net.bottleneck is not None else 1
    tokens = codec.grid.beats if slices % codec.grid.beats == 0 else 1
    torch.manual_seed(seed)
    flow = Flow(size=len(mean), tokens=tokens, width=config.width, depth=config.depth, heads=config.heads).to(
        device
    )
    kept = Flow(size=len(mean), tokens=tokens, width=config.width, depth=config.depth, heads=config.heads).to(
        device
    )
    kept.load_state_dict(flow.state_dict())
    data = tuple(torch.from_numpy(part).to(device) for part in (means, noises, mean, scale))
    loss = _walk(flow, kept, data, config, watch=watch, stop=stop)
    tensors = {**kept.tensors(), "mean": mean, "scale": scale}
    checkpoint = read(path)
    extras = {f"{FOLDER}{name}": value for name, value in tensors.items()}
    held(extras, len(mean))  # what is written can be read
    stale = (FOLDER, weigher.FOLDER)  # weights of another flow's draws say nothing of this one's
    others = {name: value for name, value in checkpoint.extras.items() if not name.startswith(stale)}
    figures = {**checkpoint.figures, "prior_loss": round(loss, 4)}
    write(replace(checkpoint, extras={**others, **extras}, figures=figures), path)
    watch.say(f"the prior of {path.name} is fitted: mean square {loss:.4f} (2 at the start)")


def _walk(
    flow: Flow,
    kept: Flow,
    data: tuple[Tensor, ...],
    config: PriorConfig,
    *,
    watch: Watch,
    stop: threading.Event,
) -> float:
    """Take steps until the time or the steps are over; return the loss, a running mean.

    Args:
        flow: takes the steps.
        kept: gets the running average of its weights.
        data: means and deviations of the posteriors, both [phrases, d], and what they are standardised by.
        config: size and time.
        watch: told how far it is.
        stop: ends it.

    """
    means, noises, mean, scale = data
    optimiser = torch.optim.AdamW(flow.parameters(), lr=config.learning_rate, weight_decay=0.01)
    began, step, running = time.monotonic(), 0, 2.0
    device = means.device
    kind = torch.bfloat16 if device.type in ("cpu", "cuda") else torch.float32
    while not stop.is_set():
        seconds = time.monotonic() - began
        share = max(seconds / max(1e-6, 60 * config.minutes), step / config.steps)
        if share >= 1:
            break
        rate = config.learning_rate * min(1.0, (step + 1) / 200) * (0.02 + 0.49 * (1 + cos(pi * share)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        some = torch.randint(len(means), (config.batch,), device=device)
        drawn = torch.randn(config.batch, len(mean), device=device)
        end = (means[some].float() + config.noise * noises[some].float() * drawn - mean) / scale
        start = torch.randn_like(end)
        t = torch.sigmoid(torch.randn(len(end), device=device))
        with torch.autocast(device.type, dtype=kind, enabled=kind != torch.float32):
            velocity = flow(torch.lerp(start, end, t[:, None]), t)
        loss = (velocity.float() - (end - start)).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), 1.0)
        if not torch.isfinite(loss):
            raise FailureError(
                f"the loss of the prior is no number at step {step}: lower prior.learning_rate"
            )
        optimiser.step()
        step += 1
        running += (float(loss.detach()) - running) * max(0.01, 1 / step)
        slow = min(AVERAGE, 1 - 1 / (step + 1))
        with torch.no_grad():
            for old, new in zip(kept.parameters(), flow.parameters(), strict=True):
                old.lerp_(new, 1 - slow)
        if step % TOLD == 0:
            watch.advance(share, f"prior: step {step}, mean square {running:.3f}")
    return running


def _standard(means: Halves, noises: Halves) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation of the aggregate posterior, float32 [d] each."""
    variance = means.var(0, dtype=np.float64) + np.square(noises, dtype=np.float32).mean(0, dtype=np.float64)
    mean = means.mean(0, dtype=np.float64).astype(np.float32)
    return mean, np.maximum(np.sqrt(variance), 1e-3).astype(np.float32)


def encoded(
    net: VAE, codec: Codec, phrases: Phrases, order: NDArray[np.int64], go_on: Callable[[], bool]
) -> tuple[Halves, Halves]:
    """Return means and standard deviations of the posteriors of phrases as they are, float16 [n, d] each.

    Args:
        net: on any device.
        codec: its.
        phrases: a split.
        order: of the phrases, in which they are taken.
        go_on: asked before some more are taken; the first ones are in any case.

    """
    device = next(net.parameters()).device
    means: list[Halves] = []
    noises: list[Halves] = []
    training = net.training
    net.eval()
    with torch.no_grad():
        for part in np.array_split(order, max(1, len(order) // ENCODED)):
            if means and not go_on():
                break
            arrays = batch(phrases, codec, part, rng=None)
            given = {name: torch.from_numpy(value).to(device) for name, value in arrays.items()}
            mean, logvar = (value.float() for value in net.encode(given))
            means.append(mean.half().cpu().numpy())
            noises.append((0.5 * logvar).exp().half().cpu().numpy())
    net.train(training)
    return np.concatenate(means), np.concatenate(noises)
