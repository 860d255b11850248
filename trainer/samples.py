"""Samples of the prior beside held-out phrases: can a classifier tell them apart?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from model.latent import Latent
from model.phrase import Phrase
from model.player import Player
from trainer.errors import FailureError
from trainer.measures import consistent
from trainer.traits import features

SAMPLES = 1000
CONTINUATIONS = 400  # each takes as long as many decodes
FEWEST_SAMPLES = 20
MISSING = "{} is not installed; the trainer needs it: pip install 'twobar[trainer]'"

Progress = Callable[[str, int, int], None]


def silent(_what: str, _done: int, _all: int) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Heard:
    """What a player made: of the phrases latents and answers, and what it drew from its prior."""

    latents: list[Latent] = field(default_factory=list)
    decoded: list[Phrase] = field(default_factory=list)
    drawn: list[Phrase] = field(default_factory=list)


def samples(
    player: Player,
    phrases: Sequence[Phrase],
    heard: Heard,
    rng: np.random.Generator,
    progress: Progress = silent,
    *,
    seen: Sequence[Phrase] = (),
) -> dict[str, Any]:
    """Let two classifiers tell samples of the prior from held-out phrases.

    The prior is the player's own (`Player.prior`): what its checkpoint learned, or N(0, I).  What was drawn
    is kept in `heard`.

    Returns:
        auc: area under the curve on the unseen half, of the better classifier; 0.5 cannot tell, 1 always.
        auc_logistic, auc_boosting: of each.
        auc_reconstructed: the better one's between the same phrases and their own reconstructions.
        auc_training: the better one's between held-out phrases and those of `seen`, of other songs: music
            that is like the training songs in all is told as well as this.  Only with enough of them.
        consistent: share of the samples that keep the codec's rules and are not empty.
        phrases: how many of each.

    """
    count = min(SAMPLES, len(phrases))
    if count < FEWEST_SAMPLES:
        return {"auc": None, "phrases": count}
    chosen = rng.permutation(len(phrases))[:count].tolist()
    drawn: list[Phrase] = []
    for number, latent in enumerate(prior(player, count, rng)):
        drawn.append(player.decode(latent, turns={}))
        progress("samples", number + 1, count)
    heard.drawn = drawn
    real = np.array([features(phrases[index], player.card.codec) for index in chosen])
    seed = int(rng.integers(1 << 31))
    told = _told(real, drawn, player.card.codec, seed)
    if heard.decoded:
        answers = np.array([features(heard.decoded[index], player.card.codec) for index in chosen])
        told["auc_reconstructed"] = max(two_sample(real, answers, seed))
    both = min(count, len(seen))
    if both >= FEWEST_SAMPLES:
        others = np.array([features(phrase, player.card.codec) for phrase in seen[:both]])
        told["auc_training"] = max(two_sample(real[:both], others, seed))
    return told


def prior(player: Player, count: int, rng: np.random.Generator) -> list[Latent]:
    """Draw latents from a player's prior."""
    return player.prior(count, int(rng.integers(1 << 31)))


def continuations(
    player: Player,
    phrases: Sequence[Phrase],
    contexts: Sequence[Phrase],
    rng: np.random.Generator,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Let two classifiers tell what a model without a latent goes on with from held-out phrases.

    Args:
        player: asked at temperature 1.
        phrases: held out.
        contexts: as many phrases to go on from.
        rng: of the choice and of each draw.
        progress: told (what, done, of how many).

    Returns:
        auc, auc_logistic, auc_boosting, consistent, phrases: as `samples`.

    """
    count = min(CONTINUATIONS, len(phrases))
    if count < FEWEST_SAMPLES:
        return {"auc": None, "phrases": count}
    chosen = rng.permutation(len(phrases))[:count].tolist()
    seed = int(rng.integers(1 << 31))
    drawn: list[Phrase] = []
    for number, index in enumerate(chosen):
        drawn.append(player.continuation(contexts[index], temperature=1.0, seed=seed + number))
        progress("continuations", number + 1, count)
    real = np.array([features(phrases[index], player.card.codec) for index in chosen])
    return _told(real, drawn, player.card.codec, seed)


def _told(real: np.ndarray, drawn: Sequence[Phrase], codec: str, seed: int) -> dict[str, Any]:
    """Return both classifiers' success and the share of samples that keep the rules."""
    told = two_sample(real, np.array([features(phrase, codec) for phrase in drawn]), seed)
    return {
        "auc": max(told),
        "auc_logistic": told[0],
        "auc_boosting": told[1],
        "consistent": float(np.mean([consistent(phrase, codec) and bool(phrase.notes) for phrase in drawn])),
        "phrases": len(drawn),
    }


def two_sample(real: np.ndarray, drawn: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the AUC of logistic regression and of gradient boosting, trained on one half, on the other.

    Args:
        real: float64 [n, features], n at least 4.
        drawn: float64 [n, features]; row i of both goes to the same half.
        seed: of the halves and the boosting.

    Raises:
        FailureError: scikit-learn is not installed.

    """
    try:
        from sklearn.ensemble import GradientBoostingClassifier  # noqa: PLC0415 - the trainer extra
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
        from sklearn.metrics import roc_auc_score  # noqa: PLC0415
        from sklearn.pipeline import make_pipeline  # noqa: PLC0415
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415
    except ImportError as error:
        raise FailureError(MISSING.format("scikit-learn")) from error
    order = np.random.default_rng(seed).permutation(len(real))
    seen, unseen = order[: len(real) // 2], order[len(real) // 2 :]
    train = np.concatenate([real[seen], drawn[seen]])
    test = np.concatenate([real[unseen], drawn[unseen]])
    labels = [np.repeat([0, 1], len(half)) for half in (seen, unseen)]
    judges = (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        GradientBoostingClassifier(random_state=seed),
    )
    scores = []
    for judge in judges:
        judge.fit(train, labels[0])
        scores.append(float(roc_auc_score(labels[1], judge.predict_proba(test)[:, 1])))
    return scores[0], scores[1]
