"""What a rhythm is likely to do next: how likely an onset stands on a place, after those before it.

A network of one hidden layer is asked, place by place, and its latest answers are kept.  It looks at the
place in the bar, how long the last onset is ago, the two distances before it, whether an onset stood a beat,
half a bar, a bar and two bars ago, as rhythms are made to come again, and at how many of the latest onsets
were sixteenths, eighths and triplets.
Owns: the answers.  Threads: one at a time.
Tested in tests/live/worker/listening/test_rhythm.py.
"""

from functools import lru_cache
from math import exp, log1p
from operator import add, mul
from typing import NamedTuple

from live.worker.listening.metrical_positions import (
    ECHOES,
    KINDS,
    METRES,
    OFF_BEAT,
    PARTS,
    SHARES,
    SINCE,
    WITHIN,
    ahead,
    in_nearest,
    lags,
    nearest,
    number_of,
    places_of,
    quarters,
    share_of,
    since_of,
)
from live.worker.listening.weights_file import FILE, read
from model.music.metre import Metre

HIDDEN = 48
WEIGHT = 0.7  # onsets depend on each other in more ways than these
CERTAIN = 30.0  # logits
MOST_KEPT = 50_000  # answers

Rows = list[list[float]]


class RhythmNetwork(NamedTuple):
    """One hidden layer of rectified units: what its inputs add to it, and what its output makes of it.

    Attributes:
        kinds: [KINDS * kind of the distance before the last + kind of the last distance][hidden].
        echoes: [ECHOES][hidden].
        shares: [3 * SHARES][hidden]: of sixteenths, of eighths and of triplets.
        out: [hidden].
        offset: of the output, a logit.
        since: by metre, [place * SINCE + kind of the time since the last onset][hidden].
    """

    kinds: Rows
    echoes: Rows
    shares: Rows
    out: list[float]
    offset: float
    since: dict[Metre, Rows]


@lru_cache(maxsize=1)
def rhythm_network() -> RhythmNetwork:
    """Return the network that came along, read once.  Raises as `weights_file.read` does."""
    since = {f"{name} since": (places_of(metre) * SINCE, HIDDEN) for metre, name in METRES.items()}
    rows = {"kinds": KINDS**2, "echoes": ECHOES, "shares": 3 * SHARES, "out": 1}
    sizes = {name: (count, HIDDEN) for name, count in rows.items()} | {"offset": (1, 1)} | since
    found = {name: array.tolist() for name, array in read(FILE, sizes).items()}
    by_metre = {metre: found[f"{name} since"] for metre, name in METRES.items()}
    return RhythmNetwork(
        found["kinds"], found["echoes"], found["shares"], found["out"][0], found["offset"][0][0], by_metre
    )


class RhythmProfile:
    """The likelihood of rhythms in one metre.

    Attributes:
        parts: in a bar.
        past_mask: bits of the past that count.

    Raises:
        CheckpointError: the network that came along is damaged.
    """

    def __init__(self, metre: Metre) -> None:
        """Read the network; a metre that is not known borrows the bars of the nearest."""
        self._network = rhythm_network()
        self.parts = PARTS * quarters(metre)
        self._lags, self.past_mask = lags(metre), (1 << 2 * self.parts) - 1
        since = self._network.since[nearest(metre)]
        self._since: list[Rows] = [[] for _ in range(self.parts)]
        for part in range(self.parts):
            if part % PARTS in WITHIN:
                place = number_of(in_nearest(part, metre))
                self._since[part] = since[place * SINCE : (place + 1) * SINCE]
        self._masks = [
            [
                sum(1 << ago for ago in range(2 * self.parts) if (within - ago) % PARTS in one)
                for one in OFF_BEAT
            ]
            for within in range(PARTS)
        ]
        self._rows: dict[int, tuple[list[float], dict[int, tuple[float, float]]]] = {}
        self._answers = 0

    def distances(self, place: int, kinds: int, past: int, age: int, most: int) -> dict[int, float]:
        """Return how likely the next onset comes so many parts later, as logarithms, up to about `most`.

        Args:
            place: of the last onset, a part of its bar.
            kinds: of the distance before it, and KINDS times that of the one before.
            past: bits: where onsets stood, the lowest the last one's, each other one part earlier.
            age: parts from the first onset to the last.
            most: distance, in parts; the first place there or beyond is the last.
        """
        parts, (beat, half, bar, two), within = self.parts, self._lags, place % PARTS
        base, answers = self._row(kinds, past, within)
        quiet, found = 0.0, {}
        for distance in ahead(within, most):
            known, echo = age + distance, 0
            if known >= beat:
                echo = 1 + (past >> (beat - distance) & 1 if beat >= distance else 0)
                if known >= half:
                    echo += 3 + (past >> (half - distance) & 1 if half >= distance else 0) * 3
                    if known >= bar:
                        echo += 9 + (past >> (bar - distance) & 1 if bar >= distance else 0) * 9
                        if known >= two:
                            echo += 27 + (past >> (two - distance) & 1 if two >= distance else 0) * 27
            since, at = since_of(distance), (place + distance) % parts
            key = (at * SINCE + since) * ECHOES + echo
            answer = answers.get(key)
            if answer is None:
                answer = answers[key] = self._asked(base, self._since[at][since], echo)
            found[distance] = quiet + answer[0]
            quiet += answer[1]
        return found

    def _row(self, kinds: int, past: int, within: int) -> tuple[list[float], dict[int, tuple[float, float]]]:
        """Return what all distances from an onset share: the hidden layer without them, and the answers."""
        among = past.bit_count()
        shares = [share_of((past & mask).bit_count(), among) for mask in self._masks[within]]
        key = (kinds * SHARES + shares[0]) * SHARES**2 + shares[1] * SHARES + shares[2]
        row = self._rows.pop(key, None)
        if row is None:
            base = self._network.kinds[kinds]
            for index, share in enumerate(shares):
                base = list(map(add, base, self._network.shares[index * SHARES + share]))
            row = base, {}
        while self._answers > MOST_KEPT and self._rows:
            self._answers -= len(self._rows.pop(next(iter(self._rows)))[1])
        self._rows[key] = row
        return row

    def _asked(self, base: list[float], since: list[float], echo: int) -> tuple[float, float]:
        """Return the logarithms of how likely an onset is there, and none."""
        self._answers += 1
        network = self._network
        hidden = map(add, map(add, base, since), network.echoes[echo])
        logit = network.offset + sum(map(mul, network.out, [value if value > 0 else 0.0 for value in hidden]))
        logit = min(CERTAIN, max(-CERTAIN, logit))
        return -WEIGHT * log1p(exp(-logit)), -WEIGHT * log1p(exp(logit))


@lru_cache(maxsize=4)
def rhythm_of(metre: Metre) -> RhythmProfile:
    """Return the rhythm of a metre, with the answers so far.  Raises as `RhythmProfile` does."""
    return RhythmProfile(metre)
