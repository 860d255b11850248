"""The metre's network: what each onset says of how long the bars of a grid are, and where they begin.

A gated recurrent layer (K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014)
hears how onsets follow each other on a grid, not where its bar lines lie.  Of every onset it says how likely
each place of a bar is, if the grid's beat is the performer's, and if it is half or twice as long.  Whoever
reads the onsets in one way adds up what is said of the places where that way has them.

Threads: one at a time.
Tested in tests/live/worker/listening/test_metre_network.py.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from live.worker.listening.metrical_positions import METRES, quarters
from live.worker.listening.onset_features import ALL_ROWS, PlacedFeatures, tempo_rows
from live.worker.listening.weights_file import FILE, Matrix, read
from model.music.metre import Metre

SAME, LONGER, SHORTER = LEVELS = range(3)  # the performer's beat: the grid's, twice as long, half as long
BEATS = (1.0, 2.0, 0.5)  # of the grid, in one of the performer's
INNER, HIDDEN = 48, 64  # units of the first layer and of the recurrent one
PRIORS = (0.5, 0.25, 0.25)  # of the levels, in training

Vector = NDArray[np.float64]


class MetreNetwork(NamedTuple):
    """The weights for one metre; matrices are [out][in].

    Attributes:
        metre: one of METRES.
        rows: [feature][inner], the first layer.
        bias: [inner].
        fresh, carried: [3 * hidden][inner] and [3 * hidden][hidden]: reset, update and new state.
        fresh_bias, carried_bias: [3 * hidden].
        places, places_bias: [places of all levels][hidden], in sixteenths of the grid, see `edges`.
        levels, levels_bias: [3][hidden].
        decay: by which what was said fades with each onset, 0..1.
    """

    metre: Metre
    rows: Matrix
    bias: Vector
    fresh: Matrix
    fresh_bias: Vector
    carried: Matrix
    carried_bias: Vector
    places: Matrix
    places_bias: Vector
    levels: Matrix
    levels_bias: Vector
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
        begins = np.array(edges(quarters(network.metre)))
        sizes = np.diff(begins)
        self._level = np.repeat(np.arange(len(sizes)), sizes)
        self._first, self._sizes = begins[self._level], sizes[self._level]
        self._shifts = np.arange(begins[-1]) - self._first
        self._even = np.log(sizes / PRIORS)
        self._on_grid = PlacedFeatures(network.metre)
        self._state = np.zeros(network.carried.shape[1])
        self._sums = np.zeros(begins[-1])

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
        present = rows[[*played, *self._on_grid.of(distance, top)]].sum(0)
        inner = np.maximum(network.bias + present + (1 - share) * rows[low] + share * rows[high], 0.0)
        self._state = state = _gated(network, inner, self._state)
        places = network.places @ state + network.places_bias
        levels = network.levels @ state + network.levels_bias
        turned = places[self._first + (self._on_grid.place // 6 - self._shifts) % self._sizes]
        self._sums = network.decay * self._sums + turned
        self.places, self.mean = places.tolist(), float(places.mean())
        self.total = float(np.logaddexp.reduce(levels[self._level] + self._sums))
        self.levels = (levels + self._even).tolist()

    def at(self, level: int, sixteenth: int) -> float:
        """Return what was said of a place: sixteenths of the grid after a bar line, if the level is right."""
        first, after = edges(quarters(self._network.metre))[level : level + 2]
        return self.places[first + sixteenth % (after - first)]


def _gated(network: MetreNetwork, inner: Vector, state: Vector) -> Vector:
    fresh = network.fresh @ inner + network.fresh_bias
    carried = network.carried @ state + network.carried_bias
    size = len(state)
    opened = 0.5 + 0.5 * np.tanh((fresh[: 2 * size] + carried[: 2 * size]) / 2)
    new = np.tanh(fresh[2 * size :] + opened[:size] * carried[2 * size :])
    return new + opened[size:] * (state - new)


@lru_cache(maxsize=4)
def metre_network(metre: Metre, path: Path = FILE) -> MetreNetwork:
    """Return the network for a metre, one of METRES.  Raises as `weights_file.read` does."""
    hidden, inner, places = HIDDEN, INNER, edges(quarters(metre))[-1]
    in_file = {name: f"{METRES[metre]} {name}" for name in ("places", "places_bias")}
    in_file |= {"carried": "kept", "carried_bias": "kept_bias"}
    sizes = {
        "rows": (ALL_ROWS, inner), "bias": (1, inner), "decay": (1, 1),
        "fresh": (3 * hidden, inner), "fresh_bias": (1, 3 * hidden),
        "carried": (3 * hidden, hidden), "carried_bias": (1, 3 * hidden),
        "places": (places, hidden), "places_bias": (1, places),
        "levels": (len(LEVELS), hidden), "levels_bias": (1, len(LEVELS)),
    }  # fmt: skip
    arrays = read(path, {in_file.get(name, name): size for name, size in sizes.items()})
    named = {name: arrays[in_file.get(name, name)] for name in sizes}
    vectors = {name: rows[0] for name, rows in named.items() if sizes[name][0] == 1}
    matrices = {name: rows for name, rows in named.items() if name not in vectors}
    decay = float(vectors.pop("decay")[0])
    return MetreNetwork(metre=metre, decay=decay, **matrices, **vectors)
