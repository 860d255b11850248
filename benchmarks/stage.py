"""Human playing over JACK into the running instrument: one held-out phrase of each way of playing.

What is played in one cell of two bars is answered in the next; what was sent there is compared with what the
instrument received: JACK's frames and the host's clock drift apart by up to a hundredth.
"""

import time
from random import Random
from statistics import median
from typing import Any, NamedTuple

from benchmarks.cable import FarEnd, far_end, plug_in
from benchmarks.figures import Row
from benchmarks.human import PHRASES, SEED, Case, cases, held_out
from benchmarks.instrument import Instrument, playing
from benchmarks.performances import Performance
from benchmarks.scale import Scale
from model.playing.load import load

BPM, RATE = 120, 48_000
CELL_TICKS = 3840
TICK_NANOS = round(60e9 / BPM / 480)
NEAR_MS = 15.0
LEAST = 0.9
AHEAD_NANOS = 300_000_000
MODEL, CODEC = "keys", "poly"


class Place(NamedTuple):
    """A tick of the instrument's transport, and when it was due."""

    tick: int
    nanos: int


def measure(scale: Scale) -> list[Row]:
    """Play each way of playing that is at 120 bpm once."""
    title = f"human playing over JACK, one phrase of each way, {MODEL}, {BPM} bpm: F1 to {NEAR_MS:.0f} ms"
    budget = f"each >= {LEAST:g}"
    if not scale.jack:
        return [Row(title, budget, "needs jackd")]
    phrases = held_out(scale.data, CODEC, load(MODEL), PHRASES)
    seen: set[str] = set()
    ways = [case for case in cases() if case.bpm == BPM and not _again(case, seen)]
    ways = ways[: scale.count(len(ways), least=3)]
    options = ["--api", "jack", "--in", "virtual", "--out", "virtual", "--bpm", str(BPM), "--osc-port", "0"]
    folder = scale.fresh("stage")
    with (
        playing(
            folder, *options, "--model", MODEL, "--no-thru", keep=("sent", "received", "plan"), screen=None
        ) as jam,
        far_end() as far,
    ):
        plug_in(far)
        jam.wait_for("plan")
        zero = Place(0, jam.lines["plan"][0]["nanos"])
        found = {
            case.what: _played(
                jam, far, case.perform(phrase, Random(SEED), 60_000 / (BPM * 480)), zero, 2 * number + 2
            )
            for number, (case, phrase) in enumerate(zip(ways, phrases, strict=False))
        }
    worst = sorted(found.items(), key=lambda pair: pair[1])
    below = [f"{what} {figure:.2f}" for what, figure in worst if figure < LEAST]
    return [
        Row(
            title,
            budget,
            f"mean {sum(found.values()) / len(found):.3f}, worst {worst[0][1]:.3f} (n {len(found)})",
            "below: " + ", ".join(below) if below else f"the least: {worst[0][0]}",
            not below,
        )
    ]


def _again(case: Case, seen: set[str]) -> bool:
    """Tell whether a way of playing has been met: some are measured in two manners."""
    what = case.what.split(", ")[0]
    known = what in seen
    seen.add(what)
    return known


def _played(jam: Instrument, far: FarEnd, performance: Performance, zero: Place, cell: int) -> float:
    """Play a phrase in a cell; returns the F1 of what was sent in the next one."""
    start = zero.nanos + (cell * CELL_TICKS - zero.tick) * TICK_NANOS
    _wait_until(start - AHEAD_NANOS)
    now = time.monotonic_ns()
    messages: list[tuple[int, bytes]] = []
    for one in performance:
        key = one.key
        for tick, data in (
            (key.start, bytes((0x90, key.pitch, key.velocity))),
            (key.end, bytes((0x80, key.pitch, 64))),
        ):
            frames = round((start + tick * TICK_NANOS - now) * RATE / 1e9)
            messages.append((max(0, frames), data))
    far.play(messages)
    _wait_until(start + 2 * CELL_TICKS * TICK_NANOS)
    sent, received = jam.take("sent"), jam.take("received")
    first = (cell + 1) * CELL_TICKS
    answer = [
        (line["tick"] - first, line["data"][1])
        for line in sent
        if _is_note(line) and first - 60 <= line["tick"] < first + CELL_TICKS - 60
    ]
    played = [
        (round((line["nanos"] - start) / TICK_NANOS), line["data"][1])
        for line in received
        if line["data"][0] & 0xF0 == 0x90 and line["data"][2]
    ]
    return _f1(played, answer)


def _is_note(line: dict[str, Any]) -> bool:
    data = line["data"]
    return bool(line["voice"] == "instrument" and data[0] & 0xF0 == 0x90 and data[2] > 0)


def _f1(played: list[tuple[int, int]], answer: list[tuple[int, int]]) -> float:
    """Return the F1 of notes by pitch and tick, with what all of them lie beside taken out."""
    away = [
        min((tick - start for tick, other in answer if other == pitch), key=abs, default=None)
        for start, pitch in played
    ]
    near = [one for one in away if one is not None]
    shift = median(near) if near else 0.0
    free, matched = list(answer), 0
    for start, pitch in sorted(played):
        close = [
            one
            for one in free
            if one[1] == pitch and abs(one[0] - start - shift) * TICK_NANOS <= NEAR_MS * 1e6
        ]
        if close:
            free.remove(close[0])
            matched += 1
    both = len(played) + len(answer)
    return 2 * matched / both if both else 1.0


def _wait_until(nanos: int) -> None:
    time.sleep(max(0.0, (nanos - time.monotonic_ns()) / 1e9))
