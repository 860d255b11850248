"""How the beats of one phrase are understood: their division, their swing, how far the playing lies behind.

Tested in tests/model/transcription/test_transcribe.py.
"""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from model.music.grid import Grid
from model.transcription.beat_grids import EIGHTH, STRAIGHT, SWUNG, TRIPLET, beat_grids
from model.transcription.notes import Placement
from model.transcription.ornaments import Strike, chords
from model.transcription.placing import AROUND, Lattice, lattice_of, nearest, placed
from model.transcription.search import Beats, search
from model.transcription.struck import Struck

SPREAD_MS = 14.0  # standard deviation of played onsets
NARROWEST_MS, WIDEST_MS = 5.0, 24.0  # that it may turn out to have
TRUSTED = 3  # onsets that the first guess of it is worth
WIDER = 1.6  # variance of onsets for that of what was rounded to places
USUAL, TRUSTED_FINE = 0.3, 3  # share of onsets off the eighths, and the onsets that it is worth
SLACK_MS = 25.0  # by which a finger outlasts the next one
SWINGS = (0.0, 0.5, 1.0, 0.5)  # by how much of a change of swing each sixteenth of a beat moves
SAME_SWING = 0.015
CLEAR = 3.5  # standard errors from which late second eighths of a straight reading are swing
NORMAL = 1.4826  # standard deviations of a normal deviate in its median absolute deviation
LEAST_LAG_MS = 8.0
EVEN = 0.45  # share of a lag that each quarter of a phrase must have
GRACE_DOUBT_MS = 5.0  # within which a grace note fits a place
DOUBT_MS, DOUBT = 7.0, 2.4  # within which a key fits a place, and the same in standard deviations
CHORDAL = 0.15  # share of chords among strikes from which a pair of keys may be one
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
        self._beat_ticks = grid.ticks_per_step * grid.steps_per_beat
        self._strikes: list[Strike] = []
        self._times = np.zeros(0)
        self._found: Sequence[int] = []
        self._beats = Beats([], [])
        self.lattice: Lattice
        self.swing = STRAIGHT

    def hear(self, keys: Sequence[int]) -> None:
        """Find beats and places from some of the keys: first roughly, then knowing what that has taught."""
        self._search(keys, ())
        self._found = nearest(self._times, self.lattice, self._spread)

    def hear_again(self, keys: Sequence[int]) -> None:
        """Find them anew, knowing how exact the playing is, how fine its rhythm, and which rolls are none."""
        near = max(DOUBT_MS / self._ms_per_tick, DOUBT * self._residual())
        apart = {
            strike.keys[-1]
            for place, strike in enumerate(self._strikes)
            if strike.doubtful
            and (strike.rolled or not self._chordal(place))
            and self._away(strike.keys[-1]) < near
        }
        self._learn()
        self._search(keys, apart)
        self._found = placed(self._keys, self._strikes, self.lattice, self._spread, self._slack)
        self.swing = self._heard_swing()
        if self.swing > STRAIGHT:
            self._lay(TRIPLET if abs(self.swing - TRIPLET) < SAME_SWING else self.swing)

    def _chordal(self, place: int) -> bool:
        """Tell whether there are chords among the strikes around one."""
        around = self._strikes[max(0, place - AROUND) : place] + self._strikes[place + 1 : place + AROUND + 1]
        return sum(len(strike.keys) > 1 for strike in around) >= CHORDAL * len(around)

    def _learn(self) -> None:
        """Estimate the spread of onsets and what a place off the eighths costs, from a first reading."""
        count = len(self._strikes)
        if not count:
            return
        half = self._grid.ticks_per_step / 2
        away = np.minimum(np.abs(self._times - self.lattice.ticks[self._found]), half)
        swung = self._swing_beside_straight()
        if swung is not None:
            self._before, away = swung
        squares = WIDER * float((away**2).sum()) + TRUSTED * self._spread**2
        self._spread = _bounded((squares / (count + TRUSTED)) ** 0.5, self._ms_per_tick)
        fine = float((self.lattice.costs[self._found] > EIGHTH).sum())
        share = (fine + USUAL * TRUSTED_FINE) / (count + TRUSTED_FINE)
        odds = math.log((1 - share) / share) - math.log((1 - USUAL) / USUAL)
        self._fine = min(8, max(-2, round(4 * odds))) / 4

    def _swing_beside_straight(self) -> tuple[float, NDArray[np.float64]] | None:
        """Return the swing of beats that were all read as straight, and what it leaves of each onset, ticks.

        A regression on how each step moves with swing; a few notes are not worth a grid of their own to the
        search, yet if their second eighths are late together it is no chance.  None where it may be.
        """
        per_beat = self._grid.steps_per_beat
        if per_beat != len(SWINGS) or any(self._beats.kinds):
            return None
        steps = np.array([self.lattice.steps[place] % per_beat for place in self._found])
        slope = np.array(SWINGS)[steps] * self._beat_ticks
        away = self._times - self.lattice.plain[self._found]
        count, centred = len(away), slope - slope.mean()
        known = float((centred**2).sum())
        if (slope > 0).sum() < 2 or not known:
            return None
        ratio = float((centred * away).sum()) / known
        left = away - away.mean() - ratio * centred
        spread = SPREAD_MS / self._ms_per_tick
        variance = (float((left**2).sum()) + TRUSTED * spread**2) / (count - 2 + TRUSTED)
        if ratio < max(SWUNG - STRAIGHT, CLEAR * (variance / known) ** 0.5):
            return None
        return min(TRIPLET, STRAIGHT + ratio), np.abs(left)

    def _search(self, keys: Sequence[int], apart: Collection[int]) -> None:
        grid = self._grid
        strikes = chords(self._keys, keys, self._ms_per_tick, apart)
        self._strikes = sorted(strikes, key=lambda strike: strike.time)
        self._times = np.array([strike.time for strike in self._strikes])
        self._beats = search(
            self._times,
            np.array([min(1.5, 0.8 + 0.2 * len(strike.keys)) for strike in self._strikes]),
            beats=grid.steps // grid.steps_per_beat,
            beat_ticks=self._beat_ticks,
            steps_per_beat=grid.steps_per_beat,
            lag=self._lag,
            swing=self._before,
            spread=self._spread,
            fine=self._fine,
        )
        self._lay(None)

    def _lay(self, swing: float | None) -> None:
        self.lattice = lattice_of(
            self._beats,
            beat_ticks=self._beat_ticks,
            steps_per_beat=self._grid.steps_per_beat,
            swing=swing,
            fine=self._fine,
        )

    def _heard_swing(self) -> float:
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
            slopes.append(SWINGS[step] * self._beat_ticks)
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
        return ratio if ratio >= SWUNG else STRAIGHT

    def graces_among(self, maybe: Mapping[int, int]) -> dict[int, int]:
        """Return those which may be grace notes and fit no place before their main notes' own."""
        if not maybe:
            return {}
        near = max(GRACE_DOUBT_MS / self._ms_per_tick, DOUBT * self._residual())
        places = {
            key: place
            for strike, place in zip(self._strikes, self._found, strict=True)
            for key in strike.keys
        }
        return {
            key: main
            for key, main in maybe.items()
            if main not in places or self._away(key, before=places[main]) > near
        }

    def _away(self, key: int, before: int | None = None) -> float:
        """Return how far a key lies from the nearest place, of those before one of them, ticks."""
        places = self.lattice.ticks[:before]
        return float(np.abs(places - self._keys[key].start).min()) if len(places) else math.inf

    def _residual(self) -> float:
        """Return the standard deviation of the strikes about their places, ticks, by their median."""
        return NORMAL * _median(np.abs(self._times - self.lattice.ticks[self._found]).tolist())

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
        """Return the whole ticks by which the playing lies behind the grid; the known lag if in doubt."""
        if not self._strikes:
            return float(round(self._lag))
        away = self._times - self.lattice.plain[self._found]
        known = REMEMBERED if self._lag else 0
        middle = _median(away.tolist())
        spread = NORMAL * _median(np.abs(away - middle).tolist())
        found = (len(away) * middle + known * self._lag) / (len(away) + known)
        doubt = 3 * spread / len(away) ** 0.5
        if len(away) + known < REMEMBERED or abs(found - self._lag) <= doubt or self._drifts(away, middle):
            found = self._lag
        return float(round(found)) if abs(found) * self._ms_per_tick >= LEAST_LAG_MS else 0.0

    def _drifts(self, away: NDArray[np.float64], middle: float) -> bool:
        """Tell whether a part of the phrase lies much less behind than its middle value says, or ahead."""
        part = np.minimum(4 * self._times / self._grid.ticks, 3.9).astype(int)
        return any(
            middle * _median(away[part == quarter].tolist()) < EVEN * middle**2
            for quarter in range(4)
            if (part == quarter).any()
        )

    def sure(self) -> float:
        """Return how well the places fit, 0..1."""
        quarter = self._grid.ticks_per_step / 4
        return float(np.exp(-((self._residual() / quarter) ** 2)))


def _median(values: list[float]) -> float:
    """Return the middle value, the mean of two; 0 of none."""
    ranked, half = sorted(values), len(values) // 2
    return (ranked[half] + ranked[-half - 1]) / 2 if ranked else 0.0


def _bounded(spread: float, ms_per_tick: float) -> int:
    """Return a spread of onsets in whole even ticks, as playing can have it."""
    ms = min(WIDEST_MS, max(NARROWEST_MS, spread * ms_per_tick))
    return max(4, 2 * round(ms / ms_per_tick / 2))
