"""Can a classifier tell two kinds of phrases apart?  Two of them try, on songs that they did not learn from.

Phrases of one song are alike.  A classifier that has learned from some of them knows the others again, and
tells even one half of the held-out music from the other.  So a song's phrases all go to one half, as
everywhere in the trainer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.errors import MISSING, OperationError

DIVISIONS = 10  # of the songs into halves: with few songs one division says little
FEWEST_SONGS = 4
TREES: Mapping[str, Any] = {
    "max_iter": 100,
    "max_depth": 3,
    "max_leaf_nodes": None,
    "min_samples_leaf": 1,
    "early_stopping": False,
}
"""As `GradientBoostingClassifier` has them, which takes four times as long to tell as much."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Side:
    """Phrases of one kind.

    Attributes:
        features: float64 [n, features], n at least 4.
        songs: int [n], which song each is of; each its own where None.
    """

    features: Floats
    songs: Ints | None = None

    @property
    def count(self) -> int:
        """How many songs there are."""
        return len(self.features) if self.songs is None else len(np.unique(self.songs))


@dataclass(frozen=True, slots=True)
class Separation:
    """How well two kinds were distinguished: areas under the curve; .5 cannot tell, 1 always.

    Attributes:
        logistic, boosting: of logistic regression and of gradient boosting, means over the divisions.
        each: the better one's, by division.
    """

    logistic: float
    boosting: float
    each: tuple[float, ...]

    @property
    def best(self) -> float:
        """The better classifier's mean."""
        return max(self.logistic, self.boosting)


def classify(real: Side, other: Side, seed: int, *, paired: bool = False) -> Separation | None:
    """Train two classifiers on one half of the songs, try them on the other; so many times.

    Args:
        real: music.
        other: what is held against it.
        seed: of the halves and the boosting.
        paired: row i of both belongs to one song and goes to one half.

    Returns:
        How well they did; None where either side has too few songs.

    Raises:
        OperationError: scikit-learn is not installed.
    """
    if min(real.count, other.count) < FEWEST_SONGS:
        return None
    try:
        from sklearn import config_context  # noqa: PLC0415 - the trainer extra
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - scikit-learn's own
    except ImportError as error:
        raise OperationError(MISSING.format("scikit-learn")) from error
    found = np.zeros((DIVISIONS, 2))
    quick = config_context(assume_finite=True, skip_parameter_validation=True)  # each of its trees asks
    with quick, threadpool_limits(1):  # of some hundred rows a second thread only waits
        for number in range(DIVISIONS):
            rng = np.random.default_rng((seed, number))
            first = half(real, rng)
            second = first if paired else half(other, rng)
            found[number] = _tried(real.features, other.features, first, second, seed + number)
    better = int(found.mean(0).argmax())
    logistic, boosting = found.mean(0).tolist()
    return Separation(logistic, boosting, tuple(found[:, better].tolist()))


def half(side: Side, rng: np.random.Generator) -> Bools:
    """Return about half of the phrases, bool [n]: all of some songs, none of the others, neither empty."""
    songs = np.arange(len(side.features)) if side.songs is None else side.songs
    names, place, counts = np.unique(songs, return_inverse=True, return_counts=True)
    order = rng.permutation(len(names))
    before = np.cumsum(counts[order])
    taken = 1 + int(np.searchsorted(before[:-2], len(songs) / 2))
    out: Bools = np.isin(place, order[:taken])
    return out


def _tried(real: Floats, other: Floats, first: Bools, second: Bools, seed: int) -> tuple[float, float]:
    """Return both classifiers' area under the curve, trained on the marked rows, on the others."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - the trainer extra
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    train, test = (
        (np.concatenate([real[one], other[two]]), np.repeat([0, 1], [one.sum(), two.sum()]))
        for one, two in ((first, second), (~first, ~second))
    )
    judges: tuple[Any, ...] = (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        HistGradientBoostingClassifier(**TREES, random_state=seed),
    )
    scores = []
    for judge in judges:
        judge.fit(*train)
        scores.append(float(roc_auc_score(test[1], judge.predict_proba(test[0])[:, 1])))
    return scores[0], scores[1]
