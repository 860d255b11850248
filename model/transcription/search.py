"""The search for how each beat is divided and how far it lies from the grid: Viterbi over the beats.

A state is a way to divide the beat and a displacement of the beat; an onset costs its squared distance from
the nearest place, and the place's own cost; from beat to beat, changes cost.  (Viterbi 1967, "Error bounds
for convolutional codes and an asymptotically optimum decoding algorithm".)
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.transcription.beat_grids import CHANGE, STRAIGHT, beat_grids, change_costs, onset_costs

BIN = 10  # ticks
BINS = 8  # to either side
AWAY = 40.0  # ticks: standard deviation of the first beat's displacement about the known lag
WANDER = 18.0  # ticks by which a displacement may change from beat to beat for one nat
UNHEARD = 1.5  # of a grid that the phrase before was not in

Ticks = NDArray[np.float64]


class Beats(NamedTuple):
    """What the search found.

    Attributes:
        kinds: of `beat_grids`, one for each beat.
        moved: ticks by which each beat lies behind the grid.

    """

    kinds: list[int]
    moved: list[float]


def search(
    times: Ticks,
    weights: Ticks,
    *,
    beats: int,
    beat_ticks: int,
    steps_per_beat: int,
    lag: float,
    swing: float,
    spread: int,
) -> Beats:
    """Return the likeliest reading of onsets.

    Args:
        times: ticks, rising, float64 [n].
        weights: how much each counts, float64 [n].
        beats: in the phrase.
        beat_ticks: in a beat.
        steps_per_beat: of the grid.
        lag: ticks by which the playing was behind the grid before.
        swing: place of the second eighth before.
        spread: standard deviation of onsets, ticks.

    """
    grids = beat_grids(steps_per_beat)
    moves = lag + BIN * np.arange(-BINS, BINS + 1)
    costs = np.zeros((beats, len(grids), len(moves)))
    if len(times):
        table = onset_costs(steps_per_beat, beat_ticks, spread)
        phase = np.rint(times[:, None] - moves[None, :]).astype(np.int64) % beat_ticks
        onsets = table[:, phase] * weights[:, None]  # [grids, n, moves]
        beat = np.clip((times - lag + beat_ticks / 8) // beat_ticks, 0, beats - 1).astype(np.int64)
        first = np.flatnonzero(np.r_[True, beat[1:] != beat[:-1]])
        costs[beat[first]] = np.add.reduceat(onsets, first, axis=1).swapaxes(0, 1)
        costs[beat[first]] += np.array([grid.cost for grid in grids])[:, None]
    change = change_costs(steps_per_beat)
    wander = np.abs(moves[:, None] - moves[None, :]) / WANDER
    known = np.array([_unheard(grid.swing, grid.family, swing) for grid in grids])
    best = costs[0] + known[:, None] + ((moves - lag) ** 2 / (2 * AWAY**2))[None, :]
    back: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for row in costs[1:]:
        by_move = best[:, :, None] + wander[None, :, :]  # [grid, before, move]
        move_from = by_move.argmin(1)
        moved = by_move.min(1)
        by_grid = moved[:, None, :] + change[:, :, None]  # [before, grid, move]
        grid_from = by_grid.argmin(0)
        best = by_grid.min(0) + row
        back.append((grid_from, move_from))
    kind, move = divmod(int(best.argmin()), len(moves))
    kinds, displaced = [kind], [float(moves[move])]
    for grid_from, move_from in reversed(back):
        kind = int(grid_from[kind, move])
        move = int(move_from[kind, move])
        kinds.append(kind)
        displaced.append(float(moves[move]))
    return Beats(kinds[::-1], displaced[::-1])


def _unheard(ratio: float, family: str, swing: float) -> float:
    """Return what it costs a phrase to begin in a grid, after one of a swing."""
    if family != "eighths":
        return UNHEARD
    if ratio == STRAIGHT:
        return 0.0 if swing < 0.53 else UNHEARD / 2
    return min(UNHEARD, CHANGE * abs(ratio - swing) * 8)
