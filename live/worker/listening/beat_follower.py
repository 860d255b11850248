"""The beat follower: from the onsets of a performer to the timeline that they imply.

Many readings are weighed against each other, each with its own place in the bar, period and phase.  Every
onset takes each of them on to the places that it may stand on: a Kalman filter of phase and period, which
sways around its mean of the last seconds, says how well the moment fits, the rhythm so far and the metre's
profile how well the place does (multiple hypotheses as in S. Dixon, "Automatic Extraction of Tempo and Beat
from Expressive Performances", 2001, with the tempo tracking of A. T. Cemgil et al., "On Tempo Tracking:
Tempogram Representation and Kalman Filtering", 2000).
In the metres that it knows a network weighs them besides, see `metre_judge`.
One reading is that of no metre at all, so that noise convinces nobody.
Owns: the readings, and which of them is believed.  Threads: one at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log2, pi, sqrt

from live.timing.timeline import Nanos, Tick, Timeline
from live.worker.listening.beat_reading import BeatReading, alike, best
from live.worker.listening.cue_profile import profile_of
from live.worker.listening.metre_judge import MetreJudge
from live.worker.listening.metrical_positions import (
    FIRST,
    KINDS,
    METRES,
    PARTS,
    TICKS_PER_PART,
    WITHIN,
    kind_of,
    near,
)
from live.worker.listening.rhythm import rhythm_of
from model.music.grid import TICKS_PER_BEAT
from model.music.metre import Metre
from model.music.metre_profile import Cues

SECOND = 1_000_000_000
SLOWEST, FASTEST = 40.0, 220.0  # bpm, of what is found
SHORTEST_PART, LONGEST_PART = 5 / (FASTEST * 1.1), 5 / (SLOWEST * 0.9)  # seconds

CHORD = 0.05  # seconds within which onsets are one, unless sixteenths are shorter
CHORD_SHARE = 0.55  # of a sixteenth
JITTER = 0.022  # seconds, the standard deviation of a hand's onset
# two ways to play: standard deviations of the tempo's change in a second, as shares, and variances; of a
# second, not of a beat, since a slower reading is not to fit better for that
STEADY, FREE = 0.035, 0.085
STEADILY, FREELY = STEADY**2, FREE**2
# a tempo that sways comes back to the mean of so many seconds, at such a rate a second, fully where it has
# been heard for so long
BACK, MEMORY, SOON = 0.6, 6.0, 4.0
ARRIVAL = 6.0  # seconds in which who comes in on a timeline may bring another tempo
SWITCH = 0.05  # how likely one way turns into the other
SURPRISE = 3.0  # squared standard deviations at which a steady way may have turned
GUESSED, CHOSEN = 0.3, 0.15  # standard deviation of the tempo around the expected one, in octaves
STRAY = 0.1  # how likely an onset is to stand on no place: an ornament
TELLING = 8.0  # onsets whose cues count in full
GATE = 12.0  # squared standard deviations beyond which an onset does not stand on a place

# logarithms: how likely noise is at first, and by how much a metre must explain each onset better
NO_METRE, BURDEN = -1.0, 0.5
SPREAD = 0.8  # standard deviation of the logarithm of the distances between onsets of noise
RENEWAL = 0.2  # how fast their mean follows

LEAST = 1e-4  # share of belief that is heeded
FEWEST = 6  # onsets before anything is believed
NOISE = 0.05  # odds of no metre up to which anything is
SURE, EARLY_BARS = 0.9, 1.0  # the share of belief that suffices after a bar
LIKELY, LATE_BARS = 0.55, 1.5  # and a bar and a half
OVERTURNED, DOUBTED = 0.5, 0.3  # another reading is believed instead, at such shares of both
PAUSE_BARS = 2.0  # of silence, after which the music is expected to come in with the timeline
REENTRY, REENTRY_TEMPO = 0.12, 0.03  # standard deviations of that: beats, share of the tempo


@dataclass(frozen=True, slots=True)
class Found:
    """What is believed.

    Attributes:
        timeline: tick 0 is a bar line: the first one at or after the first onset, or the one less than
            half a bar before it; later readings go on in the same bars.
        belief: its share of all readings, 0..1.
    """

    timeline: Timeline
    belief: float


class BeatFollower:
    """Finds tempo and bar lines in onsets, and follows them.

    Args:
        metre: of bars of whole quarters; those of METRES are known well.
        tempo_bpm: that is expected; octaves are told apart by it.
        chosen: whether the performer has set it, so that it is near.

    Raises:
        CheckpointError: the weights that came along are damaged.

    Attributes:
        found: what is believed; None while listening.
    """

    def __init__(self, metre: Metre, *, tempo_bpm: float, chosen: bool = False) -> None:
        """Start listening."""
        self.found: Found | None = None
        self._profile, self._rhythm = profile_of(metre), rhythm_of(metre)
        self._judge = MetreJudge(metre) if metre in METRES else None
        self._expected, self._octaves = tempo_bpm, CHOSEN if chosen else GUESSED
        self._cues = Cues()
        self._zero = 0  # nanos of second 0
        self._chord: list[tuple[float, int, int]] = []  # seconds, pitch, velocity
        self._count = 0
        self._first = self._last = 0.0
        self._opening: list[float] = []  # scores of the first onset's places
        self._readings: list[BeatReading] = []
        self._none = NO_METRE  # score of no metre
        self._usual = 0.0  # mean logarithm of the distances
        self._held: BeatReading | None = None  # that is believed
        self._origin = 0  # places between its zero and tick 0
        self._joins = False  # whether the next onset is the first on a timeline that ran before

    def expect(self, tempo_bpm: float) -> None:
        """Expect another tempo, that the performer has set, of what has not begun."""
        self._expected, self._octaves = tempo_bpm, CHOSEN

    def join(self, timeline: Timeline) -> None:
        """Expect to be played to on a timeline that runs: its bar lines are believed until proved wrong."""
        period = 5 / timeline.tempo_bpm
        self._zero = timeline.origin_nanos
        beats = timeline.origin_tick / TICKS_PER_BEAT
        line = -(beats % 1) * PARTS * period  # of the quarter at or before the timeline's origin
        self._held = BeatReading(
            0.0, line, period, JITTER**2, 0.0, 0.0,
            int(beats // 1) * PARTS, FIRST, 1, 0, FREELY, 0, usual=period,
        )  # fmt: skip
        self._readings, self._last, self._count = [self._held], line, 1
        self._joins, self.found = True, Found(timeline, 1.0)

    def onset(self, nanos: Nanos, pitch: int, velocity: int) -> bool:
        """Take an onset, in the order of time; tells whether something has been learned from those before.

        One that comes so late that others after it have been worked out is left out.
        """
        if not self._count and not self._chord:
            self._zero = nanos
        seconds = (nanos - self._zero) / SECOND
        if self._chord and seconds < self._chord[0][0] - self._window():
            return False
        if self._count and not self._joins and seconds < self._last:
            return False
        learned = bool(self._chord) and seconds >= self._chord[0][0] + self._window() and self._close()
        self._chord.append((seconds, pitch, velocity))
        return learned

    def advance(self, now: Nanos) -> bool:
        """Take a chord that is complete as an onset; tells whether something has been learned."""
        due = self.due
        return due is not None and now >= due and self._close()

    @property
    def due(self) -> Nanos | None:
        """When the chord that is being played is complete; None while there is none."""
        if not self._chord:
            return None
        return Nanos(self._zero + round((self._chord[0][0] + self._window()) * SECOND))

    def _window(self) -> float:
        if self.found is None:
            return CHORD
        return min(CHORD, CHORD_SHARE * 15 / self.found.timeline.tempo_bpm)

    # -- onset by onset ----------------------------------------------------------------------------

    def _close(self) -> bool:
        chord, self._chord = self._chord, []
        time = sum(note[0] for note in chord) / len(chord)
        notes = [(pitch, velocity) for _, pitch, velocity in chord]
        columns = [self._profile.cues[row] for row in self._cues.of(notes)]
        share = min(1.0, TELLING / (self._count + 1))  # what goes on as it began says nothing new
        weights = [share * sum(column) for column in zip(*columns, strict=True)]
        distance = max(time - self._last, 1e-3)
        if self._count == 0:
            self._first = time
            self._open(weights)
        elif self.found is None and (self._count == 1 or not self._readings):
            self._begin(time, distance, weights)
        elif self.found is not None and (self._joins or distance > PAUSE_BARS * self._bar()):
            self._come_in(time)
        else:
            self._go_on(time, distance, weights)
        if self._count:
            usual = log(distance)
            self._usual = usual if self._count == 1 else self._usual + RENEWAL * (usual - self._usual)
        self._last = time
        self._count += 1
        if self._judge is not None:
            self._judge.hear(notes)
            if self._readings:
                self._readings = self._judge.weigh(self._readings)
        return self._believe(time)

    def _open(self, weights: Sequence[float]) -> None:
        self._opening = [a + b for a, b in zip(self._profile.first, weights, strict=True)]

    def _begin(self, time: float, distance: float, weights: Sequence[float]) -> None:
        """Read the first distance in all ways that are within the tempi."""
        profile, jitter = self._profile, JITTER**2
        parts = profile.parts
        begun = []
        for place, opening in enumerate(self._opening):
            if place % PARTS not in WITHIN:
                continue
            for count, likely in self._rhythm.distances(place, FIRST, 1, 0, 2 * parts).items():
                period = distance / count
                if not 5 / FASTEST <= period <= 5 / SLOWEST:
                    continue
                octaves = log2(5 / period / self._expected) / self._octaves
                prior = -0.5 * octaves * octaves - log(self._octaves * sqrt(2 * pi) * distance * log(2))
                begun += [
                    BeatReading(
                        opening + prior + likely + weights[(place + count) % parts],
                        time,
                        period,
                        jitter,
                        jitter / count,
                        2 * jitter / count**2,
                        place + count,
                        kind_of(count),
                        1 << count & self._rhythm.past_mask | 1,
                        count,
                        change,
                        place,
                        count,
                        usual=period,
                    )
                    for change in (STEADILY, FREELY)
                ]
        if begun:
            self._readings = best(begun, parts)
            self._none = self._readings[0].score + NO_METRE
        else:  # too near or too far apart to be two onsets of a beat
            self._open(weights)
            self._first, self._count = time, 0

    def _go_on(self, time: float, distance: float, weights: Sequence[float]) -> None:
        """Take every reading on to the places that an onset may stand on."""
        parts, past_mask, distances = self._profile.parts, self._rhythm.past_mask, self._rhythm.distances
        farthest = 2 * parts  # that is looked at: any longer distance is as likely
        rows: dict[tuple[int, int, int, int], dict[int, float]] = {}
        jitter, stray, switch = JITTER**2, log(STRAY / PARTS), log(SWITCH)
        following: list[BeatReading] = []
        for reading in self._readings:
            score, since, period, time_var, both_var, period_var = reading[:6]
            place, kind, past, age, change, opening, _, said, bonus, usual = reading[6:]
            gap, span = time - since, max(0.0, since - self._first)
            learned = max(gap, LEAST) / max(min(span, MEMORY), gap, LEAST)
            rest = exp(-BACK * gap * min(1.0, span / SOON))  # of what the tempo is beside the usual one
            coming, midway = usual + rest * (period - usual), (1 + rest) / 2
            period = usual + midway * (period - usual)  # on the way, as a mean
            both_var, period_var = both_var * midway, period_var * midway**2
            nearest = int(gap / period + 0.5)
            spread = time_var + nearest * (
                2 * both_var + nearest * (period_var + change * period**3 * nearest / 3)
            )
            spread += jitter
            reach = sqrt(GATE * spread)
            counts = [
                count for count in near(place % PARTS, nearest) if -reach < gap - count * period < reach
            ]
            following.append(reading._replace(score=score + stray - log(period), hop=0))
            if not counts:
                continue
            key, most = (place % parts, kind, past, age), min(counts[-1], farthest)
            row = rows.get(key)
            if row is None or most not in row:
                row = rows[key] = distances(*key, most)
            ways = [(change, 0.0)]
            if (
                change == STEADILY
                and min([abs(gap - count * period) for count in counts]) ** 2 > SURPRISE * spread
            ):
                ways.append((FREELY, switch))
            elif change == FREELY and (place + nearest) % PARTS == 0:
                ways.append((STEADILY, switch))
            for count in counts:
                error = gap - count * period
                likely = score + row[min(count, farthest)] + weights[(place + count) % parts]
                for changing, price in ways:
                    walked = changing * period**3 * count
                    ahead_var = time_var + count * (2 * both_var + count * (period_var + walked / 3))
                    spread = ahead_var + jitter
                    if error * error > GATE * spread:
                        continue
                    both = both_var + count * (period_var + walked / 2)
                    by_time, by_period = ahead_var / spread, both / spread
                    longer = coming + by_period * error
                    if not SHORTEST_PART < longer < LONGEST_PART:
                        continue
                    following.append(
                        BeatReading(
                            likely + price - 0.5 * (error * error / spread + log(2 * pi * spread)),
                            since + count * period + by_time * error,
                            longer,
                            ahead_var * (1 - by_time),
                            both * (1 - by_time),
                            period_var + walked - by_period * both,
                            place + count,
                            kind_of(count) + KINDS * (kind % KINDS),
                            past << min(count, farthest) & past_mask | 1,
                            min(age + count, farthest),
                            changing,
                            opening,
                            count,
                            said,
                            bonus,
                            usual + learned * (longer - usual),
                        )
                    )
        self._readings = best(following, parts)
        deviation = (log(distance) - self._usual) / SPREAD
        self._none += BURDEN - 0.5 * deviation * deviation - log(SPREAD * sqrt(2 * pi) * distance)

    def _come_in(self, time: float) -> None:
        """After a pause expect an onset where the timeline has one."""
        self._joins, self._first = False, time + ARRIVAL
        if self._judge is not None:
            self._judge.forget()
        held = max(self._readings, key=self._agrees)  # the first is the best of them
        place = held.place + round((time - held.time) / held.period)
        line = held.time + (place - held.place) * held.period
        known = []
        for shift in range(-PARTS // 2, PARTS // 2 + 1):
            if (place + shift) % PARTS not in WITHIN:
                continue
            error = (time - line - shift * held.period) / (REENTRY * PARTS * held.period)
            known.append(
                held._replace(
                    score=-0.5 * error * error,
                    hop=0,
                    said=0.0,
                    bonus=0.0,
                    time=time,
                    time_var=JITTER**2,
                    both_var=0.0,
                    period_var=(REENTRY_TEMPO * held.period) ** 2,
                    place=place + shift,
                    kind=FIRST,
                    past=1,
                    age=0,
                    change=FREELY,
                )
            )
        self._readings = best(known, self._profile.parts)
        self._none = self._readings[0].score + NO_METRE

    # -- what is believed --------------------------------------------------------------------------

    def _bar(self) -> float:
        """Return the seconds of a bar of what is believed."""
        assert self.found is not None
        return self._profile.parts * 5 / self.found.timeline.tempo_bpm

    def _agrees(self, reading: BeatReading) -> bool:
        """Tell whether a reading has the bar lines that are believed."""
        return self._held is not None and alike(reading, self._held, self._profile.parts)

    def _groups(self) -> list[tuple[float, BeatReading]]:
        """Return the readings that differ, each the best of those that agree, with the belief in them."""
        top = max(self._readings[0].score, self._none)
        shares = [exp(reading.score - top) for reading in self._readings]
        total = sum(shares) + exp(self._none - top)
        groups: list[tuple[float, BeatReading]] = []
        for share, reading in zip(shares, self._readings, strict=True):
            if share < LEAST * total:
                break  # and so are all that follow
            for index, (sum_of, other) in enumerate(groups):
                if alike(reading, other, self._profile.parts):
                    groups[index] = (sum_of + share / total, other)
                    break
            else:
                groups.append((share / total, reading))
        return sorted(groups, key=lambda group: -group[0])

    def _believe(self, time: float) -> bool:
        if not self._readings:
            return False
        groups = self._groups()
        if not groups:
            return False
        belief, reading = groups[0]
        if self.found is None:
            if not self._convincing(belief, reading, time):
                return False
            self._origin = self._profile.parts if 2 * reading.opening >= self._profile.parts else 0
        else:
            same = next(((share, one) for share, one in groups if self._agrees(one)), (0.0, None))
            if same[1] is not None and not (belief > OVERTURNED and same[0] < DOUBTED):
                belief, reading = same[0], same[1]
            elif belief < OVERTURNED:
                return False  # nothing is clear: the music goes on as it went
            self._origin += self._shift(reading)
        self._held = reading
        tick = Tick((reading.place - self._origin) * TICKS_PER_PART)
        timeline = Timeline(tick, Nanos(self._zero + round(reading.time * SECOND)), 5 / reading.period)
        self.found = Found(timeline, belief)
        return True

    def _convincing(self, belief: float, reading: BeatReading, time: float) -> bool:
        bars = (time - self._first) / (reading.period * self._profile.parts)
        if self._count < FEWEST or self._none - reading.score + reading.bonus > log(NOISE):
            return False
        return (belief >= SURE and bars >= EARLY_BARS) or (belief >= LIKELY and bars >= LATE_BARS)

    def _shift(self, reading: BeatReading) -> int:
        """Return by how many places, whole bars, a reading's count lies from where the music is."""
        assert self.found is not None
        line, parts = self.found.timeline, self._profile.parts
        tick = (
            line.origin_tick + (self._zero + reading.time * SECOND - line.origin_nanos) / line.nanos_per_tick
        )
        bars = (reading.place - self._origin - tick / TICKS_PER_PART) / parts
        return round(bars) * parts
