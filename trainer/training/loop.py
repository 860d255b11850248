"""One run: takes steps until the time or the steps are over, validates, saves.

Tested in tests/trainer/training/test_fit.py, tests/trainer/training/test_trouble.py.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.checkpoint import Calibration
from model.codecs.base import Codec
from model.codecs.registry import build as codec_of
from model.config import ModelConfig
from model.networks.vae import VAE
from trainer.data.batches import Feed
from trainer.data.conditions import ConditionMaker
from trainer.data.dataset import Phrases, batch
from trainer.data.edit_pairs import EditPairs
from trainer.data.on_device import DeviceBatches, moved, why_not
from trainer.data.part_dropout import hide
from trainer.data.prefetch import Prefetch
from trainer.errors import OperationError, RequestError
from trainer.run.device import KINDS, device_and_precision, short_of_memory
from trainer.run.distributed import World, gone, is_gone
from trainer.run.progress import RunLog
from trainer.settings import FitConfig
from trainer.training import memory_estimate
from trainer.training.checkpointing import keep_best, write_checkpoint
from trainer.training.objectives.base import MODEL, Batch, Moment, Objective
from trainer.training.objectives.registry import build
from trainer.training.objectives.schedules import beta, rate, true_share
from trainer.training.origin import Origin
from trainer.training.preview import write_samples
from trainer.training.resume import NAME, Progress, RunState
from trainer.training.role import TOTAL, TrainedRole, adamw, train_only
from trainer.training.step_timer import StepTimer
from trainer.training.validation import finite, loss, score

FIRST_VALIDATION_SECONDS = 20.0
LOOKS = 20.0  # times what a look takes that pass before the next at least: short runs are for learning
SPOKEN = 2.0  # seconds between two words on a terminal about where the loss is
AHEAD = 3  # batches that lie ready for a card


@dataclass(slots=True)
class TrainingLoop:
    """What a run needs, and how far it is.

    Attributes:
        out: folder of the run.
        origin: what it was begun with.
        extras: further tensors that its checkpoints hold.
        share: of the run that is done, 0..1: by steps or by time, whichever is further.
        levels: decision thresholds that the last validation found.
        measured: seconds of the run at the last validation.
        roles: the model and the objective's own networks, by role.
        state: all of it that another sitting goes on with.
    """

    model: ModelConfig
    fit: FitConfig
    net: VAE
    codec: Codec
    train: Phrases
    validation: Phrases
    calibration: Calibration
    edits: EditPairs | None
    conditions: ConditionMaker
    run_log: RunLog
    out: Path
    world: World = field(default_factory=World)
    origin: Origin = field(default_factory=Origin)
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    share: float = 0.0
    levels: dict[str, float] = field(default_factory=dict)
    measured: float = 0.0
    device: torch.device = field(init=False)
    objective: Objective = field(init=False)
    feed: Feed = field(init=False)
    prefetch: Prefetch = field(init=False)
    roles: dict[str, TrainedRole] = field(init=False)
    state: RunState = field(init=False)
    validation_arrays: dict[str, Tensor] = field(init=False)
    condition: Tensor | None = field(init=False)

    def __post_init__(self) -> None:
        """Move the networks to their device and make the optimisers."""
        self.device, kind = device_and_precision(self.fit.precision, self.world.local)
        if self.fit.threads:
            torch.set_num_threads(self.fit.threads)
        self.net.to(self.device)
        self.objective = build(self.net, self.fit)
        self.objective.networks.to(self.device)
        networks: dict[str, Any] = {MODEL: self.net, **dict(self.objective.networks.items())}
        self.roles = {
            role: TrainedRole(
                role=role,
                network=network,
                objective=self.objective,
                optimiser=self.optimiser(role),
                device=self.device,
                kind=kind,
                world=self.world,
            )
            for role, network in networks.items()
        }
        packer = codec_of(self.model.codec, self.codec.grid, timed=self.model.timing)
        self.feed = Feed(
            self.model,
            self.fit,
            packer,
            self.train,
            self.edits,
            self.conditions,
            self.world,
            batches=self.device_batches(packer),
        )
        self.prefetch = Prefetch(self.feed, depth=0 if self.device.type == "cpu" else AHEAD)
        self.state = RunState(
            self.out,
            self.model,
            self.fit,
            self.roles,
            self.objective,
            self.prefetch,
            world=self.world,
            origin=self.origin,
        )
        if self.world.rank:
            torch.manual_seed(self.fit.seed + 7919 * self.world.rank)  # their noise is not the first one's
        count = min(self.fit.validation, len(self.validation))
        chosen = np.sort(np.random.default_rng(0).choice(len(self.validation), count, replace=False))
        arrays = batch(self.validation, self.codec, chosen, rng=None)
        self.validation_arrays = self.tensors(arrays)
        self.condition = self.tensor(self.conditions.about(arrays, self.validation, chosen))

    def device_batches(self, packer: Codec) -> DeviceBatches | None:
        """Return what makes batches on the device: on a card where it can, elsewhere where it is asked for.

        Raises:
            RequestError: it is asked for and cannot.
        """
        asked = self.fit.batches
        if asked == "processor" or (asked == "auto" and self.device.type != "cuda"):
            return None
        reason = why_not(self.model, self.train, self.device)
        if reason and asked == "device":
            raise RequestError(f"fit.batches 'device' cannot be on {self.device.type}: {reason}")
        if reason:
            return None
        return DeviceBatches(self.fit, packer, self.train, self.edits, self.device)

    def suit_machine(self, *, resumed: bool) -> None:
        """Choose what the settings leave to the machine; a resumed run has its precision and threads."""
        timer, fit = StepTimer(self.roles, self.objective, self._like_the_runs()), self.fit
        if self.device.type == "cpu" and not resumed:
            if fit.precision == "auto" and self.roles[MODEL].kind == torch.bfloat16:
                name = self.world.shared(timer.precision)
                for trained in self.roles.values():
                    trained.kind = KINDS[name]
            if not fit.threads and torch.get_num_threads() > 1:
                torch.set_num_threads(self.world.shared(timer.threads))
        if fit.compile:
            self.run_log.say(timer.compile(self.net))

    def _like_the_runs(self) -> Batch:
        """Return a batch as large as the run's, to try steps on."""
        paired = self.edits is not None and self.objective.uses_edits
        return memory_estimate.repeated(
            self.validation_arrays,
            self.condition,
            self.fit.batch,
            edits=round(self.fit.batch * self.fit.edit_share) if paired else 0,
            knobs=len(self.model.knobs),
        )

    def optimiser(self, role: str) -> torch.optim.Optimizer:
        """Return a role's optimiser."""
        if role == MODEL:
            return adamw(self.net, self.fit, self.objective.betas)
        return self.objective.optimiser(role)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self.state.progress

    def resume(self) -> None:
        """Go on from the state in the run's folder; errors as `RunState.restore`."""
        self.state.restore(self.run_log.say)
        self.measured = self.progress.seconds

    def run(self, *, minutes: float | None, stop: threading.Event) -> Path:
        """Train until the time or the steps are over or `stop` is set; return the checkpoint's path.

        Raises:
            OperationError: the loss is no number, memory is short, or another process is gone; the state of
                the last validation stays.
        """
        with self.fitting():
            self.announce()
        progress, fit = self.progress, self.fit
        began, before = time.monotonic(), progress.seconds
        budget = before + minutes * 60 if minutes is not None else float("inf")
        next_validation = before + min(fit.interval, FIRST_VALIDATION_SECONDS)
        next_word = before
        parts: dict[str, Tensor] = {}
        while True:
            stopped, progress.seconds = self.world.highest(float(stop.is_set()), progress.seconds)
            if parts and progress.seconds >= next_validation:
                looked = time.monotonic()
                with self.fitting():
                    self.validate(parts)
                cost = self.world.highest(time.monotonic() - looked)[0]  # all look at the same step again
                next_validation = progress.seconds + max(fit.interval, LOOKS * cost)
            if progress.step >= fit.steps or progress.seconds >= budget or stopped:
                break
            self.share = max(progress.step / fit.steps, progress.seconds / budget)
            with self.fitting(), self.explain_failure():
                parts = self.step()
            progress.seconds = before + time.monotonic() - began
            if progress.seconds >= next_word:
                next_word = progress.seconds + SPOKEN
                speed, loss = progress.phrases / max(progress.seconds, 1e-9), float(parts[TOTAL])
                word = f"step {progress.step}, {speed:.0f} phrases/s, loss {loss:.4g}"
                self.run_log.advance(self.share, word)
        self.share = min(1.0, max(progress.step / fit.steps, progress.seconds / budget))
        self.prefetch.close()
        with self.fitting():
            path = self.validate(parts)
        self.run_log.say(f"wrote {path}")
        return path

    def announce(self) -> None:
        """Say what is trained, on what, and how."""
        millions = sum(parameter.numel() for parameter in self.net.parameters()) / 1e6
        kind = self.roles[MODEL].kind
        size = memory_estimate.estimate(self.objective, self.validation_arrays, self.condition, kind=kind)
        beside = f", {self.world.size} processes" if self.world.size > 1 else ""
        count = torch.get_num_threads()
        threads = f" on {count} thread{'s' * (count > 1)}" if self.device.type == "cpu" else ""
        self.run_log.say(
            f"{self.model.name}: {millions:.2f} million parameters, {len(self.train)} phrases, "
            f"{self.device.type} {str(kind).removeprefix('torch.')}{threads}{beside}, "
            f"about {memory_estimate.in_words(size)} of memory for a step of {self.fit.batch}"
        )
        if self.model.styles:
            self.run_log.say(f"styles: {', '.join(self.model.styles)}")

    def step(self) -> dict[str, Tensor]:
        """Take one step: a round of every role that the objective names; return the parts of the losses.

        Raises:
            OperationError: a loss or its gradient is no number; nothing was changed by it.
        """
        moment = Moment(self.progress.step, self.share)
        parts: dict[str, Tensor] = {}
        for role in self.objective.rounds(moment):
            train_only(self.roles, role)
            parts |= self.roles[role].learn(
                self.draw,
                moment,
                rate=rate(self.fit, self.progress.step, self.share),
                accumulate=self.fit.accumulate,
                clip=self.fit.clip,
            )
        self.progress.step += 1
        self.progress.phrases += self.fit.batch * self.fit.accumulate * self.world.size
        return parts

    @contextmanager
    def explain_failure(self) -> Iterator[None]:
        """Say of a loss that is no number what is left and how to go on."""
        try:
            yield
        except OperationError as error:
            if (self.out / NAME).is_file():
                left = f"the last good state is in {self.out}: "
                left += "go on with --resume and a lower fit.learning_rate"
            else:
                left = "nothing was saved before: start again with a lower fit.learning_rate"
            raise OperationError(f"{error}; {left}") from error

    @contextmanager
    def fitting(self) -> Iterator[None]:
        """Say in one sentence that memory is short or that another process is gone."""
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if is_gone(self.world, error):
                raise gone(self.world) from error
            if not short_of_memory(error):
                raise
            raise OperationError(
                f"the memory of this {self.device.type} is too small for fit.batch {self.fit.batch}: halve "
                "it and double fit.accumulate, which learns the same; --resume goes on from the last state"
            ) from error

    def draw(self) -> Batch:
        """Return the next batch on the device."""
        drawn = self.prefetch.draw(edits=self.objective.uses_edits)
        arrays = self.tensors(drawn.arrays)
        return Batch(
            arrays,
            self.tensors(drawn.edited),
            moved(drawn.change, self.device),
            None if drawn.hidden is None else hide(arrays, drawn.hidden),
            self.tensor(drawn.condition),
        )

    def validate(self, parts: dict[str, Tensor]) -> Path:
        """Measure the validation split, log it, and save the state and a checkpoint that can be played.

        Every process calls it; the first one alone measures and writes.

        Raises:
            OperationError: a weight is no number; what was saved before stays.
            CheckpointError: the disk refuses; what was saved before stays.
        """
        path = self.out / f"{self.model.name}.safetensors"
        ranks = self.world.gather(self.state.generators())
        if not self.world.first:
            return path
        for name, value in self.net.state_dict().items():
            if not torch.isfinite(value).all():
                raise OperationError(
                    f"the weight '{name}' is no number after step {self.progress.step}; "
                    f"what was saved in {self.out} before is as it was"
                )
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            figures, self.levels = score(self.net, self.validation_arrays, self.condition)
            figures |= loss(self.fit, figures)
            self.state.save(ranks)
            counts = self.log_figures(figures, parts)
            write_checkpoint(
                self.net,
                self.codec,
                self.train,
                path,
                calibration=self.calibration,
                levels=self.levels,
                figures={**finite(figures), **counts, "run": msgspec.to_builtins(self.origin)},
                extras=self.extras,
                say=self.run_log.say_once,
            )
            keep_best(path)
            write_samples(path, self.codec, self.validation, self.out, self.run_log)
        self.run_log.curves()
        return path

    def log_figures(self, figures: dict[str, float], parts: dict[str, Tensor]) -> dict[str, float]:
        """Log a validation; return the counts of steps, seconds and phrases."""
        progress = self.progress
        counts = {"step": progress.step, "seconds": round(progress.seconds, 1), "phrases": progress.phrases}
        losses = {f"loss_{name}": round(float(value.detach()), 4) for name, value in parts.items()}
        speed = round(progress.phrases / max(progress.seconds, 1e-9), 1)
        waited, self.prefetch.waited = self.prefetch.waited, 0.0
        sitting, self.measured = progress.seconds - self.measured, progress.seconds
        shown = {
            "waiting": round(min(1.0, waited / max(sitting, 1e-9)), 4),
            "share": round(self.share, 4),
            "speed": speed,
            "rate": self.roles[MODEL].optimiser.param_groups[0]["lr"],
        }
        if self.fit.objective == "elbo":
            shown["beta"] = beta(self.fit, self.share)
        if self.fit.scheduled_sampling:
            shown["true_share"] = round(true_share(self.fit, progress.step), 4)
        self.run_log.record({**counts, **shown, **finite(figures), **finite(losses)})
        return counts

    def tensors(self, arrays: Mapping[str, Tensor | NDArray[Any]]) -> dict[str, Tensor]:
        """Move packed arrays to the device, where some are made."""
        return {
            name: value if isinstance(value, Tensor) else moved(value, self.device)
            for name, value in arrays.items()
        }

    def tensor(self, array: NDArray[np.float32] | None) -> Tensor | None:
        """Move one array to the device, if there is one."""
        return None if array is None else moved(array, self.device)
