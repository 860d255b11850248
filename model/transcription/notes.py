"""From the places of keys to notes of a phrase.

Tested in tests/model/transcription/test_transcribe.py.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from model.music.grid import Grid
from model.music.phrase import FARTHEST, LONGEST, Note, Phrase
from model.transcription.placing import Lattice
from model.transcription.struck import Struck

FAR = FARTHEST  # steps from its place at which a key may have a step of its own
NEAR = 0.75  # the same where a model is shown it
TRIES = 8  # free steps that are looked at


class Placement(NamedTuple):
    """Where a key lies.

    Attributes:
        step: that it belongs to.
        displacement: steps from there to its place.
        main: whether a model is shown it.
    """

    step: int
    displacement: float
    main: bool = True


class Seated(NamedTuple):
    """A key, the place that it should have, and the step at which it was struck."""

    place: float
    struck_at: float
    key: Struck


def exact(
    keys: Sequence[Struck], places: dict[int, Placement], grid: Grid, lag: float, lattice: Lattice
) -> Phrase:
    """Return every key as a note that lies where it was struck and sounds as long as it sounded."""
    notes: list[Note] = []
    size = grid.ticks_per_step
    for step, length, seated in _laid(keys, places, grid, lag, lattice, reach=FAR):
        offset = seated.struck_at - seated.place
        within = min(0.5, max(-0.5, offset))
        displacement = min(FARTHEST, max(-FARTHEST, seated.place - step + offset - within))
        _, end, pitch, velocity = seated.key
        release = min(LONGEST, (end - seated.key.start) / size - length)
        notes.append(Note(step, pitch, velocity, length, within, 0, displacement, release))
    return Phrase(grid, tuple(notes))


def shown(
    keys: Sequence[Struck], places: dict[int, Placement], grid: Grid, lag: float, lattice: Lattice
) -> Phrase:
    """Return the main notes, each on its step."""
    main = {key: place for key, place in places.items() if place.main}
    return Phrase(
        grid,
        tuple(
            Note(
                step,
                seated.key.pitch,
                seated.key.velocity,
                length,
                min(0.5, max(-0.5, seated.struck_at - seated.place)),
            )
            for step, length, seated in _laid(keys, main, grid, lag, lattice, reach=NEAR)
        ),
    )


def _laid(
    keys: Sequence[Struck],
    places: dict[int, Placement],
    grid: Grid,
    lag: float,
    lattice: Lattice,
    *,
    reach: float,
) -> list[tuple[int, int, Seated]]:
    """Return the step and the length of each key that finds one, and the key, in the order of a phrase."""
    size, last = grid.ticks_per_step, grid.steps - 1
    seats: dict[int, dict[int, Seated]] = {}
    # whoever belongs on a step has it before those who lie beside it
    for number, place in sorted(places.items(), key=lambda item: (abs(item[1].displacement), item[0])):
        key = keys[number]
        seated = Seated(place.step + place.displacement, (key.start - lag) / size, key)
        _sit(seats.setdefault(key.pitch, {}), min(last, max(0, place.step)), seated, last, reach)
    rows = [(step, seated) for taken in seats.values() for step, seated in taken.items()]
    ends = _steps_at(lattice, [seated.key.end for _, seated in rows])
    found: list[tuple[int, int, Seated]] = []
    following: dict[int, int] = {}
    for (step, seated), end in sorted(
        zip(rows, ends, strict=True), key=lambda row: (row[0][0], row[0][1].key.pitch), reverse=True
    ):
        pitch = seated.key.pitch
        limit = following.get(pitch, grid.steps) - step
        found.append((step, max(1, min(limit, round(end) - step)), seated))
        following[pitch] = step
    return found[::-1]


def _sit(taken: dict[int, Seated], step: int, seated: Seated, last: int, reach: float) -> None:
    """Give a key its step; where it is taken, those around it move up to the nearest free one."""
    if step not in taken:
        taken[step] = seated
        return
    within = math.ceil(3 * reach)  # a row of keys that all move up
    free = [
        other for other in range(max(0, step - within), min(last, step + within) + 1) if other not in taken
    ]
    for other in sorted(free, key=lambda other: abs(other - seated.place))[:TRIES]:
        low, high = min(step, other), max(step, other)
        cells = [cell for cell in range(low, high + 1) if cell == other or cell in taken]
        row = sorted(
            [*(taken[cell] for cell in cells if cell != other), seated], key=lambda one: one.struck_at
        )
        if all(abs(one.place - cell) <= reach for one, cell in zip(row, cells, strict=True)):
            taken.update(zip(cells, row, strict=True))
            return
    if taken[step].key.velocity < seated.key.velocity:
        taken[step] = seated


def _steps_at(lattice: Lattice, ticks: Iterable[float]) -> list[float]:
    """Return where in steps, as the performer's beats divide, some ticks lie."""
    found: list[float] = np.interp(list(ticks), lattice.steady, np.arange(len(lattice.steady))).tolist()
    return found
