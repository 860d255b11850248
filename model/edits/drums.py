"""Edits of drums: hits come, go and move within their own drum, as a drummer would vary a groove.

Time-keepers (hats, ride) may fill every step, kick and snare half of them, toms a quarter; a crash never
comes by itself.  A hit is laid where the same drum plays in another bar or beat; soft ones, weak steps
and time-keepers go before the backbone of kick and snare does.
"""

from collections.abc import Iterable

import numpy as np

from model.edits.common import OFF_BEAT
from model.music.attributes import WEIGHT_FLOOR, metrical_weights, weight_bounds
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS

CLOSED_HAT = 42
TIMEKEEPERS = frozenset((22, 42, 44, 46, 51, 53, 54, 59, 69, 70, 82))
BACKBONE = frozenset((35, 36, 37, 38, 39, 40))
CRASHES = frozenset((49, 52, 55, 57))
SOFTER = 0.7  # a hit that comes has this share of what its drum usually has

Kit = dict[int, dict[int, Note]]  # drum -> step -> its hit


def kit_of(phrase: Phrase) -> Kit:
    """Return the hits by drum and step."""
    kit: Kit = {}
    for note in phrase.notes:
        kit.setdefault(note.pitch, {})[note.onset] = note
    return kit


def played(grid: Grid, kit: Kit) -> Phrase:
    """Return the phrase that a kit plays."""
    return Phrase.of(grid, (note for drum in kit.values() for note in drum.values()))


def most(drum: int, steps: int) -> int:
    """Return how many hits a drum may get in so many steps."""
    share = 1.0 if drum in TIMEKEEPERS else 0.5 if drum in BACKBONE else 0.0 if drum in CRASHES else 0.25
    return round(share * steps)


def room(phrase: Phrase) -> tuple[int, int]:
    """Return how many hits may go and how many may come."""
    kit = kit_of(phrase)
    steps = phrase.grid.steps
    drums = set(kit) | ({CLOSED_HAT} if not TIMEKEEPERS & set(kit) else set())
    more = sum(max(0, most(drum, steps) - len(kit.get(drum, {}))) for drum in drums)
    return max(0, len(phrase.notes) - phrase.grid.bars), more


