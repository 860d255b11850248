"""Fits the metre's network, see `live.worker.listening.metre_network`, on runs of bars.

Excerpts are put on a grid whose beat is the performer's, or half or twice as long, and whose first bar
begins at any sixteenth; which of these it is, the network is to tell from every onset and those before it.
They are moved to other keys, thinned, now and then put on a wrong place, and their tempo sways.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from live.worker.listening.metre_network import BEATS, HIDDEN, INNER, PRIORS, edges
from live.worker.listening.metrical_positions import PARTS
from live.worker.listening.onset_features import ALL_ROWS, UNITS, PlacedFeatures, PlayedFeatures, tempo_rows

Onset = tuple[int, list[tuple[int, int]]]
"""A part since a bar line, and the (pitch, velocity) of what starts on it."""

SIXTEENTH = UNITS // 4
BATCH, ONSETS, STEPS, RATE, LOWEST_RATE, DECAY, WARMING = 96, 80, 4000, 3e-3, 6e-5, 0.03, 300
FEWEST, FEWEST_LEFT, UNTOLD = 24, 12, 2  # onsets of a run, after a beginning, and not asked about
DROPPED_ROWS, DROPPED = 0.06, 0.05  # shares of the inputs and of units that are left out
AT_BAR, FIRST_BAR = 0.85, 0.15  # share of excerpts that begin with a bar; of those, with the first
THINNED, THINNER = 0.5, (0.03, 0.08)  # share of excerpts that lose onsets, and how many
SLIPS, MISPLACED = 0.012, 0.015  # share of onsets behind which the grid is a sixteenth off, and of those off
KEYS = (-5, 7)  # semitones of a transposition
TEMPI, SWAYS, SWAY_BARS = (60.0, 180.0), (0.0, 0.05, 0.1), (2, 3, 4, 6, 8)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Run(NamedTuple):
    """The onsets of a run of bars, which song they are from, and whether it is its melody or keyboard."""

    song: str
    kind: str
    onsets: list[Onset]


class Excerpt(NamedTuple):
    """A run's onsets on a grid: units since the first, notes, log2 of the grid's bpm, and what is true.

    What is true is the place of `metre_network.edges` that the first unit of the grid would be.
    """

    units: Ints
    notes: list[list[tuple[int, int]]]
    octaves: Floats
    true: Ints
    origin: int


class MetreTrainer(torch.nn.Module):
    """The network with gradients: rows and their shares to logarithms of all levels and shifts."""

    def __init__(self, beats: int) -> None:
        """Begin anew."""
        super().__init__()
        self.edges = edges(beats)
        self.rows = torch.nn.EmbeddingBag(ALL_ROWS, INNER, mode="sum")
        torch.nn.init.normal_(self.rows.weight, 0, 0.15)
        self.bias = torch.nn.Parameter(torch.zeros(INNER))
        self.gates = torch.nn.GRU(INNER, HIDDEN, batch_first=True)
        self.places = torch.nn.Linear(HIDDEN, self.edges[-1])
        self.levels = torch.nn.Linear(HIDDEN, len(BEATS))
        self.decay = torch.nn.Parameter(torch.tensor(3.5))  # a logit

    def forward(self, rows: torch.Tensor, shares: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
        """Return [batch, onsets, places of all levels].

        Args:
            rows: [batch, onsets, features], integers.
            shares: of each row, the same shape.
            units: of the onsets on the grid, [batch, onsets].
        """
        batch, onsets, features = rows.shape
        inner = self.rows(rows.view(-1, features), per_sample_weights=shares.view(-1, features))
        inner = torch.relu(inner.view(batch, onsets, INNER) + self.bias)
        drop = torch.nn.functional.dropout
        state = drop(self.gates(drop(inner, DROPPED, self.training))[0], DROPPED, self.training)
        said, levels = self.places(state), self.levels(state)
        sixteenths, spans = (units // SIXTEENTH)[..., None], list(pairwise(self.edges))
        turned = torch.cat(
            [
                said[..., first:after].gather(
                    -1, (sixteenths - torch.arange(after - first)) % (after - first)
                )
                for first, after in spans
            ],
            -1,
        )
        ago = (torch.arange(onsets)[:, None] - torch.arange(onsets)[None]).float()
        faded = torch.where(ago >= 0, torch.sigmoid(self.decay) ** ago.clamp(min=0), 0.0)
        sizes = torch.tensor([after - first for first, after in spans])
        by_shift: torch.Tensor = levels.repeat_interleave(sizes, -1) + torch.einsum(
            "ti,bic->btc", faded, turned
        )
        return by_shift

    def arrays(self) -> dict[str, Floats]:
        """Return what `live.worker.listening.metre_network` reads."""
        names = {
            "rows.weight": "rows", "bias": "bias",
            "gates.weight_ih_l0": "fresh", "gates.bias_ih_l0": "fresh_bias",
            "gates.weight_hh_l0": "kept", "gates.bias_hh_l0": "kept_bias",
            "places.weight": "places", "places.bias": "places_bias",
            "levels.weight": "levels", "levels.bias": "levels_bias",
        }  # fmt: skip
        known = {name: self.state_dict()[key] for key, name in names.items()}
        known["decay"] = torch.sigmoid(self.decay.detach())
        return {name: np.atleast_2d(rows.double().numpy()) for name, rows in known.items()}


def trained(runs: Iterable[Run], beats: int, seed: int, steps: int = STEPS) -> dict[str, Floats]:
    """Return the arrays of a network for one metre.

    Args:
        runs: of both kinds, in that metre.
        beats: quarters in a bar.
        seed: of everything that is drawn.
        steps: of training.
    """
    songs: dict[str, dict[str, list[list[Onset]]]] = {}
    for run in runs:
        if len(run.onsets) >= FEWEST:
            songs.setdefault(run.kind, {}).setdefault(run.song, []).append(run.onsets)
    kinds = [list(songs[kind].values()) for kind in sorted(songs)]
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    network = MetreTrainer(beats)
    search = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    for step in range(steps):
        fall = 0.5 + 0.5 * np.cos(np.pi * step / steps)
        for group in search.param_groups:
            group["lr"] = min(1.0, (step + 1) / WARMING) * (RATE * fall + LOWEST_RATE * (1 - fall))
        excerpts = [excerpt(kinds[number % len(kinds)], beats, draw) for number in range(BATCH)]
        rows, shares, units, true = batch(excerpts, beats)
        shares *= draw.random(shares.shape) > DROPPED_ROWS
        guessed = network(*map(torch.tensor, (rows, shares.astype(np.float32), units)))
        loss = torch.nn.functional.cross_entropy(
            guessed.flatten(0, 1), torch.tensor(true).flatten(), ignore_index=-1
        )
        search.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        search.step()
    return network.arrays()


def excerpt(songs: Sequence[list[list[Onset]]], beats: int, draw: np.random.Generator) -> Excerpt:
    """Draw an excerpt of some songs, each a list of runs, and a grid for it."""
    bar = PARTS * beats
    while True:
        runs = songs[int(draw.integers(len(songs)))]
        onsets = runs[int(draw.integers(len(runs)))]
        parts = np.array([part for part, _ in onsets], dtype=np.int64)
        if draw.random() < AT_BAR:
            late = draw.random() >= FIRST_BAR
            start = draw.integers(max(1, parts[-1] // bar - 3)) * bar if late else parts[0] // bar * bar
            first = int(np.searchsorted(parts, start))
            if first == len(parts) or parts[first] >= start + bar:
                continue
        else:
            first = int(draw.integers(max(1, len(parts) - 16)))
        if len(parts) - first >= FEWEST_LEFT:
            break
    chosen = np.arange(first, len(parts))
    if draw.random() < THINNED:
        chosen = chosen[np.append(True, draw.random(len(chosen) - 1) > draw.choice(THINNER))]
    chosen = chosen[:ONSETS]
    parts = parts[chosen]
    count, level = len(parts), int(draw.choice(len(PRIORS), p=PRIORS))
    begin, after = edges(beats)[level : level + 2]
    # the grid: units since its bar line, and by how many sixteenths that is late
    late_by = np.full(count, draw.integers(after - begin))
    units = parts * round(UNITS / PARTS * BEATS[level])
    if draw.random() < 0.5:
        late_by += np.cumsum(np.where(draw.random(count) < SLIPS, draw.choice((-1, 1), count), 0))
    units += SIXTEENTH * late_by
    if draw.random() < 0.5:
        wrong = np.where(draw.random(count) < MISPLACED, draw.choice((-1, 1), count), 0)
        units[1:] += SIXTEENTH * wrong[1:]
    units = np.maximum.accumulate(units)
    quarters = parts / PARTS
    sway = draw.choice(SWAYS) * np.sin(
        2 * np.pi * (quarters / (draw.choice(SWAY_BARS) * beats) + draw.random())
    )
    tempo = draw.uniform(*TEMPI) * BEATS[level] * (1 + sway + draw.normal(0, 0.01, count))
    key = int(draw.integers(*KEYS))
    loudness = draw.normal(0, 4, count) if draw.random() < 0.5 else np.zeros(count)
    notes = [
        [(pitch + key, velocity + round(more)) for pitch, velocity in onsets[number][1]]
        for number, more in zip(chosen.tolist(), loudness.tolist(), strict=True)
    ]
    true = begin + late_by % (after - begin)
    return Excerpt(units - units[0], notes, np.log2(tempo), true, int(units[0]))


def batch(excerpts: Sequence[Excerpt], beats: int) -> tuple[Ints, Floats, Ints, Ints]:
    """Return rows, their shares, units and what is true, -1 where nothing is asked."""
    features = len(PlayedFeatures().of([(60, 64)])) + len(PlacedFeatures(beats).of(0, 60)) + 2
    rows = np.zeros((len(excerpts), ONSETS, features), dtype=np.int64)
    shares = np.zeros(rows.shape)
    units = np.zeros(rows.shape[:2], dtype=np.int64)
    true = np.full(rows.shape[:2], -1)
    for number, one in enumerate(excerpts):
        played, placed = PlayedFeatures(), PlacedFeatures(beats)
        distances = np.diff(one.units, prepend=0).tolist()
        for at, (distance, notes, octave) in enumerate(
            zip(distances, one.notes, one.octaves.tolist(), strict=True)
        ):
            low, high, share = tempo_rows(octave)
            found = [*played.of(notes), *placed.of(distance, max(notes)[0]), low, high]
            rows[number, at] = found
            shares[number, at] = [1.0] * (features - 2) + [1 - share, share]
        count = len(one.notes)
        units[number, :count] = one.units + one.origin
        true[number, UNTOLD:count] = one.true[UNTOLD:]
    return rows, shares, units, true
