"""The ways in which a beat is divided, and what each of their places costs.

Places are shares of a beat, 0..1; costs are nats, minus the logarithm of how likely a place is.  Swing and
triplets are one family: a ratio r says where the second eighth lies, and each half is halved again.

Tested in tests/model/transcription/test_transcribe.py.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STRAIGHT = 0.5
SWUNG = 0.53  # place of the second eighth from which a beat swings
TRIPLET = 2 / 3
RATIOS = (STRAIGHT, 0.54, 0.58, 0.62, TRIPLET)
SIXTEENTH_RATIOS = (0.58, 0.62, TRIPLET)

EIGHTH, SIXTEENTH = 0.3, 1.4  # costs of places off the beat
THIRD, FINE = 0.9, 1.8
UNUSUAL = 0.4  # a beat in another grid than straight sixteenths, whatever lies in it
RARE = 1.0  # the same of sextuplets and thirty-seconds
CHANGE = 2.5  # from one kind of grid to another
DRIFT = 8.0  # for a change of the swing ratio by 1
FARTHEST_COST = 7.0  # of an onset that fits no place


class BeatGrid(NamedTuple):
    """One way to divide a beat.

    Attributes:
        places: shares of the beat at which notes start, rising from 0.
        steps: step of the beat that each place belongs to.
        costs: of each place, nats.
        steady: share of the beat at which each of its steps lies.
        swing: place of the second eighth.
        family: grids of one family differ in their swing alone.
        cost: of a beat divided in this way, nats.
    """

    places: tuple[float, ...]
    steps: tuple[int, ...]
    costs: tuple[float, ...]
    steady: tuple[float, ...]
    swing: float = STRAIGHT
    family: str = "eighths"
    cost: float = 0.0


def _eighths(ratio: float) -> BeatGrid:
    """Return sixteenths whose eighths swing by a ratio; at 2/3 these are triplets, and a last sixteenth."""
    places = (0.0, ratio / 2, ratio, (1 + ratio) / 2)
    costs = (0.0, THIRD, EIGHTH, FINE) if ratio == TRIPLET else (0.0, SIXTEENTH, EIGHTH, SIXTEENTH)
    return BeatGrid(places, (0, 1, 2, 3), costs, places, ratio, cost=0.0 if ratio == STRAIGHT else UNUSUAL)


def _sixteenths(ratio: float) -> BeatGrid:
    """Return sixteenths that swing in each half of the beat."""
    places = (0.0, ratio / 2, 0.5, (1 + ratio) / 2)
    costs = (0.0, SIXTEENTH, EIGHTH, SIXTEENTH)
    return BeatGrid(places, (0, 1, 2, 3), costs, places, STRAIGHT, "sixteenths", UNUSUAL + 0.4)


@lru_cache(maxsize=16)
def beat_grids(steps_per_beat: int) -> tuple[BeatGrid, ...]:
    """Return the ways to divide a beat of so many steps, the plain one first."""
    if steps_per_beat != 4:  # every second step of six is an eighth of 6/8
        even = tuple(step / steps_per_beat for step in range(steps_per_beat))
        costs = tuple(
            0.0 if not step else EIGHTH if steps_per_beat % 2 == 0 and step % 2 == 0 else SIXTEENTH
            for step in range(steps_per_beat)
        )
        return (BeatGrid(even, tuple(range(steps_per_beat)), costs, even),)
    sixths = tuple(sixth / 6 for sixth in range(6))
    eighths = tuple(eighth / 8 for eighth in range(8))
    triplet, straight = _eighths(TRIPLET), _eighths(STRAIGHT)
    return (
        *(_eighths(ratio) for ratio in RATIOS),
        *(_sixteenths(ratio) for ratio in SIXTEENTH_RATIOS),
        BeatGrid(
            sixths,
            (0, 0, 1, 2, 2, 3),
            (0.0, FINE, THIRD, EIGHTH, THIRD, FINE),
            triplet.places,
            TRIPLET,
            "sextuplets",
            RARE,
        ),
        BeatGrid(
            eighths,
            (0, 0, 1, 1, 2, 2, 3, 3),
            (0.0, FINE, SIXTEENTH, FINE, EIGHTH, FINE, SIXTEENTH, FINE),
            straight.places,
            STRAIGHT,
            "thirty-seconds",
            RARE,
        ),
    )


def place_costs(grid: BeatGrid, fine: float) -> list[float]:
    """Return what each place of a grid costs where those off the eighths cost more, or less."""
    return [max(cost + fine, EIGHTH) if cost > EIGHTH else cost for cost in grid.costs]


@lru_cache(maxsize=256)
def onset_costs(steps_per_beat: int, ticks: int, spread: int, fine: float) -> NDArray[np.float64]:
    """Return what an onset costs at each tick of a beat, float64 [grids, ticks].

    Args:
        steps_per_beat: of the grid.
        ticks: in a beat.
        spread: standard deviation of a played onset about its place, ticks.
        fine: added to the cost of places off the eighths.
    """
    phase = np.arange(ticks)
    table = np.empty((len(beat_grids(steps_per_beat)), ticks))
    for row, grid in enumerate(beat_grids(steps_per_beat)):
        away = np.abs(phase[None, :] - np.array(grid.places)[:, None] * ticks)
        away = np.minimum(away, ticks - away)
        costs = away**2 / (2 * spread**2) + np.array(place_costs(grid, fine))[:, None]
        table[row] = np.minimum(costs.min(0), FARTHEST_COST)
    return table


@lru_cache(maxsize=16)
def change_costs(steps_per_beat: int) -> NDArray[np.float64]:
    """Return what it costs to go from one grid to another with the next beat, float64 [grids, grids]."""
    grids = beat_grids(steps_per_beat)
    costs = np.empty((len(grids), len(grids)))
    for row, one in enumerate(grids):
        for column, other in enumerate(grids):
            near = DRIFT * abs(one.swing - other.swing) + (0.0 if one.swing == other.swing else 0.4)
            costs[row, column] = min(near, CHANGE) if one.family == other.family else CHANGE
    return costs
