"""What the measurements have in common: percentiles, rows of the one table, and the machine they ran on."""

import datetime as dt
import os
import platform
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NANOS_PER_MS = 1_000_000
BOUNDS_MS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        beside: the floor or a second figure of the same run; "" for none.
        met: whether the budget was met; None where there is none or it could not be measured.
        late_ms: what was counted, by its name: a histogram stands below the table.
    """

    what: str
    budget: str
    measured: str
    beside: str = ""
    met: bool | None = None
    late_ms: Mapping[str, Sequence[float]] = field(default_factory=dict)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile; share is 0..1.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values were measured")
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, round(share * len(ranked) + 0.5) - 1))]


def spread(values: Sequence[float], unit: str = "ms", *, digits: int = 2) -> str:
    """Return p50, p99 and the worst of some values, in words."""
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    return (
        f"p50 {p50:.{digits}f}, p99 {p99:.{digits}f}, worst {max(values):.{digits}f} {unit} (n {len(values)})"
    )


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| what | budget | measured | beside it, same run | within budget |", "|---|---|---|---|---|"]
    words = {True: "yes", False: "**no**", None: "-"}
    lines += [
        f"| {row.what} | {row.budget} | {row.measured} | {row.beside or '-'} | {words[row.met]} |"
        for row in rows
    ]
    return "\n".join(lines)


def histogram(rows: Sequence[Row]) -> str:
    """Return how the rows' milliseconds are spread as a Markdown table; "" where none has any."""
    counted = {name: values for row in rows for name, values in row.late_ms.items()}
    if not counted:
        return ""
    bounds = [f"<= {bound:g}" for bound in BOUNDS_MS]
    lines = [f"| late by, in ms | {' | '.join([*bounds, f'> {BOUNDS_MS[-1]:g}'])} |"]
    lines.append("|---" * (len(BOUNDS_MS) + 2) + "|")
    for name, values in counted.items():
        places = Counter(bisect_left(BOUNDS_MS, value) for value in values)
        shares = [places[place] / len(values) for place in range(len(BOUNDS_MS) + 1)]
        lines.append(f"| {name} | {' | '.join(f'{share:.2%}' if share else '-' for share in shares)} |")
    return "\n".join(lines)


def machine() -> str:
    """Return processor, cores, system and Python in one line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        name = names[0] if names else name
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    system = f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
    return f"{name}, {cores} cores, {system}, Python {platform.python_version()}"


def load_average() -> str:
    """Return the system's load averages in words, or why there are none."""
    try:
        return "{:.2f}, {:.2f}, {:.2f}".format(*os.getloadavg())
    except OSError:
        return "unknown"


def today() -> str:
    """Return the date and the time of day."""
    return dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
