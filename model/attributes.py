"""Attributes: six named measures of a phrase, the raw units that the knobs are calibrated in.

They are defined so that none moves another by construction: density counts the steps on which something
starts, polyphony the notes per such step, complexity is normalised by what that number of onsets allows,
and register, range and dynamics are a mean and a spread over the notes.  Standard library only, and fast
enough (some 10 microseconds for 40 notes) for a closed loop inside a decode.
"""

from functools import cache
from itertools import accumulate
from math import sqrt

from model.grid import Grid
from model.phrase import Phrase

NAMES = ("density", "complexity", "register", "range", "dynamics", "polyphony")

EMPTY_REGISTER = 60.0
EMPTY_DYNAMICS = 64.0
WEIGHT_FLOOR = 8.0  # a span of weights below this says little: one onset, or a nearly full grid


def measure(phrase: Phrase) -> dict[str, float]:
    """Measure every attribute of a phrase.

    Returns, by name:
        density: distinct onset steps per beat, 0..steps_per_beat.  A chord is one onset.
        complexity: how far the onsets avoid the strong steps, 0..1 (see `complexity`).
        register: mean pitch of the notes in semitones (MIDI keys), 0..127.
        range: standard deviation of the pitches in semitones, 0..63.5.  It heeds every note, where the
            distance between the highest and the lowest jumps with one of them.
        dynamics: mean velocity, 1..127.
        polyphony: mean number of notes that start together, per onset step, at least 1.

    A phrase without notes measures density 0, complexity 0, register 60, range 0, dynamics 64, polyphony 0.
    """
    notes = phrase.notes
    count = len(notes)
    if not count:
        return dict(zip(NAMES, (0.0, 0.0, EMPTY_REGISTER, 0.0, EMPTY_DYNAMICS, 0.0), strict=True))
    onsets = {note[0] for note in notes}
    total = squares = loud = 0
    for _, pitch, velocity, _, _ in notes:
        total += pitch
        squares += pitch * pitch
        loud += velocity
    spread = max(0, count * squares - total * total)
    weights = metrical_weights(phrase.grid)
    return {
        "density": len(onsets) / phrase.grid.beats,
        "complexity": complexity(phrase.grid, len(onsets), sum(weights[step] for step in onsets)),
        "register": total / count,
        "range": sqrt(spread) / count,
        "dynamics": loud / count,
        "polyphony": count / len(onsets),
    }


def complexity(grid: Grid, onsets: int, weight: float) -> float:
    """Return where a sum of metrical weights lies between the strongest and the weakest choice of steps.

    0: the onsets fill the strongest steps there are for that many of them; 1: the weakest.  Because the
    bounds are those of the same number of onsets, adding notes does not raise it by itself.  Off-beatness
    as a weight per onset follows Toussaint 2003, "The geometry of musical rhythm" (metrical complexity),
    with the normalisation by the attainable span.

    Args:
        grid: of the phrase.
        onsets: number of distinct onset steps, 0..grid.steps.
        weight: sum of `metrical_weights` over them.

    """
    strongest, weakest = weight_bounds(grid)
    high, low = strongest[onsets], weakest[onsets]
    return (high - weight) / max(high - low, WEIGHT_FLOOR)


@cache
def metrical_weights(grid: Grid) -> tuple[float, ...]:
    """Return the metrical weight of each step of the phrase, the weakest 0.

    One is added for each level of the metre that a step lies on (Lerdahl and Jackendoff 1983, the metrical
    grid): bar, half bar (of an even number of beats above 2), beat, and the beat's divisions by 2 and 3.
    In 4/4 with sixteenths: bar 4, half bar 3, beat 2, eighth 1, sixteenth 0.
    """
    levels = [grid.steps_per_bar]
    if grid.beats_per_bar > 2 and grid.beats_per_bar % 2 == 0:
        levels.append(grid.steps_per_bar // 2)
    size = grid.steps_per_beat
    if size not in levels:
        levels.append(size)
    for factor in (2, 3, 5):
        while size % factor == 0:
            size //= factor
            if size > 1:
                levels.append(size)
    return tuple(float(sum(step % level == 0 for level in levels)) for step in range(grid.steps))


@cache
def weight_bounds(grid: Grid) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the largest and the smallest sum of weights that 0..grid.steps onsets can have."""
    weak = sorted(metrical_weights(grid))
    return (0.0, *accumulate(reversed(weak))), (0.0, *accumulate(weak))
