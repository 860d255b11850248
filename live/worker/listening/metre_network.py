"""The metre's network: what each onset says of how long the bars of a grid are, and where they begin.

A gated recurrent layer (K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014)
hears how onsets follow each other on a grid, not where its bar lines lie.  Of every onset it says how likely
each place of a bar is, if the grid's beat is the performer's, and if it is half or twice as long.  Whoever
reads the onsets in one way adds up what is said of the places where that way has them.

It is computed without arrays, as the engine has none.
Threads: engine only.  Realtime: an onset takes about half a millisecond of the processor.
Tested in tests/live/worker/listening/test_metre_network.py.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import exp, inf, log, tanh
from operator import add, mul
from pathlib import Path
from typing import NamedTuple

from live.worker.listening.onset_features import ALL_ROWS, PlacedFeatures, tempo_rows
from live.worker.listening.weights_file import FILE, METRES, Rows, read

JUDGED = (4,)  # quarters a bar of the metres that have a network
SAME, LONGER, SHORTER = LEVELS = range(3)  # the performer's beat: the grid's, twice as long, half as long
BEATS = (1.0, 2.0, 0.5)  # of the grid, in one of the performer's
INNER, HIDDEN = 48, 64  # units of the first layer and of the recurrent one
PRIORS = (0.5, 0.25, 0.25)  # of the levels, in training


class MetreNetwork(NamedTuple):
    """The weights for one metre; matrices are [out][in].

    Attributes:
        beats: quarters in a bar.
        rows: [feature][inner], the first layer.
        bias: [inner].
        fresh, kept: [3 * hidden][inner] and [3 * hidden][hidden]: reset, update and new state.
        fresh_bias, kept_bias: [3 * hidden].
        places, places_bias: [places of all levels][hidden], in sixteenths of the grid, see `edges`.
        levels, levels_bias: [3][hidden].
        decay: by which what was said fades with each onset, 0..1.
    """

    beats: int
    rows: Rows
    bias: list[float]
    fresh: Rows
    fresh_bias: list[float]
    kept: Rows
    kept_bias: list[float]
    places: Rows
    places_bias: list[float]
    levels: Rows
    levels_bias: list[float]
    decay: float


def edges(beats: int) -> tuple[int, int, int, int]:
    """Return where the places of each level begin among all, and the end."""
    return 0, 4 * beats, 12 * beats, 14 * beats


class MetreEvidence:
    """What the network says along one grid, onset by onset.

    Attributes:
        places: of the last onset: logarithms by place, of all levels one after another.
        mean: of these.
        levels: [3], logarithms of each level, from all onsets, against even odds of all its places.
        total: logarithm of the sum of all levels and places, from all onsets.
    """

    def __init__(self, network: MetreNetwork) -> None:
        self.places: list[float] = []
        self.mean = self.total = 0.0
        self.levels = [0.0, 0.0, 0.0]
        self._network = network
        self._spans = list(pairwise(edges(network.beats)))
        self._on_grid = PlacedFeatures(network.beats)
        self._state = [0.0] * len(network.kept[0])
        self._sums = [0.0] * len(network.places)

    def hear(self, distance: int, played: Sequence[int], top: int, octave: float) -> None:
        """Take an onset.

        Args:
            distance: from the one before, in units of the grid; 0 of the first.
            played: rows of `PlayedFeatures`.
            top: its highest pitch.
            octave: log2 of the grid's tempo in bpm.
        """
        network = self._network
        rows = network.rows
        low, high, share = tempo_rows(octave)
        chosen = [rows[row] for row in (*played, *self._on_grid.of(distance, top))]
        tempo = [(1 - share) * a + share * b for a, b in zip(rows[low], rows[high], strict=True)]
        inner = [max(0.0, value) for value in map(sum, zip(network.bias, tempo, *chosen, strict=True))]
        self._state = state = _gated(network, inner, self._state)
        self.places = _times(network.places, state, network.places_bias)
        self.mean = sum(self.places) / len(self.places)
        levels = _times(network.levels, state, network.levels_bias)
        sixteenth, decay, top_sum = self._on_grid.place // 6, network.decay, -inf
        for (first, after), level in zip(self._spans, levels, strict=True):
            turn = first + sixteenth % (after - first)
            said = self.places[first : turn + 1][::-1] + self.places[turn + 1 : after][::-1]
            self._sums[first:after] = [
                decay * a + b for a, b in zip(self._sums[first:after], said, strict=True)
            ]
            top_sum = max(top_sum, level + max(self._sums[first:after]))
        self.total = top_sum + log(
            sum(
                exp(level + value - top_sum)
                for (first, after), level in zip(self._spans, levels, strict=True)
                for value in self._sums[first:after]
            )
        )
        self.levels = [
            level + log((after - first) / prior)
            for level, (first, after), prior in zip(levels, self._spans, PRIORS, strict=True)
        ]

    def at(self, level: int, sixteenth: int) -> float:
        """Return what was said of a place: sixteenths of the grid after a bar line, if the level is right."""
        first, after = self._spans[level]
        return self.places[first + sixteenth % (after - first)]


def _times(matrix: Rows, vector: Sequence[float], bias: Sequence[float]) -> list[float]:
    return [sum(map(mul, row, vector), offset) for row, offset in zip(matrix, bias, strict=True)]


def _gated(network: MetreNetwork, inner: Sequence[float], state: Sequence[float]) -> list[float]:
    fresh = _times(network.fresh, inner, network.fresh_bias)
    kept = _times(network.kept, state, network.kept_bias)
    size = len(state)
    opened = [0.5 + 0.5 * tanh(value / 2) for value in map(add, fresh[: 2 * size], kept[: 2 * size])]
    new = [
        tanh(a + gate * b)
        for a, b, gate in zip(fresh[2 * size :], kept[2 * size :], opened[:size], strict=True)
    ]
    return [a + gate * (b - a) for a, b, gate in zip(new, state, opened[size:], strict=True)]


@lru_cache(maxsize=4)
def metre_network(beats: int, path: Path = FILE) -> MetreNetwork:
    """Return the network of a metre, one of JUDGED.  Raises as `weights_file.read` does."""
    hidden, inner, places = HIDDEN, INNER, edges(beats)[-1]
    sizes = {
        "rows": (ALL_ROWS, inner), "bias": (1, inner), "decay": (1, 1),
        "fresh": (3 * hidden, inner), "fresh_bias": (1, 3 * hidden),
        "kept": (3 * hidden, hidden), "kept_bias": (1, 3 * hidden),
        "places": (places, hidden), "places_bias": (1, places),
        "levels": (len(LEVELS), hidden), "levels_bias": (1, len(LEVELS)),
    }  # fmt: skip
    arrays = read(path, {f"{METRES[beats]} {name}": size for name, size in sizes.items()})
    named = {name: arrays[f"{METRES[beats]} {name}"] for name in sizes}
    return MetreNetwork(
        beats, named["rows"], named["bias"][0], named["fresh"], named["fresh_bias"][0], named["kept"],
        named["kept_bias"][0], named["places"], named["places_bias"][0], named["levels"],
        named["levels_bias"][0], named["decay"][0][0],
    )  # fmt: skip
