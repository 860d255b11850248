"""One role of an objective in training: its network, its optimiser, its precision, its share of a step.

Tested in tests/trainer/training/test_adversarial_fit.py, tests/trainer/run/test_distributed.py.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from trainer.errors import OperationError
from trainer.run.distributed import World
from trainer.settings import FitConfig
from trainer.training.objectives.base import MODEL, Batch, Moment, Objective

TOTAL = "total"
"""Name of what the model's role minimises, among the parts of its loss."""
SKIPPED = 24  # steps in a row without a finite gradient, each at half the scale, after which it is a fault


class RoleLoss(nn.Module):
    """The loss of a role as a module that owns no other role's parameters, as processes share them."""

    def __init__(self, role: str, network: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.network = network
        self._loss: Callable[[Batch, Moment], tuple[Tensor, dict[str, Tensor]]]
        # a closure, for a module kept as an attribute would count as part of this one
        object.__setattr__(self, "_loss", lambda batch, moment: _parted(objective, role, batch, moment))

    def forward(self, batch: Batch, moment: Moment) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and its parts, the latter without gradients."""
        return self._loss(batch, moment)


def _parted(
    objective: Objective, role: str, batch: Batch, moment: Moment
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a role's loss and its parts without gradients."""
    loss = objective.loss(role, batch, moment)
    return loss.total, {name: value.detach() for name, value in loss.parts.items()}


@dataclass(slots=True)
class TrainedRole:
    """Learns one role.

    Attributes:
        role: as the objective names it.
        network: whose parameters learn.
        optimiser: of them.
        device: that they are on.
        kind: type of products; float16 takes a gradient scaler.
        skipped: steps in a row that the scaler left out.
    """

    role: str
    network: nn.Module
    objective: Objective
    optimiser: torch.optim.Optimizer
    device: torch.device
    kind: torch.dtype
    world: World
    skipped: int = 0
    call: nn.Module = field(init=False)
    scaler: torch.amp.GradScaler = field(init=False)
    rates: list[float] = field(init=False)

    def __post_init__(self) -> None:
        """Share the network among the processes."""
        for parameter in self.network.parameters():
            parameter.requires_grad_(True)
        call = RoleLoss(self.role, self.network, self.objective)
        self.call = self.world.distribute(call, all_used=self.objective.reads_all(self.role))
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.kind == torch.float16)
        self.rates = [float(group["lr"]) for group in self.optimiser.param_groups]

    def learn(
        self, draw: Callable[[], Batch], moment: Moment, *, rate: float, accumulate: int, clip: float
    ) -> dict[str, Tensor]:
        """Take one step of this role over `accumulate` batches; return the parts of its loss.

        Args:
            draw: gives the next batch.
            moment: of the run.
            rate: share of the optimiser's own learning rate.
            accumulate: batches; their gradients count as those of one batch as large as all.
            clip: largest norm of the gradient.

        Raises:
            OperationError: the loss or its gradient is no number; nothing was changed by it.
        """
        for group, base_rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = base_rate * rate
        self.optimiser.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        total = torch.zeros((), device=self.device)
        for number in range(accumulate):
            batch = draw()
            with self.sync_context(last=number == accumulate - 1):
                with self.autocast():
                    loss, parts = self.call(batch, moment)
                self.scaler.scale(loss / accumulate).backward()
            if self.role == MODEL:
                total += loss.detach() / accumulate
            for name, value in parts.items():
                sums[name] = sums[name] + value / accumulate if name in sums else value / accumulate
        self.scaler.unscale_(self.optimiser)
        learned = [parameter for parameter in self.network.parameters() if parameter.grad is not None]
        norm = get_total_norm([parameter.grad for parameter in learned if parameter.grad is not None])
        if torch.isfinite(norm):
            self.skipped = 0
            clip_grads_with_norm_(learned, clip, norm)
        else:
            self.refuse_gradient(sums, moment)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return sums | {TOTAL: total} if self.role == MODEL else sums

    def timed(self, batch: Batch, moment: Moment, kind: torch.dtype) -> float:
        """Return the seconds that a loss and its gradient take in a precision.

        No weight and no optimiser is changed by it.
        """
        began = time.perf_counter()
        with torch.autocast(self.device.type, dtype=kind, enabled=kind != torch.float32):
            loss = self.objective.loss(self.role, batch, moment).total
        loss.backward()  # type: ignore[no-untyped-call]
        seconds = time.perf_counter() - began
        self.optimiser.zero_grad(set_to_none=True)
        return seconds

    def refuse_gradient(self, parts: dict[str, Tensor], moment: Moment) -> None:
        """Raise for a gradient that is no number, unless a lower scale of it may help.

        Raises:
            OperationError: where in the loss it is no number, or else in the gradient of what.
        """
        wrong = [name for name, value in parts.items() if not torch.isfinite(value)]
        anywhere = self.world.highest(float(bool(wrong)))[0]
        self.skipped += 1
        if self.scaler.is_enabled() and not anywhere and self.skipped < SKIPPED:
            return
        if wrong:
            what = f"its part '{wrong[0]}' is {float(parts[wrong[0]])}"
        elif anywhere:
            what = "in another process of the run"
        else:
            named = self.network.named_parameters()
            bad = (n for n, p in named if p.grad is not None and not torch.isfinite(p.grad).all())
            what = f"the gradient of '{next(bad, 'all')}' is not finite"
        whose = "" if self.role == "model" else f" of the {self.role}"
        raise OperationError(f"the loss{whose} is no number at step {moment.step}: {what}")

    def autocast(self) -> torch.autocast:
        """Return the context in which products run at the run's precision."""
        return torch.autocast(self.device.type, dtype=self.kind, enabled=self.kind != torch.float32)

    def sync_context(self, *, last: bool) -> AbstractContextManager[None]:
        """Return the context of one batch: processes exchange gradients after the last one only."""
        if isinstance(self.call, DistributedDataParallel) and not last:
            context: AbstractContextManager[None] = self.call.no_sync()
            return context
        return nullcontext()


def train_only(roles: Mapping[str, TrainedRole], role: str) -> None:
    """Let the parameters of one role alone ask for gradients."""
    if len(roles) > 1:
        for other, trained in roles.items():
            trained.network.requires_grad_(other == role)


def adamw(net: nn.Module, fit: FitConfig, betas: tuple[float, float]) -> torch.optim.Optimizer:
    """Return the model's optimiser (Loshchilov and Hutter 2019): weight decay on matrices alone."""
    parameters = list(net.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": fit.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=fit.learning_rate,
        betas=betas,
        fused=parameters[0].device.type != "mps",
    )
