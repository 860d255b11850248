"""A long night: 240 bpm, keys, storms of notes, knobs and OSC; what hangs, what is late, what grows."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

import click

from benchmarks.cable import FarEnd, far_end, plug_in
from benchmarks.figures import NANOS_PER_MS, Row, percentile, today
from benchmarks.instrument import Instrument, playing, resident_mb
from benchmarks.remote import Remote, free_port
from benchmarks.scale import Scale

BPM = 240
BAR_TICKS = 1920
LATE_MS = 10.0
ROUND_SECONDS = 2.0
RATE = 48_000
STORM_NOTES, STORM_PACKETS, STORM_TURNS = 300, 400, 200
KNOBS = (
    "density",
    "complexity",
    "register",
    "range",
    "dynamics",
    "polyphony",
    "stray",
    "swing",
    "gate",
    "volume",
)
FLAT_MB = 3.0
FLAT_SHARE = 0.02


@dataclass
class Tally:
    """What a soak has counted so far."""

    bars: int = 0
    late_bars: int = 0
    worst_bar_ms: float = 0.0
    note_ons: int = 0
    late_ms: list[float] = field(default_factory=list)
    missed: int = 0
    begun: int = 0
    memory_mb: list[dict[str, float]] = field(default_factory=list)
    stuck: int = 0
    faults: int = 0


def measure(scale: Scale) -> list[Row]:
    """Play for the soak's length and count."""
    minutes = scale.soak_seconds / 60
    title = f"soak, {minutes:g} min at {BPM} bpm with note, knob and OSC storms"
    budget = "0 stuck notes, 0 late bar lines, flat memory"
    if not scale.jack:
        return [Row(title, budget, "needs jackd")]
    port = free_port()
    options = ["--api", "jack", "--in", "virtual", "--out", "virtual", "--bpm", str(BPM), "--clock-out"]
    tally = Tally()
    folder = scale.fresh("soak")
    with (
        playing(folder, *options, "--osc-port", str(port), keep=("sent", "summary", "notice")) as instrument,
        far_end() as far,
    ):
        plug_in(far)
        remote = Remote(port)
        end = time.monotonic() + scale.soak_seconds
        for number, gesture in enumerate(_night(far, remote)):
            if time.monotonic() >= end:
                break
            if instrument.process.poll() is not None:
                raise RuntimeError(f"the instrument ended by itself after {tally.bars} bars")
            gesture()
            time.sleep(ROUND_SECONDS)
            _count(tally, instrument, far)
            if number % 5 == 0:
                tally.memory_mb.append(
                    {name: resident_mb(pid) for name, pid in instrument.processes().items()}
                )
        _count(tally, instrument, far)
        remote.send("action/stop")
        time.sleep(1.0)
        tally.stuck = len(far.tell()["sounding"])
        remote.close()
        instrument.end()
        time.sleep(0.3)
        tally.faults = len(instrument.take("fault"))
        for line in instrument.take("summary"):
            tally.missed += line["missed_bars"]
            tally.begun += line["begun_bars"]
    return [_row(title, budget, tally)]


def _row(title: str, budget: str, tally: Tally) -> Row:
    growth = grown(tally.memory_mb)
    flat = all(late <= FLAT_MB or late <= FLAT_SHARE * early for early, late in growth.values())
    text = ", ".join(f"{name} {early:.0f} MB {late:+.1f}" for name, (early, late) in growth.items())
    met = tally.stuck == 0 and tally.late_bars == 0 and tally.missed == 0 and tally.faults == 0 and flat
    late = percentile(tally.late_ms, 0.99) if tally.late_ms else 0.0
    return Row(
        title,
        budget,
        f"{tally.stuck} stuck notes; of {tally.bars} bar lines {tally.late_bars} later than {LATE_MS:g} ms "
        f"(worst {tally.worst_bar_ms:.2f}), {tally.missed} bars not there in time; memory {text}",
        f"{tally.note_ons} note-ons, p99 {late:.2f} ms late; {tally.faults} faults; {tally.begun} bars begun "
        "with the answer to all but the last beat of their phrase",
        met,
    )


