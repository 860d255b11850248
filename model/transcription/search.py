"""The search for how each beat is divided and how far it lies from the grid: Viterbi over the beats.

A state is a way to divide the beat and a displacement of the beat; an onset costs its squared distance from
the nearest place, and the place's own cost; from beat to beat, changes cost.  (Viterbi 1967, "Error bounds
for convolutional codes and an asymptotically optimum decoding algorithm".)

Tested in tests/model/transcription/test_transcribe.py.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.transcription.beat_grids import CHANGE, STRAIGHT, SWUNG, beat_grids, change_costs, onset_costs

BIN = 10  # ticks
BINS = 13  # to either side
AWAY = 40.0  # ticks: standard deviation of the first beat's displacement about the known lag
FARTHEST_START = 80.0  # ticks from that lag
STEADY = 3.0  # ticks by which a displacement may change from beat to beat for one nat, of steady playing
WANDERS = 6.0  # of playing that drifts
DIVIDED = 3.0  # of beats that are divided otherwise than in straight steps
WANDER = 35.0  # ticks: standard deviation of its change from beat to beat, of playing that drifts
OUTSIDE = 2.0  # of an onset that would lie on the bar line behind the phrase
NEW_GRID = 1.5  # of a grid that the phrase before was not in

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
    fine: float,
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
        fine: added to the cost of places off the eighths.
    """
    grids = beat_grids(steps_per_beat)
    moves = lag + BIN * np.arange(-BINS, BINS + 1)
    costs = np.zeros((beats, len(grids), len(moves)))
    if len(times):
        table = onset_costs(steps_per_beat, beat_ticks, spread, fine)
        phase = np.rint(times[:, None] - moves[None, :]).astype(np.int64) % beat_ticks
        onsets = table[:, phase] * weights[:, None]  # [grids, n, moves]
        behind = times[:, None] - moves[None, :] > beats * beat_ticks - beat_ticks / 16
        onsets += OUTSIDE * behind
        beat = np.clip((times - lag + beat_ticks / 8) // beat_ticks, 0, beats - 1).astype(np.int64)
        first = np.flatnonzero(np.diff(beat, prepend=-1))
        costs[beat[first]] = np.add.reduceat(onsets, first, axis=1).swapaxes(0, 1)
        costs[beat[first]] += np.array([grid.cost for grid in grids])[:, None]
    known = np.array([_unheard(grid.swing, grid.family, swing) for grid in grids])
    begun = np.where(np.abs(moves - lag) <= FARTHEST_START, (moves - lag) ** 2 / (2 * AWAY**2), np.inf)
    away, change = np.abs(moves[:, None] - moves[None, :]), change_costs(steps_per_beat)
    divided = DIVIDED if swing < SWUNG else 0.0
    steady, wandering = away / STEADY, away**2 / (2 * WANDER**2)
    # the simpler reading unless another one fits so much better
    least = float(costs.min((1, 2)).sum())
    best: tuple[float, list[int], list[int]] = (np.inf, [], [])
    for count, wander, price in (
        (1, steady, 0.0),
        (1, wandering, WANDERS),
        (len(grids), steady, divided),
        (len(grids), wandering, divided + WANDERS),
    ):
        if least + price < best[0]:
            found = _best(costs[:, :count], known[:count, None] + begun, change[:count, :count], wander)
            best = min(best, (found[0] + price, *found[1:]), key=lambda reading: reading[0])
    _, kinds, moved = best
    return Beats(kinds, [float(moves[move]) for move in moved])


def _best(costs: Ticks, begun: Ticks, change: Ticks, wander: Ticks) -> tuple[float, list[int], list[int]]:
    """Return the cost of the cheapest way through the beats, and its grids and displacements by number."""
    best = costs[0] + begun
    kinds_before, moves_before = np.arange(len(change))[:, None], np.arange(best.shape[1])
    grid_from = np.zeros(best.shape, dtype=np.int64)
    back: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for row in costs[1:]:
        by_move = best[:, None, :] + wander  # [grid, move, before]
        move_from = by_move.argmin(2)
        best = by_move[kinds_before, moves_before, move_from]
        if len(change) > 1:
            by_grid = best[:, None, :] + change[:, :, None]  # [before, grid, move]
            grid_from = by_grid.argmin(0)
            best = by_grid[grid_from, kinds_before, moves_before]
        back.append((grid_from, move_from))
        best = best + row
    kind, move = divmod(int(best.argmin()), best.shape[1])
    kinds, moved = [kind], [move]
    for grid_from, move_from in reversed(back):
        kind = int(grid_from[kind, move])
        move = int(move_from[kind, move])
        kinds.append(kind)
        moved.append(move)
    return float(best.min()), kinds[::-1], moved[::-1]


def _unheard(ratio: float, family: str, swing: float) -> float:
    """Return what it costs a phrase to begin in a grid, after one of a swing."""
    if family != "eighths":
        return NEW_GRID
    if ratio == STRAIGHT:
        return 0.0 if swing < SWUNG else NEW_GRID / 2
    return min(NEW_GRID, CHANGE * abs(ratio - swing) * 8)
