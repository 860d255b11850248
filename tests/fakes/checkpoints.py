"""Tiny checkpoints of any family, with weights as they begin or a few steps of learning later."""

from pathlib import Path

import numpy as np
import torch

from model.checkpoint import Calibration, Checkpoint, LatentMap, write
from model.codecs.registry import build
from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, ModelConfig
from model.music.attributes import NAMES, TYPICAL
from model.music.phrase import Phrase
from model.networks.vae import VAE
from trainer.adapt.lora import packed


def config(codec: str = "melody", *, family: str = "vae", knobs: tuple[str, ...] = ()) -> ModelConfig:
    """Describe a tiny model: vae writes at once, gru by steps, language has no latent, noise no encoder."""
    encoder = EncoderConfig(kind="patch", width=32, depth=1, heads=2)
    neck = BottleneckConfig(kind="beats", size=64)
    decoder = DecoderConfig(kind="patch", width=64, depth=1, heads=2)
    if family in {"gru", "language"}:
        decoder = DecoderConfig(kind="gru", width=48, depth=1)
    if family in {"language", "noise"}:
        encoder = EncoderConfig(kind="none")
    if family == "noise":
        neck = BottleneckConfig(kind="phrase", size=16, law="noise")
    return ModelConfig(
        f"tiny-{family}", codec, encoder=encoder, bottleneck=neck, decoder=decoder, knobs=knobs
    )


def checkpoint(
    phrases: list[Phrase], codec: str = "melody", *, family: str = "vae", steps: int = 0
) -> Checkpoint:
    """Make a checkpoint that has learned phrases for so many steps."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    chosen = config(codec, family=family)
    net = VAE(chosen)
    arrays = packed(build(codec, chosen.grid.build()), phrases)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(steps):
        mean, logvar = net.encode(arrays)
        heads = net.teach(net.sample(mean, logvar), None, arrays)
        loss = torch.stack(list(net.head.loss(heads, arrays).values())).sum(0).mean()
        loss = loss + 0.05 * net.divergence(mean, logvar).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    table = np.array([TYPICAL[name] for name in NAMES], dtype=np.float32)
    calibration = Calibration(NAMES, *(table[:, column] for column in range(4)))
    weights = {name: value.detach().numpy().copy() for name, value in net.state_dict().items()}
    with torch.no_grad():
        z = net.encode(arrays)[0].numpy()
    size = chosen.latent_size
    axes = np.eye(2, size, dtype=np.float32) if size else np.zeros((2, 0), dtype=np.float32)
    middle = z.mean(0) if size else np.zeros(0, dtype=np.float32)
    scale = np.maximum(z.std(0), 1e-3) if size else np.zeros(0, dtype=np.float32)
    latent = LatentMap(middle, scale, axes, np.zeros((3, 2), dtype=np.float32))
    return Checkpoint(chosen, weights, calibration, latent)


def written(path: Path, made: Checkpoint, *, half: bool = False) -> Path:
    """Write a checkpoint; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(made, path, half=half)
    return path
