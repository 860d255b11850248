"""`evaluate`: how well a checkpoint hears, heeds its knobs, morphs and dreams, through `Player` alone.

Every figure is measured on decoded phrases, free-running, at temperature 0.  Definitions stand with the
functions; the result is the dictionary that `--json` writes.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from model.attributes import NAMES, measure
from model.latent import Latent, between
from model.phrase import Phrase
from model.player import Player
from trainer.errors import FailureError
from trainer.measures import (
    HOLD,
    REST,
    Matches,
    agreement,
    consistent,
    distance,
    kl_bits,
    places,
    spans,
    spearman,
    symbols,
)
from trainer.samples import Heard, Progress, samples, silent

TURNS = tuple(float(turn) for turn in np.linspace(-1.0, 1.0, 9))
KNOB_PHRASES = 400
PAIRS = 500
MORPH_STEPS = 8
ACTIVE = 0.01
SPREADS = {
    "density": 0.9,
    "complexity": 0.18,
    "register": 8.0,
    "range": 3.0,
    "dynamics": 22.0,
    "polyphony": 1.0,
}


def evaluate(
    player: Player,
    phrases: Sequence[Phrase],
    *,
    parameters: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Measure a player on held-out phrases.

    Args:
        player: the checkpoint.
        phrases: of its grid, at least one.
        parameters: of the checkpoint, where known.
        seed: of the posterior's samples, the pairs, the prior's samples and the classifiers.
        progress: told (what, done, of how many).

    Raises:
        FailureError: there is no phrase.

    """
    if not phrases:
        raise FailureError("there is no phrase to evaluate on")
    heard = Heard()
    rng = np.random.default_rng(seed)
    result: dict[str, Any] = {
        "name": player.card.name,
        "codec": player.card.codec,
        "parameters": parameters,
        "phrases": len(phrases),
        "runtime": player.card.runtime,
        "seed": seed,
        "reconstruction": reconstruction(player, phrases, heard, rng, progress),
    }
    result["baselines"] = baselines(phrases, heard.decoded, player.card.codec)
    result["knobs"] = knobs(player, phrases, heard.latents, progress)
    result["interpolation"] = interpolation(player, heard.latents, rng, progress)
    result["samples"] = samples(player, phrases, heard, rng, progress)
    return result


def reconstruction(
    player: Player, phrases: Sequence[Phrase], heard: Heard, rng: np.random.Generator, progress: Progress
) -> dict[str, float | None]:
    """Encode and decode every phrase, from the posterior's mean and from one sample of it.

    Returns:
        step_accuracy: share of equal steps, rests and holds counted (see `measures.symbols`).
        note_precision, note_recall, note_f1: on (onset, pitch), pooled over the phrases.
        note_f1_length: on (onset, pitch, length).
        exact: share of phrases with every (onset, pitch, length) right and nothing else.
        velocity_error: mean distance of the velocities of the notes found; whatever the data's variety.
        step_accuracy_sampled, note_f1_sampled, exact_sampled: from one sample of the posterior.
        kl_bits: mean KL to the unit normal, bits a phrase.
        active_units: dimensions whose mean varies by more than .01 over the phrases.

        The last three kinds are None for a player without a posterior.

    """
    codec = player.card.codec
    posterior = getattr(player, "posterior", None)
    plain, sampled = Score(codec), Score(codec)
    bits: list[float] = []
    means: list[np.ndarray] = []
    for number, phrase in enumerate(phrases):
        latent = player.encode(phrase)
        decoded = player.decode(latent, turns={})
        heard.latents.append(latent)
        heard.decoded.append(decoded)
        plain.add(decoded, phrase)
        if posterior is not None:
            mu, logvar = (np.asarray(value, dtype=np.float32) for value in posterior(phrase))
            bits.append(kl_bits(mu, logvar))
            means.append(mu)
            noise = rng.standard_normal(mu.shape).astype(np.float32)
            z = np.asarray(mu + np.exp(0.5 * logvar) * noise, dtype=np.float32)
            sampled.add(player.decode(replace(latent, z=z), turns={}), phrase)
        progress("reconstruction", number + 1, len(phrases))
    known = posterior is not None
    return {
        "step_accuracy": plain.steps,
        "step_accuracy_sampled": sampled.steps if known else None,
        "note_precision": plain.notes.precision,
        "note_recall": plain.notes.recall,
        "note_f1": plain.notes.f1,
        "note_f1_length": plain.lengths.f1,
        "note_f1_sampled": sampled.notes.f1 if known else None,
        "exact": plain.exact,
        "exact_sampled": sampled.exact if known else None,
        "velocity_error": plain.velocity_error,
        "kl_bits": float(np.mean(bits)) if bits else None,
        "active_units": int((np.var(np.stack(means), axis=0) > ACTIVE).sum()) if means else None,
    }