def grown(memory_mb: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Return by process the mean of the second quarter, and how much the last quarter lies above it."""
    quarter = max(1, len(memory_mb) // 4)
    early, late = memory_mb[quarter : 2 * quarter] or memory_mb, memory_mb[-quarter:]
    names = [name for name in memory_mb[-1] if all(name in sample for sample in early)]
    before = {name: mean(sample[name] for sample in early) for name in names}
    return {name: (before[name], mean(sample[name] for sample in late) - before[name]) for name in names}


def _count(tally: Tally, instrument: Instrument, far: FarEnd) -> None:
    """Add up what the log says since the last time, and let go of it."""
    far.tell()
    for line in instrument.take("sent"):
        late_ms = (line["nanos"] - line["due_nanos"]) / NANOS_PER_MS
        if line["voice"] == "clock" and line["data"] == [0xF8] and line["tick"] % BAR_TICKS == 0:
            tally.bars += 1
            tally.late_bars += late_ms > LATE_MS
            tally.worst_bar_ms = max(tally.worst_bar_ms, late_ms)
        elif line["voice"] == "instrument" and line["data"][0] & 0xF0 == 0x90 and line["data"][2]:
            tally.note_ons += 1
            tally.late_ms.append(late_ms)
            del tally.late_ms[:-100_000]
    for line in instrument.take("notice"):
        if line["level"] != "info":
            click.echo(f"{today()} {line['text']}", err=True)


def _night(far: FarEnd, remote: Remote) -> Iterator[Any]:
    """Yield one thing to do after the other, for ever."""
    chance = random.Random(11)
    while True:
        yield lambda: far.play(_tune(chance))
        yield lambda: far.play(_chords_at_once(chance))
        yield lambda: far.play(_tune(chance))
        yield lambda: _packets(remote, chance)
        yield lambda: far.play(_tune(chance))
        yield lambda: far.play(_turns(chance))
        yield lambda: remote.send(
            f"action/mode/{chance.choice(('follow', 'answer', 'hold', 'drift', 'follow'))}"
        )
        yield lambda: remote.send("action/mode/follow")


def _tune(chance: random.Random) -> list[tuple[int, bytes]]:
    messages = []
    for step in range(28):
        pitch, on = 48 + chance.randrange(36), step * RATE // 16
        messages += [
            (on, bytes((0x90, pitch, 50 + chance.randrange(70)))),
            (on + RATE // 20, bytes((0x80, pitch, 0))),
        ]
    return messages


def _chords_at_once(chance: random.Random) -> list[tuple[int, bytes]]:
    """Return a storm of keys on three channels in one moment, let go a little later."""
    keys = [(number % 3, number // 3 % 128) for number in range(STORM_NOTES)]
    messages = [(0, bytes((0x90 | channel, pitch, 1 + chance.randrange(127)))) for channel, pitch in keys]
    return messages + [(RATE // 5, bytes((0x80 | channel, pitch, 0))) for channel, pitch in keys]


def _turns(chance: random.Random) -> list[tuple[int, bytes]]:
    """Return all eight knobs of the default mapping turned wildly for a second."""
    return [
        (number * RATE // STORM_TURNS, bytes((0xB0, 20 + number % 8, chance.randrange(128))))
        for number in range(STORM_TURNS)
    ]


def _packets(remote: Remote, chance: random.Random) -> None:
    """Send hundreds of OSC messages in half a second, some of them nonsense."""
    for number in range(STORM_PACKETS):
        if number % 10 == 0:
            remote.datagram(chance.randbytes(chance.randrange(1, 200)))
        else:
            remote.send(f"knob/{chance.choice(KNOBS)}", chance.uniform(-1.5, 1.5))
        if number % 20 == 0:
            time.sleep(0.025)
    remote.send("knob/volume", 0.8)
