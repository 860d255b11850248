"""How the beats of one phrase are understood: their division, their swing, how far the playing lies behind.

Tested in tests/model/transcription/test_transcribe.py.
"""

from collections.abc import Sequence

import numpy as np

from model.music.grid import Grid
from model.transcription.beat_grids import STRAIGHT, TRIPLET, beat_grids
from model.transcription.notes import Place
from model.transcription.ornaments import Event, chords
from model.transcription.placing import Lattice, lattice_of, placed
from model.transcription.search import Beats, search
from model.transcription.struck import Struck

SPREAD_MS = 14.0  # standard deviation of played onsets
SLACK_MS = 25.0  # by which a finger outlasts the next one
HEARD = 0.53  # from which a beat swings
LEAST_LAG_MS = 8.0
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
        self._spread = min(30, max(7, round(SPREAD_MS / ms_per_tick)))
        self._slack = SLACK_MS / ms_per_tick
        self._events: list[Event] = []
        self._found: list[int] = []
        self._beats = Beats([], [])
        self.lattice: Lattice
        self.swing = STRAIGHT

    def hear(self, keys: Sequence[int]) -> None:
        """Find beats and places from some of the keys."""
        grid = self._grid
        beat_ticks = grid.ticks_per_step * grid.steps_per_beat
        self._events = sorted(chords(self._keys, keys, self._ms_per_tick), key=lambda event: event.time)
        self._beats = search(
            np.array([event.time for event in self._events]),
            np.array([min(1.5, 0.8 + 0.2 * len(event.keys)) for event in self._events]),
            beats=grid.steps // grid.steps_per_beat,
            beat_ticks=beat_ticks,
            steps_per_beat=grid.steps_per_beat,
            lag=self._lag,
            swing=self._before,
            spread=self._spread,
        )
        self.lattice = lattice_of(
            self._beats, beat_ticks=beat_ticks, steps_per_beat=grid.steps_per_beat, swing=None
        )
        self._found = placed(self._keys, self._events, self.lattice, self._spread, self._slack)
        self.swing = self._heard_swing(beat_ticks)
        if self.swing > STRAIGHT:
            near = TRIPLET if abs(self.swing - TRIPLET) < 0.015 else self.swing
            self.lattice = lattice_of(
                self._beats, beat_ticks=beat_ticks, steps_per_beat=grid.steps_per_beat, swing=near
            )

    def _heard_swing(self, beat_ticks: int) -> float:
        """Return the swing that all beats which swing share: a regression on how each place moves with it."""
        per_beat, grids = self._grid.steps_per_beat, beat_grids(self._grid.steps_per_beat)
        slopes, away, ratios = [], [], []
        for event, place in zip(self._events, self._found, strict=True):
            beat, step = divmod(self.lattice.steps[place], per_beat)
            if beat == len(self._beats.kinds):
                continue
            kind = grids[self._beats.kinds[beat]]
            if kind.family != "eighths" or kind.swing == STRAIGHT:
                continue
            slopes.append((0.0, 0.5, 1.0, 0.5)[step] * beat_ticks)
            away.append(event.time - self.lattice.plain[place] + kind.swing * slopes[-1])
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
        away = float(np.abs(self.lattice.ticks - self._keys[key].start).min())
        return away > max(5.0 / self._ms_per_tick, 2.5 * self._residual())

    def _residual(self) -> float:
        """Return the standard deviation of the events about their places, ticks, by their median."""
        if not self._events:
            return 0.0
        times = np.array([event.time for event in self._events])
        return 1.48 * float(np.median(np.abs(times - self.lattice.ticks[self._found])))

    def places(self) -> dict[int, Place]:
        """Return the place of each key of the events."""
        size = self._grid.ticks_per_step
        found: dict[int, Place] = {}
        for event, place in zip(self._events, self._found, strict=True):
            step = self.lattice.steps[place]
            beside = float(self.lattice.plain[place]) / size - step
            for key in event.keys:
                ahead = (self._keys[key].start - event.time) / size if event.rolled else 0.0
                found[key] = Place(step, beside + ahead, ahead=ahead)
        return found

    def lag(self) -> float:
        """Return the whole ticks by which the playing lies behind the grid; the known ones if in doubt."""
        if not self._events:
            return float(round(self._lag))
        away = np.array([event.time for event in self._events]) - self.lattice.plain[self._found]
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
