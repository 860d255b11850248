"""A reading: one way to take what was played, as places of bars that go by.

Pure.
Tested in tests/live/worker/listening/test_beat_follower.py.
"""

from math import exp, log, log1p
from typing import NamedTuple

MOST, WORST = 48, 9.0  # readings that are carried on, and how far behind the best, in logarithms
SAME_PERIOD, SAME_LINE = 0.12, 0.035  # logarithm, share of a bar: readings that near agree


class BeatReading(NamedTuple):
    """One way to read what was played.

    Attributes:
        score: logarithm of how well it explains everything, with the bonus.
        time: of the place that the last onset stands on, in seconds.
        period: of a part, a twelfth of a quarter, in seconds.
        time_var, both_var, period_var: covariance of these two.
        place: parts since a bar line.
        kind: of the last distance, and KINDS times that of the one before, see `places`.
        past: bits: which of the latest parts an onset stood on, the lowest the one at `place`.
        age: parts since the first onset, as far as they count.
        change: variance of the period's change in a second, in squared shares.
        opening: place of the first onset in its bar.
        hop: parts from the onset before to the latest; 0 if that stands on no place.
        said: what the metre's network has said of its places, see `MetreJudge`.
        bonus: what counts of that, in logarithms.
        usual: the mean of the period over the last seconds, which it comes back to.
    """

    score: float
    time: float
    period: float
    time_var: float
    both_var: float
    period_var: float
    place: int
    kind: int
    past: int
    age: int
    change: float
    opening: int
    hop: int = 0
    said: float = 0.0
    bonus: float = 0.0
    usual: float = 0.0


def alike(a: BeatReading, b: BeatReading, parts: int) -> bool:
    """Tell whether two readings have the same bar lines, as near as matters; bars have so many parts."""
    if abs(log(a.period / b.period)) > SAME_PERIOD:
        return False
    bars = (a.time - b.time - (a.place % parts) * a.period + (b.place % parts) * b.period) / (
        b.period * parts
    )
    return abs(bars - round(bars)) < SAME_LINE


def best(readings: list[BeatReading], parts: int) -> list[BeatReading]:
    """Return the best readings, those that have become nearly the same joined, the best first."""
    known: dict[tuple[int, int, int, int, float], BeatReading] = {}
    for reading in readings:
        key = (
            reading.place % parts,
            reading.kind,
            int(log(reading.period) * 30),
            int(reading.time * 33),
            reading.change,
        )
        other = known.get(key)
        if other is None:
            known[key] = reading
        else:
            high, low = (reading, other) if reading.score > other.score else (other, reading)
            known[key] = high._replace(score=high.score + log1p(exp(low.score - high.score)))
    ranked = sorted(known.values(), key=lambda reading: -reading.score)[:MOST]
    return [reading for reading in ranked if reading.score > ranked[0].score - WORST]
