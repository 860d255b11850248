"""From the turn of a knob to the first note that it changed, heard in the middle of a bar."""

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.instrument import Instrument, playing
from benchmarks.remote import Remote, free_port
from benchmarks.scale import Scale

BPM = 120
STEP_MS = 60_000 / BPM / 4
STEP_TICKS, CELL_TICKS = 120, 3840
MARGIN_MS = 10.0
PLACES = (0.0, 0.8)
TURNS = 60


class Turn(NamedTuple):
    """A knob's arrival in the engine, and where it was turned to: an index of PLACES."""

    nanos: int
    place: int


def measure(scale: Scale) -> list[Row]:
    """Turn `register` to and fro at odd moments while one phrase of sixteenths is held."""
    title = f"knob to first changed note, {BPM} bpm (a step is {STEP_MS:.0f} ms)"
    budget = f"the next step + {MARGIN_MS:.0f} ms: <= {STEP_MS + MARGIN_MS:.0f} ms"
    port = free_port()
    options = ["--bpm", str(BPM), "--in", "none", "--out", scale.output, "--osc-port", str(port)]
    with playing(
        scale.fresh("knob"), *options, keep=("sent", "knob", "decode", "plan", "encode")
    ) as instrument:
        remote = Remote(port)
        _teach(instrument, remote)
        instrument.take("sent")
        _turn(remote, scale.count(TURNS, least=6))
        remote.close()
        sent, decodes = instrument.take("sent"), instrument.take("decode")
        turns = [
            Turn(line["nanos"], PLACES.index(line["value"]))
            for line in instrument.take("knob")
            if line["name"] == "register"
        ]
    waits = first_changed(turns, sent, [line["nanos"] for line in decodes])
    if not waits:
        return [Row(title, budget, "no note was changed")]
    replies = _replies(turns, [line["nanos"] for line in decodes])
    worst = max(waits)
    return [
        Row(
            title,
            budget,
            spread(waits, digits=0),
            f"knob to new plan: {spread(replies, digits=1)}",
            worst <= STEP_MS + MARGIN_MS,
        )
    ]


def _teach(instrument: Instrument, remote: Remote) -> None:
    """Play two bars of sixteenths by OSC, wait for the answer, and hold it."""
    instrument.wait_for("plan", 1)
    chance = random.Random(5)
    for step in range(40):
        pitch = 60 + chance.choice((0, 2, 4, 5, 7, 9, 11, 12))
        remote.send("note", pitch, 90)
        time.sleep(STEP_MS / 1000 * 0.7)
        remote.send("note", pitch, 0)
        time.sleep(STEP_MS / 1000 * 0.3)
        if step >= 32 and instrument.lines["encode"]:
            break
    instrument.wait_for("encode")
    remote.send("action/mode/hold")
    time.sleep(CELL_TICKS / STEP_TICKS * STEP_MS / 1000)


def _turn(remote: Remote, count: int) -> None:
    """Turn the knob often, each place held long enough to be known by heart."""
    chance = random.Random(7)
    cell_seconds = CELL_TICKS / STEP_TICKS * STEP_MS / 1000
    for number in range(2):
        remote.send("knob/register", PLACES[1 - number])
        time.sleep(2 * cell_seconds)
    for number in range(count):
        remote.send("knob/register", PLACES[1 - number % 2])
        time.sleep(chance.uniform(1.0, 1.6))


def first_changed(
    turns: Sequence[Turn], sent: Sequence[dict[str, Any]], decodes: Sequence[int]
) -> list[float]:
    """Return, per turn, the ms to the first note-on that the place before does not know on its step.

    What a place plays is learned from the notes at least a step after the new plan, and before the
    next turn.
    """
    notes = [
        (line["nanos"], line["tick"] % CELL_TICKS // STEP_TICKS, line["data"][1])
        for line in sent
        if line["voice"] == "instrument" and line["data"][0] & 0xF0 == 0x90 and line["data"][2]
    ]
    known: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    spans = []
    for turn, following in zip(turns, [*turns[1:], Turn(1 << 62, 0)], strict=True):
        swap = next((nanos for nanos in decodes if nanos > turn.nanos), turn.nanos)
        spans.append((turn, swap, following.nanos))
        for nanos, step, pitch in notes:
            if swap + STEP_MS * NANOS_PER_MS <= nanos < following.nanos:
                known[turn.place, step].add(pitch)
    waits = []
    for turn, swap, end in spans[2:]:
        for nanos, step, pitch in notes:
            if swap <= nanos < end and pitch not in known[1 - turn.place, step]:
                waits.append((nanos - turn.nanos) / NANOS_PER_MS)
                break
    return waits


def _replies(turns: Sequence[Turn], decodes: Sequence[int]) -> list[float]:
    """Return the ms from each turn to the next decoded phrase."""
    return [
        min((nanos - turn.nanos for nanos in decodes if nanos > turn.nanos), default=0) / NANOS_PER_MS
        for turn in turns[2:]
    ] or [percentile([0.0], 0.5)]
