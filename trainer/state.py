"""The state of a run on disk: everything that makes a resumed run go on exactly where it stopped."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from model.checkpoint import write_bytes
from model.vae import VAE
from trainer.errors import FailureError

NAME = "resume.state"  # safetensors inside; named so that nobody takes it for the model


@dataclass(slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        step: optimiser steps done.
        seconds: wall-clock spent training, over all of its sittings.
        phrases: phrases seen.

    """

    step: int = 0
    seconds: float = 0.0
    phrases: int = 0


def store(
    folder: Path,
    net: VAE,
    optimiser: torch.optim.Optimizer,
    rng: np.random.Generator,
    *,
    progress: Progress,
    config: str,
    order: np.ndarray,
) -> None:
    """Write the state, atomically."""
    tensors: dict[str, torch.Tensor] = {f"net/{k}": v.contiguous() for k, v in net.state_dict().items()}
    for index, slots in optimiser.state_dict()["state"].items():
        for name, value in slots.items():
            tensors[f"optimiser/{index}/{name}"] = torch.as_tensor(value).contiguous()
    tensors["torch_rng"] = torch.get_rng_state()
    tensors["order"] = torch.from_numpy(np.ascontiguousarray(order))
    facts = {
        "step": progress.step,
        "seconds": progress.seconds,
        "phrases": progress.phrases,
        "rng": rng.bit_generator.state,
    }
    metadata = {"format": "twobar run", "facts": json.dumps(facts), "config": config}
    write_bytes(folder / NAME, save(tensors, metadata))


def restore(
    folder: Path, net: VAE, optimiser: torch.optim.Optimizer, rng: np.random.Generator, *, config: str
) -> tuple[Progress, np.ndarray]:
    """Load the state into network, optimiser and generators; return the progress and the rest of the order.

    Raises:
        FailureError: there is none, it is damaged, or it belongs to another model.

    """
    path = folder / NAME
    if not path.is_file():
        raise FailureError(f"there is nothing to resume in {folder}: {NAME} is not there")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        raise FailureError(f"{path} is damaged: {error}") from error
    if metadata.get("config") != config:
        raise FailureError(f"{path} belongs to a run of another model; resume with the same [model]")
    facts: dict[str, Any] = json.loads(metadata["facts"])
    net.load_state_dict({k.removeprefix("net/"): v for k, v in tensors.items() if k.startswith("net/")})
    slots: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser/"):
            _, index, slot = name.split("/")
            slots.setdefault(int(index), {})[slot] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": slots, "param_groups": groups})
    torch.set_rng_state(tensors["torch_rng"])
    rng.bit_generator.state = facts["rng"]
    progress = Progress(facts["step"], facts["seconds"], facts["phrases"])
    return progress, tensors["order"].numpy()
