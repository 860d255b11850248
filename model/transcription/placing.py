"""Each strike to its place, once it is known how the beats are divided and where they lie.

Viterbi again, over the strikes: places never go back, and what sounds alone seldom shares a place.

Tested in tests/model/transcription/test_transcribe.py.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.transcription.beat_grids import beat_grids, place_costs
from model.transcription.ornaments import Strike
from model.transcription.search import Beats
from model.transcription.struck import Struck

NEAREST = 4  # places that a strike may take
BEYOND = 2.0  # cost of the bar line that ends the phrase
AROUND = 8  # strikes to either side that tell how chordal the music is
LEAST_CHORDAL, MOST_CHORDAL = 0.02, 0.8
CROWDED = 6.0  # cost of a place that the same key, or a note that has ended, has taken


class Lattice(NamedTuple):
    """All places of a phrase, rising.

    Attributes:
        ticks: of each place on the performer's own beats, float64 [places].
        plain: the same on the grid's beats.
        steps: that each belongs to; the last is the step behind the phrase.
        costs: nats.
        steady: ticks of each step, and of the phrase's end, on the performer's beats, float64 [steps + 1].
        moved: ticks by which each beat's start, and the end, lies behind the grid, float64 [beats + 1].
    """

    ticks: NDArray[np.float64]
    plain: NDArray[np.float64]
    steps: list[int]
    costs: NDArray[np.float64]
    steady: NDArray[np.float64]
    moved: NDArray[np.float64]


def lattice_of(
    beats: Beats, *, beat_ticks: int, steps_per_beat: int, swing: float | None, fine: float
) -> Lattice:
    """Return the places that beats offer.

    Args:
        beats: as the search found them.
        beat_ticks: in a beat.
        steps_per_beat: of the grid.
        swing: what the beats that swing share; None for each beat's own.
        fine: added to the cost of places off the eighths.
    """
    grids = beat_grids(steps_per_beat)
    plain: list[float] = []
    steps: list[int] = []
    costs: list[float] = []
    steady: list[float] = []
    for beat, kind in enumerate(beats.kinds):
        grid = grids[kind]
        places, even = grid.places, grid.steady
        if swing is not None and grid.family == "eighths" and kind:
            places = even = (0.0, swing / 2, swing, (1 + swing) / 2)
        plain += [(beat + share) * beat_ticks for share in places]
        steps += [beat * steps_per_beat + step for step in grid.steps]
        costs += place_costs(grid, fine)
        steady += [(beat + share) * beat_ticks for share in even]
    end = float(len(beats.kinds) * beat_ticks)
    # each beat was found with one displacement, which holds best in its middle
    middles = (np.arange(len(beats.kinds)) + 0.4) * beat_ticks
    on_grid, of_steps = np.array([*plain, end]), np.array([*steady, end])
    lines = np.arange(len(beats.kinds) + 1) * float(beat_ticks)
    return Lattice(
        on_grid + np.interp(on_grid, middles, beats.moved),
        on_grid,
        [*steps, len(beats.kinds) * steps_per_beat],
        np.array([*costs, BEYOND]),
        of_steps + np.interp(of_steps, middles, beats.moved),
        np.interp(lines, middles, beats.moved),
    )


def nearest(times: NDArray[np.float64], lattice: Lattice, spread: float) -> list[int]:
    """Return the likeliest place, an index into the lattice, of each time by itself."""
    near, costs = _near(times, lattice, spread, times)
    found: list[int] = near[np.arange(len(times)), costs.argmin(1)].tolist() if len(times) else []
    return found


def _near(
    times: NDArray[np.float64], lattice: Lattice, spread: float, middles: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the places around each time and what they cost, each [n, places]."""
    count = len(lattice.ticks)
    low = np.clip(np.searchsorted(lattice.ticks, times) - NEAREST // 2, 0, max(0, count - NEAREST))
    near = low[:, None] + np.arange(min(NEAREST, count))
    places = lattice.ticks[near]
    away = np.minimum(np.abs(times[:, None] - places), np.abs(middles[:, None] - places))
    return near, away**2 / (2 * spread**2) + lattice.costs[near]


def placed(
    struck: Sequence[Struck], strikes: Sequence[Strike], lattice: Lattice, spread: float, slack: float
) -> list[int]:
    """Return the place, an index into the lattice, of each strike.

    Args:
        struck: by their starts.
        strikes: by their times.
        lattice: the places.
        spread: standard deviation of strikes about their places, ticks.
        slack: ticks by which a note may outlast the next one of its voice.
    """
    if not strikes:
        return []
    times = np.array([strike.time for strike in strikes])
    near, costs = _near(times, lattice, spread, np.array([_middle(struck, strike) for strike in strikes]))
    chordal = _chordal(struck, strikes, slack)
    places, place_costs = near.tolist(), costs.tolist()
    total = place_costs[0]
    back: list[list[int]] = []
    for place in range(1, len(strikes)):
        follows = _follows(struck, strikes[place - 1], strikes[place], slack)
        same = CROWDED if follows else -math.log(chordal[place])
        apart = -math.log(1 - chordal[place])
        before, now, row, origin = places[place - 1], places[place], [], []
        for target, cost in zip(now, place_costs[place], strict=True):
            choice, least = 0, 1e9
            for index, known in enumerate(total):
                value = known + (same if before[index] == target else apart)
                if before[index] <= target and value < least:
                    choice, least = index, value
            row.append(least + cost)
            origin.append(choice)
        total = row
        back.append(origin)
    index = min(range(len(total)), key=total.__getitem__)
    found = [places[-1][index]]
    for place in range(len(strikes) - 2, -1, -1):
        index = back[place][index]
        found.append(places[place][index])
    return found[::-1]


def _middle(struck: Sequence[Struck], strike: Strike) -> float:
    """Return the middle of a strike's keys: what seems rolled may have been meant to fall as one."""
    return sum(struck[key].start for key in strike.keys) / len(strike.keys) if strike.rolled else strike.time


def _follows(struck: Sequence[Struck], one: Strike, other: Strike, slack: float) -> bool:
    """Tell whether a strike takes up where the one before it has ended, or strikes one of its keys anew."""
    pitches = {struck[key].pitch for key in one.keys}
    if any(struck[key].pitch in pitches for key in other.keys):
        return True
    return max(struck[key].end for key in one.keys) <= other.time + slack


def _chordal(struck: Sequence[Struck], strikes: Sequence[Strike], slack: float) -> list[float]:
    """Return how likely each strike shares its place with the one before, by how chordal the music is."""
    together = [len(strike.keys) - 1.0 for strike in strikes]
    for place, (one, other) in enumerate(pairwise(strikes)):
        if other.time - one.time <= 2 * slack and not _follows(struck, one, other, slack):
            together[place] += 1
    counts = [0.0, *accumulate(together)]
    keys = [0, *accumulate(len(strike.keys) for strike in strikes)]
    found = []
    for place in range(len(strikes)):
        low, high = max(0, place - AROUND), min(len(strikes), place + AROUND + 1)
        share = MOST_CHORDAL * (counts[high] - counts[low]) / (keys[high] - keys[low] + 1)
        found.append(min(MOST_CHORDAL, max(LEAST_CHORDAL, share)))
    return found