def density(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:
    """Thin or fill: a chain of hits, the most dispensable and the most likely first."""
    less, more = room(phrase)
    change = round(amount * (more if amount > 0 else less))
    return with_hits(phrase, change, rng.random(phrase.grid.steps) * 0.05)


def with_hits(phrase: Phrase, change: int, jitter: Iterable[float] | None = None) -> Phrase:
    """Return the phrase with so many hits more (or less): at each one complexity stays about where it was.

    Args:
        phrase: of drums alone.
        change: hits to come, or below 0 to go; no more than `room` says.
        jitter: one small number a step that breaks ties.
    """
    less, more = room(phrase)
    change = max(-less, min(more, change))
    if not change:
        return phrase
    kit = kit_of(phrase)
    steps = phrase.grid.steps
    if change > 0 and not TIMEKEEPERS & set(kit):
        kit[CLOSED_HAT] = {}
    tally = _Balance(phrase.grid, kit)
    noise = [0.0] * steps if jitter is None else list(jitter)
    cells = [
        (drum, step, _fit(phrase.grid, drum, hits, step) + noise[step])
        for drum, hits in kit.items()
        for step in range(steps)
        if (step in hits) == (change < 0)
    ]
    cells.sort(key=lambda cell: cell[2], reverse=change > 0)
    usual = sum(note.velocity for note in phrase.notes) / max(1, len(phrase.notes))
    for _ in range(abs(change)):
        best = _next(cells, tally, kit, steps, 1 if change > 0 else -1)
        if best is None:
            break
        drum, step, _ = best
        cells.remove(best)
        tally.change(drum, step, 1 if change > 0 else -1)
        if change < 0:
            del kit[drum][step]
        else:
            velocities = [note.velocity for note in kit[drum].values()]
            loud = round(SOFTER * (sum(velocities) / len(velocities) if velocities else usual))
            kit[drum][step] = Note(step, drum, max(1, loud), 1, track=DRUMS)
    return played(phrase.grid, kit)


def syncopation(phrase: Phrase, amount: float, rng: np.random.Generator) -> Phrase:
    """Move hits to weaker (or stronger) free steps of their own drum, at most half a beat, in order."""
    kit = kit_of(phrase)
    grid = phrase.grid
    weights = metrical_weights(grid)
    reach = max(1, grid.steps_per_beat // 2)
    jitter = rng.random(grid.steps) * 0.05
    sign = 1 if amount > 0 else -1
    moves: list[tuple[float, int, int, int]] = []
    for drum, hits in kit.items():
        for step in hits:
            for target in range(max(0, step - reach), min(grid.steps, step + reach + 1)):
                gain = sign * (weights[step] - weights[target])
                if gain > 0 and target not in hits:
                    score = gain - 0.6 * abs(target - step) + float(jitter[target])
                    moves.append((score, drum, step, target))
    moves.sort(reverse=True)
    chosen: list[tuple[int, int, int]] = []
    gone: set[tuple[int, int]] = set()
    for _, drum, step, target in moves:
        if (drum, step) not in gone and (drum, target) not in gone:
            gone |= {(drum, step), (drum, target)}
            chosen.append((drum, step, target))
    for drum, step, target in chosen[: round(abs(amount) * len(chosen))]:
        kit[drum][target] = kit[drum].pop(step)._replace(onset=target)
    return played(grid, kit)


class _Balance:
    """Running complexity of a kit."""

    def __init__(self, grid: Grid, kit: Kit) -> None:
        self._weights = metrical_weights(grid)
        self._strongest, self._weakest = weight_bounds(grid)
        self._onsets = {drum: len(hits) for drum, hits in kit.items()}
        self._missing = self._span = 0.0
        for hits in kit.values():
            count = len(hits)
            self._missing += self._strongest[count] - sum(self._weights[step] for step in hits)
            self._span += self._strongest[count] - self._weakest[count]
        self._rest = self._missing / max(self._span, WEIGHT_FLOOR)

    def change(self, drum: int, step: int, sign: int) -> None:
        """Take a hit over, or away."""
        self._missing, self._span = self._after(drum, step, sign)
        self._onsets[drum] += sign

    def drift(self, drum: int, step: int, sign: int) -> float:
        """Return how far complexity would lie from where it was, over half its usual spread."""
        missing, span = self._after(drum, step, sign)
        return abs(missing / max(span, WEIGHT_FLOOR) - self._rest) / OFF_BEAT

    def _after(self, drum: int, step: int, sign: int) -> tuple[float, float]:
        """Return what is missing of the strongest weights, and their span, after a change."""
        count = self._onsets[drum]
        high = self._strongest[count + sign] - self._strongest[count]
        low = self._weakest[count + sign] - self._weakest[count]
        return self._missing + high - sign * self._weights[step], self._span + high - low


def _fit(grid: Grid, drum: int, hits: dict[int, Note], step: int) -> float:
    """Return how well a hit belongs on a step of its drum, there already or not."""
    bar, beat = grid.steps_per_bar, grid.steps_per_beat
    bars = [other in hits for other in range(step % bar, grid.steps, bar) if other != step]
    beats = [other in hits for other in range(step % beat, grid.steps, beat) if other != step]
    answered = sum(bars) / max(1, len(bars)) + 0.7 * sum(beats) / max(1, len(beats))
    weight = metrical_weights(grid)[step]
    hit = hits.get(step)
    if hit is None:  # time-keepers fill first; what kick and snare add are ghosts beside the beat
        return answered + (0.9 if drum in TIMEKEEPERS else 0.2 - 0.3 * weight if drum in BACKBONE else -0.3)
    role = 1.0 if drum in BACKBONE else 0.0 if drum in TIMEKEEPERS else 0.5
    return 0.3 * answered + 0.3 * weight + hit.velocity / 127.0 + role


def _next(
    cells: list[tuple[int, int, float]], tally: _Balance, kit: Kit, steps: int, sign: int
) -> tuple[int, int, float] | None:
    """Return the cell to change next: the best fitting (worst, to go) whose weight keeps the balance."""
    best: tuple[float, tuple[int, int, float]] | None = None
    seen: set[tuple[int, float]] = set()
    weights = tally._weights  # noqa: SLF001 - of this module
    for cell in cells:
        drum, step, fit = cell
        kind = drum, weights[step]
        if kind in seen or (sign > 0 and len(kit[drum]) >= most(drum, steps)):
            continue
        seen.add(kind)  # of equal weight in one drum the first fits best
        score = sign * fit - tally.drift(drum, step, sign)
        if best is None or score > best[0]:
            best = score, cell
    return best[1] if best else None
