"""The built-in synth's sound: where clicks begin in recorded audio, beside the grid that they are due on."""

import time

import numpy as np
import numpy.typing as npt

from benchmarks.figures import Row, percentile, spread
from benchmarks.instrument import playing
from benchmarks.jack_server import DEFAULT_PERIOD, serving
from benchmarks.remote import Remote, free_port
from benchmarks.scale import Scale
from live.devices.jack.probe import JackProbe
from tests.fakes.jack_harness import SAMPLE_RATE, JackPeer

EXPLAINED = (
    "The metronome alone, through FluidSynth: another client of JACK records its sound, and a click begins",
    "where that is loud after a while of silence. The grid is laid once, by all of them: what the sound is",
    "late by as a whole is the period of the audio system, and `output_latency_ms` makes up for it.",
)
BPM = 240
SECONDS, SETTLE_SECONDS = 60, 8.0
BUDGET_MS = 1.0
LOUD, QUIET_SECONDS = 0.1, 0.1  # of the loudest
PORTS = ["fluidsynth:left", "fluidsynth:right"]


def measure(scale: Scale) -> list[Row]:
    """Record a metronome."""
    title, budget = "onsets of FluidSynth's audio against the grid", f"p99 <= {BUDGET_MS:g} ms"
    if not scale.jack:
        return [Row(title, budget, "needs jackd")]
    with serving(scale.folder, period=DEFAULT_PERIOD):
        late_ms, lost_cycles = _late(scale)
    beside = f"JACK lost {lost_cycles} cycles meanwhile; a block of FluidSynth's is 1.33 ms"
    met = percentile(late_ms, 0.99) <= BUDGET_MS
    return [Row(title, budget, spread(late_ms), beside, met)]


def _late(scale: Scale) -> tuple[list[float], int]:
    """Return by how many milliseconds each click begins beside its place, and how many cycles JACK lost."""
    port = free_port()
    options = ("--bpm", str(BPM), "--in", "none", "--out", "fluidsynth", "--osc-port", str(port))
    with playing(scale.fresh("audio"), *options, screen=None) as instrument:
        peer, remote, probe = JackPeer(), Remote(port), JackProbe()
        try:
            instrument.wait_ready("model")
            remote.send("action/metronome")
            instrument.wait_for("sent", voice="click")
            time.sleep(SETTLE_SECONDS)
            probe.count_xruns()
            heard = onsets(peer.record(scale.seconds(SECONDS), PORTS))
        finally:
            lost_cycles = probe.xruns
            peer.close()
            remote.close()
            probe.close()
    return beside_grid(heard), lost_cycles


def beside_grid(heard: list[int]) -> list[float]:
    """Return by how many milliseconds clicks lie beside the even grid that is nearest to all of them.

    Only the longest stretch counts in which JACK lost no cycle: its frames do not go on evenly over one.

    Args:
        heard: the frames on which they begin, a beat or several from each other.
    """
    beat, frames = SAMPLE_RATE * 60 / BPM, np.array(heard)
    between = np.diff(frames) / beat
    lost = np.flatnonzero(np.abs(between - np.round(between)) * beat > DEFAULT_PERIOD / 2) + 1
    stretch = max(np.split(frames, lost), key=len)
    numbers = np.round((stretch - stretch[0]) / beat)
    slope, offset = np.polyfit(numbers, stretch, 1)
    return [float(abs(off)) * 1e3 / SAMPLE_RATE for off in stretch - (slope * numbers + offset)]


def onsets(sound: npt.NDArray[np.float32]) -> list[int]:
    """Return the frames on which sound begins after a while of silence.

    Args:
        sound: [frames, 2].
    """
    level = np.abs(sound).max(axis=1)
    loud = np.flatnonzero(level > LOUD * level.max())
    quiet = round(QUIET_SECONDS * SAMPLE_RATE)
    return [int(one) for one, last in zip(loud[1:], loud, strict=False) if one - last > quiet]
