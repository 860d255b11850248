"""The command line of the benchmarks: `python -m benchmarks`, or `make bench`."""

import importlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from threadpoolctl import threadpool_limits

from benchmarks.figures import Row, load_average, machine, today
from benchmarks.instrument import ROOT
from benchmarks.jack_server import serving
from benchmarks.page import Measured, rewrite, section
from benchmarks.scale import Scale
from live.errors import TwobarError
from model.errors import ModelError
from trainer.errors import TrainerError

MEASURES = {
    "start": "Start",
    "models": "Encode and decode",
    "candidates": "Candidates",
    "lines": "Parts on one keyboard",
    "screen": "The dashboard",
    "idle": "Idle",
    "lateness": "Lateness",
    "audio": "The built-in synth's sound",
    "thru": "Thru",
    "browser": "A keyboard at a browser",
    "knob": "A knob's turn",
    "clock": "MIDI clock in",
    "pair": "Two instruments",
    "revive": "An engine that dies",
    "listen": "Without a click",
    "heard": "What listening costs",
    "soak": "Soak",
    "human": "Human playing",
    "stage": "Human playing over JACK",
    "music": "Music",
    "training_step": "A step of training",
    "writer": "The writer",
    "band": "The band",
    "prepare": "Files to phrases",
    "trainer": "Trainer",
}
"""The title of each section, by the module that measures it."""

ORDER = [*MEASURES.values()]

FAULTS = (
    OSError, RuntimeError, ValueError, subprocess.SubprocessError, TwobarError, ModelError, TrainerError
)  # fmt: skip
"""Of the world, or of what a measure asks for."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only", multiple=True, type=click.Choice(list(MEASURES)), help="Measure this only; may be repeated."
)
@click.option("--quick", is_flag=True, help="A tenth of the time: whether it works, not how well.")
@click.option("--hours", type=click.FloatRange(min=0.001), help="Length of the soak; 2 minutes by default.")
@click.option(
    "--minutes", type=click.FloatRange(min=0.1), help="For how long `pair` follows; 1 minute by default."
)
@click.option("--music", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder of MIDI files, for `lines` (those in parts), `listen` and `prepare`.")  # fmt: skip
@click.option("--device", type=click.Choice(["cpu", "cuda", "mps"]), default="cpu", show_default=True,
              help="What computes the models of `models`.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "docs" / "benchmarks.md",
              help="The page whose sections are rewritten; the others stay.")  # fmt: skip
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=ROOT / "prepared",
    help="What `twobar-train prepare MIDI_DIR --metres all` wrote; `human` and `music` play its test split.",
)
def main(
    only: tuple[str, ...],
    *,
    quick: bool,
    hours: float | None,
    minutes: float | None,
    music: Path | None,
    device: str,
    out: Path,
    data: Path,
) -> None:
    """Measure the instrument's budgets and write each one's section of the page.

    Example: python -m benchmarks --only lateness --only thru
    """
    factor = 0.1 if quick else 1.0
    soak_seconds = hours * 3600 if hours else 120 * factor
    with tempfile.TemporaryDirectory(prefix="twobar-bench-") as folder, serving(Path(folder)) as jack:
        scale = Scale(Path(folder), factor, soak_seconds, jack=jack, data=data, music=music, device=device)
        scale.pair_seconds = minutes * 60 if minutes else 60 * factor
        for name in only or MEASURES:
            click.echo(f"measuring {name} ...", err=True)
            begun = time.monotonic()
            found = _found(name, scale)
            click.echo(f"{section(found)}\n")
            click.echo(f"{name} took {time.monotonic() - begun:.0f} s", err=True)
            if not quick:
                rewrite(out, found, ORDER)


def _found(name: str, scale: Scale) -> Measured:
    """Measure one thing; with it goes when, where and how loaded."""
    when, before = today(), load_average()
    measure, command = importlib.import_module(f"benchmarks.{name}"), f"python -m benchmarks --only {name}"
    rows = _measured(measure.measure, name, scale)
    explained = getattr(measure, "EXPLAINED", ())
    return Measured(MEASURES[name], command, when, machine(), before, load_average(), explained, rows)


def _measured(measure: Callable[[Scale], list[Row]], name: str, scale: Scale) -> list[Row]:
    """Measure one thing; what fails is a line of the table, and the rest is measured all the same."""
    try:
        with threadpool_limits(1):  # two wait for each other's core beside another program
            return measure(scale)
    except FAULTS as reason:
        return [Row(name, "-", f"could not be measured: {reason}", met=False)]


if __name__ == "__main__":
    # who is ended by another program ends what was started, too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
