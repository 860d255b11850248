"""Teacher-forced figures of step-by-step decoders: how well each step is foreseen after the true ones.

They are the field's usual figures for language models, and flatter every other model: the free-running ones
of `trainer.evaluation.evaluate` are those that a listener hears.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from model.checkpoint import Checkpoint
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.music.phrase import Phrase
from model.networks.vae import VAE
from trainer.evaluation.measures import agreement, symbols

LEVELS = ("velocity", "offset")  # heads of levels: what they cost is a density's, not bits
FORCED = 512
PORTION = 32


def network(checkpoint: Checkpoint) -> VAE:
    """Return a checkpoint's network with its weights, float32 on the CPU, not learning."""
    net = VAE(checkpoint.config)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in checkpoint.weights.items()})
    return net.eval()


def forced(checkpoint: Checkpoint, phrases: Sequence[Phrase]) -> dict[str, Any] | None:
    """Measure a step-by-step decoder, each step after the true ones before it, z at the posterior's mean.

    Args:
        checkpoint: of any family.
        phrases: on the whole grid of its configuration, the context bars included; at most 512 are taken.

    Returns:
        bits_per_step: cross-entropy of what starts and holds, levels left out, bits; of the answered bars.
        step_accuracy: share of equal steps among the answered ones (see `measures.symbols`).
        phrases: how many.

        None for a decoder that writes all steps at once.
    """
    net = network(checkpoint)
    config = checkpoint.config
    if not net.autoregressive:
        return None
    codec = build(config.codec, config.grid.build())
    context_steps = config.context_bars * codec.grid.steps_per_bar
    chosen = list(phrases[:FORCED])
    nats: list[float] = []
    right: list[float] = []
    for begin in range(0, len(chosen), PORTION):
        portion = chosen[begin : begin + PORTION]
        packed = [pack_phrase(codec, phrase) for phrase in portion]
        arrays = {name: torch.from_numpy(np.concatenate([one[name] for one in packed])) for name in packed[0]}
        with torch.no_grad():
            mean, _ = net.encode(arrays)
            heads = net.teach(mean, None, arrays)
            later = {name: value[:, context_steps:] for name, value in heads.items()}
            target = {name: value[:, context_steps:] for name, value in arrays.items()}
            losses = net.head.loss(later, target)
        counted = [value for name, value in losses.items() if not name.endswith(LEVELS)]
        nats += torch.stack(counted).sum(0).tolist()
        for row in range(len(portion)):
            row_heads = {name: value[row].numpy() for name, value in heads.items()}
            decoded = codec.read(row_heads, levels=checkpoint.levels)
            held = codec.unpack(packed[row], 0)
            pair = (symbols(one, config.codec)[context_steps:] for one in (decoded, held))
            right.append(agreement(*pair))
    steps = codec.grid.steps - context_steps
    return {
        "bits_per_step": float(np.mean(nats)) / steps / float(np.log(2.0)),
        "step_accuracy": float(np.mean(right)),
        "phrases": len(chosen),
    }
