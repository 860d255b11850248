"""How the beats of one phrase are understood: their division, their swing, how far the playing lies behind.

Tested in tests/model/transcription/test_transcribe.py.
"""

import math
from collections.abc import Collection, Sequence

import numpy as np

from model.music.grid import Grid
from model.transcription.beat_grids import EIGHTH, STRAIGHT, TRIPLET, beat_grids
from model.transcription.notes import Placement
from model.transcription.ornaments import Strike, chords
from model.transcription.placing import Lattice, lattice_of, placed
from model.transcription.search import Beats, search
from model.transcription.struck import Struck

SPREAD_MS = 14.0  # standard deviation of played onsets
NARROWEST_MS, WIDEST_MS = 5.0, 24.0  # that it may turn out to have
TRUSTED, WIDER = 5, 1.3  # onsets that the first guess is worth; variance for one that was rounded to its place
USUAL, TRUSTED_FINE = 0.3, 3  # share of onsets off the eighths, and the onsets that it is worth
SLACK_MS = 25.0  # by which a finger outlasts the next one
HEARD = 0.53  # from which a beat swings
LEAST_LAG_MS = 8.0
DOUBT_MS, DOUBT = 7.0, 2.4  # within which a key fits a place, and the same in standard deviations
REMEMBERED = 4  # onsets that the lag of the phrase before is worth


