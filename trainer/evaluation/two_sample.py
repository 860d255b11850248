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
    def names(self) -> Ints:
        """The song of each row, int [n]."""
        return np.arange(len(self.features)) if self.songs is None else self.songs

    @property
    def count(self) -> int:
        """How many songs there are."""
        return len(np.unique(self.names))


@dataclass(frozen=True, slots=True)
class Separation:
    """How well two kinds were distinguished: areas under the curve; .5 cannot tell, 1 always.

    Attributes:
        logistic, boosting: of logistic regression and of gradient boosting, means over the divisions.
        each: the better one's, by division.
        error: standard error of the better one's mean, for the songs that happen to be there: that of areas
            under the curve of clustered data (Obuchowski 1997, "Nonparametric analysis of clustered ROC curve
            data"), each song's part in them averaged over the divisions.
    """

    logistic: float
    boosting: float
    each: tuple[float, ...]
    error: float

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
        paired: both sides number the same songs: all rows of a song go to one half.

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
    rows = np.concatenate([real.features, other.features])
    kinds = np.repeat([0, 1], [len(real.features), len(other.features)])
    second = other.names if paired else other.names + real.names.max() + 1
    both = Side(rows, np.concatenate([real.names, second]))
    _, place = np.unique(both.names, return_inverse=True)
    found, parts = np.zeros((DIVISIONS, 2)), np.zeros((2, place.max() + 1))
    quick = config_context(assume_finite=True, skip_parameter_validation=True)  # each of its trees asks
    with quick, threadpool_limits(1):  # of some hundred rows a second thread only waits
        for number in range(DIVISIONS):
            rng = np.random.default_rng((seed, number))
            first = half(both, rng) if paired else np.concatenate([half(real, rng), half(other, rng)])
            tried = _tried(rows[first], kinds[first], rows[~first], seed + number)
            for judge, scores in enumerate(tried):
                found[number, judge], moved = _area(scores, kinds[~first])
                np.add.at(parts[judge], place[~first], moved / DIVISIONS)
    better = int(found.mean(0).argmax())
    logistic, boosting = found.mean(0).tolist()
    away = float(np.sqrt((parts[better] ** 2).sum()))
    return Separation(logistic, boosting, tuple(found[:, better].tolist()), away)


def half(side: Side, rng: np.random.Generator) -> Bools:
    """Return about half of the phrases, bool [n]: all of some songs, none of the others, neither empty."""
    names, place, counts = np.unique(side.names, return_inverse=True, return_counts=True)
    order = rng.permutation(len(names))
    before = np.cumsum(counts[order])
    taken = 1 + int(np.searchsorted(before[:-2], len(place) / 2))
    out: Bools = np.isin(place, order[:taken])
    return out


def _tried(rows: Floats, kinds: Ints, others: Floats, seed: int) -> tuple[Floats, Floats]:
    """Return what both classifiers, trained on rows of two kinds, say of others: float64 [n]."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - the trainer extra
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(rows, kinds)
    boosting = HistGradientBoostingClassifier(**TREES, random_state=seed).fit(rows, kinds)
    return logistic.predict_proba(others)[:, 1], boosting.predict_proba(others)[:, 1]


def _area(scores: Floats, kinds: Ints) -> tuple[float, Floats]:
    """Return the area under the curve of two kinds' scores, and each one's part in its deviation, [n]."""
    from scipy.stats import rankdata  # noqa: PLC0415 - scikit-learn's own

    above = np.zeros(len(scores))  # share of the other kind that each beats, as it should
    ranks = rankdata(scores)
    counts = np.bincount(kinds, minlength=2)
    for kind in (0, 1):
        mine = kinds == kind
        below = (ranks[mine] - rankdata(scores[mine])) / counts[1 - kind]
        above[mine] = below if kind else 1 - below
    area = float(above[kinds == 1].mean())
    return area, (above - area) / counts[kinds]
