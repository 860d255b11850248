"""The tables of docs/models.md: every family's figures, as `python -m benchmarks.families` measured them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
RESULTS = PAGE.with_name("families.json")
HEAD = (
    "configuration",
    "codec",
    "parameters",
    "trained, min",
    "phrases seen",
    "step accuracy: mean / sampled",
    "note F1: mean / sampled",
    "KL, bits",
    "active units",
    "AUC",
    "encode + decode, ms",
)

Rows = list[tuple[str, ...]]


def rows(results: Sequence[Mapping[str, Any]]) -> Rows:
    """Return a row for each configuration, the best reconstruction of each codec first."""
    order = sorted(results, key=lambda row: (_codec(row), -_accuracy(row), str(row["config"])))
    return [_row(row) for row in order]


def table() -> str:
    """Return the table of what was measured."""
    found = rows(json.loads(RESULTS.read_text(encoding="utf-8")))
    lines = [HEAD, ("---",) * len(HEAD), *found]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _codec(row: Mapping[str, Any]) -> str:
    return str(row["figures"]["codec"]) if "figures" in row else "~"


def _accuracy(row: Mapping[str, Any]) -> float:
    if "figures" not in row:
        return -1.0
    return float(row["figures"]["reconstruction"].get("step_accuracy") or 0.0)


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    name, minutes = f"`{row['config']}`", f"{row['minutes']:g}"
    if "figures" not in row:
        return (name, "-", "-", minutes, *["-"] * (len(HEAD) - 5), f"failed: {row['failed']}")
    figures = row["figures"]
    reconstruction = figures["reconstruction"]
    return (
        name,
        str(figures["codec"]),
        f"{figures['parameters'] / 1e6:.2f} M",
        minutes,
        f"{row['phrases_seen']:,}",
        _pair(reconstruction.get("step_accuracy"), reconstruction.get("step_accuracy_sampled")),
        _pair(reconstruction.get("note_f1"), reconstruction.get("note_f1_sampled")),
        _number(reconstruction.get("kl_bits"), 0),
        _number(reconstruction.get("active_units"), 0),
        _number((figures.get("samples") or {}).get("auc"), 2),
        _number((figures.get("speed") or {}).get("total_ms"), 1),
    )


def _pair(one: float | None, other: float | None) -> str:
    return f"{_number(one, 3)} / {_number(other, 3)}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
