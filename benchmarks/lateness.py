"""How late note-ons leave while the screen draws and the model answers, beside a C loop that only sleeps."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from benchmarks import busy
from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.jack_server import DEFAULT_PERIOD, serving
from benchmarks.on_frames import row
from benchmarks.scale import Scale
from live.timing.clock import FIFO_PRIORITY

EXPLAINED = (
    "Lateness is the moment at which a probe on JACK finds a note-on, less the moment at which it is due;",
    "without JACK, the moment at which the engine hands it to the driver. The C loop runs in the same",
    "minutes. *On their frame*: within rounding of a grid that is laid once on JACK's frames, from two",
    "minutes after the start on. The server has cycles of 1,024 frames, JACK's own default: of shorter ones",
    "a machine like this loses some, and then JACK's frames themselves do not go on evenly.",
)
LARGEST_RATIO = 1.5
STEADY_SECONDS = 140.0  # until the line from host time to frames stays
BAR_LATE_MS = 10.0


class Case(NamedTuple):
    """One way to play.

    Attributes:
        budget_ms: of the 99th percentile.
        ratio: to the C loop's beside it; None for none.
    """

    name: str
    realtime: bool
    loops: int
    budget_ms: float
    ratio: float | None


CASES = (
    Case("with priority", realtime=True, loops=0, budget_ms=0.15, ratio=LARGEST_RATIO),
    Case("without priority", realtime=False, loops=0, budget_ms=0.5, ratio=LARGEST_RATIO),
    Case("with priority, beside eight busy processes", realtime=True, loops=8, budget_ms=2.0, ratio=None),
)


def measure(scale: Scale) -> list[Row]:
    """Measure with real-time priority and without, and with it beside eight busy processes."""
    floor = build_floor(scale.folder)
    with serving(scale.folder, period=DEFAULT_PERIOD) if scale.jack else nullcontext():
        return [row for case in CASES for row in _once(scale, floor, case)]


def build_floor(folder: Path) -> Path | None:
    """Compile floor.c; None where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    program = folder / "floor"
    source = Path(__file__).with_name("floor.c")
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


def _once(scale: Scale, floor: Path | None, case: Case) -> list[Row]:
    title = f"note-on lateness, screen and model running, {case.name}"
    budget = f"p99 <= {case.budget_ms:g} ms"
    if case.ratio is not None:
        budget += f"; <= {case.ratio:g} x a C loop"
    if case.loops:
        budget += f", none later than {BAR_LATE_MS:g} ms"
    if case.realtime and not may_be_realtime():
        return [Row(title, budget, "this system grants no real-time priority")]
    seconds = scale.seconds(90)
    loops: list[subprocess.Popen[bytes]] = []

    def begin() -> None:
        if floor is not None:
            loops.append(_start_floor(floor, seconds, realtime=case.realtime))

    steady = case.realtime and not case.loops and scale.jack
    settle = scale.seconds(STEADY_SECONDS) if steady else busy.SETTLE_SECONDS
    with _loops(case.loops):
        found = busy.play(scale, seconds, realtime=case.realtime, settle_seconds=settle, begin=begin)
    p99 = percentile(found.late_ms, 0.99)
    text, ratio, counted = "no C compiler", None, {case.name: found.late_ms}
    for loop in loops:
        words = loop.communicate()[0].split()
        bare = [int(word) / NANOS_PER_MS for word in words]
        ratio = p99 / percentile(bare, 0.99)
        counted[f"a C loop {case.name}"] = bare
        text = f"C clock_nanosleep: {spread(bare, digits=3)}; ratio {ratio:.1f}"
    met = p99 <= case.budget_ms and (case.ratio is None or ratio is None or ratio <= case.ratio)
    if case.loops:
        met = met and max(found.late_ms) <= BAR_LATE_MS
    text += f"; {found.decodes / seconds:.1f} decodes/s"
    rows = [Row(title, budget, spread(found.late_ms, digits=3), text, met, counted)]
    if steady:
        frames = title.replace("lateness", "frames on JACK")
        rows.append(row(frames, found.onsets, found.rate, lost_cycles=found.lost_cycles))
    if case.realtime and not case.loops:
        rows.append(
            Row(
                "processor share in that run, 120x40 screen",
                "-",
                ", ".join(f"{name} {share:.0%}" for name, share in found.shares.items()) + " of one core",
            )
        )
    return rows


@contextmanager
def _loops(count: int) -> Iterator[None]:
    """Run processes of ordinary priority that do nothing but run."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def may_be_realtime() -> bool:
    """Tell whether a child of this process would get SCHED_FIFO."""
    try:
        return (
            subprocess.run(
                ["chrt", "-f", str(FIFO_PRIORITY), "true"], check=False, capture_output=True
            ).returncode
            == 0
        )
    except FileNotFoundError:
        return os.geteuid() == 0


def _start_floor(floor: Path, seconds: float, *, realtime: bool) -> "subprocess.Popen[bytes]":
    words = [str(floor), f"{seconds:g}", str(FIFO_PRIORITY if realtime else 0), "1"]
    return subprocess.Popen(words, stdout=subprocess.PIPE)
