"""From the command to keys that sound and a model that answers, seen from outside, once it is compiled."""

from statistics import median

from benchmarks.figures import Row
from benchmarks.instrument import Instrument
from benchmarks.scale import Scale

BUDGET_SECONDS = {"thru": 0.4, "model": 0.6}
TITLES = {"thru": "start: keys sound", "model": "start: the model answers"}
STARTS = 5
READY_SECONDS = 30.0


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
    ]
