"""How well MIDI clock and time code are followed, in a simulation: jitter, ramps, and a wire's accidents."""

import random
import time
from collections.abc import Collection, Sequence

from benchmarks.figures import Row, percentile, spread
from benchmarks.scale import Scale
from live.jam.leaders.timeline_follower import FOLLOW_BEATS
from live.timing.midi_clock.clock_fit import ClockFit
from live.timing.midi_clock.time_code import RATES, FrameRate, TimeCodeIn
from live.timing.timeline import Nanos, Tick, Timeline
from live.timing.transport import Transport
from tests.fakes import masters, time_codes
from tests.fakes.followed import Found, followed

EXPLAINED = (
    "A simulation, jitter evenly spread: *place* is how far the transport is from the master's own clocks.",
    "Only the cost of a clock depends on the machine.",
)
JITTER_MS = 3.0
TEMPI = (30, 60, 120, 200, 300)
STEPS = ((120, 126), (120, 180), (120, 60), (90, 95))
BEFORE_BEATS = 24  # of a steady tempo
NEAR = 0.02  # of the tempo
PLACE_MS = 2.0
BUFFERS_MS = (5.8, 11.6, 23.2)  # 256, 512 and 1024 frames at 44.1 kHz
ACCIDENTS_BEATS = 200
CODE_QUARTERS, CODE_SETTLED = 3000, 200  # of time code, about half a minute, and two seconds of it


def measure(scale: Scale) -> list[Row]:
    """Follow simulated masters."""
    seeds = range(scale.count(10, least=2))
    steps = [_steps(seeds, jitter_ms) for jitter_ms in (0.3, JITTER_MS)]
    return [_jitter(seeds), *steps, _ramp(seeds), *_accidents(), *_buffers(), *_time_code(seeds), _cost()]


def _jitter(seeds: Sequence[int]) -> Row:
    late: list[float] = []
    worst_tempo, worst_p99 = 0, 0.0
    for bpm in TEMPI:
        true = masters.sent(bpm, 100)
        found = [
            abs(one.late_ms)
            for seed in seeds
            for one in followed(true, masters.jittered(true, JITTER_MS, seed=seed), tempo_bpm=bpm)
            if one.beat >= 8
        ]
        p99 = percentile(found, 0.99)
        if p99 > worst_p99:
            worst_tempo, worst_p99 = bpm, p99
        late += found
    return Row(
        f"MIDI clock in, jitter of +-{JITTER_MS:g} ms, {TEMPI[0]} to {TEMPI[-1]} bpm: place",
        "p99 < 1 ms",
        spread(late),
        f"worst p99 of a tempo: {worst_p99:.2f} ms at {worst_tempo} bpm",
        worst_p99 < 1.0,
    )


def _steps(seeds: Sequence[int], jitter_ms: float) -> Row:
    known, placed, worst = [], [], []
    for before, after in STEPS:
        true = masters.sent(masters.step(before, after, at_beat=BEFORE_BEATS), BEFORE_BEATS + 12)
        for seed in seeds:
            found = followed(true, masters.jittered(true, jitter_ms, seed=seed), tempo_bpm=before)
            known.append(_until(found, [abs(one.tempo_bpm / after - 1) <= NEAR for one in found]))
            placed.append(_until(found, [abs(one.late_ms) <= PLACE_MS for one in found]))
            worst.append(max(abs(one.late_ms) for one in found if one.beat >= BEFORE_BEATS))
    said = ", ".join(f"{before} to {after}" for before, after in STEPS)
    return Row(
        f"MIDI clock in, jitter of +-{jitter_ms:g} ms, {said} bpm at once: tempo within {NEAR:.0%}",
        "1 beat",
        f"worst {max(known):.2f} beats (n {len(known)})",
        f"place within {PLACE_MS:g} ms again: worst {max(placed):.1f} beats; farthest {max(worst):.0f} ms",
        max(known) <= 1.0,
    )


def _until(found: Sequence[Found], right: Sequence[bool]) -> float:
    """Return how many beats after the change something was wrong for the last time."""
    wrong = [
        one.beat for one, fine in zip(found, right, strict=True) if one.beat >= BEFORE_BEATS and not fine
    ]
    return max(wrong, default=BEFORE_BEATS) - BEFORE_BEATS


def _ramp(seeds: Sequence[int]) -> Row:
    true = masters.sent(masters.ramp(120, 160, first_beat=BEFORE_BEATS, beats=16), BEFORE_BEATS + 32)
    worst: dict[float, float] = {}
    over = 0.0
    for jitter in (0.3, JITTER_MS):
        found = [
            one
            for seed in seeds
            for one in followed(true, masters.jittered(true, jitter, seed=seed))
            if one.beat >= BEFORE_BEATS
        ]
        worst[jitter] = max(abs(one.late_ms) for one in found)
        over = max(over, max(one.tempo_bpm for one in found) / 160 - 1)
    return Row(
        "MIDI clock in, ramp 120 to 160 bpm in 16 beats: tempo beyond its end",
        "<= 0.5%",
        f"{over:.2%}",
        "place, worst: " + ", ".join(f"{ms:.1f} ms with jitter +-{jitter:g}" for jitter, ms in worst.items()),
        over <= 0.005,
    )


