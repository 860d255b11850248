"""From the places of keys to notes of a phrase.

Tested in tests/model/transcription/test_transcribe.py.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.music.grid import Grid
from model.music.phrase import FARTHEST, LONGEST, Note, Phrase
from model.transcription.placing import Lattice
from model.transcription.struck import Struck


class Place(NamedTuple):
    """Where a key lies: its step, the steps from there to where it belongs, and whether a model sees it."""

    step: int
    displacement: float
    main: bool = True
    ahead: float = 0.0  # steps by which it was struck before the key that it is shown with


def exact(
    keys: Sequence[Struck], places: dict[int, Place], grid: Grid, lag: float, lattice: Lattice
) -> Phrase:
    """Return every key as a note that lies where it was struck and sounds as long as it sounded."""
    size = grid.ticks_per_step
    return _phrase(
        grid,
        lattice,
        [(places[key], (struck.start - lag) / size, struck) for key, struck in enumerate(keys)],
        plain=False,
    )


def shown(
    keys: Sequence[Struck], places: dict[int, Place], grid: Grid, lag: float, lattice: Lattice
) -> Phrase:
    """Return the main notes, each on its step."""
    size = grid.ticks_per_step
    return _phrase(
        grid,
        lattice,
        [
            (places[key], (struck.start - lag) / size, struck)
            for key, struck in enumerate(keys)
            if places[key].main
        ],
        plain=True,
    )


def _phrase(grid: Grid, lattice: Lattice, rows: list[tuple[Place, float, Struck]], *, plain: bool) -> Phrase:
    """Return notes from their places, the steps at which they were struck, and the keys."""
    size, last = grid.ticks_per_step, grid.steps - 1
    taken: dict[tuple[int, int], tuple[Place, float, Struck]] = {}
    # whoever lies nearest to a step has it; of the others each takes the nearest free one
    for row in sorted(rows, key=lambda row: (abs(row[1] - row[0].step), row[1])):
        place, at, struck = row
        step = min(last, max(0, place.step))
        free = _free(taken, step, at, struck.pitch, last)
        if free is not None:
            taken[free, struck.pitch] = row
        elif taken[step, struck.pitch][2].velocity < struck.velocity:
            taken[step, struck.pitch] = row
    following: dict[int, int] = {}
    notes: list[Note] = []
    until = _step_at(lattice, [row[2].end for row in taken.values()])
    ends = dict(zip(taken, until, strict=True))
    for (step, pitch), (place, at, struck) in sorted(taken.items(), key=lambda item: item[0], reverse=True):
        limit = following.get(pitch, grid.steps) - step
        length = max(1, min(limit, round(ends[step, pitch]) - step))
        displacement = place.displacement + place.step - step
        offset = at - step - displacement
        if plain:
            offset, displacement = min(0.5, max(-0.5, offset)), 0.0
            release = 0.0
        else:
            within = min(0.5, max(-0.5, offset))
            displacement = min(FARTHEST, max(-FARTHEST, displacement + offset - within))
            offset = within
            release = min(LONGEST, (struck.end - struck.start) / size - length)
        notes.append(Note(step, pitch, struck.velocity, length, offset, 0, displacement, release))
        following[pitch] = step
    return Phrase.of(grid, notes)


def _free(
    taken: dict[tuple[int, int], tuple[Place, float, Struck]], step: int, at: float, pitch: int, last: int
) -> int | None:
    """Return a key's own step, else the free one nearest to where it was struck; None if none is."""
    if (step, pitch) not in taken:
        return step
    near = sorted(range(max(0, step - 4), min(last, step + 4) + 1), key=lambda other: abs(other - at))
    return next(
        (other for other in near if (other, pitch) not in taken and abs(other - at) <= FARTHEST), None
    )


def _step_at(lattice: Lattice, ticks: Sequence[float]) -> list[float]:
    """Return where in steps, as the performer's beats divide, some ticks lie."""
    found: list[float] = np.interp(ticks, lattice.steady, np.arange(len(lattice.steady))).tolist()
    return found
