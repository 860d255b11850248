"""From a trained network to a checkpoint that can be played: calibration, latent map, graphs.

Tested in tests/trainer/training/test_fit.py.
"""

import copy
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoint import Calibration, Checkpoint, LatentMap, write, write_bytes
from model.codecs.base import Codec, pack_phrase
from model.errors import CheckpointError
from model.music.attributes import NAMES, measure
from model.networks.vae import VAE
from model.runtimes.export import graphs
from trainer.data.augment import Ints
from trainer.data.dataset import Phrases, batch
from trainer.run.checkpoints import validation_loss_of

MAPPED = 4096  # phrases that the latent map is made from
BEST = "best"  # folder of a copy of the checkpoint, as it was where the validation loss was lowest
POINTS = 300  # of them are shown


def calibrate(phrases: Phrases, codec: Codec, *, limit: int, seed: int) -> Calibration:
    """Measure every attribute over at most `limit` phrases, as the codec holds them."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(phrases))[:limit].tolist()
    rows = []
    for index in chosen:
        held = codec.unpack(pack_phrase(codec, phrases.phrase(index, codec.grid)), 0)
        measured = measure(held)
        rows.append([measured[name] for name in NAMES])
    table = np.array(rows, dtype=np.float32)
    low, high = np.percentile(table, (2, 98), axis=0).astype(np.float32)
    spread = np.maximum(table.std(0), 1e-3)
    return Calibration(NAMES, table.mean(0), spread, low, high)


def latent_map_of(net: VAE, codec: Codec, phrases: Phrases, *, seed: int = 0) -> LatentMap:
    """Encode many phrases and lay their two widest directions on a map.

    Where nothing is encoded, as by a generator of noise, the map is the prior's; without a latent, empty.
    """
    rng = np.random.default_rng(seed)
    size = net.config.latent_size
    if not size:
        return LatentMap.nowhere()
    if net.config.encoder.kind == "none":
        z = rng.standard_normal((MAPPED, size), dtype=np.float32)
        mean, scale = np.zeros(size), np.ones(size)
        axes = np.eye(2, size)
    else:
        z = _encoded(net, codec, phrases, rng.permutation(len(phrases))[:MAPPED])
        mean, scale = z.mean(0), np.maximum(z.std(0), 1e-3)
        axes = np.linalg.svd(z - mean, full_matrices=False)[2][:2]
        if len(axes) < 2:
            axes = np.vstack((axes, np.zeros_like(axes)))[:2]
    places = (z - mean) @ axes.T
    axes = axes / np.maximum(np.percentile(np.abs(places), 98, axis=0), 1e-6)[:, None]
    points = np.clip((z - mean) @ axes.T, -1, 1)[:POINTS]
    return LatentMap(*(value.astype(np.float32) for value in (mean, scale, axes, points)))


def _encoded(net: VAE, codec: Codec, phrases: Phrases, chosen: Ints) -> NDArray[np.float32]:
    """Return posterior means of chosen phrases, [n, d]."""
    device = next(net.parameters()).device
    found = []
    with torch.no_grad():
        for part in np.array_split(chosen, max(1, len(chosen) // 512)):
            arrays = batch(phrases, codec, np.sort(part), rng=None)
            tensors = {name: torch.from_numpy(value).to(device) for name, value in arrays.items()}
            found.append(net.encode(tensors)[0].float().cpu().numpy())
    return np.concatenate(found)


def write_checkpoint(
    net: VAE,
    codec: Codec,
    phrases: Phrases,
    path: Path,
    *,
    calibration: Calibration,
    levels: Mapping[str, float],
    figures: Mapping[str, float],
    extras: Mapping[str, NDArray[Any]],
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Write the checkpoint that the instrument plays.

    Args:
        net: trained; it is left as it is, on its device.
        codec: the model's.
        phrases: that it learned from, for the latent map.
        path: of the checkpoint.
        calibration: of the attributes.
        levels: decision thresholds by head.
        figures: for the card.
        extras: further tensors: of a resumed run the prior that it has learned already.
        say: called once with what is left out.

    Raises:
        CheckpointError: the disk refuses; what was there before is untouched.
    """
    net.eval()
    latent = latent_map_of(net, codec, phrases)
    net.train()
    held = copy.deepcopy(net).cpu().float().eval()  # the one that learns stays where its optimiser knows it
    try:
        traced = graphs(held)
    except ImportError as error:
        say(f"the checkpoint has no graphs, so that it plays on torch: {error.name} is not installed")
        traced = {}
    weights = {name: value.detach().numpy() for name, value in held.state_dict().items()}
    write(
        Checkpoint(net.config, weights, calibration, latent, levels, traced, figures, extras=dict(extras)),
        path,
    )


def keep_best(path: Path) -> None:
    """Copy a checkpoint into the folder `best` beside it, if it is no worse than the one that lies there.

    Raises:
        CheckpointError: the disk refuses; the copy that was there is untouched.
    """
    folder = path.parent / BEST
    loss = validation_loss_of(path)
    if loss == math.inf or loss > validation_loss_of(folder / path.name):
        return
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be made: {error.strerror}") from error
    write_bytes(folder / path.name, path.read_bytes())