class Score:
    """Sums over decoded phrases beside those they came from."""

    def __init__(self, codec: str) -> None:
        """Start with nothing."""
        self.notes, self.lengths = Matches(), Matches()
        self._codec = codec
        self._steps: list[float] = []
        self._exact: list[bool] = []
        self._velocity: list[int] = []

    def add(self, played: Phrase, wanted: Phrase) -> None:
        """Count one phrase."""
        self._steps.append(agreement(symbols(played, self._codec), symbols(wanted, self._codec)))
        self.notes.add(places(played), places(wanted))
        self.lengths.add(spans(played), spans(wanted))
        self._exact.append(spans(played) == spans(wanted))
        loud = {(note.onset, note.pitch): note.velocity for note in wanted.notes}
        self._velocity += [
            abs(note.velocity - loud[place])
            for note in played.notes
            if (place := (note.onset, note.pitch)) in loud
        ]

    @property
    def steps(self) -> float:
        """Share of equal steps."""
        return float(np.mean(self._steps)) if self._steps else 0.0

    @property
    def exact(self) -> float:
        """Share of note-perfect phrases."""
        return float(np.mean(self._exact)) if self._exact else 0.0

    @property
    def velocity_error(self) -> float | None:
        """Mean distance of the velocities of the notes found."""
        return float(np.mean(self._velocity)) if self._velocity else None


def baselines(phrases: Sequence[Phrase], decoded: Sequence[Phrase], codec: str) -> dict[str, float]:
    """Return what is had for nothing, on the same phrases.

    Returns:
        step_accuracy_commonest: always the one symbol that is most frequent (melody: most often hold).
        step_accuracy_shuffled, note_f1_shuffled: each phrase beside the answer to the next one: where a
            model's own figures fall to these, it does not heed its latent.
        rest_share, hold_share: of all steps (melody), the steps that are easy.

    """
    rows = [symbols(phrase, codec) for phrase in phrases]
    counts: dict[object, int] = {}
    for row in rows:
        for symbol in row:
            counts[symbol] = counts.get(symbol, 0) + 1
    total = sum(counts.values())
    shuffled = Score(codec)
    for number, phrase in enumerate(phrases):
        shuffled.add(decoded[(number + 1) % len(decoded)], phrase)
    found = {
        "step_accuracy_commonest": max(counts.values()) / total,
        "step_accuracy_shuffled": shuffled.steps,
        "note_f1_shuffled": shuffled.notes.f1,
    }
    if codec == "melody":
        found |= {"rest_share": counts.get(REST, 0) / total, "hold_share": counts.get(HOLD, 0) / total}
    return found


