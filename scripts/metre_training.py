"""Fits the metre's network, see `live.worker.listening.metre_network`, on runs of bars.

Excerpts are put on a grid whose beat is the performer's, or half or twice as long, and whose first bar
begins at any sixteenth; which of these it is, the network is to tell from every onset and those before it.
They are moved to other keys, thinned, now and then put on a wrong place, and their tempo sways.
Batches of the metres take turns.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from live.worker.listening.metre_network import BEATS, HIDDEN, INNER, PRIORS, edges
from live.worker.listening.metrical_positions import METRES, PARTS, quarters
from live.worker.listening.onset_features import (
    ALL_ROWS,
    BINS_PER_OCTAVE,
    COUNTED,
    FARTHEST,
    HARMONY,
    LOUDER,
    OTHER_PITCH,
    RECENT,
    ROWS,
    SAME_PITCH,
    SILENT,
    SLOWEST_OCTAVE,
    TEMPI,
    UNITS,
    UNKNOWN,
    unit_lags,
)
from model.music.metre import Metre

Onset = tuple[int, list[tuple[int, int]]]
"""A part since a bar line, and the (pitch, velocity) of what starts on it."""

SIXTEENTH = UNITS // 4
BATCH, ONSETS, STEPS, RATE, LOWEST_RATE, DECAY, WARMING = 96, 80, 12_000, 3e-3, 6e-5, 0.03, 300
FEWEST, FEWEST_LEFT, UNTOLD = 24, 12, 2  # onsets of a run, after a beginning, and not asked about
DROPPED_ROWS, DROPPED = 0.06, 0.05  # shares of the inputs and of units that are left out
AT_BAR, FIRST_BAR = 0.85, 0.15  # share of excerpts that begin with a bar; of those, with the first
THINNED, THINNER = 0.5, (0.03, 0.08)  # share of excerpts that lose onsets, and how many
SLIPS, MISPLACED = 0.012, 0.015  # share of onsets behind which the grid is a sixteenth off, and of those off
KEYS = (-5, 7)  # semitones of a transposition
TEMPI_BPM, SWAYS, SWAY_BARS = (60.0, 180.0), (0.0, 0.05, 0.1), (2, 3, 4, 6, 8)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Run(NamedTuple):
    """The onsets of a run of bars, which song they are from, and whether it is its melody or keyboard."""

    song: str
    kind: str
    onsets: list[Onset]


class Voices(NamedTuple):
    """What sounds at onsets, [onsets] each: outer pitches, loudest velocity, how many notes, pitch classes.

    Of a pitch class bit 0 is C.
    """

    low: Ints
    top: Ints
    velocity: Ints
    size: Ints
    classes: Ints


class Excerpt(NamedTuple):
    """A run's onsets on a grid: units since the first, what sounds, log2 of the grid's bpm, and what is true.

    What is true is the place of `metre_network.edges` that the first unit of the grid would be.
    """

    units: Ints
    voices: Voices
    octaves: Floats
    true: Ints
    origin: int


class MetreTrainer(torch.nn.Module):
    """The network with gradients: rows and their shares to logarithms of all levels and shifts."""

    def __init__(self, metres: Iterable[Metre]) -> None:
        """Begin anew."""
        super().__init__()
        self.rows = torch.nn.EmbeddingBag(ALL_ROWS, INNER, mode="sum")
        torch.nn.init.normal_(self.rows.weight, 0, 0.15)
        self.bias = torch.nn.Parameter(torch.zeros(INNER))
        self.gates = torch.nn.GRU(INNER, HIDDEN, batch_first=True)
        self.places = torch.nn.ModuleDict(
            {METRES[metre]: torch.nn.Linear(HIDDEN, edges(quarters(metre))[-1]) for metre in metres}
        )
        self.levels = torch.nn.Linear(HIDDEN, len(BEATS))
        self.decay = torch.nn.Parameter(torch.tensor(3.5))  # a logit

    def forward(
        self, metre: Metre, rows: torch.Tensor, shares: torch.Tensor, units: torch.Tensor
    ) -> torch.Tensor:
        """Return [batch, onsets, places of all levels].

        Args:
            metre: of all that is in the batch.
            rows: [batch, onsets, features], integers.
            shares: of each row, the same shape.
            units: of the onsets on the grid, [batch, onsets].
        """
        batch, onsets, features = rows.shape
        inner = self.rows(rows.view(-1, features), per_sample_weights=shares.view(-1, features))
        inner = torch.relu(inner.view(batch, onsets, INNER) + self.bias)
        drop = torch.nn.functional.dropout
        state = drop(self.gates(drop(inner, DROPPED, self.training))[0], DROPPED, self.training)
        said, levels = self.places[METRES[metre]](state), self.levels(state)
        sixteenths, spans = (units // SIXTEENTH)[..., None], list(pairwise(edges(quarters(metre))))
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
            "levels.weight": "levels", "levels.bias": "levels_bias",
        }  # fmt: skip
        for name in self.places:
            names |= {f"places.{name}.weight": f"{name} places", f"places.{name}.bias": f"{name} places_bias"}
        known = {name: self.state_dict()[key] for key, name in names.items()}
        known["decay"] = torch.sigmoid(self.decay.detach())
        return {name: np.atleast_2d(rows.double().numpy()) for name, rows in known.items()}


def trained(runs: Mapping[Metre, Iterable[Run]], seed: int, steps: int = STEPS) -> dict[str, Floats]:
    """Return the arrays of a network.

    Args:
        runs: of both kinds, by metre.
        seed: of everything that is drawn.
        steps: of training.
    """
    songs = {metre: _by_kind(found) for metre, found in runs.items()}
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    network = MetreTrainer(songs)
    search = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    for step in range(steps):
        fall = 0.5 + 0.5 * np.cos(np.pi * step / steps)
        for group in search.param_groups:
            group["lr"] = min(1.0, (step + 1) / WARMING) * (RATE * fall + LOWEST_RATE * (1 - fall))
        metre = list(songs)[step % len(songs)]
        kinds = songs[metre]
        excerpts = [excerpt(kinds[number % len(kinds)], metre, draw) for number in range(BATCH)]
        rows, shares, units, true = batch(excerpts, metre)
        shares *= draw.random(shares.shape) > DROPPED_ROWS
        guessed = network(metre, *map(torch.tensor, (rows, shares.astype(np.float32), units)))
        loss = torch.nn.functional.cross_entropy(
            guessed.flatten(0, 1), torch.tensor(true).flatten(), ignore_index=-1
        )
        search.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        search.step()
    return network.arrays()


Song = list[tuple[Ints, Voices]]
"""Its runs: parts of the onsets, and what sounds."""


def _by_kind(runs: Iterable[Run]) -> list[list[Song]]:
    songs: dict[str, dict[str, Song]] = {}
    for run in runs:
        if len(run.onsets) >= FEWEST:
            songs.setdefault(run.kind, {}).setdefault(run.song, []).append(arrays_of(run.onsets))
    return [list(songs[kind].values()) for kind in sorted(songs)]


def arrays_of(onsets: Sequence[Onset]) -> tuple[Ints, Voices]:
    """Return the parts of onsets, and what sounds."""
    voices = [
        (
            min(notes)[0],
            max(notes)[0],
            max(velocity for _, velocity in notes),
            len(notes),
            sum(1 << one for one in {pitch % 12 for pitch, _ in notes}),
        )
        for _, notes in onsets
    ]
    parts = np.array([part for part, _ in onsets], dtype=np.int64)
    return parts, Voices(*np.array(voices, dtype=np.int64).T)


def excerpt(songs: Sequence[Song], metre: Metre, draw: np.random.Generator) -> Excerpt:
    """Draw an excerpt of some songs, and a grid for it."""
    beats = quarters(metre)
    bar = PARTS * beats
    while True:
        runs = songs[int(draw.integers(len(songs)))]
        parts, voices = runs[int(draw.integers(len(runs)))]
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
    sway = draw.choice(SWAYS) * np.sin(2 * np.pi * (parts / (draw.choice(SWAY_BARS) * bar) + draw.random()))
    tempo = draw.uniform(*TEMPI_BPM) * BEATS[level] * (1 + sway + draw.normal(0, 0.01, count))
    heard = _moved(Voices(*(row[chosen] for row in voices)), int(draw.integers(*KEYS)))
    if draw.random() < 0.5:
        louder = np.rint(draw.normal(0, 4, count)).astype(np.int64)
        heard = heard._replace(velocity=heard.velocity + louder)
    true = begin + late_by % (after - begin)
    return Excerpt(units - units[0], heard, np.log2(tempo), true, int(units[0]))


def _moved(voices: Voices, key: int) -> Voices:
    up = key % 12
    classes = (voices.classes << up | voices.classes >> 12 - up) & (1 << 12) - 1
    return voices._replace(low=voices.low + key, top=voices.top + key, classes=classes)


def batch(excerpts: Sequence[Excerpt], metre: Metre) -> tuple[Ints, Floats, Ints, Ints]:
    """Return rows, their shares, units and what is true, -1 where nothing is asked.

    The rows are those of `live.worker.listening.onset_features`, of all excerpts at once.
    """
    size = len(excerpts), ONSETS
    counts = np.array([len(one.units) for one in excerpts])
    there = np.arange(ONSETS) < counts[:, None]

    def filled(rows: Iterable[NDArray[np.generic]]) -> NDArray[np.float64]:
        table = np.zeros(size)
        for number, row in enumerate(rows):
            table[number, : len(row)] = row
        return table

    units = filled(one.units for one in excerpts).astype(np.int64)
    by_voice = zip(*(one.voices for one in excerpts), strict=True)
    voices = Voices(*(filled(rows).astype(np.int64) for rows in by_voice))
    values = {**_played(voices), **_placed(units, voices.top, there, metre)}
    tempo = (filled(one.octaves for one in excerpts) - SLOWEST_OCTAVE) * BINS_PER_OCTAVE
    tempo = np.clip(tempo, 0.0, TEMPI - 1.001)
    low = tempo.astype(np.int64)
    columns = [ROWS[name] + np.broadcast_to(value, size) for name, value in values.items()]
    rows = np.stack([*columns, ROWS["tempo"] + low, ROWS["tempo"] + low + 1], -1)
    shares = np.ones(rows.shape)
    shares[..., -2], shares[..., -1] = 1 - tempo % 1, tempo % 1
    rows[~there], shares[~there] = 0, 0.0
    origins = np.array([one.origin for one in excerpts])
    true = np.where(there, filled(one.true for one in excerpts).astype(np.int64), -1)
    true[:, :UNTOLD] = -1
    return rows, shares, np.where(there, units + origins[:, None], 0), true


def _ago(values: Ints, onsets: int, before: int) -> Ints:
    """Return what was so many onsets ago, and what there is before the first."""
    return np.pad(values, ((0, 0), (onsets, 0)), constant_values=before)[:, : values.shape[1]]


def _played(voices: Voices) -> dict[str, Ints]:
    low, top, velocity, size, classes = voices
    number = np.arange(low.shape[1])
    first = number == 0
    lowest = np.min([_ago(low, ago, 999) for ago in range(1, RECENT + 1)], 0)
    highest = np.max([_ago(top, ago, -999) for ago in range(1, RECENT + 1)], 0)
    usual = np.sum([_ago(velocity, ago, 0) for ago in range(1, RECENT + 1)], 0) / np.clip(number, 1, RECENT)
    known = np.bitwise_or.reduce([_ago(classes, ago, 0) for ago in range(1, HARMONY + 1)])

    def louder(by: Ints | Floats) -> Ints:
        return np.searchsorted(LOUDER, np.where(first, 0, by), side="right")

    def within(value: Ints, least: int, most: int, at_first: int = 0) -> Ints:
        return np.where(first, at_first, np.clip(value, least, most)) - least

    return {
        "size": np.clip(size, 1, 5) - 1,
        "top": within(top - _ago(top, 1, 0), -13, 13),
        "low": within(low - _ago(low, 1, 0), -13, 13),
        "lowest": within(low - lowest, -5, 7, -5),
        "highest": within(highest - top, -5, 7, -5),
        "louder": louder(velocity - _ago(velocity, 1, 0)),
        "loud": louder(velocity - usual),
        "new": np.minimum(3, np.bitwise_count(classes & ~known).astype(np.int64)),
        "thicker": within(size - _ago(size, 1, 0), -2, 2),
        "low register": np.clip(low // 6, 0, 21),
        "top register": np.clip(top // 6, 0, 21),
    }


def _placed(units: Ints, top: Ints, there: NDArray[np.bool_], metre: Metre) -> dict[str, Ints]:
    excerpts, onsets = units.shape
    distance = np.where(there, np.minimum(np.diff(units, axis=1, prepend=0), FARTHEST), 0)
    values = {
        "distance": distance,
        "before": _ago(distance, 1, 0),
        "count": np.broadcast_to(np.minimum(np.arange(onsets), COUNTED), units.shape),
        "metre": np.broadcast_to(np.int64(list(METRES).index(metre)), units.shape),
    }
    width = int(units.max()) + 1
    tops = np.full((excerpts, width + 1), -1)
    tops[np.arange(excerpts)[:, None], np.where(there, units, width)] = top  # the latest of one unit stays
    tops[:, width] = -1
    for name, lag in unit_lags(metre).items():
        back = units - lag
        then = np.take_along_axis(tops, np.maximum(back, 0), 1)
        values[name] = np.select(
            [back < 0, then < 0, then == top], [UNKNOWN, SILENT, SAME_PITCH], OTHER_PITCH
        )
    return values
