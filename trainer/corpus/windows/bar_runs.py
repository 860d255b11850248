"""Runs of bars: where in a file bars as long as the grid's follow each other.

Two bars of half the grid's length (2/4 for 4/4) count as one, and a file without a time signature as the
grid's metre from its first tick.

Tested in tests/trainer/corpus/reading/test_read_midi.py.
"""

from typing import Any, NamedTuple, Self

from model.music.grid import Grid
from trainer.corpus.reading.tracks import Span
from trainer.corpus.windows.bar_line import OWN_BARS, BarLine, lies


class Metres(NamedTuple):
    """What a file says of its bars.

    Attributes:
        tpq: ticks a quarter.
        signatures: (tick, numerator, denominator), sorted.
        end: tick on which the last note ends.
    """

    tpq: int
    signatures: list[tuple[int, int, int]]
    end: int

    @classmethod
    def of(cls, score: Any) -> Self:  # noqa: ANN401 - symusic publishes no types
        """Read symusic's score."""
        signatures = sorted((max(0, s.time), s.numerator, s.denominator) for s in score.time_signatures)
        return cls(score.tpq, signatures, int(score.end()))


def may_be_long(metres: Metres, grid: Grid) -> bool:
    """Tell whether any bar can be as long as the grid's, or its time signature says nothing."""
    signatures = metres.signatures
    return (
        not signatures
        or signatures[0][0] > 0
        or all(lies(*each[1:]) for each in signatures)
        or any(_is_long(*each[1:], grid) for each in signatures)
    )


def _is_long(numerator: int, denominator: int, grid: Grid) -> bool:
    """Tell whether bars are as long as the grid's; two of half the length are one: 2/4 reads as 4/4."""
    quarters = 4 * numerator / denominator if numerator > 0 and denominator > 0 else 0.0
    return quarters in (grid.beats_per_bar, grid.beats_per_bar / 2)


def bar_runs(metres: Metres, grid: Grid, *, other: bool = False, line: BarLine = OWN_BARS) -> list[Span]:
    """Return the runs of bars as long as the grid's, at least a phrase long.

    The last bars of a file are filled up with silence.

    Args:
        metres: of the file.
        grid: whose bars are asked for.
        other: whether runs of bars of another length are there too, marked as aside.
        line: where the bars lie, if not where the file says; a pick-up before the first is a bar by itself.
    """
    bar = grid.beats_per_bar * metres.tpq
    signatures = list(metres.signatures) if line.signature is None else [(0, *line.signature)]
    if not signatures or signatures[0][0] > 0:
        signatures.insert(0, (0, grid.beats_per_bar, 4))
    if line.first:
        _, numerator, denominator = signatures[0]
        written = 4 * numerator * metres.tpq // denominator if numerator > 0 and denominator > 0 else bar
        begin = line.first - (written if line.first > 0 else 0)
        signatures = [
            (begin, numerator, denominator),
            *((t + line.beside, n, d) for t, n, d in signatures[1:]),
        ]
    bars = max(grid.bars, -(-(metres.end - signatures[-1][0]) // bar))
    end = signatures[-1][0] + bars * bar
    runs: list[Span] = []
    for index, (start, numerator, denominator) in enumerate(signatures):
        stop = signatures[index + 1][0] if index + 1 < len(signatures) else end
        aside = not _is_long(numerator, denominator, grid)
        if stop <= start or (aside and not other):
            continue
        last = runs[-1] if runs else None
        if last and last.stop == start and last.aside == aside and (start - last.start) % bar == 0:
            runs[-1] = last._replace(stop=stop)
        else:
            runs.append(Span(start, stop, aside))
    return [run for run in runs if run.stop - run.start >= grid.bars * bar]