def knobs(
    player: Player, phrases: Sequence[Phrase], latents: Sequence[Latent], progress: Progress = silent
) -> dict[str, dict[str, float]]:
    """Turn each knob through 9 values on up to 400 phrases and measure what comes out.

    Returns, by knob:
        spearman: rank correlation of turn and measured attribute, mean over the phrases.
        spearman_pooled: the same over all phrases and turns at once.
        leak: largest |pooled rank correlation| of the turn with another attribute.
        leak_name: that attribute.
        leak_change: largest mean |change| of another attribute between the middle and the ends, in its
            usual spread, over that of the attribute itself.
        reach: mean difference of the attribute between both ends, in its raw unit.
        kept: note F1 of the phrase decoded with the knob at the centre and the phrase itself.

    """
    chosen = list(zip(phrases, latents, strict=True))[:KNOB_PHRASES]
    found: dict[str, dict[str, float]] = {}
    names = [name for name in player.card.knobs if name in NAMES]
    for place, name in enumerate(names):
        table = np.zeros((len(chosen), len(TURNS), len(NAMES)))  # [phrases, turns, attributes]
        kept = Matches()
        for row, (phrase, latent) in enumerate(chosen):
            for column, turn in enumerate(TURNS):
                decoded = player.decode(latent, turns={name: turn})
                table[row, column] = list(measure(decoded).values())
                if turn == 0:
                    kept.add(places(decoded), places(phrase))
            progress("knobs", place * len(chosen) + row + 1, len(names) * len(chosen))
        found[name] = _knob(table, name) | {"kept": kept.f1}
    return found


def _knob(table: np.ndarray, name: str) -> dict[str, Any]:
    """Reduce one knob's measures, float64 [phrases, turns, attributes]."""
    own = NAMES.index(name)
    turns = np.tile(TURNS, len(table))
    pooled = [spearman(turns, table[:, :, index].ravel()) for index in range(len(NAMES))]
    others = [index for index in range(len(NAMES)) if index != own]
    worst = max(others, key=lambda index: abs(pooled[index]))
    middle = table[:, len(TURNS) // 2]
    ends = (np.abs(table[:, 0] - middle) + np.abs(table[:, -1] - middle)).mean(axis=0) / 2.0
    change = ends / np.array([SPREADS[attribute] for attribute in NAMES])
    return {
        "spearman": float(np.mean([spearman(TURNS, row[:, own]) for row in table])),
        "spearman_pooled": pooled[own],
        "leak": abs(pooled[worst]),
        "leak_name": NAMES[worst],
        "leak_change": float(max(change[others]) / max(change[own], 1e-9)) if change[own] > 0 else 0.0,
        "reach": float((table[:, -1, own] - table[:, 0, own]).mean()),
    }


def interpolation(
    player: Player, latents: Sequence[Latent], rng: np.random.Generator, progress: Progress = silent
) -> dict[str, float] | None:
    """Glide between up to 500 pairs of phrases in 8 equal steps of the arc (`model.latent.between`).

    Returns:
        spearman: rank correlation of the way gone and the distance to the first phrase, mean over pairs.
        largest_jump: largest share of the whole distance gained in one of the 8 steps, mean over pairs.
        note_ratio: notes between, over the mean of both ends.
        consistent: share of the phrases between that keep the codec's rules and are not empty.
        pairs: how many there were.

    """
    if len(latents) < 2:
        return None
    codec = player.card.codec
    count = min(PAIRS, len(latents))
    orders, jumps, between_notes, end_notes, kept = [], [], [], [], []
    for pair in range(count):
        one, other = (latents[index] for index in rng.choice(len(latents), 2, replace=False))
        way = [step / MORPH_STEPS for step in range(MORPH_STEPS + 1)]
        line = [player.decode(between(one, other, t), turns={}) for t in way]
        gone = np.array([distance(line[0], phrase, codec) for phrase in line])
        progress("interpolation", pair + 1, count)
        between_notes += [len(phrase) for phrase in line[1:-1]]
        end_notes += [len(line[0]), len(line[-1])]
        kept += [consistent(phrase, codec) and bool(phrase.notes) for phrase in line[1:-1]]
        if gone[-1] > 0:
            orders.append(spearman(way, gone))
            jumps.append(float(np.max(np.diff(gone)) / gone[-1]))
    return {
        "spearman": float(np.mean(orders)) if orders else 0.0,
        "largest_jump": float(np.mean(jumps)) if jumps else 0.0,
        "note_ratio": float(np.mean(between_notes) / max(1e-9, float(np.mean(end_notes)))),
        "consistent": float(np.mean(kept)),
        "pairs": count,
    }
