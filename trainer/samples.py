"""Samples of the prior beside held-out phrases: can a classifier tell them apart?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from model.latent import Latent
from model.phrase import Phrase
from model.player import Player
from trainer.errors import FailureError
from trainer.measures import consistent, features

SAMPLES = 1000
FEWEST_SAMPLES = 20
MISSING = "{} is not installed; the trainer needs it: pip install 'twobar[trainer]'"

Progress = Callable[[str, int, int], None]


def silent(_what: str, _done: int, _all: int) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Heard:
    """What a player made of the phrases: latents, and one line of the reconstruction table in the making."""

    latents: list[Latent] = field(default_factory=list)
    decoded: list[Phrase] = field(default_factory=list)


def samples(
    player: Player,
    phrases: Sequence[Phrase],
    heard: Heard,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Let two classifiers tell samples of the prior from held-out phrases.

    The prior is a normal distribution with the spread of each dimension over the training data
    (`Card.scale`); the attributes that a conditioned decoder asks for are those of held-out phrases.

    Returns:
        auc: area under the curve on the unseen half, of the better classifier; 0.5 cannot tell, 1 always.
        auc_logistic, auc_boosting: of each.
        auc_reconstructed: the better one's between the same phrases and their own reconstructions.
        consistent: share of the samples that keep the codec's rules and are not empty.
        phrases: how many of each.

    """
    count = min(SAMPLES, len(phrases))
    if count < FEWEST_SAMPLES or not player.card.latent_size:
        return {"auc": None, "phrases": count}
    scale = np.asarray(player.card.scale, dtype=np.float32)
    chosen = rng.permutation(len(phrases))[:count].tolist()
    drawn: list[Phrase] = []
    for number, index in enumerate(chosen):
        z = np.asarray(scale * rng.standard_normal(len(scale)), dtype=np.float32)
        drawn.append(player.decode(replace(heard.latents[index], z=z), turns={}))
        progress("samples", number + 1, count)
    real = np.array([features(phrases[index]) for index in chosen])
    seed = int(rng.integers(1 << 31))
    told = two_sample(real, np.array([features(phrase) for phrase in drawn]), seed)
    again = two_sample(real, np.array([features(heard.decoded[index]) for index in chosen]), seed)
    kept = [consistent(phrase, player.card.codec) and bool(phrase.notes) for phrase in drawn]
    return {
        "auc": max(told),
        "auc_logistic": told[0],
        "auc_boosting": told[1],
        "auc_reconstructed": max(again),
        "consistent": float(np.mean(kept)),
        "phrases": count,
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
