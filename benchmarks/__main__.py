"""The command line of the benchmarks: `python -m benchmarks`, or `make bench`."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from benchmarks import (
    band,
    clock,
    human,
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
    thru,
    writer,
)
from benchmarks.figures import Row, load_average, machine, table, today
from benchmarks.instrument import ROOT
from benchmarks.scale import Scale
from tests.fakes.jack_harness import JackServer

MEASURES: dict[str, Callable[[Scale], list[Row]]] = {
    "start": start.measure,
    "models": models.measure,
    "lines": lines.measure,
    "screen": screen.measure,
    "lateness": lateness.measure,
    "thru": thru.measure,
    "knob": knob.measure,
    "clock": clock.measure,
    "listen": listen.measure,
    "soak": soak.measure,
    "human": human.measure,
    "music": music.measure,
    "stage": stage.measure,
    "pair": pair.measure,
    "writer": writer.measure,
    "band": band.measure,
}


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
    "--out",
    type=click.Path(path_type=Path),
    default=ROOT / "docs" / "benchmarks.md",
    help="Where the table goes.",
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
    out: Path,
    data: Path,
) -> None:
    """Measure the instrument's budgets and write one table.

    Example: python -m benchmarks --only lateness --only thru
    """
    factor = 0.1 if quick else 1.0
    soak_seconds = hours * 3600 if hours else 120 * factor
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="twobar-bench-") as folder, jack_server(Path(folder)) as jack:
        scale = Scale(Path(folder), factor, soak_seconds, jack=jack, data=data, music=music)
        scale.pair_seconds = minutes * 60 if minutes else 60 * factor
        loads = [load_average()]
        for name in only or MEASURES:
            click.echo(f"measuring {name} ...", err=True)
            rows += _measured(name, scale)
        loads.append(load_average())
    page = page_of(rows, loads)
    click.echo(page)
    if not quick:
        out.write_text(page + "\n")


def _measured(name: str, scale: Scale) -> list[Row]:
    """Measure one thing; what fails is a line of the table, and the rest is measured all the same."""
    try:
        return MEASURES[name](scale)
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as reason:
        return [Row(name, "-", f"could not be measured: {reason}", met=False)]


def page_of(rows: list[Row], loads: list[str]) -> str:
    """Return the whole page; how human playing comes back has a table of its own."""
    played = [row for row in rows if row.what.startswith(human.PREFIX)]
    lines = [
        "# Benchmarks",
        "",
        f"Measured on {today()} by `make bench`. {machine()}.",
        f"Load averages (1, 5, 15 min) before: {loads[0]}; after, with what was measured: {loads[-1]}.",
    ]
    musical = [row for row in rows if row.what.startswith(music.PREFIX)]
    written = [row for row in rows if row.what.startswith(writer.PREFIX)]
    accompanied = [row for row in rows if row.what.startswith(band.PREFIX)]
    others = [row for row in rows if row not in (*played, *musical, *written, *accompanied)]
    if others:
        lines += [
            "",
            table(others),
            "",
            "Lateness is the moment at which the engine hands a note-on to the driver, less the moment at",
            "which it is due. The C loop and the bare loopback run in the same minutes as their neighbours.",
            "MIDI clock in is simulated, jitter evenly spread: *place* is how far the transport is from the",
            "master's own clocks. Only its cost depends on the machine.",
        ]
    if played:
        lines += ["", "## Human playing", "", *human.EXPLAINED, "", table(played)]
    if musical:
        lines += ["", "## Music", "", *music.EXPLAINED, "", table(musical)]
    if written:
        lines += ["", "## The writer", "", *writer.EXPLAINED, "", table(written)]
    if accompanied:
        lines += ["", "## The band", "", *band.EXPLAINED, "", table(accompanied)]
    return "\n".join(lines)


@contextmanager
def jack_server(folder: Path) -> Iterator[bool]:
    """Run a JACK server without a sound card, named in the environment; yields whether there is one."""
    if shutil.which("jackd") is None:
        yield False
        return
    name = "twobar-bench"  # always the same: JACK gives a dead server's place to its own name only
    os.environ.update(JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1")
    server = JackServer(name, folder / "jackd.log")
    server.start()
    try:
        yield True
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
