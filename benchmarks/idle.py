"""What the instrument costs while nobody turns anything: processor and memory of all its processes."""

import time
from contextlib import nullcontext
from pathlib import Path

from benchmarks.cable import far_end, plug_in
from benchmarks.figures import Row
from benchmarks.instrument import Instrument, cpu_seconds, playing
from benchmarks.scale import Scale

EXPLAINED = (
    "All processes together, with a screen of 120x40 at 120 bpm. *At rest* the beat goes on and nobody has",
    "played; *playing*, a phrase that was played once is answered again and again. Memory is each process's",
    "share (PSS), what several have in common counted once.",
)
MOST_SHARE, MOST_MB = 0.20, 250.0
SETTLE_SECONDS = 6.0
RATE = 48_000
TUNE = (60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 72, 67, 64, 62, 59)


def measure(scale: Scale) -> list[Row]:
    """Measure at rest and while it plays."""
    return [_row(scale, "at rest"), _row(scale, "playing")]


def _row(scale: Scale, state: str) -> Row:
    options = ["--bpm", "120", "--osc-port", "0"]
    options += ["--api", "jack", "--in", "virtual", "--out", "virtual"] if scale.jack else ["--out", "none"]
    with (
        playing(scale.fresh("idle"), *options, keep=()) as instrument,
        far_end() if scale.jack else nullcontext() as far,
    ):
        if far is not None:
            plug_in(far)
            if state == "playing":
                far.play(tune())
        time.sleep(SETTLE_SECONDS)
        shares = _shares(instrument, scale.seconds(30))
        memory_mb = {name: proportional_mb(pid) for name, pid in instrument.processes().items()}
    share, size = sum(shares.values()), sum(memory_mb.values())
    return Row(
        f"cost {state}",
        f"<= {MOST_SHARE:.0%} of one core, <= {MOST_MB:g} MB",
        f"{share:.1%}, {size:.0f} MB",
        ", ".join(f"{name} {shares[name]:.1%} {memory_mb[name]:.0f} MB" for name in shares),
        share <= MOST_SHARE and size <= MOST_MB,
    )


def _shares(instrument: Instrument, seconds: float) -> dict[str, float]:
    """Return each process's share of a core for a while."""
    pids = instrument.processes()
    before, start = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    spent = time.monotonic() - start
    return {name: (cpu_seconds(pid) - before[name]) / spent for name, pid in pids.items()}


def tune() -> list[tuple[int, bytes]]:
    """Return four seconds of eighths, as (frame, message)."""
    messages = []
    for place, pitch in enumerate(TUNE):
        messages += [
            (place * RATE // 4, bytes((0x90, pitch, 90))),
            (place * RATE // 4 + RATE // 5, bytes((0x80, pitch, 0))),
        ]
    return messages


def proportional_mb(pid: int) -> float:
    """Return a process's memory in MB, what it shares with others divided among them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
