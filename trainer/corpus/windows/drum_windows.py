"""Windows of drums: every hit on one of nine classes, with its velocity and its distance from the step.

What a drummer plays around the steps is kept as micro-offsets, so that human timing puts no window aside.
The grid does not hold a window in which hits of one class fall on one step (a roll, a faster grid), or in
which a good part lies midway between two steps (triplets on eighths).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import OFFSET, ONSET, PITCH, VELOCITY
from model.music.grid import Grid
from trainer.corpus.hashing import set_hashes
from trainer.corpus.reading.tracks import Numbers, Sheet, Wide, merged
from trainer.corpus.windows.phrase_windows import (
    Cut,
    Run,
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


class Hits(NamedTuple):
    """The hits of a run of bars.

    Attributes:
        every: by onset, also those that share a class and a step.
        distinct: the louder of those that do.
        struck: onsets of what was struck at distinct moments: two sounds of one class struck at once (both
            bass drums) are one hit.

    """

    every: Wide
    distinct: Wide
    struck: Numbers

    @classmethod
    def of(cls, sheet: Sheet, span: int) -> "Hits":
        """Take those of one of a sheet's runs."""
        rows, spans = sheet.hits()
        low, high = np.searchsorted(spans, (span, span + 1)).tolist()
        every = rows[low:high]
        moments = (every[:, ONSET] << 7 | every[:, PITCH]) << 7 | every[:, OFFSET] + 50
        distinct, _ = merged(every, np.zeros(len(every), dtype=np.int64))
        return cls(every, distinct, np.unique(moments) >> 14)

    def windows(self, first: Numbers, grid: Grid) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
        """Return where each window's distinct hits begin and end, and whether few are lost to others."""
        low, high = np.searchsorted(self.distinct[:, ONSET], (first, first + grid.steps))
        begin, end = np.searchsorted(self.struck, (first, first + grid.steps))
        struck = end - begin
        return low, high, struck - (high - low) <= LOST_SHARE * struck


def drum_windows(sheet: Sheet) -> Windows:
    """Return the windows of a song's drum tracks together; other metres than the grid's are left out.

    Each has a hit in (nearly) every bar.
    """
    grid = sheet.grid
    lows, counts, firsts, numbers, tables, before = [], [], [], [], [], 0
    for number, span in enumerate(sheet.spans if len(sheet) else ()):
        if span.aside:
            continue
        hits = Hits.of(sheet, number)
        first, begin, end = slide(Run(hits.every, sheet.bars(span), aside=False), grid)
        low, high, whole = hits.windows(first, grid)
        taken = whole & (end - begin >= fewest(grid))
        lows.append(low[taken] + before)
        counts.append((high - low)[taken])
        firsts.append(first[taken])
        numbers.append(np.full(int(taken.sum()), number))
        tables.append(hits.distinct)
        before += len(hits.distinct)
    if not any(len(first) for first in firsts):
        return Windows()
    low, count, first, runs = (np.concatenate(column) for column in (lows, counts, firsts, numbers))
    aside = np.zeros(len(low), dtype=bool)
    notes = stretches(np.concatenate(tables), low, count)
    found = shifted(Cut(notes, count, first // grid.steps_per_bar, runs, aside), grid)
    between = found.tally(np.abs(found.notes[:, OFFSET]) > 100 * BETWEEN)
    found = found.only(
        (between <= BETWEEN_SHARE * found.counts) & (silent_bars(found, grid) <= grid.bars // SILENT)
    )
    onsets, keys, velocities = (found.notes[:, column] for column in (ONSET, PITCH, VELOCITY))
    exact = set_hashes((onsets, keys, velocities // (128 // LEVELS)), found.counts)
    return collect(found, exact, set_hashes((onsets, keys), found.counts), alike=ALIKE)
