"""One run's network, data and clock: draws batches, takes steps, looks at the validation split, saves."""

import threading
import time
from dataclasses import dataclass, field
from math import cos, pi
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from model.checkpoint import Calibration
from model.codecs.base import Arrays, Codec
from model.config import ModelConfig
from model.vae import VAE
from trainer.dataset import Ints, Phrases, batch, twins
from trainer.errors import FailureError
from trainer.finish import finish, show
from trainer.losses import Batch, objective
from trainer.machine import device_and_precision
from trainer.pairs import Pairs
from trainer.score import finite, score
from trainer.settings import FitConfig
from trainer.state import Progress, restore, store
from trainer.watch import Watch

FIRST_LOOK_SECONDS = 20.0


@dataclass(slots=True)
class Learner:
    """What a run needs, and how far it is.

    Attributes:
        out: folder of the run.
        share: of the run that is done, 0..1: by steps or by time, whichever is further.
        order: what is left of the epoch's order of phrases.
        levels: decision thresholds that the last look found.

    """

    model: ModelConfig
    fit: FitConfig
    net: VAE
    codec: Codec
    train: Phrases
    validation: Phrases
    calibration: Calibration
    edits: Pairs | None
    watch: Watch
    out: Path
    progress: Progress = field(default_factory=Progress)
    share: float = 0.0
    order: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    levels: dict[str, float] = field(default_factory=dict)
    device: torch.device = field(init=False)
    kind: torch.dtype = field(init=False)
    rng: np.random.Generator = field(init=False)
    optimiser: torch.optim.Optimizer = field(init=False)
    looked: dict[str, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        """Move the network to its device and make the optimiser."""
        self.device, self.kind = device_and_precision(self.fit.precision)
        self.net.to(self.device)
        parameters = list(self.net.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.fit.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        fused = self.device.type != "mps"
        self.optimiser = torch.optim.AdamW(groups, lr=self.fit.learning_rate, betas=(0.9, 0.98), fused=fused)
        self.rng = np.random.default_rng(self.fit.seed)
        count = min(self.fit.validation, len(self.validation))
        chosen = np.random.default_rng(0).choice(len(self.validation), count, replace=False)
        self.looked = self.tensors(batch(self.validation, self.codec, np.sort(chosen), rng=None))
        self.watch.say(
            f"{self.model.name}: {sum(p.numel() for p in parameters) / 1e6:.2f} million parameters, "
            f"{len(self.train)} phrases, {self.device.type} {str(self.kind).removeprefix('torch.')}"
        )

    @property
    def config(self) -> str:
        """The model's configuration as text: what a resumed state must match."""
        return msgspec.json.encode(self.model).decode()

    def resume(self) -> None:
        """Go on from the state in the run's folder."""
        self.progress, self.order = restore(self.out, self.net, self.optimiser, self.rng, config=self.config)

    def go(self, *, minutes: float | None, stop: threading.Event) -> Path:
        """Train until the time or the steps are over or `stop` is set; return the checkpoint's path.

        Raises:
            FailureError: the loss is no number; the state of the last look stays.

        """
        progress, fit = self.progress, self.fit
        began, before = time.monotonic(), progress.seconds
        budget = before + minutes * 60 if minutes is not None else float("inf")
        next_look = before + min(fit.interval, FIRST_LOOK_SECONDS)
        parts: dict[str, Tensor] = {}
        while progress.step < fit.steps and progress.seconds < budget and not stop.is_set():
            self.share = max(progress.step / fit.steps, progress.seconds / budget)
            parts = self.step()
            progress.seconds = before + time.monotonic() - began
            if progress.step % 10 == 0:
                speed = progress.phrases / max(progress.seconds, 1e-9)
                self.watch.advance(self.share, f"step {progress.step}, {speed:.0f} phrases/s")
            if progress.seconds >= next_look:
                next_look = progress.seconds + fit.interval
                self.look(parts)
        self.share = min(1.0, max(progress.step / fit.steps, progress.seconds / budget))
        path = self.look(parts)
        self.watch.say(f"wrote {path}")
        return path

    def step(self) -> dict[str, Tensor]:
        """Take one optimiser step; return the parts of its loss.

        Raises:
            FailureError: the gradient is no number; nothing was changed by it.

        """
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.fit, self.progress.step, self.share)
        made = self.draw()
        with self.autocast():
            loss, parts = objective(
                self.net,
                made,
                beta=beta(self.fit, self.share),
                edit_weight=self.fit.edit_weight,
                velocity_weight=self.fit.velocity_weight,
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.fit.clip)
        if not torch.isfinite(norm):
            raise FailureError(
                f"the loss is no number at step {self.progress.step}; the last good state is in {self.out}: "
                "go on with --resume and a lower fit.learning_rate"
            )
        self.optimiser.step()
        self.progress.step += 1
        self.progress.phrases += self.fit.batch
        return parts

    def draw(self) -> Batch:
        """Return the next batch, its first part with edits."""
        fit, knobs = self.fit, max(len(self.model.knobs), 1)
        edits = round(fit.batch * fit.edit_share) if self.edits is not None else 0
        plain = fit.batch - edits
        while len(self.order) < plain:
            self.order = np.concatenate((self.order, self.rng.permutation(len(self.train))))
        chosen, self.order = self.order[:plain], self.order[plain:]
        arrays = batch(
            self.train,
            self.codec,
            chosen,
            rng=self.rng,
            reach=fit.transpose,
            rotated=fit.rotate,
            alone=fit.alone,
        )
        edited = {name: value[:0] for name, value in arrays.items()}
        change = np.zeros((0, knobs), dtype=np.float32)
        if self.edits is not None and edits:
            picked = self.rng.integers(len(self.edits), size=edits)
            first, edited = twins(
                self.train,
                self.edits.edited,
                self.codec,
                self.edits.source[picked],
                picked,
                rng=self.rng,
                reach=fit.transpose,
            )
            arrays = {name: np.concatenate((first[name], value)) for name, value in arrays.items()}
            change = self.edits.change[picked]
        return Batch(self.tensors(arrays), self.tensors(edited), torch.from_numpy(change).to(self.device))

    def look(self, parts: dict[str, Tensor]) -> Path:
        """Measure the validation split, log it, and save the state and a checkpoint that can be played."""
        self.net.eval()
        with self.autocast():
            figures, self.levels = score(self.net, self.looked)
        self.net.train()
        progress = self.progress
        counts = {
            "step": progress.step,
            "seconds": round(progress.seconds, 1),
            "phrases": progress.phrases,
        }
        losses = {f"loss_{name}": round(float(value.detach()), 4) for name, value in parts.items()}
        speed = round(progress.phrases / max(progress.seconds, 1e-9), 1)
        shown = {"share": round(self.share, 4), "speed": speed, "beta": beta(self.fit, self.share)}
        self.watch.record({**counts, **shown, **finite(figures), **finite(losses)})
        store(
            self.out,
            self.net,
            self.optimiser,
            self.rng,
            progress=progress,
            config=self.config,
            order=self.order,
        )
        path = self.out / f"{self.model.name}.safetensors"
        finish(
            self.net,
            self.codec,
            self.train,
            path,
            calibration=self.calibration,
            levels=self.levels,
            figures={**finite(figures), **counts},
        )
        show(path, self.codec, self.validation, self.out)
        self.watch.curves()
        return path

    def autocast(self) -> torch.autocast:
        """Return the context in which products run at the run's precision."""
        return torch.autocast(self.device.type, dtype=self.kind, enabled=self.kind != torch.float32)

    def tensors(self, arrays: Arrays) -> dict[str, Tensor]:
        """Move packed arrays to the device."""
        return {name: torch.from_numpy(value).to(self.device) for name, value in arrays.items()}


def learning_rate(fit: FitConfig, step: int, share: float) -> float:
    """Return the rate: linear warm-up, then a cosine over the share of the run to a fiftieth."""
    warm = min(1.0, (step + 1) / fit.warmup)
    return fit.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + cos(pi * min(1.0, share))))


def beta(fit: FitConfig, share: float) -> float:
    """Return the weight of the KL at a share of the run."""
    if fit.ramp <= 0:
        return fit.beta
    return fit.beta_start + (fit.beta - fit.beta_start) * min(1.0, share / fit.ramp)
