"""The list of models: shipped ones, those of the user's folder, those of runs."""

import json
from collections.abc import Sequence
from pathlib import Path

from live.errors import UsageError
from model import library
from model.files import missing, readable
from model.library import ModelFile
from model.shipped import user_folder

RUNS = Path("runs")
SCORES = ("note_f1", "step_accuracy")
HEAD = ("name", "codec", "bars", "parameters", "file", "latent", "score")


def listing(folders: Sequence[Path], *, as_json: bool = False) -> str:
    """Return the list as a person reads it, or as JSON.

    Args:
        folders: of runs; ./runs where none is given and that is there.
        as_json: a list of objects with every figure.

    Raises:
        UsageError: a folder is not there.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(readable(missing("the folder", folder)))
    runs = folders or ([RUNS] if RUNS.is_dir() else [])
    groups = {
        "shipped": library.shipped(),
        f"in your folder, {readable(str(user_folder()))}": library.in_user_folder(),
        **{f"in {readable(str(folder))}": library.under([folder]) for folder in runs},
    }
    if as_json:
        files = [_facts(file) for group in groups.values() for file in group]
        return json.dumps(files, indent=2)
    rows = {title: [_row(file) for file in group] for title, group in groups.items()}
    every = [HEAD, *(row for group in rows.values() for row in group)]
    widths = [max(len(row[column]) for row in every if column < len(row)) for column in range(len(HEAD))]
    lines = ["  " + _line(HEAD, widths)]
    for title, group in rows.items():
        lines += [f"{title}:", *("  " + _line(row, widths) for row in group)] if group else [f"{title}: none"]
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=False)).rstrip()


def _row(file: ModelFile) -> tuple[str, ...]:
    name = readable(file.name)
    if file.fault:
        return (name, file.fault)
    scores = (f"{key} {file.figures[key]:.3f}" for key in SCORES if key in file.figures)
    return (
        name,
        file.codec,
        f"{file.bars} of {file.metre}/4",
        f"{file.parameters / 1e6:.2f} M",
        f"{file.size / 1e6:.1f} MB",
        str(file.latent_size) if file.latent_size else "none",
        next(scores, "-"),
    )


def _facts(file: ModelFile) -> dict[str, object]:
    facts = {name: getattr(file, name) for name in ModelFile.__slots__}
    return {**facts, "name": readable(file.name), "path": readable(str(file.path)), "knobs": [*file.knobs]}
