"""Two instruments: one leads by MIDI clock over JACK, or both by Ableton Link; how far apart they play."""

import importlib.util
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.cable import far_end
from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.instrument import ROOT, Instrument, playing
from benchmarks.jack_server import DEFAULT_PERIOD, serving
from benchmarks.scale import Scale
from live.devices.ableton_link import LIBRARY
from tests.fakes.jack_harness import PERIOD

BUDGET_MS = 1.0
SETTLE_SECONDS = 8.0
BPM = 120
OPTIONS = ["--api", "jack", "--out", "virtual", "--clock-out", "--bpm", str(BPM), "--osc-port", "0"]
BAR_TICKS = 1920
LEADER, FOLLOWER = "twobar-out-01:notes", "twobar-in:keys"
CLOCK = 0xF8


def measure(scale: Scale) -> list[Row]:
    """Let one follow the other for some minutes, in short cycles of JACK and in its own."""
    found = []
    for period in (PERIOD, DEFAULT_PERIOD):
        title = (
            f"two twobars, one follows the other's MIDI clock over JACK, cycles of {period} frames, "
            f"{scale.pair_seconds / 60:.1f} min: apart"
        )
        if not scale.jack:
            found.append(Row(title, f"p99 <= {BUDGET_MS:g} ms", "needs jackd"))
            continue
        with serving(scale.folder, period=period):
            found.append(_pair(scale, title))
    return [*found, _linked(scale)]


def _pair(scale: Scale, title: str) -> Row:
    """Let one follow the other on the server there is."""
    seconds, budget = scale.pair_seconds, f"p99 <= {BUDGET_MS:g} ms"
    with (
        playing(
            scale.fresh("follower"), *OPTIONS, "--in", "virtual", "--clock", "midi", screen=None
        ) as follower,
        far_end() as far,
    ):
        leader = Instrument(scale.fresh("leader"), *OPTIONS, "--in", "none", screen=None)
        try:
            leader.wait_ready("thru")
            far.connect(LEADER, FOLLOWER)  # before the model is there, and with it the beat
            time.sleep(SETTLE_SECONDS + seconds)
            led, followed = clocks(leader.take("sent")), clocks(follower.take("sent"))
        finally:
            leader.end()
    first = min(led, default=0) + round(SETTLE_SECONDS * BPM / 60 * 480)
    apart = [
        (followed[tick] - due) / NANOS_PER_MS
        for tick, due in led.items()
        if tick >= first and tick in followed
    ]
    if not apart:
        return Row(title, budget, "the follower did not start", met=False)
    met = percentile([abs(one) for one in apart], 0.99) <= BUDGET_MS
    mean = sum(apart) / len(apart)
    return Row(title, budget, spread([abs(one) for one in apart]), f"the mean: {mean:+.3f} ms", met)


def _linked(scale: Scale) -> Row:
    """Let one join the session of the other, which has begun by itself, in another tempo."""
    title, budget = "two twobars in an Ableton Link session: bar lines apart", f"p99 <= {BUDGET_MS:g} ms"
    library = importlib.util.find_spec(LIBRARY)
    if library is None or not library.submodule_search_locations:
        return Row(title, budget, "needs the extra link")
    path = os.pathsep.join((str(ROOT), str(Path(library.submodule_search_locations[0]).parent)))
    options = [*OPTIONS, "--in", "none", "--clock", "link"]
    with playing(scale.fresh("first"), *options, env={"PYTHONPATH": path}, screen=None) as first:
        first.wait_ready("model")
        joining = [*options, "--bpm", str(BPM / 2)]
        with playing(scale.fresh("second"), *joining, env={"PYTHONPATH": path}, screen=None) as second:
            second.wait_ready("model")
            time.sleep(SETTLE_SECONDS)
            first.take("sent")
            second.take("sent")
            time.sleep(scale.pair_seconds)
            lines = [
                [due for tick, due in clocks(one.take("sent")).items() if tick % BAR_TICKS == 0]
                for one in (first, second)
            ]
    if not all(lines):
        return Row(title, budget, "one of them did not start", met=False)
    apart = [min(abs(due - other) for other in lines[1]) / NANOS_PER_MS for due in lines[0][1:-1]]
    return Row(title, budget, spread(apart, digits=3), "", percentile(apart, 0.99) <= BUDGET_MS)


def clocks(lines: list[dict[str, Any]]) -> dict[int, int]:
    """Return when the clock byte of each tick was due."""
    return {line["tick"]: line["due_nanos"] for line in lines if line["data"] == [CLOCK]}
