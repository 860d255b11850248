"""The command line of the trainer: `twobar-train prepare | fit | evaluate`."""

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.errors import ModelError
from model.grid import Grid
from trainer.errors import TrainerError, UsageError, nearest, unknown
from trainer.sources import LICENCES, SPLITS

if TYPE_CHECKING:
    from trainer.corpus import Report

CONFIGS = Path(__file__).parent / "configs"
METRES = ("own", "all")
LATER = {
    "directions": "finding attribute directions in a latent space",
    "adapt": "leaning a model to a player",
    "report": "a page with curves and maps",
}


@click.group(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Prepare music, train models for twobar, and measure them.

    \b
    Example, from MIDI files to figures:
      twobar-train prepare ~/midi --out prepared
      twobar-train fit --config keys --data prepared --out runs/keys
      twobar-train evaluate runs/keys/model.safetensors --data prepared
    """  # noqa: D301 - \b is click's mark for lines to keep


@cli.command(
    epilog="""\b
Example:
  twobar-train prepare ~/midi/songs ~/midi/takes --out prepared"""
)
@click.argument("folders", metavar="MIDI_DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the corpus.")
@click.option(
    "--licences",
    type=click.Choice(LICENCES),
    default="permissive",
    show_default=True,
    help="Which files to take from a folder whose MANIFEST.csv names licences; "
    "permissive is public domain, CC0, CC BY, BSD, MIT and Artistic.",
)
@click.option(
    "--metres",
    type=click.Choice(METRES),
    default="own",
    show_default=True,
    help="all: lay the bars over music in other metres too; that is learned from, never measured on.",
)
@click.option("--bars", type=int, default=2, show_default=True, help="Bars in a phrase.")
@click.option("--beats-per-bar", type=int, default=4, show_default=True, help="Quarter notes in a bar.")
@click.option("--steps-per-beat", type=int, default=4, show_default=True, help="Cells in a beat.")
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=None, help="Reading processes; all cores by default."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split by song.")
def prepare(
    folders: tuple[Path, ...],
    *,
    out: Path,
    licences: str,
    metres: str,
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
    from trainer.corpus import Options  # noqa: PLC0415 - --help must not wait for numpy
    from trainer.corpus import prepare as run  # noqa: PLC0415

    try:
        grid = Grid(bars, beats_per_bar, steps_per_beat)
    except ValueError as error:
        raise UsageError(f"the grid is impossible: {error}") from error
    options = Options(grid, licences, metres, seed, jobs or cores())
    try:
        with told() as tell:
            report = run(folders, out, options, progress=lambda done, files: tell("reading", done, files))
    except KeyboardInterrupt:
        click.echo("twobar-train: stopped; the same command goes on from here", err=True)
        raise click.exceptions.Exit(130) from None
    summarise(report, out)


def summarise(report: "Report", out: Path) -> None:
    """Print the counts, and for each reason how many files it kept out, with one of them."""
    for codec, counts in report.phrases.items():
        click.echo(f"{codec}: " + ", ".join(f"{count:,} {split}" for split, count in counts.items()))
    click.echo(f"{report.read:,} files gave phrases; {len(report.skipped):,} were skipped")
    if report.resumed:
        click.echo(f"{report.resumed:,} had been read by the run that was interrupted", err=True)
    kinds = Counter(reason.split(":")[0] for _, reason in report.skipped)
    for kind, count in kinds.most_common():
        name = next(name for name, reason in report.skipped if reason.split(":")[0] == kind)
        click.echo(f"  {count:,} {kind}: {name}" + (", ..." if count > 1 else ""), err=True)
    if report.skipped:
        click.echo(f"every one of them is named in {out / 'report.json'}", err=True)


@cli.command(
    epilog="""\b
Examples:
  twobar-train fit --config keys --data prepared --out runs/keys --max-minutes 60
  twobar-train fit --config keys --data prepared --out runs/keys --resume"""
)
@click.option(
    "--config", required=True, help="A configuration's .toml file, or the name of one that is shipped."
)
@click.option("--data", required=True, type=click.Path(path_type=Path), help="A folder that prepare wrote.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--max-minutes", type=click.FloatRange(0, min_open=True), help="End cleanly after so long.")
@click.option("--resume", is_flag=True, help="Go on from the run's last checkpoint.")
@click.option("--seed", type=int, default=None, help="Instead of the configuration's.")
@click.option(
    "--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a value of the configuration."
)
def fit(
    *,
    config: str,
    data: Path,
    out: Path,
    max_minutes: float | None,
    resume: bool,
    seed: int | None,
    overrides: tuple[str, ...],
) -> None:
    """Train a model on prepared phrases.

    Shows its speed and the time left; Ctrl-C ends it with a checkpoint that --resume goes on from.
    """
    path = find_config(config)
    for override in overrides:
        if "=" not in override:
            raise UsageError(f"--set takes KEY=VALUE, not '{override}'")
    if not (data / "meta.json").is_file():
        raise UsageError(f"'{data}' was not written by 'twobar-train prepare': it has no meta.json")
    from trainer.fit import run  # noqa: PLC0415 - loads torch

    made = run(path, data, out, max_minutes=max_minutes, resume=resume, overrides=list(overrides), seed=seed)
    click.echo(f"the model is {made}")


@cli.command(
    epilog="""\b
Examples:
  twobar-train evaluate keys --data prepared --json keys.json
  twobar-train evaluate runs/a/model.safetensors runs/b/model.safetensors --data prepared --limit 500"""
)
@click.argument("checkpoints", metavar="CHECKPOINT...", nargs=-1, required=True)
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="A prepared folder, or any MIDI files."
)
@click.option(
    "--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Of a prepared folder."
)
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the figures to this file too.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of every draw.")
@click.option("--limit", type=click.IntRange(1), default=None, help="Phrases at most; all by default.")
def evaluate(
    checkpoints: tuple[str, ...], *, data: Path, split: str, target: Path | None, seed: int, limit: int | None
) -> None:
    """Measure models on phrases held out: reconstruction, knobs, glides, samples.

    A CHECKPOINT is a .safetensors file or the name of a model that is shipped.
    """
    if not data.is_dir():
        raise UsageError(f"the data folder '{data}' does not exist")
    from model.play import load  # noqa: PLC0415 - loads the network's runtime
    from trainer.corpus import write_json  # noqa: PLC0415
    from trainer.evaluate import evaluate as run  # noqa: PLC0415
    from trainer.heldout import parameters_of, phrases_for, show  # noqa: PLC0415

    results: list[dict[str, Any]] = []
    for checkpoint in checkpoints:
        player = load(checkpoint)
        phrases = phrases_for(player, data, split=split, limit=limit, seed=seed, jobs=cores())
        with told(f"{player.card.name}: ") as tell:
            figures = run(
                player, phrases, parameters=parameters_of(player, checkpoint), seed=seed, progress=tell
            )
        results.append(figures | {"checkpoint": checkpoint, "data": str(data), "split": split})
        if target is not None:
            try:
                write_json(target, results)
            except OSError as error:
                raise UsageError(f"cannot write '{target}': {error.strerror or error}") from error
    show(results)


def later(name: str, what: str) -> click.Command:
    """Return a command that says it is not there yet, whatever it is given."""

    @click.command(name, hidden=True, context_settings={"ignore_unknown_options": True})
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    def command(rest: tuple[str, ...]) -> None:  # noqa: ARG001 - whatever it is given
        raise UsageError(f"'{name}' ({what}) is not in this version; there is: evaluate, fit, prepare")

    command.help = (
        f"Not in this version: {what}.  Example of what is: twobar-train evaluate keys --data prepared"
    )
    return command


for _name, _what in LATER.items():
    cli.add_command(later(_name, _what))


def find_config(given: str) -> Path:
    """Return the file of a configuration by its path, or by the name of a shipped one.

    Raises:
        UsageError: neither is there.

    """
    path = Path(given)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in CONFIGS.glob("*.toml")}
    if given in shipped:
        return shipped[given]
    if path.suffix or path.parent != Path():
        kind = "is a folder" if path.is_dir() else "does not exist"
        near = nearest(path.stem, shipped)
        raise UsageError(
            f"the configuration '{given}' {kind}; shipped are: {', '.join(sorted(shipped))}{near}"
        )
    raise unknown("configuration", given, shipped)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def told(title: str = "") -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar with speed and time left on a terminal's stderr; elsewhere nothing."""
    try:
        from rich.console import Console  # noqa: PLC0415 - the trainer extra
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    except ImportError:
        yield lambda _what, _done, _all: None
        return
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, all_of_them: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(title + what, total=all_of_them)
            bars.update(tasks[what], completed=done)

        yield tell


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    try:
        code = cli.main(args=arguments, prog_name="twobar-train", standalone_mode=False)
    except (TrainerError, ModelError) as error:
        click.echo(f"twobar-train: {error}", err=True)
        code = error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except click.ClickException as error:
        click.echo(f"twobar-train: {sentence(error)}", err=True)
        code = 2 if isinstance(error, click.UsageError) else 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("twobar-train: stopped", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def sentence(error: click.ClickException) -> str:
    """Return click's complaint as one sentence, with what there is and the nearest match."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and context is not None:
        options = [name for param in context.command.params for name in param.opts if name.startswith("-")]
        return str(
            unknown("option", error.option_name, [*options, "--help"], where=f"'{context.command_path}'")
        )
    if isinstance(error, click.exceptions.NoSuchCommand):
        return str(
            unknown("command", error.command_name, [name for name in cli.commands if name not in LATER])
        )
    choice = re.search(r"'([^']*)' is not one of", error.format_message())
    if isinstance(error, click.BadParameter) and error.param and choice:
        kind = error.param.type
        names = list(kind.choices) if isinstance(kind, click.Choice) else []
        return str(unknown(f"value of {error.param.opts[0]}", choice[1], names))
    text = " ".join(error.format_message().split()).rstrip(".")
    where = f"{context.command_path}: " if context is not None and context.command is not cli else ""
    return where.removeprefix("twobar-train ") + text[:1].lower() + text[1:]


if __name__ == "__main__":
    main()
