"""What encoding and decoding two bars (or continuing them) cost on one core, for each shipped model.

As a program, `python -m benchmarks.models NAME COUNT DEVICE`, it measures one model and prints JSON.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence

import click

from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.instrument import ROOT
from benchmarks.scale import Scale
from model.music.phrase import Note, Phrase
from model.playing.checkpoint_player import CheckpointPlayer
from model.playing.load import load
from model.playing.player import Player
from model.runtimes.base import DecodeInputs, Floats
from model.shipped import shipped_models

BUDGET_MS = {"lead": 2.0, "drums": 2.0, "keys": 3.0}
OTHER_BUDGET_MS = 4.0
TURNED_RATIO = 2.0
CARD_BUDGET_MS, CARD_MANY_MS = 1.0, 5.0
MANY = 64  # candidates for an answer
WARM_UP = 30
TURNED = 0.5


def measure(scale: Scale) -> list[Row]:
    """Measure every shipped model in a process of its own, pinned to one core."""
    rows = []
    for name in shipped_models():
        words = [
            sys.executable,
            "-m",
            "benchmarks.models",
            name,
            str(scale.count(1000, least=50)),
            scale.device,
        ]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        run = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, check=True)
        figures = json.loads(run.stdout)
        card = scale.device != "cpu"
        where = "a card" if card else "one core"
        budget = CARD_BUDGET_MS if card else BUDGET_MS.get(name, OTHER_BUDGET_MS)
        rows.append(
            Row(
                f"encode + decode two bars, {where}: {name}",
                f"p99 <= {budget:g} ms, with a knob turned {TURNED_RATIO:g} x as much",
                spread(figures["rest"]),
                f"with a knob turned: {spread(figures['turned'])}; {figures['runtime']}",
                percentile(figures["rest"], 0.99) <= budget
                and percentile(figures["turned"], 0.99) <= TURNED_RATIO * budget,
            )
        )
        if many := figures["many"]:
            rows.append(
                Row(
                    f"{MANY} candidates for a turned knob, {where}: {name}",
                    f"network p99 <= {CARD_MANY_MS:g} ms" if card else "-",
                    spread(figures["network"]),
                    f"with spelling, measuring and editing: {spread(many)}",
                    percentile(figures["network"], 0.99) <= CARD_MANY_MS if card else None,
                )
            )
    return rows or [Row("encode + decode two bars, one core", "p99 <= 2 to 4 ms", "no model is shipped")]


def _many(player: Player, tunes: Sequence[Phrase], knob: str, count: int) -> dict[str, list[float]]:
    """Time answers chosen from many candidates: the network's part and all of it, milliseconds."""
    found: dict[str, list[float]] = {"network": [], "many": []}
    if not (knob and player.card.latent_size and isinstance(player, CheckpointPlayer)):
        return found
    player.candidates = MANY
    runtime = player.network.runtime
    decode, spent = runtime.decode, [0.0]

    def timed(z: Floats, inputs: DecodeInputs) -> dict[str, Floats]:
        began = time.perf_counter_ns()
        heads = decode(z, inputs)
        spent[0] = (time.perf_counter_ns() - began) / NANOS_PER_MS
        return heads

    runtime.decode = timed  # type: ignore[method-assign]
    for number in range(3 + count):
        latent = player.encode(tunes[number % len(tunes)])
        began = time.perf_counter_ns()
        player.decode(latent, turns={knob: TURNED})
        if number >= 3:
            found["many"].append((time.perf_counter_ns() - began) / NANOS_PER_MS)
            found["network"].append(spent[0])
    return found


@click.command()
@click.argument("name")
@click.argument("count", type=click.IntRange(1))
@click.argument("device", type=click.Choice(["cpu", "cuda", "mps"]))
def main(name: str, count: int, device: str) -> None:
    """Measure one model."""
    from live.engine.demo.tune import FIRST, SECOND  # noqa: PLC0415  only this program needs phrases

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    player = load(name, device)
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
    for number in range(WARM_UP + count):
        tune = tunes[number % len(tunes)]
        for key, turns in (("rest", {}), ("turned", {knob: TURNED} if knob else {})):
            start = time.perf_counter_ns()
            if player.card.latent_size:
                player.decode(player.encode(tune), turns=turns)
            else:
                player.continuation(tune, turns=turns)
            if number >= WARM_UP:
                costs[key].append((time.perf_counter_ns() - start) / NANOS_PER_MS)
    costs |= _many(player, tunes, knob, max(5, count // 20))
    sys.stdout.write(json.dumps({**costs, "runtime": player.card.runtime}))


if __name__ == "__main__":
    main()
