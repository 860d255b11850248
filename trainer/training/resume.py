"""The state of a run on disk: everything that makes a resumed run go on exactly where it stopped.

One safetensors file: `net/NAME` and `optimiser/INDEX/SLOT` of the model; `ROLE/net/NAME` and
`ROLE/optimiser/INDEX/SLOT` of an objective's own networks; `objective/NAME`; the generators of every process
(`torch_rng`, `torch_rng/RANK`, `device_rng/RANK`); `order`, what is left of the epoch.  JSON in its metadata
holds the rest.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from model import strict
from model.checkpoint import write_bytes
from model.config import ModelConfig
from model.errors import ConfigError
from trainer.errors import OperationError
from trainer.training.origin import Origin

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
