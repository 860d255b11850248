"""Samples of the prior beside held-out phrases: can a classifier tell them apart?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from model.codecs.sampling import Sampling
from model.latent.geometry import Latent
from model.music.phrase import Phrase
from model.playing.player import Player
from trainer.evaluation.batched import at_rest
from trainer.evaluation.features import features
from trainer.evaluation.measures import consistent
from trainer.evaluation.two_sample import Floats, Ints, Side, classify

SAMPLES = 1000
CONTINUATIONS = 400  # each takes as long as many decodes
FEWEST_SAMPLES = 20

Progress = Callable[[str, int, int], None]


def no_progress(_what: str, _done: int, _all: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class Songs:
    """Phrases, and which song each is of: int [phrases]."""

    phrases: Sequence[Phrase]
    songs: Ints


@dataclass(slots=True)
class PlayerOutput:
    """What a player made: of the phrases latents and answers, and what it drew from its prior."""

    latents: list[Latent] = field(default_factory=list)
    decoded: list[Phrase] = field(default_factory=list)
    drawn: list[Phrase] = field(default_factory=list)


def samples(
    player: Player,
    phrases: Sequence[Phrase],
    output: PlayerOutput,
    rng: np.random.Generator,
    progress: Progress = no_progress,
    *,
    songs: Ints | None = None,
    seen: Songs | None = None,
    most: int = SAMPLES,
) -> dict[str, Any]:
    """Let two classifiers tell samples of the prior from held-out phrases (`two_sample.tell`).

    The prior is the player's own (`Player.prior`): what its checkpoint learned, or N(0, I).  What was drawn
    is kept in `output`.

    Args:
        player: the checkpoint.
        phrases: held out.
        output: the answers to them, where there are any; takes the samples.
        rng: of the choice, the samples and the halves.
        progress: called with (what, done, of how many).
        songs: int [phrases], which song each is of; each its own where None.
        seen: of the training split.
        most: samples, where there are as many phrases.

    Returns:
        auc: area under the curve of the better classifier on songs that it did not learn from; 0.5 cannot
            tell, 1 always.  None where there are too few songs.
        auc_least, auc_most: of the ten divisions of the songs that it is the mean of.
        auc_logistic, auc_boosting: of each classifier.
        auc_by_phrase: the better one's where phrases, not songs, are divided: it has then seen all songs.
        auc_reconstructed: the better one's between the same phrases and their own reconstructions.
        auc_training, auc_training_by_phrase: the better one's between held-out phrases and those of `seen`,
            of other songs: what music gets.  Only with enough of them.
        consistent: share of the samples that keep the codec's rules and are not empty.
        phrases: how many of each.
        songs: how many they are of.
    """
    count = min(most, len(phrases))
    if count < FEWEST_SAMPLES:
        return {"auc": None, "phrases": count}
    chosen = rng.permutation(len(phrases))[:count]
    progress("samples", 0, count)  # to draw takes a while
    output.drawn = drawn = at_rest(player, prior(player, count, rng), partial(progress, "samples"))
    codec, seed = player.card.codec, int(rng.integers(1 << 31))
    real = _side([phrases[index] for index in chosen], codec, None if songs is None else songs[chosen])
    figures = _compared(real, drawn, codec, seed)
    if output.decoded:
        answers = _side([output.decoded[index] for index in chosen], codec, real.songs)
        figures["auc_reconstructed"] = _best(real, answers, seed, paired=True)
    if seen is not None and min(count, len(seen.phrases)) >= FEWEST_SAMPLES:
        both = min(count, len(seen.phrases))
        others = _side(seen.phrases[:both], codec, seen.songs[:both])
        figures["auc_training"] = _best(_first(real, both), others, seed)
        figures["auc_training_by_phrase"] = _best(Side(real.features[:both]), Side(others.features), seed)
    return figures


def prior(player: Player, count: int, rng: np.random.Generator) -> list[Latent]:
    """Draw latents from a player's prior."""
    return player.prior(count, int(rng.integers(1 << 31)))


def continuations(
    player: Player,
    phrases: Sequence[Phrase],
    contexts: Sequence[Phrase],
    rng: np.random.Generator,
    progress: Progress = no_progress,
    *,
    songs: Ints | None = None,
) -> dict[str, Any]:
    """Let two classifiers tell what a model without a latent goes on with from held-out phrases.

    Args:
        player: asked at temperature 1.
        phrases: held out.
        contexts: as many phrases to go on from.
        rng: of the choice and of each draw.
        progress: called with (what, done, of how many).
        songs: int [phrases], which song each is of; each its own where None.

    Returns:
        Those that begin with auc and compare samples with phrases, consistent, phrases, songs: as `samples`.
    """
    count = min(CONTINUATIONS, len(phrases))
    if count < FEWEST_SAMPLES:
        return {"auc": None, "phrases": count}
    chosen = rng.permutation(len(phrases))[:count]
    seed = int(rng.integers(1 << 31))
    drawn: list[Phrase] = []
    for number, index in enumerate(chosen):
        drawn.append(player.continuation(contexts[index], sampling=Sampling(1.0, seed=seed + number)))
        progress("continuations", number + 1, count)
    codec = player.card.codec
    real = _side([phrases[index] for index in chosen], codec, None if songs is None else songs[chosen])
    return _compared(real, drawn, codec, seed, paired=True)


def _compared(
    real: Side, drawn: Sequence[Phrase], codec: str, seed: int, *, paired: bool = False
) -> dict[str, Any]:
    """Return both classifiers' success and the share of samples that keep the rules."""
    made = _side(drawn, codec, real.songs if paired else None)
    found = classify(real, made, seed, paired=paired)
    figures: dict[str, Any] = {"auc": None}
    if found is not None:
        figures = {
            "auc": found.best,
            "auc_least": min(found.each),
            "auc_most": max(found.each),
            "auc_logistic": found.logistic,
            "auc_boosting": found.boosting,
        }
    return figures | {
        "auc_by_phrase": _best(Side(real.features), Side(made.features), seed, paired=paired),
        "consistent": float(np.mean([consistent(phrase, codec) and bool(phrase.notes) for phrase in drawn])),
        "phrases": len(drawn),
        "songs": real.count,
    }


def _best(real: Side, other: Side, seed: int, *, paired: bool = False) -> float | None:
    found = classify(real, other, seed, paired=paired)
    return None if found is None else found.best


def _side(phrases: Sequence[Phrase], codec: str, songs: Ints | None) -> Side:
    described: Floats = np.array([features(phrase, codec) for phrase in phrases])
    return Side(described, songs)


def _first(side: Side, count: int) -> Side:
    return Side(side.features[:count], None if side.songs is None else side.songs[:count])
