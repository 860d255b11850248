"""How late note-ons leave while the screen draws and the model answers, beside a C loop that only sleeps."""

import os
import random
import shutil
import subprocess
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.cable import far_end, plug_in
from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.instrument import Instrument, cpu_seconds, playing
from benchmarks.on_frames import onsets, row
from benchmarks.remote import Remote, free_port
from benchmarks.scale import Scale
from benchmarks.thru import keys
from live.devices.jack.probe import JackProbe
from live.timing.clock import FIFO_PRIORITY, ORDINARY_VARIABLE

EXPLAINED = (
    "Lateness is the moment at which a probe on JACK finds a note-on, less the moment at which it is due;",
    "without JACK, the moment at which the engine hands it to the driver. *On their frame*: within rounding",
    "of a grid that is laid once on JACK's frames, which go on evenly only where JACK loses no cycle. The C",
    "loop runs in the same minutes.",
)
BUDGET_MS = {True: 0.15, False: 0.5}
LARGEST_RATIO = 1.5
SETTLE_SECONDS = 6.0
TURN_SECONDS = 0.2
KEYS_PER_SECOND = 8.0


def measure(scale: Scale) -> list[Row]:
    """Measure with real-time priority and without."""
    floor = build_floor(scale.folder)
    rows = []
    for realtime in (True, False):
        rows += _once(scale, floor, realtime=realtime)
    return rows


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
    port = free_port()
    options = ["--bpm", "240", "--osc-port", str(port)]
    options += ["--api", "jack", "--in", "virtual", "--out", "virtual"] if scale.jack else ["--out", "none"]
    env = {ORDINARY_VARIABLE: "" if realtime else "1"}
    seconds = scale.seconds(90)
    with (
        playing(scale.fresh("lateness"), *options, env=env, keep=("sent", "decode")) as instrument,
        far_end() if scale.jack else nullcontext() as far,
    ):
        remote = Remote(port)
        if far is not None:  # without JACK, the demo plays: nobody else does
            plug_in(far)
            far.play(keys(seconds + SETTLE_SECONDS + 5.0, per_second=KEYS_PER_SECOND))
        remote.send("knob/density", 1.0)  # many notes to measure
        remote.send("knob/polyphony", 0.5)
        time.sleep(SETTLE_SECONDS)
        instrument.take("sent")
        instrument.take("decode")
        probe = JackProbe() if far is not None else None
        if far is not None and probe is not None:
            far.tell()
            probe.count_xruns()
        beside = _start_floor(floor, seconds, realtime=realtime)
        shares = _turn_knobs(instrument, remote, seconds)
        lines, decodes = instrument.take("sent"), instrument.take("decode")
        said: dict[str, Any] = {}
        lost_cycles = 0
        if far is not None and probe is not None:
            said, lost_cycles = far.tell(), probe.xruns
            probe.close()
        remote.close()
    sent = [line for line in lines if _is_note_on(line)]
    late = [(line["nanos"] - line["due_nanos"]) / NANOS_PER_MS for line in sent]
    found = onsets(sent, said.get("heard", ()))
    if found:  # the log of an output that keeps moments itself tells what was due
        late = [onset.late_ms for onset in found]
    p99 = percentile(late, 0.99)
    text, ratio = "no C compiler", None
    if beside is not None:
        words = beside.communicate()[0].split()
        bare = [int(word) / NANOS_PER_MS for word in words]
        ratio = p99 / percentile(bare, 0.99)
        text = f"C clock_nanosleep: {spread(bare, digits=3)}; ratio {ratio:.1f}"
    met = p99 <= BUDGET_MS[realtime] and (ratio is None or ratio <= LARGEST_RATIO)
    rows = [
        Row(title, budget, spread(late, digits=3), f"{text}; {len(decodes) / seconds:.1f} decodes/s", met)
    ]
    if far is not None:
        frames = title.replace("lateness, screen", "frames on JACK, screen")
        rows.append(row(frames, found, said["rate"], lost_cycles=lost_cycles))
    if realtime:
        rows.append(
            Row(
                "processor share in that run, 120x40 screen",
                "-",
                ", ".join(f"{name} {share:.0%}" for name, share in shares.items()) + " of one core",
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


def _start_floor(floor: Path | None, seconds: float, *, realtime: bool) -> "subprocess.Popen[bytes] | None":
    if floor is None:
        return None
    words = [str(floor), f"{seconds:g}", str(FIFO_PRIORITY if realtime else 0), "1"]
    return subprocess.Popen(words, stdout=subprocess.PIPE)


def _turn_knobs(instrument: Instrument, remote: Remote, seconds: float) -> dict[str, float]:
    """Keep the model busy for a while; returns each process's share of a core meanwhile."""
    pids = instrument.processes()
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    chance, start = random.Random(1), time.monotonic()
    while time.monotonic() - start < seconds:
        remote.send("knob/stray", chance.uniform(0.0, 0.3))
        time.sleep(TURN_SECONDS)
    spent = time.monotonic() - start
    return {name: (cpu_seconds(pid) - before[name]) / spent for name, pid in pids.items()}


def _is_note_on(line: dict[str, object]) -> bool:
    data = line["data"]
    assert isinstance(data, list)
    return line["voice"] == "instrument" and len(data) == 3 and data[0] & 0xF0 == 0x90 and data[2] > 0