class Hearing:
    """The beats of one phrase, as they are understood.

    Attributes:
        lattice: the places that its beats offer.
        swing: place of the second eighth, 0.5 where none is heard.

    """

    def __init__(
        self, keys: Sequence[Struck], grid: Grid, *, lag: float, swing: float, ms_per_tick: float
    ) -> None:
        """Take keys by their starts; the rest as `transcribe`."""
        self._keys, self._grid, self._ms_per_tick = keys, grid, ms_per_tick
        self._lag, self._before = lag, swing
        self._spread, self._fine = _bounded(SPREAD_MS / ms_per_tick, ms_per_tick), 0.0
        self._slack = SLACK_MS / ms_per_tick
        self._strikes: list[Strike] = []
        self._found: list[int] = []
        self._beats = Beats([], [])
        self.lattice: Lattice
        self.swing = STRAIGHT

    def hear(self, keys: Sequence[int]) -> None:
        """Find beats and places from some of the keys."""
        self._hear(keys, ())

    def hear_again(self, keys: Sequence[int]) -> None:
        """Find them anew, knowing how exact the playing is, how fine its rhythm, and which rolls are none."""
        near = max(DOUBT_MS / self._ms_per_tick, DOUBT * self._residual())
        apart = {
            strike.keys[-1]
            for strike in self._strikes
            if strike.doubtful and self._away(strike.keys[-1]) < near
        }
        self._learn()
        self._hear(keys, apart)

    def _learn(self) -> None:
        """Estimate the spread of onsets and what a place off the eighths costs, from a first reading."""
        count = len(self._strikes)
        if not count:
            return
        times = np.array([strike.time for strike in self._strikes])
        away = np.minimum(np.abs(times - self.lattice.ticks[self._found]), self._grid.ticks_per_step / 2)
        squares = WIDER * float((away**2).sum()) + TRUSTED * self._spread**2
        self._spread = _bounded((squares / (count + TRUSTED)) ** 0.5, self._ms_per_tick)
        fine = float((self.lattice.costs[self._found] > EIGHTH).sum())
        share = (fine + USUAL * TRUSTED_FINE) / (count + TRUSTED_FINE)
        odds = math.log((1 - share) / share) - math.log((1 - USUAL) / USUAL)
        self._fine = min(8, max(-2, round(4 * odds))) / 4

    def _hear(self, keys: Sequence[int], apart: Collection[int]) -> None:
        grid = self._grid
        beat_ticks = grid.ticks_per_step * grid.steps_per_beat
        self._strikes = sorted(
            chords(self._keys, keys, self._ms_per_tick, apart), key=lambda strike: strike.time
        )
        self._beats = search(
            np.array([strike.time for strike in self._strikes]),
            np.array([min(1.5, 0.8 + 0.2 * len(strike.keys)) for strike in self._strikes]),
            beats=grid.steps // grid.steps_per_beat,
            beat_ticks=beat_ticks,
            steps_per_beat=grid.steps_per_beat,
            lag=self._lag,
            swing=self._before,
            spread=self._spread,
            fine=self._fine,
        )
        self.lattice = lattice_of(
            self._beats, beat_ticks=beat_ticks, steps_per_beat=grid.steps_per_beat, swing=None, fine=self._fine
        )
        self._found = placed(self._keys, self._strikes, self.lattice, self._spread, self._slack)
        self.swing = self._heard_swing(beat_ticks)
        if self.swing > STRAIGHT:
            near = TRIPLET if abs(self.swing - TRIPLET) < 0.015 else self.swing
            self.lattice = lattice_of(
                self._beats, beat_ticks=beat_ticks, steps_per_beat=grid.steps_per_beat, swing=near, fine=self._fine
            )

    def _heard_swing(self, beat_ticks: int) -> float:
        """Return the swing that all beats which swing share: a regression on how each place moves with it."""
        per_beat, grids = self._grid.steps_per_beat, beat_grids(self._grid.steps_per_beat)
        slopes, away, ratios = [], [], []
        for strike, place in zip(self._strikes, self._found, strict=True):
            beat, step = divmod(self.lattice.steps[place], per_beat)
            if beat == len(self._beats.kinds):
                continue
            kind = grids[self._beats.kinds[beat]]
            if kind.family != "eighths" or kind.swing == STRAIGHT:
                continue
            slopes.append((0.0, 0.5, 1.0, 0.5)[step] * beat_ticks)
            away.append(strike.time - self.lattice.plain[place] + kind.swing * slopes[-1])
            ratios.append(kind.swing)
        if sum(slope > 0 for slope in slopes) < 2:
            return STRAIGHT
        slope, moved = np.array(slopes), np.array(away)
        centred = slope - slope.mean()
        if not centred.any():
            return float(np.mean(ratios))
        ratio = float((centred * moved).sum() / (centred**2).sum())
        ratio = min(0.75, max(STRAIGHT, ratio))
        return ratio if ratio >= HEARD else STRAIGHT

    def is_grace(self, key: int, main: int) -> bool:
        """Tell whether a key that may be a grace note fits no place of its own."""
        gap = self._keys[main].start - self._keys[key].start
        if gap <= 0.4 * self._grid.ticks_per_step:
            return True
        return self._away(key) > max(5.0 / self._ms_per_tick, 2.5 * self._residual())

    def _away(self, key: int) -> float:
        """Return how far a key lies from the nearest place, ticks."""
        return float(np.abs(self.lattice.ticks - self._keys[key].start).min())

    def _residual(self) -> float:
        """Return the standard deviation of the strikes about their places, ticks, by their median."""
        if not self._strikes:
            return 0.0
        times = np.array([strike.time for strike in self._strikes])
        return 1.48 * float(np.median(np.abs(times - self.lattice.ticks[self._found])))

    def places(self) -> dict[int, Placement]:
        """Return the place of each key of the strikes."""
        size = self._grid.ticks_per_step
        found: dict[int, Placement] = {}
        for strike, place in zip(self._strikes, self._found, strict=True):
            step = self.lattice.steps[place]
            beside = float(self.lattice.plain[place]) / size - step
            for key in strike.keys:
                ahead = (self._keys[key].start - strike.time) / size if strike.rolled else 0.0
                found[key] = Placement(step, beside + ahead)
        return found

    def lag(self) -> float:
        """Return the whole ticks by which the playing lies behind the grid; the known ones if in doubt."""
        if not self._strikes:
            return float(round(self._lag))
        away = np.array([strike.time for strike in self._strikes]) - self.lattice.plain[self._found]
        known = REMEMBERED if self._lag else 0
        middle = float(np.median(away))
        spread = 1.48 * float(np.median(np.abs(away - middle)))
        found = (len(away) * middle + known * self._lag) / (len(away) + known)
        doubt = max(3 * spread / len(away) ** 0.5, 1.5 * float(np.std(self._beats.moved)))
        if len(away) + known < REMEMBERED or abs(found - self._lag) <= doubt:
            found = self._lag
        return float(round(found)) if abs(found) * self._ms_per_tick >= LEAST_LAG_MS else 0.0

    def sure(self) -> float:
        """Return how well the places fit, 0..1."""
        quarter = self._grid.ticks_per_step / 4
        return float(np.exp(-((self._residual() / quarter) ** 2)))


def _bounded(spread: float, ms_per_tick: float) -> int:
    """Return a spread of onsets in whole even ticks, as playing can have it."""
    ms = min(WIDEST_MS, max(NARROWEST_MS, spread * ms_per_tick))
    return max(4, 2 * round(ms / ms_per_tick / 2))
