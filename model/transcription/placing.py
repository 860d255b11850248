"""Each event to its place, once it is known how the beats are divided and where they lie.

Viterbi again, over the events: places never go back, and what sounds alone seldom shares a place.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.transcription.beat_grids import beat_grids
from model.transcription.ornaments import Event
from model.transcription.search import Beats
from model.transcription.struck import Struck

NEAREST = 4  # places that an event may take
BEYOND = 2.0  # cost of the bar line that ends the phrase
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


def lattice_of(beats: Beats, *, beat_ticks: int, steps_per_beat: int, swing: float | None) -> Lattice:
    """Return the places that beats offer.

    Args:
        beats: as the search found them.
        beat_ticks: in a beat.
        steps_per_beat: of the grid.
        swing: what the beats that swing share; None for each beat's own.

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
        costs += grid.costs
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


def placed(
    struck: Sequence[Struck], events: Sequence[Event], lattice: Lattice, spread: float, slack: float
) -> list[int]:
    """Return the place, an index into the lattice, of each event.

    Args:
        struck: by their starts.
        events: by their times.
        lattice: the places.
        spread: standard deviation of events about their places, ticks.
        slack: ticks by which a note may outlast the next one of its voice.

    """
    if not events:
        return []
    times = np.array([event.time for event in events])
    count = len(lattice.ticks)
    low = np.clip(np.searchsorted(lattice.ticks, times) - NEAREST // 2, 0, max(0, count - NEAREST))
    near = low[:, None] + np.arange(min(NEAREST, count))
    costs = (times[:, None] - lattice.ticks[near]) ** 2 / (2 * spread**2) + lattice.costs[near]
    chordal = _chordal(struck, events, slack)
    shared, apart = -float(np.log(chordal)), -float(np.log(1 - chordal))
    places, own = near.tolist(), costs.tolist()
    total = own[0]
    back: list[list[int]] = []
    for place in range(1, len(events)):
        same = CROWDED if _follows(struck, events[place - 1], events[place], slack) else shared
        before, now, row, origin = places[place - 1], places[place], [], []
        for target, cost in zip(now, own[place], strict=True):
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
    for place in range(len(events) - 2, -1, -1):
        index = back[place][index]
        found.append(places[place][index])
    return found[::-1]


def _follows(struck: Sequence[Struck], one: Event, other: Event, slack: float) -> bool:
    """Tell whether an event takes up where the one before it has ended, or strikes one of its keys anew."""
    pitches = {struck[key].pitch for key in one.keys}
    if any(struck[key].pitch in pitches for key in other.keys):
        return True
    return max(struck[key].end for key in one.keys) <= other.time + slack


def _chordal(struck: Sequence[Struck], events: Sequence[Event], slack: float) -> float:
    """Return how likely an event shares its place with the next one, by how often keys fall together."""
    together = sum(len(event.keys) - 1 for event in events)
    near = sum(
        1
        for one, other in pairwise(events)
        if other.time - one.time <= 2 * slack and not _follows(struck, one, other, slack)
    )
    return min(0.8, max(0.02, 0.8 * (together + near) / (together + len(events) + 1)))
