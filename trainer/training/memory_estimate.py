"""How much memory a step of training takes, counted before a device has to find out.

Weights, gradients and the optimiser's two moments are counted by their sizes; what the backward pass needs
is what autograd keeps (each storage once), watched on a few phrases and on half of them and laid out for a
batch: part of it grows with the phrases, the rest, weights in half precision above all, does not.  What a
device takes beside that (its own libraries, workspaces, the allocator's gaps) is not in it: leave a margin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from trainer.errors import OperationError
from trainer.training import resume
from trainer.training.objectives.base import MODEL, Batch, Moment, Objective

MOMENTS = 2  # that Adam keeps of every weight, float32
SYSTEM = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")
FEW = 20  # phrases that are watched, or as many as a batch holds


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a step.

    Attributes:
        weights: of all networks, float32.
        trained: their gradients and the optimisers' moments.
        fixed: saved for the backward pass of the largest round whatever the batch.
        per_phrase: by the same for each phrase.
    """

    weights: int
    trained: int
    fixed: int
    per_phrase: int

    def total(self, batch: int) -> int:
        """Return the bytes of a step on a batch of phrases."""
        return self.weights + self.trained + self.fixed + self.per_phrase * batch


def estimate(
    objective: Objective, arrays: Mapping[str, Tensor], condition: Tensor | None, *, kind: torch.dtype
) -> int:
    """Return about how many bytes a step of a run takes; nothing of the run is changed by it.

    Args:
        objective: with its network, on their device; its settings say how large a batch is.
        arrays: packed phrases on that device, at least one.
        condition: of the decoder on them; None without.
        kind: float32, or what products are computed in.
    """
    fit, knobs = objective.fit, objective.net.config.knobs
    paired = fit.edit_share if objective.uses_edits and knobs and fit.edits else 0.0
    count = min(FEW, max(2, fit.batch))
    made = repeated(arrays, condition, count, edits=round(count * paired), knobs=len(knobs))
    device = made.change.device
    held, generator_states = objective.state(), resume.generator_states(device)
    try:
        return measure(objective, made, Moment(0, 1.0), kind=kind).total(fit.batch)
    finally:
        objective.restore(held)
        resume.restore_generators(generator_states, device)


def repeated(
    arrays: Mapping[str, Tensor], condition: Tensor | None, count: int, *, edits: int = 0, knobs: int = 0
) -> Batch:
    """Return a batch of so many phrases, over again where there are fewer, some edited without a change."""
    some = {
        name: value[torch.arange(count, device=value.device) % len(value)] for name, value in arrays.items()
    }
    edited = {name: value[:edits] for name, value in some.items()}
    device = next(iter(some.values())).device
    rows = condition
    if rows is not None:
        rows = rows[torch.arange(count, device=device) % len(rows)]
    return Batch(some, edited, torch.zeros(edits, max(1, knobs), device=device), condition=rows)


def measure(objective: Objective, batch: Batch, moment: Moment, *, kind: torch.dtype) -> Memory:
    """Count the memory of a step on the device that the networks are on.

    Args:
        objective: with its network.
        batch: a few phrases, at least two.
        moment: of the run; roles that do not learn then are not counted.
        kind: float32, or what products are computed in.
    """
    networks: dict[str, nn.Module] = {MODEL: objective.net, **dict(objective.networks.items())}
    parameters = [parameter for network in networks.values() for parameter in network.parameters()]
    weights = sum(parameter.numel() * parameter.element_size() for parameter in parameters)
    weights_held = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    count, half = len(batch), len(batch) // 2
    largest = (0, 0, 0)
    for role in dict.fromkeys(objective.rounds(moment)):
        for other, network in networks.items():
            network.requires_grad_(other == role)
        whole, less = (
            _saved_bytes(objective, role, some, moment, weights_held=weights_held, kind=kind)
            for some in (batch, _first(batch, half))
        )
        each = max(0, whole - less) // (count - half)
        largest = max(largest, (whole, max(0, whole - each * count), each))
    for network in networks.values():
        network.requires_grad_(True)
    return Memory(weights, (1 + MOMENTS) * weights, *largest[1:])


def _saved_bytes(
    objective: Objective,
    role: str,
    batch: Batch,
    moment: Moment,
    *,
    weights_held: set[int],
    kind: torch.dtype,
) -> int:
    """Return the bytes that autograd keeps of a role's loss, those of the networks' own weights left out."""
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights_held:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    device = batch.change.device.type
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast(device, dtype=kind, enabled=kind != torch.float32),
    ):
        objective.loss(role, batch, moment)
    return sum(saved.values())


def _first(batch: Batch, count: int) -> Batch:
    """Return the first phrases of a batch, and as large a part of its edits."""
    edits = len(batch.change) * count // len(batch)
    return replace(
        batch,
        arrays={name: value[:count] for name, value in batch.arrays.items()},
        edited={name: value[:edits] for name, value in batch.edited.items()},
        change=batch.change[:edits],
        encoder_input=None
        if batch.encoder_input is None
        else {name: value[:count] for name, value in batch.encoder_input.items()},
        condition=None if batch.condition is None else batch.condition[:count],
    )


def in_words(size: int) -> str:
    """Say bytes in the unit that suits them."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def check(size: int, free: int | None, *, batch: int) -> None:
    """Refuse a step that is larger than the machine's memory: the system would end it without a word.

    Args:
        size: bytes of the step, about.
        free: bytes that the machine has; None where that is not known, and nothing is refused.
        batch: phrases of the step.

    Raises:
        OperationError: it is larger.
    """
    if free is not None and size > free:
        raise OperationError(
            f"a step of fit.batch {batch} takes about {in_words(size)} of memory, and {in_words(free)} are "
            "free: lower fit.batch and raise fit.accumulate as much, which learns the same"
        )


def available(system: Path = SYSTEM, group: Path = GROUP) -> int | None:
    """Return the bytes that this process can still take, or None where the system does not say.

    Args:
        system: what Linux tells of the memory.
        group: folder of the process's control group (version 2), whose limit may be lower.
    """
    found = []
    try:
        lines = dict(line.split(":", 1) for line in system.read_text(encoding="utf-8").splitlines())
        found.append(1024 * int(lines["MemAvailable"].split()[0]))
    except (OSError, ValueError, KeyError, IndexError):
        pass
    try:
        most, taken = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        rows = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        found.append(max(0, most - taken + int(rows["inactive_file"])))  # files kept in memory make room
    except (OSError, ValueError, KeyError):
        pass  # no group, or "max"
    return min(found, default=None)
