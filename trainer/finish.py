"""From a trained network to a checkpoint that can be played: calibration, latent map, graphs, samples."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from model import midi
from model.attributes import NAMES, measure
from model.checkpoint import Calibration, Checkpoint, LatentMap, write
from model.codecs.base import Codec, pack_phrase
from model.export import graphs
from model.play import open_player
from model.vae import VAE
from trainer.dataset import Phrases, batch
from trainer.watch import draw

MAPPED = 4096  # phrases that the latent map is made from
POINTS = 300  # of them are shown
SHOWN = 4  # validation phrases in a sample


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


def chart(net: VAE, codec: Codec, phrases: Phrases, *, seed: int = 0) -> LatentMap:
    """Encode many phrases and lay their two widest directions on a map."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(phrases))[:MAPPED]
    device = next(net.parameters()).device
    found = []
    with torch.no_grad():
        for part in np.array_split(chosen, max(1, len(chosen) // 512)):
            arrays = batch(phrases, codec, np.sort(part), rng=None)
            given = {name: torch.from_numpy(value).to(device) for name, value in arrays.items()}
            found.append(net.encode(given)[0].float().cpu().numpy())
    z = np.concatenate(found)
    mean, scale = z.mean(0), np.maximum(z.std(0), 1e-3)
    axes = np.linalg.svd(z - mean, full_matrices=False)[2][:2]
    if len(axes) < 2:
        axes = np.vstack((axes, np.zeros_like(axes)))[:2]
    places = (z - mean) @ axes.T
    axes = axes / np.maximum(np.percentile(np.abs(places), 98, axis=0), 1e-6)[:, None]
    points = np.clip((z - mean) @ axes.T, -1, 1)[:POINTS]
    return LatentMap(*(value.astype(np.float32) for value in (mean, scale, axes, points)))


def finish(
    net: VAE,
    codec: Codec,
    phrases: Phrases,
    path: Path,
    *,
    calibration: Calibration,
    levels: Mapping[str, float],
    figures: Mapping[str, float],
) -> None:
    """Write the checkpoint that the instrument plays."""
    device = next(net.parameters()).device
    net.eval()
    latent = chart(net, codec, phrases)
    traced = graphs(net)
    weights = {name: value.detach().float().cpu().numpy() for name, value in net.state_dict().items()}
    write(Checkpoint(net.config, weights, calibration, latent, levels, traced, figures), path)
    net.to(device).train()


def show(checkpoint: Path, codec: Codec, phrases: Phrases, folder: Path) -> None:
    """Play a few phrases through the checkpoint as the instrument would: sample.mid and sample.png."""
    player = open_player(checkpoint)
    chosen = np.random.default_rng(1).permutation(len(phrases))[:SHOWN].tolist()
    heard, drawn = [], {}
    for number, index in enumerate(chosen):
        phrase = codec.unpack(pack_phrase(codec, phrases.phrase(index, codec.grid)), 0)
        answer = player.decode(player.encode(phrase), turns={})
        heard += [phrase, answer]
        drawn[f"{number} data"], drawn[f"{number} model"] = phrase, answer
    midi.save(folder / "sample.mid", heard)
    draw(drawn, folder / "sample.png")
