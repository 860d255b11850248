"""What encoding and decoding two bars (or continuing them) cost on one core, for each shipped model.

As a program, `python -m benchmarks.models NAME COUNT`, it measures one model and prints JSON.
"""

import json
import os
import subprocess
import sys
import time

from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.instrument import ROOT
from benchmarks.scale import Scale
from model.shipped import shipped_models

BUDGET_MS = {"lead": 2.0}
OTHER_BUDGET_MS = 4.0
WARM_UP = 30
TURNED = 0.5


def measure(scale: Scale) -> list[Row]:
    """Measure every shipped model in a process of its own, pinned to one core."""
    rows = []
    for name in shipped_models():
        words = [sys.executable, "-m", "benchmarks.models", name, str(scale.count(1000, least=50))]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        run = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, check=True)
        figures = json.loads(run.stdout)
        budget = BUDGET_MS.get(name, OTHER_BUDGET_MS)
        rows.append(
            Row(
                f"encode + decode two bars, one core: {name}",
                f"p99 <= {budget:g} ms",
                spread(figures["rest"]),
                f"with a knob turned: {spread(figures['turned'])}; {figures['runtime']}",
                percentile(figures["rest"], 0.99) <= budget,
            )
        )
    return rows or [Row("encode + decode two bars, one core", "p99 <= 2 to 4 ms", "no model is shipped")]


def main() -> None:
    """Measure one model."""
    from live.engine.demo.tune import FIRST, SECOND  # noqa: PLC0415  only this program needs phrases
    from model.music.phrase import Note, Phrase  # noqa: PLC0415  as above
    from model.playing.load import load  # noqa: PLC0415  as above

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    player = load(sys.argv[1])
    steps = player.card.grid.steps_per_beat
    tunes = [
        Phrase.of(
            player.card.grid,
            [
                Note(int(beat * steps), pitch + shift, velocity, max(1, round(length * steps)))
                for beat, length, pitch, velocity in tune
            ],
        )
        for tune in (FIRST, SECOND)
        for shift in (-3, 0, 4)
    ]
    knob = player.card.knobs[0] if player.card.knobs else ""
    costs: dict[str, list[float]] = {"rest": [], "turned": []}
    for number in range(WARM_UP + int(sys.argv[2])):
        tune = tunes[number % len(tunes)]
        for key, turns in (("rest", {}), ("turned", {knob: TURNED} if knob else {})):
            start = time.perf_counter_ns()
            if player.card.latent_size:
                player.decode(player.encode(tune), turns=turns)
            else:
                player.continuation(tune, turns=turns)
            if number >= WARM_UP:
                costs[key].append((time.perf_counter_ns() - start) / NANOS_PER_MS)
    sys.stdout.write(json.dumps({**costs, "runtime": player.card.runtime}))


if __name__ == "__main__":
    main()
