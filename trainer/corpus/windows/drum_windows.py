"""Windows of drums: every hit on one of nine classes, with its velocity and its distance from the step.

What a drummer plays around the steps is kept as micro-offsets, so that human timing puts no window aside.
The grid does not hold a window in which hits of one class fall on one step (a roll, a faster grid), or in
which a good part lies midway between two steps (triplets on eighths).
"""

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import OFFSET, ONSET, PITCH, VELOCITY
from model.music.grid import Grid
from trainer.corpus.hashing import set_hashes
from trainer.corpus.reading.sheets import Sheets, Table
from trainer.corpus.reading.tracks import LONGEST, Numbers, merged
from trainer.corpus.windows.phrase_windows import (
    Cut,
    Runs,
    Windows,
    collect,
    fewest,
    shifted,
    silent_bars,
    slide,
    stretches,
)

LOST_SHARE = 0.2  # share of the hits that may fall onto another of their class: flams, drags, a short roll
BETWEEN = 0.4  # steps from the grid from which a hit belongs as well to the other step
BETWEEN_SHARE = 0.25  # share of such hits from which it is another grid
ALIKE = 6  # windows of one song with the same hits: its loops are played again, louder and later
LEVELS = 8  # velocities that count as one
SILENT = 8  # one bar in so many may be without a hit


class Hits:
    """The hits of some songs' drum tracks, run by run."""

    def __init__(self, sheets: Sheets) -> None:
        self.every = sheets.hits()
        notes, groups = self.every
        moment = (groups << 24 | notes[:, ONSET]) << 7 | notes[:, PITCH]
        moment = np.sort(moment << 7 | notes[:, OFFSET] + 50)
        # two sounds of one class struck at once (both bass drums) are one hit
        self._struck = moment[np.flatnonzero(np.diff(moment, prepend=-1))] >> 14
        self.distinct = Table(*merged(notes, groups))
        self._place = self.distinct.groups << 24 | self.distinct.notes[:, ONSET]

    def windows(self, run: Numbers, first: Numbers, grid: Grid) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
        """Return where each window's distinct hits begin and end, and whether few are lost to others.

        Args:
            run: of each window, as the sheets count them.
            first: step of each in its run.
            grid: of the windows.
        """
        edges = [run << 24 | np.minimum(first + more, LONGEST - 1) for more in (0, grid.steps)]
        low, high = np.searchsorted(self._place, edges)
        begin, end = np.searchsorted(self._struck, edges)
        struck = end - begin
        return low, high, struck - (high - low) <= LOST_SHARE * struck


def drum_windows(sheets: Sheets, hits: Hits) -> list[Windows]:
    """Return of each song the windows of its drum tracks; other metres than the grid's are left out.

    Each has a hit in (nearly) every bar.
    """
    grid = sheets.grid
    aside = np.array([span.aside for span in sheets.spans], dtype=bool)
    runs = Runs.of(hits.every, np.arange(len(aside)), sheets.bars(), aside, sheets.song_of_span)
    run, first, begin, end = slide(runs, grid)
    low, high, whole = hits.windows(run, first, grid)
    taken = whole & ~aside[run] & (end - begin >= fewest(grid))
    run, first, low, count = run[taken], first[taken], low[taken], (high - low)[taken]
    songs = sheets.song_of_span[run]
    within = run - np.array(sheets.first_span)[songs]
    notes = stretches(hits.distinct.notes, low, count)
    found = shifted(Cut(notes, count, first // grid.steps_per_bar, within, aside[run], songs), grid)
    between = found.tally(np.abs(found.notes[:, OFFSET]) > 100 * BETWEEN)
    found = found.only(
        (between <= BETWEEN_SHARE * found.counts) & (silent_bars(found, grid) <= grid.bars // SILENT)
    )
    onsets, keys, velocities = (found.notes[:, column] for column in (ONSET, PITCH, VELOCITY))
    exact = set_hashes((onsets, keys, velocities // (128 // LEVELS)), found.counts)
    shape = set_hashes((onsets, keys), found.counts)
    return collect(found, exact, shape, songs=len(sheets), alike=ALIKE)
