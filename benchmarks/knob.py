"""From the turn of a knob to the first note that it changed, sent in the middle of a bar."""

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.figures import NANOS_PER_MS, Row, spread
from benchmarks.instrument import Instrument, playing
from benchmarks.remote import Remote, free_port
from benchmarks.scale import Scale

BPM = 120
STEP_MS = 60_000 / BPM / 4
STEP_TICKS, CELL_TICKS = 120, 3840
MARGIN_MS = 5.0
PLACES = (0.0, 0.8)
TURNS = 60
LEARNING_TURNS = 2


class Turn(NamedTuple):
    """A knob's arrival in the engine, and where it was turned to: an index of PLACES."""

    nanos: int
    place: int


class Change(NamedTuple):
    """How long after a turn the first note of the new plan came, and the last of the old one (0: none)."""

    first_new_ms: float
    last_old_ms: float


def measure(scale: Scale) -> list[Row]:
    """Turn `register` to and fro at odd moments while one phrase of sixteenths is held."""
    title = f"knob to first changed note, {BPM} bpm (a step is {STEP_MS:.0f} ms)"
    budget = f"the next step + {MARGIN_MS:.0f} ms"
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
            Turn(line["nanos"], int(line["value"] > sum(PLACES) / 2))
            for line in instrument.take("knob")
            if line["name"] == "register"
        ]
    changes = first_changed(turns, sent, [line["nanos"] for line in decodes])
    if not changes:
        return [Row(title, budget, "no note was changed")]
    replies = _replies(turns, [line["nanos"] for line in decodes])
    stale = [change.last_old_ms for change in changes]
    return [
        Row(
            title,
            budget,
            f"{spread([change.first_new_ms for change in changes], digits=0)}; "
            f"a note of the old plan never later than {max(stale):.1f} ms after the knob",
            f"knob to new plan: {spread(replies, digits=1)}; pauses of the phrase are in the figures",
            max(stale) <= MARGIN_MS,
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
    for number in range(LEARNING_TURNS):
        remote.send("knob/register", PLACES[1 - number])
        time.sleep(2 * cell_seconds)
    for number in range(count):
        remote.send("knob/register", PLACES[1 - number % 2])
        time.sleep(chance.uniform(1.0, 1.6))


def first_changed(
    turns: Sequence[Turn], sent: Sequence[dict[str, Any]], decodes: Sequence[int]
) -> list[Change]:
    """Return what was sent after each turn.

    A note is new when the place before does not play it on its step, old when the place after does not.
    What a place plays is learned from the notes at least a step after the new plan, and before the
    next turn.
    """
    notes = [
        (line["nanos"], line["tick"] % CELL_TICKS // STEP_TICKS, line["data"][1])
        for line in sent
        if line["voice"] == "instrument" and line["data"][0] & 0xF0 == 0x90 and line["data"][2]
    ]
    known: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    ends = [turn.nanos for turn in turns[1:]] + [1 << 62]
    for turn, end in zip(turns, ends, strict=True):
        swap = next((nanos for nanos in decodes if nanos > turn.nanos), turn.nanos)
        for nanos, step, pitch in notes:
            if swap + STEP_MS * NANOS_PER_MS <= nanos < end:
                known[turn.place, step].add(pitch)
    changes = []
    for turn, end in [*zip(turns, ends, strict=True)][LEARNING_TURNS:]:
        after = [note for note in notes if turn.nanos <= note[0] < end]
        new = [nanos for nanos, step, pitch in after if pitch not in known[1 - turn.place, step]]
        old = [nanos for nanos, step, pitch in after if pitch not in known[turn.place, step]]
        if new:
            last_old = max(old, default=turn.nanos)
            changes.append(
                Change((new[0] - turn.nanos) / NANOS_PER_MS, (last_old - turn.nanos) / NANOS_PER_MS)
            )
    return changes


def _replies(turns: Sequence[Turn], decodes: Sequence[int]) -> list[float]:
    """Return the ms from each turn to the next decoded phrase."""
    return [
        min((nanos - turn.nanos for nanos in decodes if nanos > turn.nanos), default=0) / NANOS_PER_MS
        for turn in turns[LEARNING_TURNS:]
    ]
