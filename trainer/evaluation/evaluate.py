"""`evaluate`: a checkpoint's reconstruction, knobs, morphs, samples and music, through `Player` alone.

Every figure is measured on decoded phrases, free-running, at temperature 0.  Definitions stand with the
functions; the result is the dictionary that `--json` writes.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from model.checkpoint import read
from model.codecs.melody import HOLD, REST
from model.codecs.sampling import Sampling
from model.music.phrase import Phrase
from model.music.tracks import DRUMS, TRACKS
from model.playing.player import Player
from trainer.errors import OperationError
from trainer.evaluation.batched import at_rest, decoded, encoded, portions, posteriors
from trainer.evaluation.going_on import next_phrase, variation
from trainer.evaluation.heldout import HeldOut, parameters_of
from trainer.evaluation.knobs import interpolation, knobs
from trainer.evaluation.measures import Score, consistent, kl_bits, symbols
from trainer.evaluation.music_metrics import ensemble
from trainer.evaluation.parts import Figures, Parts, accompanied, alone, exchanged
from trainer.evaluation.samples import (
    SAMPLES,
    PlayerOutput,
    Progress,
    Songs,
    continuations,
    no_progress,
    prior,
    samples,
)
from trainer.evaluation.speed import speed
from trainer.evaluation.stages import Stages
from trainer.evaluation.two_sample import Ints
from trainer.run.checkpoints import is_stepwise, path_of

ACTIVE = 0.01
NO_NOISE = -20.0  # a log-variance below it is a point's, not a distribution's
DRAWN = 500  # points of a generator that nothing encodes for; samples whose music is counted
STEPWISE_SHARE = 0.2  # of knobs' phrases and pairs: a decode of 32 steps takes as long as 10 of one
COUNTED = {"multitrack": tuple(range(len(TRACKS))), "drums": (DRUMS,)}
"""Tracks whose music `trainer.evaluation.music_metrics` counts, by codec."""
RECONSTRUCTION = (
    "step_accuracy",
    "step_accuracy_sampled",
    "note_precision",
    "note_recall",
    "note_f1",
    "note_f1_length",
    "note_f1_sampled",
    "exact",
    "exact_sampled",
    "velocity_error",
    "kl_bits",
    "active_units",
    "consistent",
)


def evaluate_checkpoint(
    player: Player,
    checkpoint: str,
    data: HeldOut,
    *,
    seed: int = 0,
    most_samples: int = SAMPLES,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Return all figures of a checkpoint: those of `evaluate`, of `teacher_forced`, `going_on` and `speed`.

    Args:
        player: the checkpoint, open.
        checkpoint: its path, or the name of a shipped one.
        data: phrases held out, at least one.
        seed: of every draw.
        most_samples: draws of the prior that are looked at.
        progress: called with (what, done, of how many).

    Raises:
        OperationError: there is no phrase.
    """
    stages = Stages()
    found = evaluate(
        player,
        data.phrases,
        contexts=data.contexts,
        songs=data.songs,
        seen=data.seen,
        parameters=parameters_of(player, checkpoint),
        seed=seed,
        most_samples=most_samples,
        share=STEPWISE_SHARE if is_stepwise(path_of(checkpoint)) else 1.0,
        progress=progress,
        stages=stages,
    )
    taught = None
    if data.whole is not None and path_of(checkpoint).is_file():
        from trainer.evaluation.teacher_forced import forced  # noqa: PLC0415 - loads torch

        with stages.of("teacher forced"):
            taught = forced(read(path_of(checkpoint)), data.whole)
    with stages.of("speed"):
        taken = speed(player, data.phrases)
    with stages.of("variation"):
        varied = variation(player, data.phrases, seed=seed, progress=progress)
    with stages.of("next phrase"):
        ranked = None if data.pieces is None else next_phrase(player.card.codec, data.pieces, seed=seed)
    return found | {
        "teacher_forced": taught,
        "speed": taken,
        "variation": varied,
        "next_phrase": ranked,
        "seconds": stages.seconds,
        "checkpoint": checkpoint,
    }


