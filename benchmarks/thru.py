"""Key in to same key out over JACK, beside a bare loopback that answers the very same keys."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.cable import far_end, plug_in, rest
from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.instrument import ROOT, playing
from benchmarks.scale import Scale

EXPLAINED = ("The bare loopback answers the same keys in the same minutes.",)
BUDGET_MS = 0.05
INSIDE_MS = 0.2
KEYS_PER_SECOND = 25
THRU, BARE = "1", "16"


def measure(scale: Scale) -> list[Row]:
    """Measure with the screen drawing and the instrument answering."""
    title = "thru, key in to same key out, JACK"
    budget = f"p99 <= {BUDGET_MS:g} ms above a bare loopback"
    if not scale.jack:
        return [Row(title, budget, "needs jackd")]
    with bare_loopback():
        with_screen, counts = _played(scale, screen=(120, 40))
        without, _ = _played(scale, screen=None)
    to_ms = 1000.0 / counts["rate"]
    thru = [frames * to_ms for frames in counts["trips"][THRU]]
    bare = [frames * to_ms for frames in counts["trips"][BARE]]
    above = percentile(thru, 0.99) - percentile(bare, 0.99)
    mean = sum(thru) / len(thru) - sum(bare) / len(bare)
    return [
        Row(
            title,
            budget,
            f"p99 {above:+.2f} ms, mean {mean:+.3f} ms above it: {spread(thru)}",
            f"python-rtmidi alone: {spread(bare)}; JACK's cycle is {64 * to_ms:.2f}",
            above <= BUDGET_MS,
        ),
        Row(
            "of which inside the engine, callback to send, with the 120x40 screen",
            f"p99 <= {INSIDE_MS:g} ms",
            spread(with_screen, digits=3),
            f"the same without a screen: {spread(without, digits=3)}",
            percentile(with_screen, 0.99) <= INSIDE_MS,
        ),
    ]


def _played(scale: Scale, *, screen: tuple[int, int] | None) -> tuple[list[float], dict[str, Any]]:
    """Play keys into an instrument; returns callback to send in ms, and what the far end has counted."""
    options = ["--api", "jack", "--in", "virtual", "--out", "virtual", "--bpm", "120", "--osc-port", "0"]
    keep = ("received", "sent")
    folder = scale.fresh("thru" if screen else "thru-headless")
    with playing(folder, *options, keep=keep, screen=screen) as instrument, far_end() as far:
        plug_in(far)
        plug_in(far, "bare-in:keys", "bare-out:notes")
        seconds = scale.seconds(60)
        far.play(keys(seconds))
        rest(seconds + 1)
        counts = far.tell()
        received, sent = instrument.take("received"), instrument.take("sent")
    arrived = {line["nanos"] for line in received}
    inside = [
        (line["nanos"] - line["due_nanos"]) / NANOS_PER_MS
        for line in sent
        if line["voice"] == "thru" and line["due_nanos"] in arrived
    ]
    return inside, counts


def keys(
    seconds: float, *, per_second: float = KEYS_PER_SECOND, rate: int = 48_000
) -> list[tuple[int, bytes]]:
    """Return keys at odd moments, no pitch again before it has come back."""
    chance, messages, frame = random.Random(3), [], rate // 4
    for number in range(round(seconds * per_second)):
        pitch = 36 + number % 48
        messages += [
            (frame, bytes((0x90, pitch, 40 + number % 80))),
            (frame + rate // 40, bytes((0x80, pitch, 0))),
        ]
        frame += round(rate * chance.uniform(0.5, 1.5) / per_second)
    return messages


@contextmanager
def bare_loopback() -> Iterator[None]:
    """Run loopback.py."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.loopback"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
