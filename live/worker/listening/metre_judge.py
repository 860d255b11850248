"""Weighs readings by what the metre's network says of their beats and bar lines.

The network hears the onsets on the grid of the best reading.  What it says of a place counts for every
reading on that grid, at its tempo, twice or half of it, by where that reading has had the onsets.
Threads: engine only.
Tested in tests/live/worker/listening/test_metre_judge.py.
"""

from collections import deque
from collections.abc import Sequence
from math import log2

from live.worker.listening.beat_reading import BeatReading
from live.worker.listening.metre_network import BEATS, MetreEvidence, metre_network
from live.worker.listening.metrical_positions import PARTS
from live.worker.listening.onset_features import UNITS, PlayedFeatures
from model.music.metre import Metre

WEIGHT = 0.6  # the rhythm says part of it as well
WORST = -12.0  # logarithm that no place falls below
UNRELATED = -1.0  # the same of a reading with another tempo than the grid's, its half or its double
NEAR = 1.149  # ratio up to which tempi are the same
MOST_HEARD = 12  # onsets that a new grid may begin with, half a millisecond each
SIXTEENTH = UNITS // 4
UNITS_A_PART = [round(beats * UNITS / PARTS) for beats in BEATS]  # of a part of readings of each level


class MetreJudge:
    """Hears all onsets, and weighs readings of them.

    Args:
        metre: of the bars, one of METRES.

    Raises:
        CheckpointError: the network that came along is damaged.
    """

    def __init__(self, metre: Metre) -> None:
        self._network = metre_network(metre)
        self._played = PlayedFeatures()
        self._onsets: deque[tuple[list[int], int]] = deque(maxlen=MOST_HEARD)  # rows and highest pitch
        self._evidence: MetreEvidence | None = None
        self._period = self._time = 0.0  # of a part of the grid, and of its last onset, in seconds
        self._missed = False  # whether the grid lacks onsets before this one

    def hear(self, notes: Sequence[tuple[int, int]]) -> None:
        """Take an onset's notes, (pitch, velocity)."""
        self._onsets.append((self._played.of(notes), max(notes)[0]))

    def forget(self) -> None:
        """Begin with another grid."""
        self._evidence = None

    def weigh(self, readings: list[BeatReading]) -> list[BeatReading]:
        """Return readings of all onsets with what counts for them, the best first, as they came."""
        leader = readings[0]
        if not leader.hop or len(self._onsets) < 2:
            self._missed = True
            return readings
        level = None if self._evidence is None else self._level(leader)
        if self._evidence is None or level is None:
            self._evidence = evidence = MetreEvidence(self._network)
            self._period = leader.period
            levels = [self._level(reading) for reading in readings]
            said = self._begin(evidence, readings, levels)
        else:
            evidence, scale = self._evidence, BEATS[level]
            parts = (leader.time - self._time) / leader.period if self._missed else leader.hop
            self._period = leader.period / scale
            self._tell(evidence, max(0.0, parts * scale), 0)
            levels = [self._level(reading) for reading in readings]
            said = [
                self._said(evidence, level, reading.place, reading.said) if reading.hop else reading.said
                for reading, level in zip(readings, levels, strict=True)
            ]
        self._time, self._missed = leader.time, False
        weighed = []
        for reading, level, one in zip(readings, levels, said, strict=True):
            known = UNRELATED if level is None else max(WORST, one - evidence.total + evidence.levels[level])
            score = reading.score - reading.bonus + WEIGHT * known
            weighed.append(BeatReading(score, *reading[1:13], one, WEIGHT * known, reading.usual))
        return sorted(weighed, reverse=True)

    def _begin(
        self, evidence: MetreEvidence, readings: Sequence[BeatReading], levels: Sequence[int | None]
    ) -> list[float]:
        """Take the best reading's grid, from as far back as it knows its onsets; returns what is said."""
        pasts = [_places(reading.past) for reading in readings]
        lines = pasts[0][: len(self._onsets)]
        said = [0.0] * len(readings)
        for ago in reversed(range(len(lines))):
            self._tell(evidence, lines[ago + 1] - lines[ago] if ago + 1 < len(lines) else 0, ago)
            said = [
                self._said(evidence, level, reading.place - past[ago], one)
                if ago < len(past)
                else self._said(evidence, None, 0, one)
                for reading, level, past, one in zip(readings, levels, pasts, said, strict=True)
            ]
        return said

    def _tell(self, evidence: MetreEvidence, parts: float, ago: int) -> None:
        """Let the network hear the onset so many onsets ago."""
        rows, top = self._onsets[-1 - ago]
        evidence.hear(round(parts * UNITS / PARTS), rows, top, log2(60 / (self._period * PARTS)))

    def _said(self, evidence: MetreEvidence, level: int | None, place: int, before: float) -> float:
        """Return what has been said of a reading's places, with the one of the last onset."""
        if level is None:
            return self._network.decay * before + evidence.mean
        sixteenth = place * UNITS_A_PART[level] // SIXTEENTH
        return self._network.decay * before + evidence.at(level, sixteenth)

    def _level(self, reading: BeatReading) -> int | None:
        """Return how a reading's beat is to the grid's, or None if in no simple way."""
        ratio = reading.period / self._period
        for level, beats in enumerate(BEATS):
            if beats / NEAR < ratio < beats * NEAR:
                return level
        return None


def _places(past: int) -> list[int]:
    """Return how many parts ago the onsets were, the latest first."""
    return [ago for ago in range(past.bit_length()) if past >> ago & 1]
