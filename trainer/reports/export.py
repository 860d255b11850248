"""A checkpoint for others: as ONNX with its weights inside, and as a folder in the manner of model hubs.

Tested in tests/trainer/commands/test_export.py.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.checkpoint import Checkpoint, read
from model.files import atomic_write
from model.shipped import SUFFIX
from model.version import VERSION
from trainer.errors import MISSING, OperationError

CARD = "README.md"
CONFIG = "config.json"


def write_onnx(path: Path, folder: Path) -> list[Path]:
    """Write every graph of a checkpoint as an .onnx file that needs nothing beside it.

    Args:
        path: of the checkpoint.
        folder: that they are written into; made where it is not there.

    Returns:
        Their paths: encode.onnx and decode.onnx, or start.onnx and step.onnx.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        OperationError: it holds no graphs, onnx is not installed, or the disk refuses.
    """
    checkpoint = read(path)
    if not checkpoint.graphs:
        raise OperationError(f"{path} holds no graphs: the trainer had no onnx when it wrote it")
    try:
        import onnx  # noqa: PLC0415 - an extra
        from onnx import numpy_helper  # noqa: PLC0415
    except ImportError as error:
        raise OperationError(MISSING.format(error.name)) from error
    written = []
    for name, graph in checkpoint.graphs.items():
        model = onnx.load_from_string(graph.content)
        for weight in model.graph.initializer:
            weight.CopyFrom(numpy_helper.from_array(checkpoint.weights[weight.name], weight.name))
        facts = {"config": msgspec.json.encode(checkpoint.config).decode(), "ident": checkpoint.ident}
        for key, value in facts.items():
            model.metadata_props.add(key=key, value=value)
        target = folder / f"{name}.onnx"
        _write(target, model.SerializeToString())
        written.append(target)
    return written


def write_hub(path: Path, folder: Path) -> list[Path]:
    """Write a folder with the checkpoint, config.json and a model card whose head a hub can read.

    Args:
        path: of the checkpoint; a card beside it (its name with .md) becomes the card's text.
        folder: that is written into; made where it is not there.

    Returns:
        The paths that were written.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        OperationError: the disk refuses.
    """
    checkpoint = read(path)
    name = checkpoint.config.name
    config = {
        "model_type": "twobar",
        "twobar_version": VERSION,
        "ident": checkpoint.ident,
        **msgspec.to_builtins(checkpoint.config),
    }
    beside = path.with_suffix(".md")
    text = beside.read_text(encoding="utf-8") if beside.is_file() else _text(checkpoint)
    target = folder / f"{name}{SUFFIX}"
    _write(folder / CONFIG, (json.dumps(config, indent=2) + "\n").encode())
    _write(folder / CARD, (_head(checkpoint) + text).encode())
    try:
        if target.resolve() != path.resolve():
            shutil.copyfile(path, target)
    except OSError as error:
        raise OperationError(f"{target} cannot be written: {error.strerror}") from error
    return [target, folder / CONFIG, folder / CARD]


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise OperationError(f"{path} cannot be written: {error.strerror}") from error


def _head(checkpoint: Checkpoint) -> str:
    """Return the card's metadata in YAML."""
    config = checkpoint.config
    metrics = [name for name, value in checkpoint.figures.items() if isinstance(value, int | float)]
    lines = [
        "---",
        "library_name: twobar",
        "pipeline_tag: other",
        "tags:",
        *(f"- {tag}" for tag in ("music", "midi", "vae", config.codec)),
        *(["metrics:", *(f"- {name}" for name in metrics)] if metrics else []),
        "---",
        "",
    ]
    return "\n".join(lines) + "\n"


def _text(checkpoint: Checkpoint) -> str:
    """Return a card's text of what a checkpoint knows of itself."""
    config = checkpoint.config
    grid = config.grid
    rows = [
        ("codec", config.codec),
        ("phrases", f"{grid.bars} bars of {grid.beats_per_bar} beats, {grid.steps_per_beat} steps each"),
        ("parameters", f"{_parameters(checkpoint.weights):,}"),
        ("latent", str(config.latent_size)),
        ("knobs", ", ".join(config.knobs) or "none"),
        ("conditions", ", ".join(config.conditions) or "none"),
    ]
    figures = [
        (name, f"{value:g}") for name, value in checkpoint.figures.items() if isinstance(value, int | float)
    ]
    return "\n".join(
        [
            f"# {config.name}",
            "",
            f"A model for twobar: `twobar jam --model {config.name}{SUFFIX}`.",
            "",
            *_table(("what", ""), rows),
            "",
            *(
                ["## Figures", "", *_table(("figure", "on the validation split"), figures), ""]
                if figures
                else []
            ),
        ]
    )


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> list[str]:
    return [f"| {head[0]} | {head[1]} |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)]


def _parameters(weights: Mapping[str, NDArray[Any]]) -> int:
    return int(sum(np.prod(value.shape) for value in weights.values()))