def _accidents() -> list[Row]:
    chance = random.Random(5)
    true = masters.sent(120, ACCIDENTS_BEATS)
    some = sorted(chance.sample(range(200, len(true) - 200, 20), 40))
    cases = {
        "40 clocks lost, of 4800": masters.jittered(masters.without(true, some), 1.0),
        "40 clocks doubled": masters.doubled(masters.jittered(true, 0.3), some),
        "the wire stalls for 60 ms every 3.3 s": masters.stalled(true, 60.0, every_ms=3300),
    }
    rows = []
    for what, received in cases.items():
        late = [abs(one.late_ms) for one in followed(true, received) if one.beat >= 4]
        met = percentile(late, 0.99) < 1.0
        rows.append(Row(f"MIDI clock in, 120 bpm, {what}: place", "p99 < 1 ms", spread(late), met=met))
    return rows


def _buffers() -> list[Row]:
    true = masters.sent(120, ACCIDENTS_BEATS)
    rows = []
    for ms in BUFFERS_MS:
        found = followed(true, masters.buffered(true, ms))
        late = [one.late_ms for one in found if one.beat >= 24]
        mean = sum(late) / len(late)
        about = [abs(one - mean) for one in late]
        rows.append(
            Row(
                f"MIDI clock in, 120 bpm, sent in buffers of {ms:g} ms: place about its mean",
                "p99 < 1 ms",
                spread(about),
                f"the mean itself: {mean:.1f} ms late, half a buffer",
                percentile(about, 0.99) < 1.0,
            )
        )
    return rows


def _time_code(seeds: Sequence[int]) -> list[Row]:
    chance = random.Random(6)
    lost = {number for number in range(CODE_QUARTERS) if chance.random() < 0.01}
    buffer_ms = BUFFERS_MS[-1]
    return [
        _code_row(
            f"jitter of +-{JITTER_MS:g} ms, 24, 25, 29.97 and 30 frames a second: place",
            [_code_late(rate, JITTER_MS, seed) for rate in RATES for seed in seeds],
        ),
        _code_row(
            "jitter of +-1 ms, a hundredth lost: place",
            [_code_late(rate, 1.0, seed, lost=lost) for rate in RATES for seed in seeds],
        ),
        _code_row(
            f"sent in buffers of {buffer_ms:g} ms: place about its mean",
            [_about_mean(_code_late(rate, 0.0, 0, buffer_ms=buffer_ms)) for rate in RATES],
        ),
    ]


def _code_row(what: str, late_ms: Sequence[Sequence[float]]) -> Row:
    off = [abs(one) for late in late_ms for one in late]
    return Row(f"MIDI time code in, {what}", "p99 < 1 ms", spread(off), met=percentile(off, 0.99) < 1.0)


def _about_mean(late_ms: Sequence[float]) -> list[float]:
    mean = sum(late_ms) / len(late_ms)
    return [one - mean for one in late_ms]


def _code_late(
    rate: FrameRate, jitter_ms: float, seed: int, *, lost: Collection[int] = (), buffer_ms: float = 0.0
) -> list[float]:
    """Return how late a transport is at each quarter frame of a master, once it has settled; milliseconds."""
    code = time_codes.quarter_frames(rate, frames=0, count=CODE_QUARTERS)
    received = masters.jittered([moment for moment, _ in code], jitter_ms, seed=seed)
    if buffer_ms:
        received = masters.buffered(received, buffer_ms)
    source, transport = TimeCodeIn(), Transport(tempo_bpm=120)
    late = []
    for number, (moment, (true, data)) in enumerate(zip(received, code, strict=True)):
        if number in lost:
            continue
        source.feed(data, Nanos(moment))
        if source.place is None:
            continue
        zero = Nanos(moment - round(source.place.seconds(Nanos(moment)) * 1e9))
        line = Timeline(Tick(0), zero, 120.0)
        if transport.running:
            transport.follow(line, Nanos(moment), beats=FOLLOW_BEATS)
        else:
            transport.resume(line)
        if number >= CODE_SETTLED:
            late.append((true - code[0][0]) / 1e6 - transport.beats(Nanos(true)) * 500)
    return late


def _cost() -> Row:
    fit, micros = ClockFit(120), []
    for moment in masters.jittered(masters.sent(120, 100), JITTER_MS):
        begun = time.perf_counter_ns()
        fit.add(Nanos(moment))
        micros.append((time.perf_counter_ns() - begun) / 1000)
    return Row(
        "MIDI clock in, cost of a clock", "-", f"median {percentile(micros, 0.5):.0f} us (n {len(micros)})"
    )
