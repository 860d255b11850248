"""`twobar-train directions`: knobs for a model that was trained without them.

Tested in tests/trainer/latent/test_directions.py.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from model.command_line import WholeRange
from model.files import missing
from trainer.commands.common import DATA, FILE, SEED, cores, progress_bar, room_for
from trainer.errors import OperationError, RequestError

PAIRS = 4000
PHRASES = 100


@click.command(
    epilog="""\b
Examples:
  twobar-train directions runs/vae/vae.safetensors --data prepared --out vae-knobs.safetensors
  twobar-train directions lead --data prepared --out lead-knobs.safetensors --pairs 1000 --phrases 40"""
)
@click.argument("checkpoint", metavar="CHECKPOINT|RUN_DIR")
@DATA
@click.option("--out", required=True, type=FILE, help="The new checkpoint's file.")
@click.option("--pairs", type=WholeRange(50), default=PAIRS,
              help="Phrases at most that the regression learns from, of the train split.")  # fmt: skip
@click.option(
    "--phrases",
    type=WholeRange(5),
    default=PHRASES,
    help="Phrases at most that candidates are compared on, and as many to calibrate and to check.",
)
@click.option("--seed", type=SEED, default=0, help="Of every draw.")
def directions(checkpoint: str, *, data: Path, out: Path, pairs: int, phrases: int, seed: int) -> None:
    """Find attribute directions in a latent space, calibrate them, and write a checkpoint that has them.

    Works for any model with a latent, also one that was not trained for knobs. The new checkpoint holds the
    same weights; the instrument then moves its latents along the directions where a knob is turned.
    """
    if not data.is_dir():
        raise RequestError(missing("the data folder", data))
    from model.checkpoint import read  # noqa: PLC0415 - loads numpy
    from model.playing.load import load  # noqa: PLC0415 - loads the network's runtime
    from trainer.evaluation.heldout import phrases_for, songs_on  # noqa: PLC0415
    from trainer.latent.directions import apart, figures_of, find  # noqa: PLC0415
    from trainer.run.checkpoints import checked, path_of, rewrite, subject  # noqa: PLC0415

    target = checked(out)
    room_for(target)
    checkpoint = subject(checkpoint).checkpoint
    player, source = load(checkpoint), path_of(checkpoint)
    known = read(source)
    if not player.card.latent_size:
        raise RequestError(f"'{player.card.name}' has no latent: there are no directions to find in it")
    options: dict[str, Any] = {"seed": seed, "jobs": cores()}
    if (data / "meta.json").is_file():
        learned = phrases_for(player, data, split="train", limit=pairs, **options)
        tried = phrases_for(player, data, split="validation", limit=3 * phrases, **options)
    else:
        card, limit = player.card, pairs + 3 * phrases
        every = songs_on(card.codec, card.grid, data, split="train", limit=limit, **options)
        learned, tried = apart(every, min(3 * phrases, len(every.phrases) // 4))
    with progress_bar(f"{player.card.name}: ") as tell:
        found = find(player, known.calibration, learned, tried, count=phrases, seed=seed, progress=tell)
    rows = figures_of(found)
    show(rows)
    if found.directions is None:
        raise OperationError("no attribute has a direction in this latent space; nothing was written")
    others = {name: value for name, value in known.extras.items() if not name.startswith("directions/")}
    rewrite(
        known,
        target,
        like=source,
        extras=others | found.directions.tensors(),
        figures={**known.figures, "directions": rows},
    )
    click.echo(f"the checkpoint is {target}")


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print what was found of each attribute, before and after: rows of `latent.directions.figures_of`."""
    from rich.console import Console  # noqa: PLC0415 - the trainer extra
    from rich.table import Table  # noqa: PLC0415

    table = Table(
        title="along each direction, on decoded phrases: plain regression > calibrated", title_justify="left"
    )
    for name in ("", "R2", "Spearman", "leak", "bend", "reach"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for row in rows:
        before, after = row["before"], row["after"]
        cells = [
            f"{before[key]:.2f} > " + ("none" if after is None else f"{after[key]:.2f}")
            for key in ("spearman", "leak", "bend")
        ]
        reach = "-" if after is None else f"{after['reach']:.2f}"
        table.add_row(row["attribute"], f"{row['fit']:.2f}", *cells, reach)
    Console().print(table)
