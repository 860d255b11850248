"""A cell of the plan: one phrase, what is heard of it, and how its steps become ticks.

Tested in tests/live/jam/sequencing/test_plan.py.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from live.ipc.jam_memory import Base
from live.ipc.places import Point
from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS

BarOrigin = Literal["decoded", "repeated", "silent"]


Sounds = Literal["all", "band", "nothing"]
"""What of a cell is heard: all of it, the parts of its band alone, or none."""


@lru_cache(maxsize=8)
def step_ticks(grid: Grid, swing: float) -> tuple[int, ...]:
    """Return the tick of each step of a cell and of its end.

    At full swing every second sixteenth goes to two thirds of its pair.
    """
    size = grid.ticks_per_step
    delay = round(swing * size / 3) if grid.steps_per_beat % 2 == 0 else 0
    return tuple(step * size + delay * (step % 2) for step in range(grid.steps + 1))


@dataclass(frozen=True, slots=True)
class Laying:
    """How steps become ticks.

    Attributes:
        swing: 0 straight .. 1 triplets: how far every second step is moved.
        feel: factor on what lies between notes and their places: 0 the grid, 1 as played, up to 1.5.
        gate: factor on written lengths, 0.05..2; drums, whose length is not heard, keep theirs.
        channels: 1..16 of each track, in the order of `model.music.tracks`.
    """

    swing: float = 0.0
    gate: float = 1.0
    feel: float = 1.0
    channels: tuple[int, int, int, int] = (2, 3, 4, 10)

    def times(
        self, notes: tuple[Note, ...], grid: Grid, *, single: frozenset[int] = frozenset()
    ) -> list[tuple[int, int]]:
        """Return when each note of a cell goes on and off, in ticks from the cell's start.

        Args:
            notes: in the order of their onsets.
            grid: of the cell.
            single: tracks of one voice: a note ends where the next one starts.
        """
        # between a decode and the next note: nothing is looked up twice
        size, gate, feel = grid.ticks_per_step, self.gate, self.feel
        swung = step_ticks(grid, self.swing)
        times: list[tuple[int, int]] = []
        for onset, _, _, length, offset, track, displacement, release in notes:
            start = swung[onset]
            full = swung[onset + length] - start
            if displacement:  # it has a place of its own, which swing leaves alone
                start = onset * size + round(displacement * size)
                full = length * size
            on = start + round(offset * feel * size) if offset else start
            if release:
                full = max(1, full + round(release * size))
            times.append((on, on + (full if track == DRUMS or gate == 1.0 else max(1, round(full * gate)))))
        following: dict[int, int] = {}
        for place in range(len(notes) - 1, -1, -1) if single else ():
            track = notes[place].track
            if track in single:
                on, off = times[place]
                times[place] = (on, min(off, following.get(track, off)))
                following[track] = on
        return times


@dataclass
class Cell:
    """One phrase of the plan.

    Attributes:
        index: its number, as the bar lines count.
        sounds: what of it is heard.
        base: what it was, or will be, decoded from.
        source: what its phrase was decoded from; None for a repeated one.
        phrase: what it plays; None until there is something.
        origin: where the phrase came from.
        stale: whether base or knobs have changed since the last decode was asked for.
        point: its latent, once decoded.
        xy: place of that on the map.
        chordal: tracks of one voice that keep several in it.
        band: tracks that were written to what the performer played.
        written: the chord of each beat that they were written under; empty where that is not known.
        harmony: the same of the other tracks.
        sounding: what of its phrase is to be heard, as it was laid last.
        awaits: whether a variation is being written that it is to sound.
    """

    index: int
    sounds: Sounds
    base: Base | None = None
    phrase: Phrase | None = None
    origin: BarOrigin = "silent"
    stale: bool = True
    source: Base | None = None
    point: Point | None = None
    xy: tuple[float, float] | None = None
    chordal: frozenset[int] = frozenset()
    band: frozenset[int] = frozenset()
    written: tuple[Chord | None, ...] = ()
    harmony: tuple[Chord | None, ...] = ()
    sounding: Phrase | None = None
    awaits: bool = False

    @property
    def speaks(self) -> bool:
        """Whether twobar plays all of it: it is its turn."""
        return self.sounds == "all"
