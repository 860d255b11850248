"""A run that begins with another model's weights: fine-tuning, for folders too small to learn from nothing.

Tested in tests/trainer/training/test_warm_start.py.
"""

from typing import Any

import torch
from numpy.typing import NDArray

from model.checkpoint import Checkpoint, read
from model.errors import CheckpointError
from model.networks.vae import VAE, named
from trainer.errors import OperationError, RequestError
from trainer.run.checkpoints import path_of

LEAST = 0.9  # share of the weights that must fit


def begin_from(net: VAE, name: str) -> str:
    """Take over another model's weights where they fit; return a sentence about it.

    Args:
        net: fresh; changed in place.
        name: of a shipped model, or a checkpoint's path.

    Raises:
        RequestError: there is no such model, or its network is another one.
        OperationError: its file cannot be read.
    """
    path = path_of(name)
    if not path.is_file():
        raise RequestError(f"--init takes a shipped model's name or a checkpoint; there is no '{name}'")
    try:
        other = read(path)
    except CheckpointError as error:
        raise OperationError(str(error)) from error
    _check(net, other, name)
    fresh = net.state_dict()
    taken = {
        key: torch.from_numpy(value.copy())
        for key, value in named(other.weights).items()
        if key in fresh and fresh[key].shape == value.shape
    }
    whole = sum(value.numel() for value in fresh.values())
    share = sum(value.numel() for value in taken.values()) / whole
    if share < LEAST:
        raise RequestError(
            f"--init {name}: only {share:.0%} of this network's weights fit, its network is another one: "
            "take the configuration of that model, or no --init"
        )
    net.load_state_dict({**fresh, **taken})
    new = sorted({key.rsplit(".", 1)[0] for key in fresh if key not in taken})
    beside = f"; fresh are {', '.join(new[:3])}{' and others' * (len(new) > 3)}" if new else ""
    return f"begun with the weights of {other.config.name}{beside}"


def further_tensors(name: str) -> dict[str, NDArray[Any]]:
    """Return what a model holds beside its network, its prior above all; nothing of none or a damaged one."""
    path = path_of(name)
    try:
        return dict(read(path).extras) if path.is_file() else {}
    except CheckpointError:
        return {}


def _check(net: VAE, other: Checkpoint, name: str) -> None:
    """Refuse a model of another codec or grid: its weights would mean other notes."""
    for what, wanted, found in (
        ("codec", net.config.codec, other.config.codec),
        ("grid", net.config.grid, other.config.grid),
        ("encoder", net.config.encoder.kind, other.config.encoder.kind),
        ("decoder", net.config.decoder.kind, other.config.decoder.kind),
    ):
        if wanted != found:
            said = f"its {what} is {found}, this configuration asks for {wanted}"
            raise RequestError(f"--init {name}: {said}: take one of the same")
