"""The command line of the benchmarks: `python -m benchmarks`, or `make bench`."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks import (
    band,
    browser,
    candidates,
    clock,
    human,
    idle,
    knob,
    lateness,
    lines,
    listen,
    models,
    music,
    pair,
    screen,
    soak,
    stage,
    start,
    step,
    thru,
    trainer,
    writer,
)
from benchmarks.figures import Row, load_average, machine, today
from benchmarks.instrument import ROOT
from benchmarks.jack_server import serving
from benchmarks.page import Measured, rewrite, section
from benchmarks.scale import Scale


class Measure(NamedTuple):
    """One thing to measure.

    Attributes:
        title: of its section.
        rows: measures it.
        explained: what the figures mean, line by line.
    """

    title: str
    rows: Callable[[Scale], list[Row]]
    explained: Sequence[str] = ()


MEASURES = {
    "start": Measure("Start", start.measure),
    "models": Measure("Encode and decode", models.measure),
    "candidates": Measure("Candidates", candidates.measure, candidates.EXPLAINED),
    "lines": Measure("Parts on one keyboard", lines.measure),
    "screen": Measure("The dashboard", screen.measure),
    "idle": Measure("Idle", idle.measure, idle.EXPLAINED),
    "lateness": Measure("Lateness", lateness.measure, lateness.EXPLAINED),
    "thru": Measure("Thru", thru.measure, thru.EXPLAINED),
    "browser": Measure("A keyboard at a browser", browser.measure),
    "knob": Measure("A knob's turn", knob.measure),
    "clock": Measure("MIDI clock in", clock.measure, clock.EXPLAINED),
    "pair": Measure("Two instruments", pair.measure),
    "listen": Measure("Without a click", listen.measure),
    "soak": Measure("Soak", soak.measure),
    "human": Measure("Human playing", human.measure, human.EXPLAINED),
    "stage": Measure("Human playing over JACK", stage.measure),
    "music": Measure("Music", music.measure, music.EXPLAINED),
    "step": Measure("A step of training", step.measure, step.EXPLAINED),
    "writer": Measure("The writer", writer.measure, writer.EXPLAINED),
    "band": Measure("The band", band.measure, band.EXPLAINED),
    "trainer": Measure("Trainer", trainer.measure, trainer.EXPLAINED),
}
ORDER = [measure.title for measure in MEASURES.values()]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only", multiple=True, type=click.Choice(list(MEASURES)), help="Measure this only; may be repeated."
)
@click.option("--quick", is_flag=True, help="A tenth of the time: whether it works, not how well.")
@click.option("--hours", type=click.FloatRange(min=0.001), help="Length of the soak; 2 minutes by default.")
@click.option(
    "--minutes", type=click.FloatRange(min=0.1), help="For how long `pair` follows; 1 minute by default."
)
@click.option(
    "--music",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of MIDI files, for `lines` (those in parts) and `listen`.",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda", "mps"]),
    default="cpu",
    show_default=True,
    help="What computes the models of `models`.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=ROOT / "docs" / "benchmarks.md",
    help="The page whose sections are rewritten; the others stay.",
)
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
            found = _found(name, scale)
            click.echo(section(found) + "\n")
            if not quick:
                rewrite(out, found, ORDER)


def _found(name: str, scale: Scale) -> Measured:
    """Measure one thing; with it goes when, where and how loaded."""
    when, before = today(), load_average()
    rows = _measured(name, scale)
    measure, command = MEASURES[name], f"python -m benchmarks --only {name}"
    return Measured(measure.title, command, when, machine(), before, load_average(), measure.explained, rows)


def _measured(name: str, scale: Scale) -> list[Row]:
    """Measure one thing; what fails is a line of the table, and the rest is measured all the same."""
    try:
        return MEASURES[name].rows(scale)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as reason:
        return [Row(name, "-", f"could not be measured: {reason}", met=False)]


if __name__ == "__main__":
    # who is ended by another program ends what was started, too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
