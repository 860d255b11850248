"""Both ends of every knob beside music: phrases that measure the same of what is turned.

So far out lies one phrase of fifty: they are looked for in the train split, which has most songs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.figures import Row
from benchmarks.study import Area, Study
from model.music.attributes import applicable, measure
from trainer.evaluation.samples import Songs

UNSEEN = {"melody": {"dynamics"}, "poly": {"dynamics"}, "multitrack": {"dynamics"}, "drums": set[str]()}
"""Attributes that no feature of the classifiers heeds, by codec."""
LIKE = 0.65
POOL = 40_000  # phrases of music among which is looked
NEAR = 0.1  # standard deviations that music may measure otherwise
FEWEST = 40  # answers that have music of their measure

Measures = np.ndarray  # float64 [phrases, attributes]


@dataclass(frozen=True, slots=True)
class Measured:
    """Phrases of songs, and what each measures of the attributes."""

    songs: Songs
    values: Measures

    @classmethod
    def of(cls, songs: Songs, names: Sequence[str]) -> "Measured":
        """Measure phrases."""
        return cls(
            songs, np.array([[found[name] for name in names] for found in map(measure, songs.phrases)])
        )

    def chosen(self, places: Sequence[int]) -> Songs:
        """Return some of the phrases."""
        return Songs([self.songs.phrases[place] for place in places], self.songs.songs[list(places)])


def ends(study: Study) -> Iterator[Row]:
    """Hold both ends of each knob against music that measures the same.

    Beside them stand the phrases themselves, at rest, against music that measures what they do: less is not
    to be had.  And the answers against music that is as near as there is in every other attribute, too: what
    is more for the one alone is what a phrase is that only one attribute of has moved.
    """
    names = applicable(study.codec)
    music = Measured.of(study.held("train", POOL), names)
    at_rest = Measured.of(Songs(study.phrases, study.songs), names)
    for column, name in enumerate(names):
        if name in UNSEEN[study.codec]:
            continue
        one, every = np.eye(len(names))[column], np.ones(len(names))
        rest, _ = compared(study, at_rest, music, column, one)
        areas, beside = [], []
        for answers in study.turned({name: -1.0}, {name: 1.0}, phrases=range(len(study.phrases))):
            turned = Measured.of(Songs(answers, study.songs), names)
            area, count = compared(study, turned, music, column, one)
            nearer, _ = compared(study, turned, music, column, every)
            areas.append(area.value)
            beside.append(f"{area.error:.3f} (n {count}; like it in all {nearer.value:.3f})")
        yield Row(
            f"music: {name} -1 and 1, {study.name}: AUC against music that measures the same",
            f"<= {LIKE:g}",
            " ".join(f"{area:.3f}" for area in areas),
            f"at rest {rest.value:.3f}; standard error {', '.join(beside)}",
            max(areas) <= LIKE,
        )


def compared(
    study: Study, answers: Measured, music: Measured, column: int, weights: np.ndarray
) -> tuple[Area, int]:
    """Return how well answers are told from music like them, and how many have such music.

    Args:
        study: tells them apart.
        answers: to be held against music.
        music: among which is looked.
        column: the attribute in which they must be alike.
        weights: of all attributes, for what is nearest.
    """
    pairs = [*alike(answers.values, music.values, column, weights)]
    if len(pairs) < FEWEST:
        return Area(float("nan"), float("nan")), len(pairs)
    mine, theirs = zip(*pairs, strict=True)
    return study.apart(music.chosen(theirs), answers.chosen(mine), paired=False), len(pairs)


def alike(answers: Measures, music: Measures, column: int, weights: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the places of answers and of the music nearest to each, none twice; of those that have any."""
    spread = np.maximum(music.std(0), 1e-6)
    free = np.ones(len(music), dtype=bool)
    for place, row in enumerate(answers):
        away = np.abs(music - row) / spread
        near = free & (away[:, column] <= NEAR)
        if near.any():
            nearest = int(np.where(near, away @ weights, np.inf).argmin())
            free[nearest] = False
            yield place, nearest
