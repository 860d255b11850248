"""The state of a run on disk: everything that makes a resumed run go on exactly where it stopped.

One safetensors file: `net/NAME` and `optimiser/INDEX/SLOT` of the model; `ROLE/net/NAME` and
`ROLE/optimiser/INDEX/SLOT` of an objective's own networks; `objective/NAME`; the generators of every process
(`torch_rng`, `torch_rng/RANK`, `device_rng/RANK`); `order`, what is left of the epoch.  JSON in its metadata
holds the rest.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from model import strict
from model.checkpoint import write_bytes
from model.config import ModelConfig
from model.errors import ConfigError
from trainer.data.prefetch import Prefetch
from trainer.errors import OperationError, RequestError
from trainer.run.device import KINDS
from trainer.run.distributed import World
from trainer.settings import FitConfig
from trainer.training.objectives.base import MODEL, Objective
from trainer.training.origin import Origin
from trainer.training.role import TrainedRole

NAME = "resume.state"  # safetensors inside; named so that nobody takes it for the model
Tensors = dict[str, Tensor]


@dataclass(slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        step: optimiser steps of the model done.
        seconds: wall-clock spent training, over all of its sittings.
        phrases: phrases that the model learned from, those of all processes.
    """

    step: int = 0
    seconds: float = 0.0
    phrases: int = 0


@dataclass(slots=True)
class RunState:
    """All of a run that another sitting goes on with: saved, and taken up.

    Attributes:
        folder: of the run.
        model: what a state that is taken up must match.
        roles: the model and the objective's own networks, by role.
        prefetch: of the feed that draws the phrases.
        origin: what the run was begun with.
        progress: how far it is.
    """

    folder: Path
    model: ModelConfig
    fit: FitConfig
    roles: Mapping[str, TrainedRole]
    objective: Objective
    prefetch: Prefetch
    world: World
    origin: Origin
    progress: Progress = field(default_factory=Progress)

    @property
    def config(self) -> str:
        """The model's configuration as text."""
        return msgspec.json.encode(self.model).decode()

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.roles[MODEL].device

    def generators(self) -> tuple[dict[str, Any], Tensors]:
        """Return the states of this process's own generators: numpy's as JSON holds it, torch's."""
        return self.prefetch.state().chance, generator_states(self.device)

    def save(self, ranks: Sequence[tuple[dict[str, Any], Tensors]]) -> None:
        """Write it; `ranks` are the generators of every process.

        Raises:
            CheckpointError: the disk refuses; the state that was there stays.
        """
        drawn = self.prefetch.state()
        tensors = {"order": torch.from_numpy(np.ascontiguousarray(drawn.order))}
        for role, trained in self.roles.items():
            prefix = "" if role == MODEL else f"{role}/"
            tensors |= with_prefix(dict(trained.network.state_dict()), f"{prefix}net/")
            tensors |= with_prefix(optimiser_state(trained.optimiser), f"{prefix}optimiser/")
        tensors |= with_prefix(self.objective.state(), "objective/")
        for number, (_, generators) in enumerate(ranks):
            tensors |= {f"{name}/{number}" if number else name: value for name, value in generators.items()}
        facts = {
            **asdict(self.progress),
            "objective": self.fit.objective,
            "origin": msgspec.to_builtins(self.origin),
            "threads": torch.get_num_threads(),
            "kind": str(self.roles[MODEL].kind).removeprefix("torch."),
            "rng": drawn.shared,
            "ranks": [chance for chance, _ in ranks],
            "scalers": {role: trained.scaler.state_dict() for role, trained in self.roles.items()},
            "skipped": {role: trained.skipped for role, trained in self.roles.items()},
        }
        store(self.folder, tensors, facts, config=self.config)

    def restore(self, say: Callable[[str], None]) -> None:
        """Take up what lies in the run's folder.

        Args:
            say: is told what is not as it was.

        Raises:
            OperationError: there is none, it is damaged, or it is another model's.
            RequestError: it is another objective's, or of more phrases.
        """
        tensors, facts = self.world.shared(lambda: load(self.folder, config=self.config))
        before, count = facts.get("objective", "elbo"), len(self.prefetch.feed.train)
        if before != self.fit.objective:
            raise RequestError(
                f"{self.folder} holds a run of fit.objective '{before}', not '{self.fit.objective}'"
            )
        if len(tensors["order"]) and int(tensors["order"].max()) >= count:
            raise RequestError(
                f"the run in {self.folder} was begun on more phrases than these {count:,}: resume it "
                "with --data as it was, or begin another with another --out"
            )
        try:
            self._take_up(tensors, facts, say)
        except (KeyError, ValueError, RuntimeError) as error:
            text = str(error).splitlines()[0]
            raise OperationError(f"{self.folder / NAME} does not fit this model: {text}") from error

    def _take_up(self, tensors: Tensors, facts: Mapping[str, Any], say: Callable[[str], None]) -> None:
        """Take up what `save` wrote."""
        for role, trained in self.roles.items():
            prefix = "" if role == MODEL else f"{role}/"
            trained.network.load_state_dict(without_prefix(tensors, f"{prefix}net/"))
            restore_optimiser(trained.optimiser, without_prefix(tensors, f"{prefix}optimiser/"))
            if held := facts.get("scalers", {}).get(role):
                trained.scaler.load_state_dict(held)
            trained.skipped = facts.get("skipped", {}).get(role, 0)
        if self.fit.precision == "auto" and self.device.type == "cpu" and facts.get("kind") in KINDS:
            for trained in self.roles.values():
                trained.kind = KINDS[facts["kind"]]
        if not self.fit.threads and 0 < int(facts.get("threads", 0)) <= torch.get_num_threads():
            torch.set_num_threads(int(facts["threads"]))
        self.objective.restore(without_prefix(tensors, "objective/"))
        self.progress = Progress(facts["step"], facts["seconds"], facts["phrases"])
        feed, world = self.prefetch.feed, self.world
        feed.order = tensors["order"].numpy()
        feed.rng.bit_generator.state = facts["rng"]
        ranks = facts.get("ranks", [facts["rng"]])
        if len(ranks) != world.size:
            say(
                f"the run was in {len(ranks)} processes and goes on in {world.size}: from here on it "
                "draws other phrases than it would have"
            )
            if world.size > 1:
                feed.reseed(self.progress.step)
                torch.manual_seed(self.fit.seed + 7919 * world.rank + self.progress.step)
            return
        feed.chance.bit_generator.state = ranks[world.rank]
        names = {name: f"{name}/{world.rank}" if world.rank else name for name in ("torch_rng", "device_rng")}
        restore_generators(
            {name: tensors[stored] for name, stored in names.items() if stored in tensors}, self.device
        )


