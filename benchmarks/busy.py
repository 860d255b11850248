"""An instrument that plays many notes while its screen draws and its model answers turning knobs."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from benchmarks.cable import far_end, plug_in
from benchmarks.figures import NANOS_PER_MS
from benchmarks.instrument import Instrument, cpu_seconds, playing
from benchmarks.on_frames import Onset, onsets
from benchmarks.remote import Remote, free_port
from benchmarks.scale import Scale
from benchmarks.thru import keys
from live.devices.jack.probe import JackProbe
from live.timing.clock import ORDINARY_VARIABLE

SETTLE_SECONDS = 6.0
TURN_SECONDS = 0.2
KEYS_PER_SECOND = 8.0


class Busy(NamedTuple):
    """What was measured.

    Attributes:
        late_ms: of each note-on, by a probe on JACK; without JACK, when the engine handed it to the driver.
        onsets: note-ons that a probe on JACK heard; none without JACK.
        rate: frames a second.
        shares: each process's share of a core.
    """

    late_ms: Sequence[float]
    onsets: Sequence[Onset]
    rate: int
    lost_cycles: int
    decodes: int
    shares: dict[str, float]


def play(
    scale: Scale,
    seconds: float,
    *,
    realtime: bool,
    settle_seconds: float = SETTLE_SECONDS,
    begin: Callable[[], None] = lambda: None,
) -> Busy:
    """Play for a while, at 240 bpm with a density of 1.

    Args:
        scale: where.
        seconds: for how long it is measured.
        realtime: whether with real-time priority.
        settle_seconds: before that.
        begin: called as the measuring begins.
    """
    port = free_port()
    options = ["--bpm", "240", "--osc-port", str(port)]
    options += ["--api", "jack", "--in", "virtual", "--out", "virtual"] if scale.jack else ["--out", "none"]
    env = {ORDINARY_VARIABLE: "" if realtime else "1"}
    with (
        playing(scale.fresh("busy"), *options, env=env, keep=("sent", "decode")) as instrument,
        far_end() if scale.jack else nullcontext() as far,
    ):
        remote = Remote(port)
        if far is not None:  # without JACK, the demo plays: nobody else does
            plug_in(far)
            far.play(keys(seconds + settle_seconds + 5.0, per_second=KEYS_PER_SECOND))
        remote.send("knob/density", 1.0)  # many notes to measure
        remote.send("knob/polyphony", 0.5)
        _turn_knobs(instrument, remote, settle_seconds)
        instrument.take("sent")
        instrument.take("decode")
        probe = JackProbe() if far is not None else None
        if far is not None and probe is not None:
            far.tell()
            probe.count_xruns()
        begin()
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
    return Busy(late, found, said.get("rate", 0), lost_cycles, len(decodes), shares)


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
