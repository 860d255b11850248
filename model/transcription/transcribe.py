"""From keys as they were struck to a phrase on the grid that gives the playing back exactly.

What belongs to the music (swing, triplets, ornaments, rolls) becomes a note's displacement, what is the
performer's touch its offset.  Threads: any.  No chance: the same keys give the same phrase.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.phrase import Phrase
from model.transcription.beat_grids import STRAIGHT
from model.transcription.hearing import Hearing
from model.transcription.notes import Placement, exact, shown
from model.transcription.ornaments import graces, trills
from model.transcription.struck import Struck

MS_PER_TICK = 60_000 / (120 * TICKS_PER_BEAT)


class Transcription(NamedTuple):
    """What was played.

    Attributes:
        phrase: every key, at most one of a pitch on a step; (onset + displacement + offset) steps lie `lag`
            before its start, length + release is its sound, both to a tick.
        shown: what a model is to be shown: without grace notes and the second notes of trills, a rolled
            chord on one step, no displacements.
        lag: ticks by which this playing lies behind the grid, negative ahead; the lag before where it cannot
            be told.
        swing: place of the second eighth in its beat, 0.5 straight .. 0.67 triplets.
        sure: how well the places fit, 0..1.
    """

    phrase: Phrase
    shown: Phrase
    lag: float
    swing: float
    sure: float


def transcribe(
    struck: Iterable[Struck],
    grid: Grid,
    *,
    lag: float = 0.0,
    swing: float = STRAIGHT,
    ms_per_tick: float = MS_PER_TICK,
) -> Transcription:
    """Return what was played, on a grid.

    Args:
        struck: in any order; none is refused, what lies more than four steps outside the phrase is moved in.
        grid: of the phrase.
        lag: of the phrase before, ticks.
        swing: of the phrase before.
        ms_per_tick: of the tempo.
    """
    keys = sorted(_sound(key) for key in struck)
    if not keys:
        return Transcription(Phrase(grid), Phrase(grid), lag, STRAIGHT, 0.0)
    shakes = trills(keys, grid.ticks_per_step)
    shaken = {key for run in shakes for key in run}
    inner = {key for run in shakes for key in run[1:]}
    maybe = {key: main for key, main in graces(keys, ms_per_tick).items() if key not in shaken}
    hearing = Hearing(keys, grid, lag=lag, swing=swing, ms_per_tick=ms_per_tick)
    hearing.hear([key for key in range(len(keys)) if key not in inner and key not in maybe])
    small = hearing.graces_among(maybe)
    hearing.hear_again([key for key in range(len(keys)) if key not in inner and key not in small])
    places = hearing.places()
    for run in shakes:
        _shake(keys, run, grid.ticks_per_step, places)
    for key, main in small.items():
        before = places[main]
        gap = (keys[main].start - keys[key].start) / grid.ticks_per_step
        places[key] = Placement(before.step, before.displacement - gap, main=False)
    found = hearing.lag()
    return Transcription(
        exact(keys, places, grid, found, hearing.lattice),
        shown(keys, places, grid, found, hearing.lattice),
        found,
        hearing.swing,
        hearing.sure(),
    )


def _sound(key: Struck) -> Struck:
    """Return a key with every number inside its range."""
    start, end, pitch, velocity = key
    return Struck(start, max(end, start + 1), min(127, max(0, pitch)), min(127, max(1, velocity)))


def _shake(keys: Sequence[Struck], run: Sequence[int], size: int, places: dict[int, Placement]) -> None:
    """Place the keys of a trill, two to a step; its first key has its place."""
    first, step = keys[run[0]], places[run[0]].step
    zero, last = first.start - size * (step + places[run[0]].displacement), -1
    for key in run:
        last = max(last + 1, round(2 * (keys[key].start - zero) / size))
        places[key] = Placement(last // 2, 0.5 * (last % 2), main=keys[key].pitch == first.pitch)
