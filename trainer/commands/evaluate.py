"""`twobar-train evaluate`: the figures of one checkpoint or several, and a page that compares them.

Tested in tests/trainer/commands/test_commands.py.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from model.command_line import WholeRange
from model.files import missing
from trainer.commands.common import DATA, SEED, SPLIT, cores, progress_bar, room_for
from trainer.errors import OperationError, RequestError

PAGE = "compare.html"


@click.command(
    epilog="""\b
Examples:
  twobar-train evaluate keys --data prepared --json keys.json
  twobar-train evaluate runs/a/keys.safetensors runs/b/keys.safetensors --data prepared --limit 500
  twobar-train evaluate --compare lead runs/a/lead.safetensors --data prepared --page compare.html"""
)
@click.argument("checkpoints", metavar="CHECKPOINT...", nargs=-1, required=True)
@DATA
@SPLIT
@click.option("--json", "target", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the figures to this file too.")  # fmt: skip
@click.option("--compare", is_flag=True, help="Also write a page with plots of all the checkpoints.")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False),
              help=f"The page's file; {PAGE} beside the --json file, or here, by default.")  # fmt: skip
@click.option("--seed", type=SEED, default=0, help="Of every draw.")
@click.option("--times", is_flag=True, help="Say how long each part took.")
@click.option(
    "--samples",
    type=WholeRange(1),
    default=1000,
    help="Draws of the prior at most, as many as there are phrases otherwise; each may be the best of many.",
)
@click.option("--limit", type=WholeRange(1), default=None, help="Phrases at most; all by default.")
def evaluate(
    checkpoints: tuple[str, ...],
    *,
    data: Path,
    split: str,
    target: Path | None,
    compare: bool,
    page: Path | None,
    seed: int,
    times: bool,
    samples: int,
    limit: int | None,
) -> None:
    """Measure models on phrases held out: reconstruction, parts, knobs, glides, samples, music, speed.

    A CHECKPOINT is a .safetensors file, the folder of a run, or the name of a model that is shipped.
    """
    if not data.is_dir():
        raise RequestError(missing("the data folder", data))
    from model.playing.load import load  # noqa: PLC0415 - loads the network's runtime
    from trainer.corpus.prepare import write_json  # noqa: PLC0415
    from trainer.evaluation.evaluate import evaluate_checkpoint  # noqa: PLC0415
    from trainer.evaluation.heldout import held_out  # noqa: PLC0415
    from trainer.evaluation.stages import Stages  # noqa: PLC0415
    from trainer.reports.table import show  # noqa: PLC0415
    from trainer.run.checkpoints import subject  # noqa: PLC0415
    from trainer.run.device import keep_freed_memory  # noqa: PLC0415

    keep_freed_memory()
    checkpoints = tuple(subject(checkpoint).checkpoint for checkpoint in checkpoints)
    written = page or (target.parent if target is not None else Path()) / PAGE
    for file in (target, written if compare or page is not None else None):
        if file is not None:
            room_for(file)
    players = [load(checkpoint) for checkpoint in checkpoints]
    results: list[dict[str, Any]] = []
    for checkpoint, player in zip(checkpoints, players, strict=True):
        music = held_out(player, checkpoint, data, split=split, limit=limit, seed=seed, jobs=cores())
        with progress_bar(f"{player.card.name}: ") as tell:
            found = evaluate_checkpoint(
                player, checkpoint, music, seed=seed, most_samples=samples, progress=tell
            )
        if times:
            click.echo(f"{player.card.name}: {Stages(found['seconds']).in_words()}", err=True)
        results.append(found | {"data": str(data), "split": split})
        if target is not None and len(results) < len(players):
            with suppress(OSError):  # the error is raised at the end
                write_json(target, results)
    show(results)
    if target is not None:
        try:
            write_json(target, results)
        except OSError as error:
            raise OperationError(f"cannot write '{target}': {error.strerror or error}") from error
    if compare or page is not None:
        from trainer.reports.compare import page as draw  # noqa: PLC0415

        draw(results, data=str(data), split=split).write(written)
        click.echo(f"the page is {written}")
