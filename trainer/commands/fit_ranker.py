"""`twobar-train fit-ranker`: prepared pieces to the ranker, which tells what goes on best.

Tested in tests/trainer/commands/test_commands.py.
"""

from pathlib import Path

import click

from model.command_line import WholeRange
from trainer.commands.common import DIR, FILE, SEED, progress_bar, room_for


@click.command(
    "fit-ranker",
    epilog="""\b
Example:
  twobar-train fit-ranker --data prepared --out ranker.safetensors""",
)
@click.option("--data", required=True, type=DIR, help="A folder that prepare wrote.")
@click.option("--out", required=True, type=FILE, help="File to write.")
@click.option("--phrases", type=WholeRange(2), default=4000, help="Of each kind, at most.")
@click.option("--others", type=WholeRange(1), default=30, help="Of other songs beside each.")
@click.option("--units", type=WholeRange(1, 1024), default=48, help="Of each network.")
@click.option("--members", type=WholeRange(1, 64), default=4, help="Networks.")
@click.option("--steps", type=WholeRange(1), default=1500, help="Of each.")
@click.option("--seed", type=SEED, default=0, help="Of phrases and weights.")
def fit_ranker(
    *, data: Path, out: Path, phrases: int, others: int, units: int, members: int, steps: int, seed: int
) -> None:
    """Fit the ranker on prepared pieces: it knows the true next phrase among those of other songs."""
    from trainer.writing.ranking import RankerConfig  # noqa: PLC0415 - loads torch
    from trainer.writing.ranking import fit_ranker as run  # noqa: PLC0415

    room_for(out)
    config = RankerConfig(phrases, others, units, members, steps, seed)
    with progress_bar() as tell:
        made = run(data, out, config, say=lambda line: click.echo(line, err=True), progress=tell)
    click.echo(f"the ranker is {made}")
