"""Every model family on the same music: each shipped configuration trained for some minutes and measured.

    python -m benchmarks.families --data prepared --data prepared-4 --data prepared-16 --minutes 4

One row a configuration goes into docs/families.json as soon as it is measured; what stands there already is
left alone, so that a run goes on where it was stopped.  `make docs` writes docs/models.md from it.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from benchmarks.figures import load_average, machine, today
from benchmarks.instrument import ROOT
from model import strict
from model.config import ModelConfig
from model.music.grid import Grid
from trainer.corpus import meta
from trainer.corpus.prepare import write_json
from trainer.errors import RequestError

CONFIGS = ROOT / "trainer" / "configs"
RESULTS = ROOT / "docs" / "families.json"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", "folders", multiple=True, required=True, type=click.Path(path_type=Path),
              help="A prepared folder; one for each length of phrase.")  # fmt: skip
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=4.0, show_default=True)
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="Held-out phrases.")
@click.option("--only", multiple=True, help="A configuration's name; may be repeated.")
@click.option("--runs", type=click.Path(path_type=Path), help="Keep the runs here.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the rows go.")
def main(
    folders: tuple[Path, ...],
    *,
    minutes: float,
    limit: int,
    only: tuple[str, ...],
    runs: Path | None,
    out: Path,
) -> None:
    """Train and measure every shipped configuration, one after the other.

    Example: python -m benchmarks.families --data prepared --minutes 4 --only gru-vae
    """
    grids = {_grid_of(folder): folder for folder in folders}
    with tempfile.TemporaryDirectory(prefix="twobar-families-") as beside:
        for path in sorted(CONFIGS.glob("*.toml")):
            if only and path.stem not in only:
                continue
            if any(row["config"] == path.stem for row in held(out)):
                continue
            data = grids.get(_model(path).grid.build())
            if data is None:
                click.echo(f"{path.stem}: no folder is prepared for its phrases; left out", err=True)
                continue
            click.echo(f"{path.stem} ...", err=True)
            row = measured(path, data, (runs or Path(beside)) / path.stem, minutes=minutes, limit=limit)
            write_json(out, sorted([*held(out), row], key=lambda entry: str(entry["config"])))


def held(out: Path) -> list[dict[str, Any]]:
    """Return the rows that a file holds already."""
    rows: list[dict[str, Any]] = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else []
    return rows


def measured(path: Path, data: Path, run: Path, *, minutes: float, limit: int) -> dict[str, Any]:
    """Fit one configuration and evaluate it; what failed is said in the row."""
    before = load_average()
    began = time.monotonic()
    row: dict[str, Any] = {
        "config": path.stem,
        "date": today(),
        "machine": machine(),
        "minutes": minutes,
        "load": [before, before],
    }
    trainer = [sys.executable, "-m", "trainer"]
    fit = [
        "fit",
        "--config",
        str(path),
        "--data",
        str(data),
        "--out",
        str(run),
        "--max-minutes",
        str(minutes),
    ]
    done = subprocess.run([*trainer, *fit], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return row | {"failed": done.stderr.strip().splitlines()[-1]}
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    row |= {"phrases_seen": log[-1]["phrases"], "steps": log[-1]["step"]}
    checkpoint = next(run.glob("*.safetensors"))
    figures = run / "figures.json"
    command = [
        "evaluate",
        str(checkpoint),
        "--data",
        str(data),
        "--limit",
        str(limit),
        "--json",
        str(figures),
    ]
    done = subprocess.run([*trainer, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    row["load"] = [before, load_average()]
    row["seconds"] = round(time.monotonic() - began)
    if done.returncode:
        return row | {"failed": done.stderr.strip().splitlines()[-1]}
    return row | {"figures": json.loads(figures.read_text())[0]}


def _model(path: Path) -> ModelConfig:
    return strict.build(strict.read_toml(path)["model"], ModelConfig, path.name)


def _grid_of(folder: Path) -> Grid:
    found = meta.read(folder)
    if found is None:
        raise RequestError(f"'{folder}' was not written by 'twobar-train prepare'")
    return found.grid


if __name__ == "__main__":
    main()
