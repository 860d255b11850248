"""`twobar-train fit`: a configuration and prepared phrases to a checkpoint.

Tested in tests/trainer/commands/test_commands.py.
"""

import os
from pathlib import Path

import click

from model.command_line import FiniteRange
from model.errors import nearest
from model.files import missing
from trainer.commands.common import DIR, MIDI_DIR, SEED, cores, progress_bar
from trainer.commands.prepare import summarise
from trainer.errors import RequestError, unknown

CONFIGS = Path(__file__).parents[1] / "configs"


@click.command(
    epilog="""\b
Examples:
  twobar-train fit --config keys --midi ~/midi --out runs/keys --max-minutes 60
  twobar-train fit --config keys --midi ~/takes --out runs/mine --max-minutes 4 --init keys
  twobar-train fit --config keys --data prepared --out runs/keys --max-minutes 60
  twobar-train fit --config keys --data prepared --out runs/keys --resume"""
)
@click.option("--config", required=True, metavar="NAME|FILE",
              help="A configuration's file, or the name of a shipped one.")  # fmt: skip
@click.option(
    "--data",
    metavar="PATH|URL",
    help="A folder that prepare wrote, here or elsewhere (hf://, s3://, https://; the cloud extra).",
)
@click.option(
    "--midi",
    type=MIDI_DIR,
    multiple=True,
    help="A folder of MIDI files, prepared first as the configuration needs it; may be repeated.",
)
@click.option("--out", required=True, type=DIR, help="Folder of the run.")
@click.option("--max-minutes", type=FiniteRange(0, min_open=True), help="End cleanly after so long.")
@click.option("--resume", is_flag=True, help="Go on from the run's last checkpoint.")
@click.option("--init", metavar="NAME|PATH", help="Begin with a model's weights: for small folders.")
@click.option("--compile", "compiled", is_flag=True, help="Let torch compile it, where that is quicker.")
@click.option("--seed", type=SEED, default=None, help="Instead of the configuration's.")
@click.option(
    "--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a value of the configuration."
)
def fit(
    *,
    config: str,
    data: str | None,
    midi: tuple[Path, ...],
    out: Path,
    max_minutes: float | None,
    resume: bool,
    init: str | None,
    compiled: bool,
    seed: int | None,
    overrides: tuple[str, ...],
) -> None:
    """Train a model on prepared phrases, or on folders of MIDI files.

    Shows its speed and the time left; Ctrl-C ends it with a checkpoint that --resume goes on from.
    """
    path = find_config(config)
    overrides = (*overrides, *["fit.compile=true"] * compiled)
    for override in overrides:
        if "=" not in override:
            raise RequestError(f"--set takes KEY=VALUE, not '{override}'")
    if (data is None) != bool(midi):
        both = "not both" if midi else "to learn from"
        raise RequestError(f"fit takes --data (a prepared folder) or --midi (a folder of MIDI files), {both}")
    if data is None:
        folder = _prepared(path, midi, out, resume=resume, overrides=overrides)
    elif "://" in data:
        folder = _copied(path, data, out, resume=resume, overrides=overrides)
    else:
        folder = Path(data)
        if not folder.is_dir():
            raise RequestError(missing("the data folder", folder))
    if not (folder / "meta.json").is_file():
        raise RequestError(f"'{folder}' was not written by 'twobar-train prepare': it has no meta.json")
    from trainer.training.fit import run  # noqa: PLC0415 - loads torch

    made = run(
        path,
        folder,
        out,
        max_minutes=max_minutes,
        resume=resume,
        overrides=list(overrides),
        seed=seed,
        init=init,
    )
    click.echo(f"the model is {made}")


def _copied(config: Path, url: str, out: Path, *, resume: bool, overrides: tuple[str, ...]) -> Path:
    """Copy what a configuration learns from, and say where."""
    from trainer import settings  # noqa: PLC0415 - --help must not wait for numpy
    from trainer.data import cloud  # noqa: PLC0415 - as above

    codec = settings.read(config, list(overrides)).model.codec
    folder = cloud.local(url, codec, out, resume=resume)
    click.echo(f"learning from {folder}", err=True)
    return folder


def _prepared(
    config: Path, midi: tuple[Path, ...], out: Path, *, resume: bool, overrides: tuple[str, ...]
) -> Path:
    """Prepare folders of MIDI files as a configuration needs them; say where, and what came of it."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise RequestError("several processes cannot prepare at once: run twobar-train prepare, then --data")
    from trainer import settings  # noqa: PLC0415 - --help must not wait for numpy
    from trainer.training.auto_prepare import prepare_for  # noqa: PLC0415

    model = settings.read(config, list(overrides)).model
    with progress_bar() as tell:
        data, report = prepare_for(
            model,
            midi,
            out,
            resume=resume,
            jobs=cores(),
            progress=lambda done, files: tell("reading", done, files),
        )
    if report is None:
        click.echo(f"going on with what is prepared in {data}", err=True)
    else:
        summarise(report, data)
        click.echo(f"prepared in {data}")
    return data


def find_config(name: str) -> Path:
    """Return the file of a configuration by its path, or by the name of a shipped one.

    Raises:
        RequestError: neither is there.
    """
    path = Path(name)
    if path.is_file():
        return path
    files = [*CONFIGS.glob("*.toml"), *CONFIGS.glob("reference/*.toml")]
    shipped = {str(file.relative_to(CONFIGS).with_suffix("").as_posix()): file for file in files}
    if name in shipped:
        return shipped[name]
    if path.suffix or path.parent != Path():
        kind = "is a folder" if path.is_dir() else "does not exist"
        near = nearest(path.stem, shipped)
        raise RequestError(f"the configuration '{name}' {kind}; of those shipped {near}")
    raise unknown("configuration", name, shipped)
