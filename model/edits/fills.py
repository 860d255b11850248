"""Fills as drummers play them: which drum after which, where in the bar, and how loud.

How often each is so was counted in 400 fills of one bar by 40 pairs of drummers and styles (the Groove MIDI
data set, CC BY 4.0), by the sixteenth; what is drawn from it is a chain of drums, a stroke at most for each
hand; the feet are the groove's.  Exact, and fast enough to run between a key and the next note.
"""

from random import Random

from model.music.grid import Grid
from model.music.phrase import Note
from model.music.tracks import DRUMS

SNARE, HIGH_TOM, MIDDLE_TOM, LOW_TOM = 38, 50, 47, 43
STROKES = (0, SNARE, HIGH_TOM, MIDDLE_TOM, LOW_TOM)
"""What the stronger hand strikes; 0 is nothing.  The tables have a column for each."""
PLACES = (
    (53, 31, 3, 0, 12), (59, 30, 5, 0, 6), (46, 37, 5, 1, 11), (59, 25, 6, 0, 9),
    (38, 36, 10, 1, 15), (56, 29, 8, 2, 6), (43, 35, 10, 2, 10), (49, 38, 10, 1, 3),
    (23, 46, 15, 2, 15), (39, 37, 16, 0, 7), (29, 39, 15, 3, 14), (42, 31, 16, 2, 8),
    (16, 40, 17, 5, 21), (39, 29, 13, 3, 16), (42, 25, 8, 2, 22), (74, 10, 4, 0, 12),
)  # fmt: skip
"""Percent of the fills in which each is struck, by the sixteenth of the bar that a fill ends."""
AFTER = (
    ((37, 34, 10, 1, 18), (22, 58, 11, 3, 5), (25, 16, 34, 8, 17), (16, 16, 3, 27, 38), (39, 11, 3, 0, 47)),
    ((62, 21, 9, 0, 8), (43, 46, 7, 1, 3), (35, 20, 38, 2, 4), (19, 25, 8, 37, 10), (57, 14, 3, 0, 26)),
)
"""Percent of what follows each on an eighth, and between two of them."""
ALL = ((31, 37, 13, 3, 17), (50, 29, 11, 2, 9))
"""The same whatever it follows."""
OTHER_HAND = ((0, 0, 0, 0, 0), (0, 0, 1, 0, 4), (0, 13, 0, 0, 7), (0, 19, 7, 0, 2), (0, 36, 11, 0, 0))
"""Percent of the strokes of each with which the other hand strikes another drum."""
LEVELS = (91, 66, 75, 74, 83, 72, 90, 70, 90, 80, 89, 89, 101, 98, 106, 98)
"""Mean velocity of the stronger hand, by the sixteenth."""
FILL_SPREAD, STROKE_SPREAD = 20, 20
"""Standard deviations of the velocities of fills, and of strokes within one."""
SOFTER = (0.6, 1.0)  # the other hand beside the stronger one
TRIES = 16  # for a fill that is heard as one
SIXTEENTHS = 4  # in a beat
BEFORE = 0.01  # what a stroke counts that was never struck there


def fill(grid: Grid, first: int, last: int, *, seed: int) -> list[Note]:
    """Return a fill between two steps: it strikes a tom, or more often than eighths.

    Args:
        grid: of the phrase.
        first: step of the phrase, from 0.
        last: the step that it leads to, after the first one.
        seed: of the choices.
    """
    rng = Random(seed * 104729 + first)  # noqa: S311  music, no secret
    for _ in range(TRIES):
        found = _drawn(grid, first, last, rng)
        struck = {note.onset for note in found}
        toms = any(note.pitch != SNARE for note in found)
        if struck and (toms or 2 * len(struck) > last - first):
            return found
    return [
        Note(step, SNARE, LEVELS[_place(grid, step, last)], 1, track=DRUMS) for step in range(first, last)
    ]


def _drawn(grid: Grid, first: int, last: int, rng: Random) -> list[Note]:
    """Return what is struck, in order, soft or loud as a whole."""
    found: list[Note] = []
    level = rng.gauss(0, FILL_SPREAD)
    before: int | None = None
    for step in range(first, last):
        place = _place(grid, step, last)
        between = place % 2
        odds: list[float] = [share + BEFORE for share in PLACES[place]]
        if before is not None:
            odds = [
                odd * (after + BEFORE) / (share + BEFORE)
                for odd, after, share in zip(odds, AFTER[between][before], ALL[between], strict=True)
            ]
        (before,) = rng.choices(range(len(STROKES)), odds)
        if not before:
            continue
        loud = LEVELS[place] + level + rng.gauss(0, STROKE_SPREAD)
        hits = [(STROKES[before], loud)]
        hits += [
            (STROKES[other], loud * rng.uniform(*SOFTER))
            for other, share in enumerate(OTHER_HAND[before])
            if rng.random() * 100 < share
        ]
        found += [
            Note(step, pitch, max(1, min(127, round(loud))), 1, track=DRUMS) for pitch, loud in sorted(hits)
        ]
    return found


def _place(grid: Grid, step: int, last: int) -> int:
    """Return the sixteenth of a fill's last bar that a step is nearest to; before it, of its first beat."""
    place = len(PLACES) - round((last - step) * SIXTEENTHS / grid.steps_per_beat)
    return place if place >= 0 else place % SIXTEENTHS
