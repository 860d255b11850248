"""`twobar-train fit-writer`: prepared pieces to the writer, which writes notes to what is fixed.

Tested in tests/trainer/commands/test_commands.py.
"""

from pathlib import Path

import click

from model.command_line import FiniteRange, WholeRange
from trainer.commands.common import DIR, SEED


@click.command(
    "fit-writer",
    epilog="""\b
Examples:
  twobar-train fit-writer --data prepared --out runs/writer --minutes 60
  twobar-train fit-writer --data prepared --out runs/writer --minutes 90 --resume""",
)
@click.option("--data", required=True, type=DIR, help="A folder that prepare wrote.")
@click.option("--out", required=True, type=DIR, help="Folder of the run.")
@click.option("--minutes", type=FiniteRange(0, min_open=True), default=60, help="Of training.")
@click.option("--width", type=WholeRange(8, 1024), default=160, help="Of its tokens.")
@click.option("--depth", type=WholeRange(1, 24), default=3, help="Blocks but the last.")
@click.option("--heads", type=WholeRange(1, 64), default=5, help="Of the attention.")
@click.option("--batch", type=WholeRange(64), default=3000, help="Tokens a step, about.")
@click.option("--learning-rate", type=FiniteRange(0, min_open=True), default=4e-3, help="At its highest.")
@click.option("--resume", is_flag=True, help="Go on from the run's last state.")
@click.option("--seed", type=SEED, default=0, help="Of weights and examples.")
def fit_writer(
    *,
    data: Path,
    out: Path,
    minutes: float,
    width: int,
    depth: int,
    heads: int,
    batch: int,
    learning_rate: float,
    resume: bool,
    seed: int,
) -> None:
    """Train the writer on prepared pieces: it goes on, fills in and accompanies.

    Says every three minutes how far it is and keeps its state, as Ctrl-C does: --resume goes on from there.
    """
    from trainer.writing.fit import WriterConfig  # noqa: PLC0415 - loads torch
    from trainer.writing.fit import fit_writer as run  # noqa: PLC0415

    config = WriterConfig(minutes, width, depth, heads, batch, learning_rate, seed)
    made = run(data, out, config, resume=resume, say=lambda line: click.echo(line, err=True))
    click.echo(f"the writer is {made}")
