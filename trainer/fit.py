"""Fit a model: the loop, its clock and its clean end.  Nothing in it knows music; that is the codec's."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from model.codecs.base import Arrays, Codec, build
from model.config import ModelConfig
from model.errors import ModelError
from model.vae import VAE
from trainer import pairs as edit_pairs
from trainer import settings as run_settings
from trainer.dataset import Ints, Phrases, batch, load, twins
from trainer.errors import FailureError, UsageError
from trainer.finish import Calibration, calibrate, finish, show
from trainer.losses import Batch, objective
from trainer.pairs import Pairs
from trainer.score import finite, score
from trainer.settings import FitConfig
from trainer.state import NAME, Progress, restore, store
from trainer.watch import Watch

STEADY = 40_000  # phrases over which attributes are measured


def run(
    config: Path,
    data: Path,
    out: Path,
    *,
    max_minutes: float | None = None,
    resume: bool = False,
    overrides: list[str] | None = None,
    seed: int | None = None,
) -> Path:
    """Fit the model of a configuration to prepared phrases.

    Ends after its minutes or steps, or on SIGINT or SIGTERM; each leaves a checkpoint that can be played
    and a state that can be resumed from.

    Args:
        config: TOML file with `[model]` and `[fit]`.
        data: folder that `twobar-train prepare` wrote.
        out: folder of the run.
        max_minutes: wall-clock for this sitting, in place of the configuration's minutes.
        resume: go on from the state in `out`.
        overrides: `section.key=value`, laid over the configuration.
        seed: in place of the configuration's.

    Returns:
        The path of the checkpoint.

    Raises:
        TrainerError: the configuration, the data or the state cannot be used, or the loss is no number.

    """
    settings = run_settings.read(config, overrides or [], seed)
    fit, model = settings.fit, settings.model
    if max_minutes is not None and max_minutes <= 0:
        raise UsageError(f"--max-minutes must be above 0, not {max_minutes}")
    torch.manual_seed(fit.seed)
    try:
        net = VAE(model)
        codec = build(model.codec, model.grid.build())
    except ModelError as error:
        raise UsageError(f"{config}: {error}") from error
    train, validation = load(data, model.codec, "train"), load(data, model.codec, "validation")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailureError(f"the folder {out} cannot be made: {error.strerror}") from error
    if not resume and (out / NAME).is_file():
        raise UsageError(f"{out} holds a run already: give --resume to go on with it, or another --out")
    minutes = max_minutes if max_minutes is not None else fit.minutes
    with Watch(out, resume=resume) as watch:
        calibration = calibrate(train, codec, limit=STEADY, seed=fit.seed)
        learner = Learner(model, fit, net, codec, train, validation, calibration, watch)
        learner.edits = _edits(learner, out, watch)
        return learner.go(out, minutes=minutes, resume=resume)


def _edits(learner: "Learner", out: Path, watch: Watch) -> Pairs | None:
    """Return the run's edit pairs, made once and kept in its folder."""
    fit, model = learner.fit, learner.model
    if not model.knobs or not fit.edits or not fit.edit_share:
        return None
    path = out / "edits.npz"
    if path.is_file():
        return edit_pairs.load(path)
    watch.say(f"making {fit.edits} edit pairs for {', '.join(model.knobs)}")
    spread = np.array([learner.calibration.of("spread", name) for name in model.knobs], dtype=np.float32)
    made = edit_pairs.make(
        learner.train,
        learner.codec,
        knobs=model.knobs,
        spread=spread,
        count=fit.edits,
        seed=fit.seed,
        told=lambda done: watch.advance(0.0, f"{done} edits"),
    )
    edit_pairs.save(made, path)
    return made


