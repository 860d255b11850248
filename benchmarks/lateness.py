"""How late note-ons leave while the screen draws and the model answers, beside a C loop that only sleeps."""

import os
import shutil
import subprocess
from contextlib import nullcontext
from pathlib import Path

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
BUDGET_MS = {True: 0.15, False: 0.5}
LARGEST_RATIO = 1.5
STEADY_SECONDS = 140.0  # until the line from host time to frames stays


def measure(scale: Scale) -> list[Row]:
    """Measure with real-time priority and without."""
    floor = build_floor(scale.folder)
    with serving(scale.folder, period=DEFAULT_PERIOD) if scale.jack else nullcontext():
        return [*_once(scale, floor, realtime=True), *_once(scale, floor, realtime=False)]


def build_floor(folder: Path) -> Path | None:
    """Compile floor.c; None where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    program = folder / "floor"
    source = Path(__file__).with_name("floor.c")
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


def _once(scale: Scale, floor: Path | None, *, realtime: bool) -> list[Row]:
    title = "note-on lateness, screen and model running, " + (
        "with priority" if realtime else "without priority"
    )
    budget = f"p99 <= {BUDGET_MS[realtime]:g} ms; <= {LARGEST_RATIO:g} x a C loop"
    if realtime and not may_be_realtime():
        return [Row(title, budget, "this system grants no real-time priority")]
    seconds = scale.seconds(90)
    loops: list[subprocess.Popen[bytes]] = []

    def begin() -> None:
        if floor is not None:
            loops.append(_start_floor(floor, seconds, realtime=realtime))

    settle = scale.seconds(STEADY_SECONDS) if realtime and scale.jack else busy.SETTLE_SECONDS
    found = busy.play(scale, seconds, realtime=realtime, settle_seconds=settle, begin=begin)
    p99 = percentile(found.late_ms, 0.99)
    text, ratio = "no C compiler", None
    for loop in loops:
        words = loop.communicate()[0].split()
        bare = [int(word) / NANOS_PER_MS for word in words]
        ratio = p99 / percentile(bare, 0.99)
        text = f"C clock_nanosleep: {spread(bare, digits=3)}; ratio {ratio:.1f}"
    met = p99 <= BUDGET_MS[realtime] and (ratio is None or ratio <= LARGEST_RATIO)
    text += f"; {found.decodes / seconds:.1f} decodes/s"
    rows = [Row(title, budget, spread(found.late_ms, digits=3), text, met)]
    if realtime:
        if scale.jack:
            frames = title.replace("lateness", "frames on JACK")
            rows.append(row(frames, found.onsets, found.rate, lost_cycles=found.lost_cycles))
        rows.append(
            Row(
                "processor share in that run, 120x40 screen",
                "-",
                ", ".join(f"{name} {share:.0%}" for name, share in found.shares.items()) + " of one core",
            )
        )
    return rows


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
