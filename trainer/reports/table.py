"""The table of `evaluate`: a column for each checkpoint, its rows by section; also what pages print of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.errors import MISSING, OperationError


def show(results: Sequence[Mapping[str, Any]]) -> None:
    """Print the results side by side, a column for each checkpoint.

    Raises:
        OperationError: rich is not installed.
    """
    try:
        from rich.console import Console  # noqa: PLC0415 - the trainer extra
        from rich.table import Table  # noqa: PLC0415
    except ImportError as error:
        raise OperationError(MISSING.format("rich")) from error
    table = Table(title="free-running, on phrases held out", title_justify="left")
    table.add_column("", no_wrap=True)
    for title in titles(results):
        table.add_column(title, justify="right")
    for section, rows in lines(results).items():
        table.add_section()
        if section:
            table.add_row(f"[bold]{section}[/]")
        for label, cells in rows:
            table.add_row(label, *cells)
    Console().print(table)


def titles(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the models' names, those that are there twice with their checkpoints, or their places."""
    names = [str(result["name"]) for result in results]
    found = []
    for number, (name, result) in enumerate(zip(names, results, strict=True)):
        path = Path(str(result.get("checkpoint", number + 1)))
        place = f"{path.parent.name}/{path.stem}".lstrip("/")
        found.append(name if names.count(name) == 1 else f"{name} ({place})")
    return found


def lines(results: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[str, list[str]]]]:
    """Return the table's rows by section: a label, and a cell for each checkpoint."""
    rows: dict[str, list[tuple[str, list[str]]]] = {
        "": [
            (key, [_cell(result.get(key)) for result in results])
            for key in ("codec", "parameters", "phrases")
        ]
    }
    for section in ("reconstruction", "teacher_forced", "baselines"):
        rows[section] = _rows(results, section)
    rows["parts"] = _parts([result.get("parts") or {} for result in results])
    rows["one_part_alone"] = _alone([result.get("one_part_alone") or {} for result in results])
    names = list(dict.fromkeys(name for result in results for name in result["knobs"]))
    rows["knobs"] = [(name, [_knob(result["knobs"].get(name)) for result in results]) for name in names]
    if names:
        rows["knobs"].insert(0, ("", ["Spearman / pooled / leak"] * len(results)))
    learned = [
        name for name in names if any("leak_network" in result["knobs"].get(name, {}) for result in results)
    ]
    rows["the network's own answers to knobs"] = [
        (name, [_knob(result["knobs"].get(name), "_network") for result in results]) for name in learned
    ]
    for section in ("interpolation", "samples"):
        rows[section] = _rows(results, section)
    rows["music"] = _music([result.get("music") or {} for result in results])
    for section in ("variation", "next_phrase"):
        rows[section] = _rows(results, section)
    rows["speed"] = _rows(results, "speed")
    return {section.replace("_", " "): cells for section, cells in rows.items() if cells}


def _rows(results: Sequence[Mapping[str, Any]], section: str) -> list[tuple[str, list[str]]]:
    """Return a section's rows: what any checkpoint has a figure for; curves are for plots alone."""
    found = [result.get(section) or {} for result in results]
    keys = dict.fromkeys(
        key for figures in found for key, value in figures.items() if not isinstance(value, list)
    )
    return [
        (key.replace("_", " "), [_cell(figures.get(key)) for figures in found])
        for key in keys
        if any(figures.get(key) is not None for figures in found)
    ]


def _parts(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return a row for each part."""
    keys = ("note_f1", "note_f1_sampled", "step_accuracy", "sounds")
    names = list(dict.fromkeys(name for found in results for name in found))
    rows = [
        (
            name,
            [" / ".join(_cell(found[name].get(key)) for key in keys) if found else "-" for found in results],
        )
        for name in names
    ]
    return [("", ["note F1 / sampled / steps / sounds"] * len(results)), *rows] if rows else []


def _alone(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return a row for each part that was heard alone: what was kept of it, what was added in the others."""
    names = list(dict.fromkeys(name for found in results for name in found))
    rows = []
    for name in names:
        others = [other for other in names if other != name]
        cells = []
        for found in results:
            figures = found.get(name, {})
            added = ", ".join(f"{other} {_cell(figures.get(f'added.{other}'))}" for other in others)
            cells.append(f"{_cell(figures['kept'])}; {added}" if figures else "-")
        rows.append((f"{name} heard", cells))
    return [("", ["kept; notes added"] * len(results)), *rows] if rows else []


def _music(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return a row for each figure: of held-out phrases, of the answers to them, of samples."""
    names = dict.fromkeys(name for found in results for figures in found.values() for name in figures)
    kinds = ["held_out", "answers", "samples"]
    kinds += [kind for kind in ("accompanied", "exchanged") if any(kind in found for found in results)]
    rows = [
        (
            name.replace("_", " ").replace(".", " "),
            [
                " / ".join(_cell(found.get(kind, {}).get(name)) for kind in kinds) if found else "-"
                for found in results
            ],
        )
        for name in names
    ]
    title = " / ".join(kinds).replace("_", " ")
    return [("", [title] * len(results)), *rows] if rows else []


def _knob(found: Mapping[str, Any] | None, what: str = "") -> str:
    """Return one knob's cell."""
    if found is None or f"leak{what}" not in found:
        return "-"
    pair = f"{found[f'spearman{what}']:.3f} / {found[f'spearman_pooled{what}']:.3f}"
    return f"{pair} / {found[f'leak{what}']:.3f} {found[f'leak_name{what}']}"


def _cell(value: object) -> str:
    """Return a value as the table shows it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
