"""Tiny networks of every family, for the tests of decoders, players and graphs."""

import numpy as np
import torch

from model.checkpoint import Calibration, Checkpoint, LatentMap
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, GridConfig, ModelConfig
from model.music.attributes import NAMES, TYPICAL
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS
from model.networks.heads.base import Tensors
from model.networks.vae import VAE
from model.playing.checkpoint_player import CheckpointPlayer
from model.runtimes.export import graphs
from model.runtimes.registry import open_runtime
from tests.fakes.synthetic import chords, melody

STEPWISE = ("rnn", "gru", "lstm", "transformer", "attention", "hierarchical")
LATENTLESS = ("rnn", "gru", "lstm", "transformer")


def config(
    decoder: str,
    codec: str = "melody",
    *,
    neck: str = "beats",
    latent: bool = True,
    knobs: tuple[str, ...] = ("density", "range"),
    conditions: tuple[str, ...] = (),
    context_bars: int = 0,
    bars: int = 2,
    law: str = "gaussian",
) -> ModelConfig:
    return ModelConfig(
        f"{decoder} {codec}",
        codec,
        grid=GridConfig(bars),
        encoder=EncoderConfig("patch" if latent else "none", 16, 1, 2),
        bottleneck=BottleneckConfig(neck, 32, law),
        decoder=DecoderConfig(decoder, 16, 2, 2, conductor_width=12),
        knobs=knobs,
        conditions=conditions,
        styles=("jazz", "folk") if "style" in conditions else (),
        context_bars=context_bars,
    )


def network(chosen: ModelConfig, seed: int = 1, spread: float = 0.3) -> VAE:
    """Build a network whose every weight is drawn anew, so that nothing is silent."""
    torch.manual_seed(seed)
    net = VAE(chosen).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=spread)
    return net


def phrase(codec: str, seed: int) -> Phrase:
    """Make a phrase that the codec holds."""
    if codec == "melody":
        return melody(seed)
    if codec == "poly":
        return chords(seed)
    rng = np.random.default_rng(seed)
    beats = [
        Note(step, key, int(rng.integers(50, 110)), 1, 0.1, DRUMS)
        for step in range(32)
        for key, chance in ((36, 0.3), (38, 0.2), (42, 0.6))
        if rng.random() < chance
    ]
    if codec == "drums":
        return Phrase.of(Grid(), beats)
    low = [note._replace(pitch=note.pitch - 24, track=BASS) for note in melody(seed + 50).notes]
    middle = [note._replace(track=CHORDS) for note in chords(seed).notes]
    return Phrase.of(Grid(), [*melody(seed).notes, *low, *middle, *beats])


def packed(net: VAE, count: int = 3) -> Tensors:
    """Pack a few synthetic phrases."""
    codec = build(net.config.codec, net.sizes.grid)
    rows = [pack_phrase(codec, phrase(net.config.codec, seed)) for seed in range(count)]
    return {name: torch.cat([torch.from_numpy(row[name]) for row in rows]) for name in net.head.inputs}


def held(net: VAE, *, traced: bool = True) -> Checkpoint:
    """Hold a network as a checkpoint whose attributes lie where they usually do."""
    size = net.config.latent_size
    some = np.random.default_rng(0).normal(size=(2, size)).astype(np.float32)
    latent = LatentMap(some[0], np.ones(size, dtype=np.float32), some, np.zeros((3, 2), dtype=np.float32))
    columns = np.array([TYPICAL[name] for name in NAMES], dtype=np.float32).T
    return Checkpoint(
        net.config,
        {name: value.detach().numpy() for name, value in net.state_dict().items()},
        Calibration(NAMES, *columns),
        latent if size else LatentMap.nowhere(),
        graphs=graphs(net) if traced else {},
        ident="tiny",
    )


def player(net: VAE, *, traced: bool = True) -> CheckpointPlayer:
    """Play a network."""
    checkpoint = held(net, traced=traced)
    return CheckpointPlayer(checkpoint, open_runtime(checkpoint, "here"))


def code(net: VAE, count: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Return z, changes and conditions that a network takes, by chance."""
    torch.manual_seed(5)
    sizes = net.sizes
    condition = torch.randn(count, sizes.grid.beats, sizes.condition_width) if sizes.condition_width else None
    return torch.randn(count, sizes.latent), torch.randn(count, max(sizes.knobs, 1)), condition
