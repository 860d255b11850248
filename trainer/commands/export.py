"""`twobar-train export`: a checkpoint for other programs and other people."""

from pathlib import Path

import click

from model.shipped import SUFFIX, known_models
from trainer.commands.common import DIR
from trainer.errors import RequestError, unknown


@click.command(
    epilog="""\b
Example:
  twobar-train export runs/mine --onnx onnx --hub mine-hub"""
)
@click.argument("checkpoint", metavar="CHECKPOINT|RUN_DIR")
@click.option("--onnx", type=DIR, help="Folder for .onnx files with weights inside.")
@click.option("--hub", type=DIR, help="Folder with the model, config.json and a card.")
def export(*, checkpoint: str, onnx: Path | None, hub: Path | None) -> None:
    """Write a checkpoint as ONNX with its weights inside, or as a folder that a model hub takes."""
    if onnx is None and hub is None:
        raise RequestError("export writes nothing without --onnx DIR or --hub DIR")
    from trainer.reports.export import write_hub, write_onnx  # noqa: PLC0415 - loads numpy
    from trainer.run.checkpoints import path_of, subject  # noqa: PLC0415 - likewise

    path = path_of(subject(checkpoint).checkpoint)
    if not path.exists() and path.parent == Path() and path.suffix != SUFFIX:
        raise unknown("model", checkpoint, known_models())
    written = [] if onnx is None else write_onnx(path, onnx)
    written += [] if hub is None else write_hub(path, hub)
    for each in written:
        click.echo(f"wrote {each}")