def evaluate(
    player: Player,
    phrases: Sequence[Phrase],
    *,
    contexts: Sequence[Phrase] | None = None,
    songs: Ints | None = None,
    seen: Songs | None = None,
    parameters: int | None = None,
    seed: int = 0,
    most_samples: int = SAMPLES,
    share: float = 1.0,
    progress: Progress = no_progress,
    stages: Stages | None = None,
) -> dict[str, Any]:
    """Measure a player on held-out phrases.

    A model without a latent has no reconstruction, knobs or glides: those figures are None; what it goes on
    with after a phrase stands for its samples.  A generator without an encoder has no reconstruction;
    its knobs and glides are measured on points that its prior draws.  Parts and their music are those of
    several tracks, and of drums the music alone; of other codecs they are None.

    Args:
        player: the checkpoint.
        phrases: of its grid, at least one.
        contexts: for a model without a latent, what came before each phrase; the phrases themselves where
            that is not known.
        songs: int [phrases], which song each is of: classifiers are tried on songs that they did not learn
            from.  Each its own where None.
        seen: training phrases: a classifier tells them from the phrases too, for what samples are to be
            judged by.
        parameters: of the checkpoint, where known.
        seed: of the posterior's samples, the pairs, the prior's samples and the classifiers.
        most_samples: draws of the prior that are looked at.
        share: of the phrases, pairs and samples that knobs, glides, parts alone and music are measured on.
        progress: called with (what, done, of how many).
        stages: takes how long each part took.

    Raises:
        OperationError: there is no phrase.
    """
    stages = stages or Stages()
    if not phrases:
        raise OperationError("there is no phrase to evaluate on")
    output = PlayerOutput()
    rng = np.random.default_rng(seed)
    result: dict[str, Any] = {
        "name": player.card.name,
        "codec": player.card.codec,
        "parameters": parameters,
        "phrases": len(phrases),
        "runtime": player.card.runtime,
        "seed": seed,
        "latent_size": player.card.latent_size,
    }
    card = player.card
    result["parts"] = result["one_part_alone"] = None
    if card.latent_size and card.encodes:
        with stages.of("reconstruction"):
            result["reconstruction"], parts = reconstruction(player, phrases, output, rng, progress)
            result["baselines"] = baselines(phrases, output.decoded, card.codec)
        if card.codec == "multitrack":
            result["parts"] = parts
            with stages.of("one part alone"):
                result["one_part_alone"] = alone(player, phrases, progress, share=share)
    else:
        result["reconstruction"] = dict.fromkeys(RECONSTRUCTION)
        result["baselines"] = baselines(phrases, [], card.codec)
    known, latents = list(phrases), output.latents
    if card.latent_size and not latents:
        latents = prior(player, min(DRAWN, len(phrases)), rng)
        known = at_rest(player, latents)
    with stages.of("knobs"):
        result["knobs"] = knobs(player, known, latents, progress, share=share) if latents else {}
    with stages.of("interpolation"):
        glides = interpolation(player, latents, rng, progress, share=share) if latents else None
        result["interpolation"] = glides
    before = contexts or phrases
    with stages.of("samples"):
        if card.latent_size:
            result["samples"] = samples(
                player, phrases, output, rng, progress, songs=songs, seen=seen, most=most_samples
            )
        else:
            result["samples"] = continuations(player, phrases, before, rng, progress, songs=songs)
    result["music"] = None
    if card.codec in COUNTED:
        with stages.of("music"):
            result["music"] = music(
                player,
                phrases,
                output.decoded,
                before,
                drawn=output.drawn,
                seed=seed,
                share=share,
                progress=progress,
            )
    return result