@dataclass(slots=True)
class Learner:
    """One run: the network, its data and its clock."""

    model: ModelConfig
    fit: FitConfig
    net: VAE
    codec: Codec
    train: Phrases
    validation: Phrases
    calibration: Calibration
    watch: Watch
    edits: Pairs | None = None

    def go(self, out: Path, *, minutes: float | None, resume: bool) -> Path:
        """Train until the time or the steps are over, or a signal comes; return the checkpoint's path."""
        fit, net = self.fit, self.net
        device, kind = device_and_precision(fit.precision)
        net.to(device)
        groups = [
            {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": fit.weight_decay},
            {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=fit.learning_rate, betas=(0.9, 0.98), fused=device.type != "mps")
        rng = np.random.default_rng(fit.seed)
        config = msgspec.json.encode(self.model).decode()
        progress, order = Progress(), np.zeros(0, dtype=np.int64)
        if resume:
            progress, order = restore(out, net, optimiser, rng, config=config)
        looked = self._look_batch(device)
        size = sum(p.numel() for p in net.parameters())
        self.watch.say(
            f"{self.model.name}: {size / 1e6:.2f} million parameters, {len(self.train)} phrases, "
            f"{device.type} {str(kind).removeprefix('torch.')}"
        )
        checkpoint = out / f"{self.model.name}.safetensors"
        began, before = time.monotonic(), progress.seconds
        budget = before + minutes * 60 if minutes is not None else float("inf")
        next_look = before + min(fit.interval, 20.0)
        parts: dict[str, Tensor] = {}
        with stop_signals() as stop:
            while progress.step < fit.steps and progress.seconds < budget and not stop.is_set():
                share = max(progress.step / fit.steps, progress.seconds / budget)
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate(fit, progress.step, share)
                order, made = self._draw(order, rng, device)
                with torch.autocast(device.type, dtype=kind, enabled=kind != torch.float32):
                    loss, parts = objective(
                        net,
                        made,
                        beta=beta(fit, share),
                        edit_weight=fit.edit_weight,
                        velocity_weight=fit.velocity_weight,
                    )
                optimiser.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                norm = torch.nn.utils.clip_grad_norm_(net.parameters(), fit.clip)
                if not torch.isfinite(norm):
                    raise FailureError(
                        f"the loss is no number at step {progress.step}; the last good state is in {out}: "
                        "go on with --resume and a lower fit.learning_rate"
                    )
                optimiser.step()
                progress.step += 1
                progress.phrases += fit.batch
                progress.seconds = before + time.monotonic() - began
                if progress.step % 10 == 0:
                    speed = fit.batch * progress.step / max(progress.seconds, 1e-9)
                    self.watch.advance(share, f"step {progress.step}, {speed:.0f} phrases/s")
                if progress.seconds >= next_look:
                    next_look = progress.seconds + fit.interval
                    self._look(looked, progress, share, parts, kind)
                    store(out, net, optimiser, rng, progress=progress, config=config, order=order)
                    finish(net, self.codec, self.train, self.calibration, self.levels, {}, checkpoint)
                    show(checkpoint, self.codec, self.validation, out)
                    self.watch.curves()
        share = max(progress.step / fit.steps, progress.seconds / budget)
        figures = self._look(looked, progress, min(1.0, share), parts, kind)
        store(out, net, optimiser, rng, progress=progress, config=config, order=order)
        finish(net, self.codec, self.train, self.calibration, self.levels, figures, checkpoint)
        show(checkpoint, self.codec, self.validation, out)
        self.watch.curves()
        self.watch.say(f"wrote {checkpoint}")
        return checkpoint

    levels: dict[str, float] = msgspec.field(default_factory=dict)  # type: ignore[assignment]

    def _draw(self, order: Ints, rng: np.random.Generator, device: torch.device) -> tuple[Ints, Batch]:
        """Return the rest of the epoch's order and the next batch, its first part with edits."""
        fit = self.fit
        edits = round(fit.batch * fit.edit_share) if self.edits is not None else 0
        plain = fit.batch - edits
        while len(order) < plain:
            order = np.concatenate((order, rng.permutation(len(self.train))))
        chosen, order = order[:plain], order[plain:]
        knobs = max(len(self.model.knobs), 1)
        change = np.zeros((0, knobs), dtype=np.float32)
        arrays = batch(self.train, self.codec, chosen, rng=rng, reach=fit.transpose)
        edited = {name: value[:0] for name, value in arrays.items()}
        if self.edits is not None and edits:
            picked = rng.integers(len(self.edits), size=edits)
            first, edited = twins(
                self.train, self.edits.edited, self.codec, self.edits.source[picked], picked, rng=rng, reach=fit.transpose
            )
            arrays = {name: np.concatenate((first[name], value)) for name, value in arrays.items()}
            change = self.edits.change[picked]
        return order, Batch(tensors(arrays, device), tensors(edited, device), torch.from_numpy(change).to(device))

    def _look_batch(self, device: torch.device) -> dict[str, Tensor]:
        """Return the phrases of the validation split that are looked at, always the same."""
        count = min(self.fit.validation, len(self.validation))
        chosen = np.random.default_rng(0).choice(len(self.validation), count, replace=False)
        return tensors(batch(self.validation, self.codec, np.sort(chosen), rng=None), device)

    def _look(
        self, looked: dict[str, Tensor], progress: Progress, share: float, parts: dict[str, Tensor], kind: torch.dtype
    ) -> dict[str, float]:
        """Measure the validation split and log it."""
        self.net.eval()
        device = next(self.net.parameters()).device.type
        with torch.autocast(device, dtype=kind, enabled=kind != torch.float32):
            figures, self.levels = score(self.net, looked)
        self.net.train()
        losses: dict[str, Any] = {f"loss_{name}": round(float(value), 4) for name, value in parts.items()}
        self.watch.record(
            {
                "step": progress.step,
                "seconds": round(progress.seconds, 1),
                "share": round(share, 4),
                "phrases": progress.phrases,
                "speed": round(progress.phrases / max(progress.seconds, 1e-9), 1),
                "beta": beta(self.fit, share),
                **finite(figures),
                **finite(losses),
            }
        )
        return {**finite(figures), "step": progress.step, "seconds": round(progress.seconds), "phrases": progress.phrases}


def tensors(arrays: Arrays, device: torch.device) -> dict[str, Tensor]:
    """Move packed arrays to a device."""
    return {name: torch.from_numpy(value).to(device) for name, value in arrays.items()}


def learning_rate(fit: FitConfig, step: int, share: float) -> float:
    """Return the rate: linear warm-up, then a cosine over the share of the run to a fiftieth."""
    warm = min(1.0, (step + 1) / fit.warmup)
    return fit.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + cos(pi * min(1.0, share))))


