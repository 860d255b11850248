"""Checkpoints as files: by path or by the name of a shipped one, read with how they were stored.

Tested in tests/trainer/reports/test_report.py, tests/trainer/evaluation/test_heldout.py.
"""

import json
import math
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from model.checkpoint import Checkpoint, write
from model.config import STEP_BY_STEP
from model.library import read_header
from model.playing.player import Player
from model.shipped import model_file
from trainer.errors import OperationError, RequestError

LOG = "log.jsonl"
"""Of a run, beside its checkpoint."""


def path_of(name: str) -> Path:
    """Return a checkpoint's file: itself, or that of the model of this name."""
    path = Path(name)
    return path if path.is_file() else model_file(name) or path


def log_of(run: Path | None) -> list[dict[str, Any]]:
    """Return the rows of a run's log; a line that a killed run left in pieces is none."""
    rows = []
    if run is not None and (run / LOG).is_file():
        for line in (run / LOG).read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                rows.append(json.loads(line))
    return [row for row in rows if isinstance(row, dict)]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Attributes:
        checkpoint: its file, or a shipped model's name.
        run: the folder of the run that made it, if that is there.
    """

    checkpoint: str
    run: Path | None


def subject(name: str) -> Subject:
    """Return the checkpoint of a run's folder, or the run beside a checkpoint.

    Raises:
        RequestError: the folder holds no checkpoint, or several.
    """
    path = Path(name)
    if not path.is_dir():
        beside = path_of(name).parent
        return Subject(name, beside if (beside / LOG).is_file() else None)
    found = sorted(path.glob("*.safetensors"))
    if not found:
        raise RequestError(f"the run folder '{name}' holds no checkpoint (*.safetensors)")
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise RequestError(f"the run folder '{name}' holds several checkpoints ({names}): name one of them")
    return Subject(str(found[0]), path)


def header_of(path: Path) -> dict[str, Any]:
    """Return the header of a safetensors file: shape and type of every tensor; empty if it is none."""
    try:
        return read_header(path)
    except (OSError, ValueError):
        return {}


def parameters_in(path: Path) -> int | None:
    """Count the weights that a safetensors file holds; None if it holds none."""
    header = header_of(path)
    header.pop("__metadata__", None)
    ours = {name: value for name, value in header.items() if name.startswith("weights/")}
    try:
        return sum(int(np.prod(value["shape"])) for value in (ours or header).values()) or None
    except (KeyError, TypeError):
        return None


def validation_loss_of(path: Path) -> float:
    """Return the loss on the validation split that a checkpoint was written with; infinite where none is."""
    figures = _metadata_of(path, "facts").get("figures", {})
    loss = figures.get("validation_loss") if isinstance(figures, dict) else None
    return float(loss) if isinstance(loss, int | float) and math.isfinite(loss) else math.inf


def context_bars_of(path: Path) -> int:
    """Return how many context bars a checkpoint takes before those that it answers; 0 for what is none."""
    return int(_metadata_of(path, "config").get("context_bars", 0))


def is_stepwise(path: Path) -> bool:
    """Tell whether a checkpoint's decoder writes one step after another; False for what is none."""
    return _metadata_of(path, "config").get("decoder", {}).get("kind") in STEP_BY_STEP


def _metadata_of(path: Path, name: str) -> dict[str, Any]:
    """Return a table that a checkpoint says of itself, as it is stored; empty for what is none."""
    try:
        found = json.loads(header_of(path)["__metadata__"][name])
    except (KeyError, ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def is_half(path: Path) -> bool:
    """Tell whether a checkpoint's weights are stored as float16."""
    kinds = {value.get("dtype") for name, value in header_of(path).items() if name.startswith("weights/")}
    return "F32" not in kinds


def rewrite(checkpoint: Checkpoint, path: Path, *, like: Path, **changes: Any) -> None:  # noqa: ANN401 - fields
    """Write a changed checkpoint, its weights stored as those of another file are.

    Args:
        checkpoint: to change.
        path: to write; its folder is made.
        like: the file whose way of storing is kept.
        changes: fields of the checkpoint.

    Raises:
        RequestError: the path has another suffix than .safetensors.
        OperationError: its folder cannot be made.
        CheckpointError: the disk refuses.
    """
    target = checked(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperationError(f"the folder '{target.parent}' cannot be made: {error.strerror}") from error
    write(replace(checkpoint, **changes), target, half=is_half(like))


def opened(checkpoint: Checkpoint, path: Path) -> Player:
    """Open a checkpoint that is not on disk; the path is what errors name."""
    from model.playing.checkpoint_player import CheckpointPlayer  # noqa: PLC0415 - loads the network's runtime
    from model.runtimes.registry import open_runtime  # noqa: PLC0415

    return CheckpointPlayer(checkpoint, open_runtime(checkpoint, path))


def checked(path: Path) -> Path:
    """Return the path of a checkpoint to write.

    Raises:
        RequestError: it is a folder, or has another suffix than .safetensors.
    """
    if path.is_dir():
        raise RequestError(f"--out is the checkpoint's file, and '{path}' is a folder")
    if path.suffix != ".safetensors":
        raise RequestError(
            f"--out must end in .safetensors, so that 'twobar jam --model' takes it, not '{path}'"
        )
    return path