def store(folder: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], *, config: str) -> None:
    """Write the state, atomically.

    Raises:
        CheckpointError: the disk refuses; the state that was there stays.
    """
    held = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    metadata = {"format": "twobar run", "facts": json.dumps(dict(facts)), "config": config}
    write_bytes(folder / NAME, save(held, metadata))


def load(folder: Path, *, config: str) -> tuple[Tensors, dict[str, Any]]:
    """Return the tensors and the facts that `store` wrote.

    Raises:
        OperationError: there is none, it is damaged, or it belongs to another model.
    """
    path = folder / NAME
    if not path.is_file():
        raise OperationError(f"there is nothing to resume in {folder}: {NAME} is not there")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        facts = json.loads(metadata.get("facts", ""))
    except (SafetensorError, OSError, ValueError) as error:
        raise OperationError(f"{path} is damaged: {error}") from error
    if not same(metadata.get("config", ""), config):
        raise OperationError(f"{path} belongs to a run of another model; resume with the same [model]")
    return tensors, facts


def origin_in(folder: Path) -> Origin:
    """Return what the run in a folder was begun with; an empty one where its state does not say.

    Raises:
        OperationError: its state is damaged.
    """
    path = folder / NAME
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get("facts", ""))
        return msgspec.convert(facts.get("origin", {}), Origin)
    except (SafetensorError, OSError, ValueError, AttributeError) as error:
        raise OperationError(f"{path} is damaged: {error}") from error


def same(before: str, now: str) -> bool:
    """Return whether two configurations as JSON are one; keys that only one has must be as by default."""
    try:
        held, wanted = (strict.build(json.loads(text), ModelConfig, NAME) for text in (before, now))
    except (ValueError, ConfigError):
        return False
    return held == wanted


def without_prefix(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """Return the tensors under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """Return the tensors with a prefix before their names."""
    return {f"{prefix}{name}": value for name, value in tensors.items()}


def optimiser_state(optimiser: torch.optim.Optimizer) -> Tensors:
    """Return an optimiser's slots as `INDEX/SLOT`."""
    return {
        f"{index}/{name}": torch.as_tensor(value)
        for index, slots in optimiser.state_dict()["state"].items()
        for name, value in slots.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Take up the slots that `optimiser_state` gave."""
    slots: dict[int, Tensors] = {}
    for name, value in tensors.items():
        index, _, slot = name.partition("/")
        slots.setdefault(int(index), {})[slot] = value
    optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})


def generator_states(device: torch.device) -> Tensors:
    """Return the states of this process's torch generators."""
    made = {"torch_rng": torch.get_rng_state()}
    if device.type == "cuda":
        made["device_rng"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        made["device_rng"] = torch.mps.get_rng_state()
    return made


def restore_generators(tensors: Mapping[str, Tensor], device: torch.device) -> None:
    """Take up what `generator_states` gave; a state of another kind of device is left aside."""
    torch.set_rng_state(tensors["torch_rng"])
    if "device_rng" in tensors and device.type == "cuda":
        torch.cuda.set_rng_state(tensors["device_rng"], device)
    elif "device_rng" in tensors and device.type == "mps":
        torch.mps.set_rng_state(tensors["device_rng"])
