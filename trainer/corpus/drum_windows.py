"""Windows of drums: every hit on one of nine classes, with its velocity and its distance from the step.

What a drummer plays around the steps is kept as micro-offsets, so that human timing puts no window aside.
The grid does not hold a window in which hits of one class fall on one step (a roll, a faster grid), or in
which a good part lies midway between two steps (triplets on eighths).
"""

from collections.abc import Iterable, Iterator

import numpy as np

from model.codecs.base import OFFSET, ONSET, PITCH, VELOCITY
from model.music.grid import Grid
from trainer.corpus.tracks import Span, TrackLine, Wide, hash_of, merged
from trainer.corpus.windows import Run, Window, Windows, collect, fewest, shifted, silent_bars, slide

LOST_SHARE = 0.2  # share of the hits that may fall onto another of their class: flams, drags, a short roll
BETWEEN = 0.4  # steps from the grid from which a hit belongs as well to the other step
BETWEEN_SHARE = 0.25  # share of such hits from which it is another grid
ALIKE = 6  # windows of one song with the same hits: its loops are played again, louder and later
LEVELS = 8  # velocities that count as one
SILENT = 8  # one bar in so many may be without a hit


def drum_windows(lines: list[TrackLine], spans: list[Span], grid: Grid) -> Windows:
    """Return the windows of a song's drum tracks together; other metres than the grid's are left out."""
    runs = [
        (hits_of(lines, span), lines[0].bars(span), span.aside) for span in spans if lines and not span.aside
    ]
    return collect(cut_drums((Run(*run) for run in runs), grid), alike=ALIKE)


def hits_of(lines: list[TrackLine], span: Span) -> Wide:
    """Return all drum hits of a run, by onset, also those that share a class and a step."""
    hits = np.concatenate([line.hits(span.start, span.stop) for line in lines])
    return np.asarray(hits[np.argsort(hits[:, ONSET], kind="stable")])


def cut_drums(runs: Iterable[Run], grid: Grid) -> Iterator[Window]:
    """Yield the windows with a hit in (nearly) every bar, few of them lost to others."""
    for line, run in enumerate(runs):
        for first, low, high in slide(run, grid):
            if high - low < fewest(grid):
                continue
            window = distinct(run.notes[low:high])
            if window is None or np.mean(np.abs(window[:, OFFSET]) > 100 * BETWEEN) > BETWEEN_SHARE:
                continue
            window = shifted(window, first, grid)
            if silent_bars(window, grid) > grid.bars // SILENT:
                continue
            hits = window[:, (ONSET, PITCH)]
            rough = np.column_stack((hits, window[:, VELOCITY] // (128 // LEVELS)))
            bar = first // grid.steps_per_bar
            yield Window(window, hash_of(rough), hash_of(hits), run.aside, bar, line)


def distinct(hits: Wide) -> Wide | None:
    """Return hits without those that fall on another of their class; None where these are too many.

    Two sounds of one class struck at once (both bass drums) are one hit, and nothing is lost.
    """
    distinct_hits = merged(hits)
    struck = len(np.unique(hits[:, (ONSET, PITCH, OFFSET)], axis=0))
    return None if struck - len(distinct_hits) > LOST_SHARE * struck else distinct_hits
