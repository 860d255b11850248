"""From the command to keys that sound and a model that answers, seen from outside, once it is compiled.

And to ten samples of each model on the disk.
"""

import resource
import subprocess
import sys
import time
from statistics import median

from benchmarks.figures import Row
from benchmarks.instrument import Instrument, compiled
from benchmarks.scale import Scale
from model.shipped import shipped_models

BUDGET_SECONDS = {"thru": 0.4, "model": 0.6}
TITLES = {"thru": "start: keys sound", "model": "start: the model answers"}
STARTS = 5
READY_SECONDS = 30.0
SAMPLE_BUDGET_SECONDS, SAMPLES = 1.0, 10


def measure(scale: Scale) -> list[Row]:
    """Start the instrument some times with its own synth and read its ready lines."""
    found: dict[str, list[float]] = {"thru": [], "model": []}
    reported: dict[str, list[float]] = {"thru": [], "model": []}
    options = ["--in", "virtual" if scale.jack else "none", "--osc-port", "0"]
    options += ["--api", "jack"] if scale.jack else []
    for number in range(1 + scale.count(STARTS, least=2)):
        instrument = Instrument(scale.fresh("start"), *options, "--out", "fluidsynth", screen=None)
        try:
            instrument.wait_for("ready", seconds=READY_SECONDS, what="model")
            if number == 0:
                continue  # it has compiled its modules, as installing does
            for line in instrument.take("ready"):
                reported[line["what"]].append(line["ms"] / 1000)
        finally:
            instrument.end()
        for what, seconds in instrument.ready.items():
            found[what].append(seconds)
    return [
        Row(
            f"{TITLES[what]}, FluidSynth {'on JACK' if scale.jack else 'without JACK'}",
            f"<= {budget:g} s",
            f"median {median(found[what]):.2f} s, worst {max(found[what]):.2f} s (n {len(found[what])})",
            f"by its own ready line, without Python's start: {median(reported[what]):.2f} s",
            median(found[what]) <= budget,
        )
        for what, budget in BUDGET_SECONDS.items()
    ] + [_sampled(scale, model) for model in shipped_models()]


def _sampled(scale: Scale, model: str) -> Row:
    """Let the command write samples of a model, after a first time that compiles its modules."""
    found, spent = [], [_processor_seconds()]
    for seed in range(1 + scale.count(STARTS, least=2)):
        words = ["sample", "--model", model, "-n", str(SAMPLES), "--seed", str(seed)]
        begun = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "live", *words, "--out", str(scale.fresh("samples"))],
            env=compiled(),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found.append(time.monotonic() - begun)
        spent.append(_processor_seconds())
    text = f"median {median(found[1:]):.2f} s, worst {max(found[1:]):.2f} s (n {len(found) - 1})"
    beside = f"of the processor: {(spent[-1] - spent[1]) / (len(found) - 1):.2f} s each"
    met = median(found[1:]) <= SAMPLE_BUDGET_SECONDS
    return Row(f"sample -n {SAMPLES}, {model}", f"<= {SAMPLE_BUDGET_SECONDS:g} s", text, beside, met)


def _processor_seconds() -> float:
    """Return the time of the processor that children of this process, which have ended, have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