def reconstruction(
    player: Player,
    phrases: Sequence[Phrase],
    output: PlayerOutput,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[dict[str, float | None], Figures]:
    """Encode and decode every phrase, from the posterior's mean and from one sample of it.

    Returns the figures of the whole, and `trainer.evaluation.parts.Parts.figures` of each part:
        step_accuracy: share of equal steps, rests and holds counted (see `measures.symbols`).
        note_precision, note_recall, note_f1: on (onset, pitch), pooled over the phrases.
        note_f1_length: on (onset, pitch, length).
        exact: share of phrases with every (onset, pitch, length) right and nothing else.
        velocity_error: mean distance of the velocities of the notes found; whatever the data's variety.
        step_accuracy_sampled, note_f1_sampled, exact_sampled: from one sample of the posterior.
        kl_bits: mean KL to the unit normal, bits a phrase.
        active_units: dimensions whose mean varies by more than .01 over the phrases.
        consistent: share of the answers that keep the codec's rules.

        Sampled figures and bits are None for a player without a posterior, also one whose summary is a point;
        so are units without any.
    """
    codec = player.card.codec
    plain, sampled = Score(codec), Score(codec)
    parts, parts_sampled = Parts(), Parts()
    bits: list[float] = []
    means: list[np.ndarray] = []
    valid: list[bool] = []
    for done, portion in portions(phrases):
        latents = encoded(player, portion)
        answers = decoded(player, [(latent, {}) for latent in latents])
        output.latents += latents
        output.decoded += answers
        for answer, phrase in zip(answers, portion, strict=True):
            plain.add(answer, phrase)
            parts.add(answer, phrase)
            valid.append(consistent(answer, codec))
        spread = posteriors(player, portion)
        means += [mu for mu, _ in spread]
        noisy = [row for row, (_, logvar) in enumerate(spread) if np.max(logvar) >= NO_NOISE]
        bits += [kl_bits(*spread[row]) for row in noisy]
        beside = [replace(latents[row], z=_sampled(*spread[row], rng)) for row in noisy]
        drawn = decoded(player, [(latent, {}) for latent in beside])
        for row, answer in zip(noisy, drawn, strict=True):
            sampled.add(answer, portion[row])
            parts_sampled.add(answer, portion[row])
        progress("reconstruction", done, len(phrases))
    known = bool(bits)
    whole = {
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
        "consistent": float(np.mean(valid)),
    }
    return whole, parts.figures(parts_sampled)


def _sampled(mean: np.ndarray, logvar: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a point, float32 [d], of a posterior."""
    noise = rng.standard_normal(mean.shape).astype(np.float32)
    return np.asarray(mean + np.exp(0.5 * logvar) * noise, dtype=np.float32)


def music(
    player: Player,
    phrases: Sequence[Phrase],
    answers: Sequence[Phrase],
    contexts: Sequence[Phrase],
    *,
    drawn: Sequence[Phrase] = (),
    seed: int = 0,
    share: float = 1.0,
    progress: Progress = no_progress,
) -> dict[str, dict[str, float]]:
    """Count what `music_metrics.ensemble` counts, in music that was played and in music that was made.

    Args:
        player: of a codec in `COUNTED`.
        phrases: held out.
        answers: the player's to them, or none.
        contexts: for a player without a latent, what it goes on from.
        drawn: samples that there are already; they are counted in place of new ones.
        seed: of new samples.
        share: of the samples, for a model whose decodes take long.
        progress: called with (what, done, of how many).

    Returns:
        held_out: figures of the phrases.
        answers: of the answers, where there are any.
        samples: of up to 500 phrases at points that the prior draws, decoded as in `samples`; of a player
            without a latent, of what it goes on with at temperature 1.
        accompanied: of melodies of the phrases with the parts that the player writes to them, if it can.
        exchanged: beside that, of the same melodies with the parts of another phrase.
    """
    tracks = COUNTED[player.card.codec]
    count = max(1, round(min(len(phrases), DRAWN) * share))
    made = list(drawn[:count])
    if not made and player.card.latent_size:
        latents = prior(player, count, np.random.default_rng((seed, 1)))
        made = at_rest(player, latents, partial(progress, "music"))
    elif not made:
        for number, context in enumerate(contexts[:count]):
            made.append(player.continuation(context, sampling=Sampling(1.0, seed=seed + number)))
            progress("music", number + 1, count)
    joined = accompanied(player, phrases, seed=seed, share=share, progress=progress)
    kinds = {"held_out": phrases, "answers": answers, "samples": made, "accompanied": joined}
    if joined:
        kinds["exchanged"] = exchanged(phrases, share=share)
    return {name: ensemble(some, tracks) for name, some in kinds.items() if some}


def baselines(phrases: Sequence[Phrase], decoded: Sequence[Phrase], codec: str) -> dict[str, float]:
    """Return what is had for nothing, on the same phrases.

    Args:
        phrases: held out.
        decoded: the model's answers to them; none of a model without a latent.
        codec: of the phrases.

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
    found = {"step_accuracy_commonest": max(counts.values()) / total}
    if decoded:
        shuffled = Score(codec)
        for number, phrase in enumerate(phrases):
            shuffled.add(decoded[(number + 1) % len(decoded)], phrase)
        found |= {"step_accuracy_shuffled": shuffled.steps, "note_f1_shuffled": shuffled.notes.f1}
    if codec == "melody":
        found |= {"rest_share": counts.get(REST, 0) / total, "hold_share": counts.get(HOLD, 0) / total}
    return found
