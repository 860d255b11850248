"""What validation looks at while a model is fitted; the full table is `trainer.evaluate`'s."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from model.heads import Tensors, bits
from model.vae import VAE, divergence

THRESHOLDS = tuple(round(-1.5 + 0.25 * step, 2) for step in range(11))


def score(net: VAE, arrays: Mapping[str, Tensor]) -> tuple[dict[str, float], dict[str, float]]:
    """Measure free-running reconstruction from the mean of the posterior.

    Returns:
        Figures by name (`step_accuracy` and `exact`, or `note_f1`, `precision`, `recall` and `exact`; always
        `kl_bits`, `active_units`, `velocity_error` in MIDI units) and the tuned thresholds by head.

    """
    with torch.no_grad():
        mean, logvar = net.encode(arrays)
        heads = {name: value.float() for name, value in net.decode(mean.float()).items()}
        kl = bits(float(divergence(mean, logvar).sum(1).mean()))
        active = int((mean.float().var(0) > 0.01).sum())
    figures, levels = (melody if net.config.codec == "melody" else poly)(heads, arrays)
    return {**figures, "kl_bits": round(kl, 1), "active_units": active}, levels


def melody(heads: Tensors, arrays: Mapping[str, Tensor]) -> tuple[dict[str, float], dict[str, float]]:
    """Compare all steps, holds and rests counted."""
    token = arrays["token"]
    state = heads["state"].argmax(-1)
    got = torch.where(state == 0, heads["pitch"].argmax(-1), state + 127)
    same = got == token
    onset = token < 128
    error = (heads["velocity"] - arrays["velocity"]).abs()[onset].mean() * 127
    return {
        "step_accuracy": round(float(same.float().mean()), 5),
        "exact": round(float(same.all(1).float().mean()), 4),
        "velocity_error": round(float(error), 2),
    }, {}


def poly(heads: Tensors, arrays: Mapping[str, Tensor]) -> tuple[dict[str, float], dict[str, float]]:
    """Count notes on (onset step, pitch) at the threshold where their F1 is best."""
    onset, hold, velocity = arrays["roll"].unbind(2)
    there = onset > 0.5
    best: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    for threshold in THRESHOLDS:
        got = heads["onset"] > threshold
        right = float((got & there).sum())
        precision, recall = right / max(1.0, float(got.sum())), right / max(1.0, float(there.sum()))
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        best = max(best, (f1, precision, recall, threshold))
    exact = ((heads["onset"] > best[3]) == there).flatten(1).all(1).float().mean()
    sounding = ((onset + hold)[:, :-1] * (1 - onset[:, 1:])) > 0.5
    held = ((heads["hold"][:, 1:] > 0) == (hold[:, 1:] > 0.5))[sounding].float().mean()
    error = (heads["velocity"] - velocity).abs()[there].mean() * 127
    return {
        "note_f1": round(best[0], 5),
        "precision": round(best[1], 4),
        "recall": round(best[2], 4),
        "exact": round(float(exact), 4),
        "hold_accuracy": round(float(held), 4),
        "velocity_error": round(float(error), 2),
    }, {"onset": best[3]}


def finite(figures: Mapping[str, float]) -> dict[str, float]:
    """Return the figures as plain JSON numbers, those that are no number left out."""
    return {name: float(value) for name, value in figures.items() if np.isfinite(value)}
