"""The processes of one run: alone by default, or those that `torchrun` starts beside each other.

`torchrun` tells each process its place in RANK, WORLD_SIZE and LOCAL_RANK.  Gradients go over NCCL between
GPUs and over gloo between processors; what the processes agree on beside them always goes over gloo, so
that no step waits for a GPU because of it.
"""

import gc
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from trainer.errors import OperationError, RequestError

PATIENCE = timedelta(hours=2)  # the first process measures and saves while the others wait

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """This process among those of its run.

    Attributes:
        rank: its number; 0 alone logs and saves.
        size: processes of the run.
        local: its number on this machine, which is also that of its GPU.
    """

    rank: int = 0
    size: int = 1
    local: int = 0
    group: Any = None

    @property
    def first(self) -> bool:
        """Whether this process logs and saves."""
        return self.rank == 0

    def highest(self, *values: float) -> tuple[float, ...]:
        """Return the highest of each value among all processes; every process calls it at the same place.

        Raises:
            OperationError: another process is gone.
        """
        if self.size == 1:
            return values
        table = torch.tensor(values, dtype=torch.float64)
        self._called(lambda: dist.all_reduce(table, dist.ReduceOp.MAX, group=self.group))
        return tuple(table.tolist())

    def gather(self, value: T) -> list[T]:
        """Return every process's value by rank in the first process, and its own alone in the others.

        Raises:
            OperationError: another process is gone.
        """
        if self.size == 1:
            return [value]
        found: list[Any] | None = [None] * self.size if self.first else None
        self._called(lambda: dist.gather_object(value, found, group=self.group))
        return found if found is not None else [value]

    def shared(self, make: Callable[[], T]) -> T:
        """Return what the first process makes, in all of them; a fault in making it is raised in all.

        Raises:
            OperationError: another process is gone.
            Exception: whatever `make` raises.
        """
        if self.size == 1:
            return make()
        held: list[Any] = [None]
        fault: Exception | None = None
        if self.first:
            try:
                held = [(True, make())]
            except Exception as error:  # noqa: BLE001 - raised again below, here and in the others
                fault = error
                held = [(False, _portable(error))]
        self._called(lambda: dist.broadcast_object_list(held, src=0, group=self.group))
        fine, value = held[0]
        if fault is not None:
            raise fault
        if not fine:
            raise value
        made: T = value
        return made

    def distribute(self, module: nn.Module, *, all_used: bool) -> nn.Module:
        """Return a module whose gradients are the mean of all processes'; alone, the module itself.

        Args:
            module: whose parameters learn.
            all_used: whether every step's loss reads every parameter.
        """
        if self.size == 1:
            return module
        return DistributedDataParallel(module, find_unused_parameters=not all_used)

    def _called(self, call: Callable[[], object]) -> None:
        """Call a collective; one that breaks means that another process is gone."""
        try:
            call()
        except (RuntimeError, ValueError) as error:
            raise gone(self) from error


def is_gone(world: World, error: BaseException) -> bool:
    """Return whether an error of a step says that another process is no more."""
    text = str(error).lower()
    broken = any(word in text for word in ("gloo", "nccl", "connection closed", "connection reset"))
    return world.size > 1 and (broken or isinstance(error, dist.DistError))


def gone(world: World) -> OperationError:
    """Return the fault of a process that waits for one that is no more."""
    return OperationError(
        f"process {world.rank} of {world.size} waited for another one, which has ended: it said why"
    )


def _portable(error: Exception) -> Exception:
    """Return an exception that survives the way to another process."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own, a line above
    except Exception:  # noqa: BLE001 - anything that it may hold
        return OperationError(str(error))
    return error


@contextmanager
def joined(environment: Mapping[str, str] = os.environ) -> Iterator[World]:
    """Join the run's other processes if `torchrun` started this one; leave them at the end.

    Raises:
        RequestError: the environment names a place that cannot be, or fewer GPUs than processes.
        OperationError: the others cannot be reached.
    """
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        yield World()
        return
    try:
        rank, size = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        local = int(environment.get("LOCAL_RANK", rank))
    except ValueError as error:
        raise RequestError(
            "RANK, WORLD_SIZE and LOCAL_RANK must be numbers, as torchrun sets them"
        ) from error
    if not 0 <= rank < size:
        raise RequestError(f"RANK must be in 0..{size - 1}, one less than WORLD_SIZE, not {rank}")
    if size == 1:
        yield World(local=local)
        return
    if not dist.is_available():
        raise RequestError("this build of torch cannot train in several processes; start one")
    cuda = torch.cuda.is_available()
    if cuda:
        if local >= torch.cuda.device_count():
            raise RequestError(
                f"{torch.cuda.device_count()} GPUs are here, process {local} has none: start fewer"
            )
        torch.cuda.set_device(local)
    try:
        dist.init_process_group("nccl" if cuda else "gloo", rank=rank, world_size=size, timeout=PATIENCE)
        group = dist.new_group(backend="gloo", timeout=PATIENCE) if cuda else None
    except (RuntimeError, ValueError) as error:
        text = str(error).splitlines()[0][:160]
        raise OperationError(f"process {rank} of {size} cannot reach the others: {text}") from error
    try:
        yield World(rank, size, local, group)
    finally:
        gc.collect()  # wrapped modules hold the group's threads, and must let go of them before it ends
        dist.destroy_process_group()