def beta(fit: FitConfig, share: float) -> float:
    """Return the weight of the KL at a share of the run."""
    if fit.ramp <= 0:
        return fit.beta
    return fit.beta_start + (fit.beta - fit.beta_start) * min(1.0, share / fit.ramp)


def device_and_precision(asked: str) -> tuple[torch.device, torch.dtype]:
    """Return the fastest device, and bfloat16 where it was asked for or is known to be faster."""
    if torch.cuda.is_available():
        device = torch.device("cuda")
    elif torch.backends.mps.is_available():
        device = torch.device("mps")
    else:
        device = torch.device("cpu")
    if asked == "bfloat16":
        return device, torch.bfloat16
    fast = device.type == "cuda" or (device.type == "cpu" and _multiplies_bfloat16_fast())
    return device, torch.bfloat16 if asked == "auto" and fast else torch.float32


def _multiplies_bfloat16_fast() -> bool:
    """Time a product in both precisions: on most processors bfloat16 is the slower one."""
    best = {}
    for kind in (torch.float32, torch.bfloat16):
        a, b = torch.ones(512, 512, dtype=kind), torch.ones(512, 512, dtype=kind)
        times = []
        for _ in range(5):
            began = time.perf_counter()
            a @ b
            times.append(time.perf_counter() - began)
        best[kind] = min(times)
    return best[torch.bfloat16] * 1.5 < best[torch.float32]


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set, in the main thread; the old handlers come back after."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    held = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in held:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
