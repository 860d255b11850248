"""`twobar-train prepare`: folders of MIDI files to phrases.

Tested in tests/trainer/commands/test_commands.py.
"""

from pathlib import Path

import click

from model.command_line import WholeRange
from model.music.grid import Grid
from trainer.commands.common import DIR, SEED, cores, progress_bar
from trainer.corpus.meta import PrepareOptions, Report
from trainer.corpus.reading.sources import LICENCES
from trainer.errors import RequestError

METRES = ("own", "all")
METRES_ASSUMED = ("2/4", "3/4", "4/4", "5/4", "6/8", "7/8", "9/8", "12/8")


@click.command(
    epilog="""\b
Example:
  twobar-train prepare ~/midi/songs ~/midi/takes --out prepared"""
)
@click.argument("folders", metavar="MIDI_DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=DIR, help="Folder of the corpus.")
@click.option(
    "--licences",
    type=click.Choice(LICENCES),
    default="permissive",
    help="Which files to take from a folder whose MANIFEST.csv names licences; "
    "permissive is public domain, CC0, CC BY, BSD, MIT and Artistic.",
)
@click.option(
    "--metres",
    type=click.Choice(METRES),
    default="own",
    help="all: lay the bars over music in other metres too; that is learned from, never measured on.",
)
@click.option(
    "--assume-metre",
    "metre",
    type=click.Choice(METRES_ASSUMED),
    default=None,
    help="Of all files, whatever they say; otherwise a metre that no music has is found from the notes.",
)
@click.option("--bars", type=int, metavar="N", default=2, help="Bars in a phrase.")
@click.option("--beats-per-bar", type=int, metavar="N", default=4, help="Quarter notes in a bar.")
@click.option("--steps-per-beat", type=int, metavar="N", default=4, help="Cells in a beat.")
@click.option(
    "--jobs", type=WholeRange(1, 256), default=None, help="Reading processes; all cores by default."
)
@click.option("--seed", type=SEED, default=0, help="Of the split by song.")
def prepare(
    folders: tuple[Path, ...],
    *,
    out: Path,
    licences: str,
    metres: str,
    metre: str | None,
    bars: int,
    beats_per_bar: int,
    steps_per_beat: int,
    jobs: int | None,
    seed: int,
) -> None:
    """Read folders of MIDI files into phrases, split by song.

    Files that cannot be read are skipped and named, with the reason, in OUT/report.json.  Interrupted, the
    same command goes on where it stopped.
    """
    from trainer.corpus.prepare import prepare as run  # noqa: PLC0415 - --help must not wait for numpy

    try:
        grid = Grid(bars, beats_per_bar, steps_per_beat)
    except ValueError as error:
        raise RequestError(f"the grid is impossible: {error}") from error
    options = PrepareOptions(grid, licences, metres, seed, jobs or cores(), metre or "")
    try:
        with progress_bar() as tell:
            report = run(folders, out, options, progress=lambda done, files: tell("reading", done, files))
    except KeyboardInterrupt:
        click.echo("twobar-train: stopped; the same command goes on from here", err=True)
        raise click.exceptions.Exit(130) from None
    summarise(report, out)


def summarise(report: Report, out: Path) -> None:
    """Print the counts, and for each reason how many files it kept out, with one of them."""
    for codec, counts in report.phrases.items():
        click.echo(f"{codec}: " + ", ".join(f"{count:,} {split}" for split, count in counts.items()))
    skipped = sum(count for count, _, _ in report.skipped.values())
    click.echo(f"{report.read:,} files gave phrases; {skipped:,} were skipped")
    for note, count in report.notes.items():
        click.echo(f"{count:,} file{'s' * (count > 1)}: {note}")
    if report.resumed:
        click.echo(f"{report.resumed:,} had been read before", err=True)
    for kind, (count, name, _) in report.skipped.items():
        click.echo(f"  {count:,} {kind}: {name}" + (", ..." if count > 1 else ""), err=True)
    if skipped:
        click.echo(f"every one of them is named in {out / 'report.json'}", err=True)
