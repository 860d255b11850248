"""`twobar-train report`: a page about one checkpoint.

Tested in tests/trainer/reports/test_report.py.
"""

from pathlib import Path

import click

from model.command_line import WholeRange
from model.files import missing
from trainer.commands.common import DATA, SEED, SPLIT, cores, progress_bar, room_for
from trainer.errors import RequestError

ON_THE_MAP = 1000


@click.command(
    epilog="""\b
Examples:
  twobar-train report keys --data prepared --out keys.html
  twobar-train report runs/keys --data prepared --out report.html"""
)
@click.argument("checkpoint", metavar="CHECKPOINT|RUN_DIR")
@DATA
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("report.html"),
              help="The page's file.")  # fmt: skip
@SPLIT
@click.option("--seed", type=SEED, default=0, help="Of every draw.")
@click.option(
    "--limit",
    type=WholeRange(1),
    default=200,
    help=f"Phrases that the figures are measured on; the map shows up to {ON_THE_MAP:,}.",
)
def report(checkpoint: str, *, data: Path, out: Path, split: str, seed: int, limit: int) -> None:
    """Write one page about a checkpoint: curves, reconstructions, glides, knobs, a map, figures.

    Takes a .safetensors file, the name of a model that is shipped, or the folder of a run: then the curves
    of its training are shown too.
    """
    if not data.is_dir():
        raise RequestError(missing("the data folder", data))
    from model.playing.load import load  # noqa: PLC0415 - loads the network's runtime
    from trainer.evaluation.evaluate import evaluate_checkpoint  # noqa: PLC0415
    from trainer.evaluation.heldout import held_out  # noqa: PLC0415
    from trainer.reports.report import report as draw  # noqa: PLC0415
    from trainer.run.checkpoints import log_of, subject  # noqa: PLC0415

    about = subject(checkpoint)
    room_for(out)
    player = load(about.checkpoint)
    name = about.checkpoint
    most = max(limit, ON_THE_MAP)
    music = held_out(player, name, data, split=split, limit=most, seed=seed, jobs=cores())
    with progress_bar(f"{player.card.name}: ") as tell:
        found = evaluate_checkpoint(player, name, music.first(limit), seed=seed, progress=tell)
    draw(player, music, found, log=log_of(about.run), seed=seed).write(out)
    click.echo(f"the page is {out}")
