"""Validation while a model is fitted: a few cheap figures; the full table is `evaluation.evaluate`'s.

Every codec has a `Judge`: how its heads are spelled as arrays, which thresholds are tuned, and how arrays
are compared.  A codec of several parts is judged part by part.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from model.codecs.melody import HOLD
from model.networks.bottleneck import bits
from model.networks.heads.base import Tensors
from model.networks.vae import VAE
from trainer.settings import FitConfig

THRESHOLDS = tuple(round(-1.5 + 0.25 * step, 2) for step in range(11))
AT_ONCE = 256  # phrases that go through the network at once
ACTIVE = 0.01  # variance of the mean over the data from which a latent dimension counts as used
VELOCITIES = 127

Figures = dict[str, float]
Levels = dict[str, float]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Judge:
    """How one codec's decodes are measured.

    Attributes:
        spell: heads and levels to the codec's arrays.
        compare: arrays that were got and arrays that were wanted to figures.
        tuned: the head whose threshold is tuned, and the array and its row that it should equal; or None.
    """

    spell: Callable[[Tensors, Levels], Tensors]
    compare: Callable[[Tensors, Tensors], Figures]
    tuned: tuple[str, str] | None = None


@dataclass(slots=True)
class NetworkOutput:
    """What the network made of the phrases, all of them.

    Attributes:
        mean: of the posterior, [n, d].
        price: KL in nats, [n].
        nats: -log p(x | z) of each part of the loss, [n] by name.
        heads: of a decoder that writes all at once, from the mean; step by step, after the true steps.
        drawn: arrays that a step-by-step decoder wrote free-running.
    """

    mean: list[Tensor] = field(default_factory=list)
    price: list[Tensor] = field(default_factory=list)
    nats: dict[str, list[Tensor]] = field(default_factory=dict)
    heads: dict[str, list[Tensor]] = field(default_factory=dict)
    drawn: dict[str, list[Tensor]] = field(default_factory=dict)


def score(net: VAE, arrays: Mapping[str, Tensor], condition: Tensor | None = None) -> tuple[Figures, Levels]:
    """Measure a network on packed phrases.

    Args:
        net: in evaluation mode.
        arrays: packed phrases on its device.
        condition: of the phrases, [n, beats, width]; None without.

    Returns:
        Figures by name and the tuned thresholds by head.  Always `reconstruction` (-log p(x | z) in nats per
        phrase, velocities included, z drawn from the posterior).  With a posterior: `kl_bits`,
        `active_units`, `elbo` (nats per phrase) and, free-running from its mean, `step_accuracy`, `exact` and
        the codec's own (`note_f1`, `velocity_error` in MIDI units, ...).  Step by step: `taught_accuracy`
        (after the true steps); without a latent `nll`, which is the reconstruction, and `step_bits`, in
        place of the others.  Nothing of a generator of noise.
    """
    if net.config.bottleneck.law == "noise" and net.config.encoder.kind == "none":
        return {}, {}
    seen = run_network(net, arrays, condition)
    judge = judge_of(net.config.codec)
    figures: Figures = {}
    levels: Levels = {}
    heads = {name: torch.cat(parts) for name, parts in seen.heads.items()}
    if net.autoregressive:
        taught = judge.compare(judge.spell(heads, levels), dict(arrays))
        figures["taught_accuracy"] = taught["step_accuracy"]
        if net.latent:
            drawn = {name: torch.cat(parts) for name, parts in seen.drawn.items()}
            figures |= judge.compare(drawn, dict(arrays))
    else:
        if net.config.bottleneck.law != "noise":  # a generator's own music has its thresholds at nought
            levels = tune(judge, heads, arrays)
        figures |= judge.compare(judge.spell(heads, levels), dict(arrays))
    # in numpy: an Apple card has no numbers of 64 bits
    reconstruction = sum(
        float(torch.cat(parts).cpu().numpy().mean(dtype=np.float64)) for parts in seen.nats.values()
    )
    figures["reconstruction"] = round(reconstruction, 3)
    if net.latent:
        mean = torch.cat(seen.mean)
        kl = float(torch.cat(seen.price).mean())
        figures |= {
            "kl_bits": round(bits(kl), 1),
            "active_units": int((mean.var(0) > ACTIVE).sum()) if len(mean) > 1 else 0,
            "elbo": round(-reconstruction - kl, 3),
        }
    else:
        figures |= {
            "nll": round(reconstruction, 3),
            "step_bits": round(bits(reconstruction) / net.sizes.grid.steps, 4),
        }
    return figures, levels


def loss(fit: FitConfig, figures: Figures) -> Figures:
    """Return `validation_loss`, nats a phrase: what a run minimises in the end, beta as it ends, no edits.

    Nothing of a generator of noise.
    """
    if "reconstruction" not in figures:
        return {}
    kl = figures.get("kl_bits", 0.0) / bits(1.0)
    return {"validation_loss": round(figures["reconstruction"] + fit.beta * max(kl - fit.free_bits, 0.0), 3)}


def run_network(net: VAE, arrays: Mapping[str, Tensor], condition: Tensor | None) -> NetworkOutput:
    """Let the network encode, decode and teach phrases, some at a time."""
    seen = NetworkOutput()
    count = len(next(iter(arrays.values())))
    with torch.no_grad():
        for begin in range(0, count, AT_ONCE):
            some = {name: value[begin : begin + AT_ONCE] for name, value in arrays.items()}
            under = condition[begin : begin + AT_ONCE] if condition is not None else None
            mean, logvar = (value.float() for value in net.encode(some))
            seen.mean.append(mean)
            seen.price.append(net.divergence(mean, logvar).sum(1))
            drawn = net.sample(mean, logvar, torch.Generator(mean.device).manual_seed(begin))
            heads = {name: value.float() for name, value in net.teach(drawn, None, some, under).items()}
            for name, value in net.head.loss(heads, some).items():
                seen.nats.setdefault(name, []).append(value)
            if not net.autoregressive:
                heads = {name: value.float() for name, value in net.decode(mean, None, under).items()}
            elif net.latent:
                for name, value in net.generate(mean, condition=under).items():
                    seen.drawn.setdefault(name, []).append(value)
            for name, value in heads.items():
                seen.heads.setdefault(name, []).append(value)
    return seen


def tune(judge: Judge, heads: Tensors, arrays: Mapping[str, Tensor]) -> Levels:
    """Return, by head, the threshold at which the F1 of what it strikes is best."""
    levels: Levels = {}
    for head, array in tuned_heads(judge, heads):
        wanted = arrays[array][:, :, 0] > 0.5
        best = (-1.0, 0.0)
        for threshold in THRESHOLDS:
            best = max(best, (f1(heads[head] > threshold, wanted)[0], threshold))
        levels[head] = best[1]
    return levels


def tuned_heads(judge: Judge, heads: Tensors) -> list[tuple[str, str]]:
    """Return head and array of every threshold; those of a codec's parts have its part's name before them."""
    if judge.tuned is not None:
        return [judge.tuned]
    return [
        (f"{part}.{each.tuned[0]}", f"{part}.{each.tuned[1]}")
        for part, each in PARTS.items()
        if each.tuned is not None and f"{part}.{each.tuned[0]}" in heads
    ]


def f1(got: Tensor, wanted: Tensor) -> tuple[float, float, float]:
    """Return F1, precision and recall of what was struck."""
    right = float((got & wanted).sum())
    precision, recall = right / max(1.0, float(got.sum())), right / max(1.0, float(wanted.sum()))
    return 2 * precision * recall / max(1e-9, precision + recall), precision, recall


def spell_melody(heads: Tensors, levels: Levels) -> Tensors:  # noqa: ARG001 - no threshold to heed
    """Return the likeliest class of every step."""
    state = heads["state"].argmax(-1)
    token = torch.where(state == 0, heads["pitch"].argmax(-1), state + 127)
    return {"token": token, "velocity": heads["velocity"]}


def compare_melody(got: Tensors, arrays: Tensors) -> Figures:
    """Compare all steps, holds and rests counted."""
    token = arrays["token"]
    same = got["token"] == token
    sounding = (token < HOLD) & (got["velocity"] > 0)
    error = (got["velocity"] - arrays["velocity"]).abs()[sounding].mean() * VELOCITIES
    return {
        "step_accuracy": round(float(same.float().mean()), 5),
        "exact": round(float(same.all(1).float().mean()), 4),
        "velocity_error": round(float(error), 2),
    }


def spell_poly(heads: Tensors, levels: Levels) -> Tensors:
    """Return onsets above their threshold and the likelier of hold and silence everywhere."""
    onset = (heads["onset"] > levels.get("onset", 0.0)).float()
    roll = torch.stack((onset, (heads["hold"] > 0).float(), heads["velocity"]), dim=2)
    return {"roll": roll, "offset": heads["offset"]} if "offset" in heads else {"roll": roll}


def _onsets(struck: Tensor, wanted: Tensor) -> Figures:
    """Compare onsets, bool [B, steps, keys or drums], with those that are meant."""
    found = f1(struck, wanted)
    same = (struck == wanted).all(2)
    return {
        "note_f1": round(found[0], 5),
        "precision": round(found[1], 4),
        "recall": round(found[2], 4),
        "exact": round(float(same.all(1).float().mean()), 4),
        "step_accuracy": round(float(same.float().mean()), 5),
    }


def compare_poly(got: Tensors, arrays: Tensors) -> Figures:
    """Count notes on (onset step, pitch), and steps on which the same keys start."""
    onset, hold, velocity = arrays["roll"].unbind(2)
    wanted, struck = onset > 0.5, got["roll"][:, :, 0] > 0.5
    sounding = ((onset + hold)[:, :-1] * (1 - onset[:, 1:])) > 0.5
    held = ((got["roll"][:, 1:, 1] > 0.5) == (hold[:, 1:] > 0.5))[sounding].float().mean()
    judged = wanted & (got["roll"][:, :, 2] > 0)
    error = (got["roll"][:, :, 2] - velocity).abs()[judged].mean() * VELOCITIES
    late: Figures = {}
    if "offset" in got:
        away = (got["offset"] - arrays["offset"]).abs()[wanted & struck].mean()
        late = {"offset_error": round(float(away), 4)}
    return {
        **_onsets(struck, wanted),
        "hold_accuracy": round(float(held), 4),
        "velocity_error": round(float(error), 2),
        **late,
    }


def spell_drums(heads: Tensors, levels: Levels) -> Tensors:
    """Return hits above their threshold."""
    hit = (heads["hit"] > levels.get("hit", 0.0)).float()
    return {"drums": torch.stack((hit, heads["drum_velocity"], heads["drum_offset"]), dim=2)}


def compare_drums(got: Tensors, arrays: Tensors) -> Figures:
    """Count hits, and steps on which the same drums are struck."""
    hit, velocity, offset = arrays["drums"].unbind(2)
    wanted, struck = hit > 0.5, got["drums"][:, :, 0] > 0.5
    both = wanted & struck
    louder = (got["drums"][:, :, 1] - velocity).abs()[both].mean() * VELOCITIES
    away = (got["drums"][:, :, 2] - offset).abs()[both].mean()
    return {
        **_onsets(struck, wanted),
        "velocity_error": round(float(louder), 2),
        "offset_error": round(float(away), 4),
    }


def spell_parts(heads: Tensors, levels: Levels) -> Tensors:
    """Spell every part by its own judge."""
    return {
        f"{part}.{name}": value
        for part, judge in PARTS.items()
        for name, value in judge.spell(without_prefix(heads, part), without_prefix(levels, part)).items()
    }


def compare_parts(got: Tensors, arrays: Tensors) -> Figures:
    """Return every part's figures with its name before them, and step accuracy and note F1 over all parts."""
    figures: Figures = {}
    for part, judge in PARTS.items():
        figures_of = judge.compare(without_prefix(got, part), without_prefix(arrays, part))
        figures |= {f"{part}_{name}": value for name, value in figures_of.items()}
    figures["step_accuracy"] = round(float(np.mean([figures[f"{part}_step_accuracy"] for part in PARTS])), 5)
    return figures


def without_prefix(held: Mapping[str, T], part: str) -> dict[str, T]:
    """Return what lies under a part's name."""
    return {
        name.removeprefix(f"{part}."): value for name, value in held.items() if name.startswith(f"{part}.")
    }


JUDGES: dict[str, Judge] = {
    "melody": Judge(spell_melody, compare_melody),
    "poly": Judge(spell_poly, compare_poly, ("onset", "roll")),
    "drums": Judge(spell_drums, compare_drums, ("hit", "drums")),
}
JUDGES["roll"] = JUDGES["poly"]
PARTS = {
    "melody": JUDGES["melody"],
    "chords": JUDGES["poly"],
    "bass": JUDGES["melody"],
    "drums": JUDGES["drums"],
}


def judge_of(codec: str) -> Judge:
    """Return the judge of a codec."""
    return JUDGES.get(codec, Judge(spell_parts, compare_parts))


def finite(figures: Mapping[str, float]) -> Figures:
    """Return the figures as plain JSON numbers, those that are no number left out."""
    return {name: float(value) for name, value in figures.items() if np.isfinite(value)}
