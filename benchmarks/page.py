"""The page of benchmarks: a section for each measure, rewritten in place when it is measured anew.

Owns the layout of docs/benchmarks.md: the text before the first `## ` heading, then the sections, each with
a line that says when and how loaded it was measured.  What stands under a `### ` heading of a section was
written by hand and stays.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Row, histogram, table
from model.files import atomic_write

HEADING = "## "
BY_HAND = "### "
PREAMBLE = (
    "# Benchmarks",
    "",
    "Each section was measured when its own line says, by `make bench` or by the command of that line. A",
    "measure that is taken again rewrites its own section and no other.",
)


class Measured(NamedTuple):
    """What one measure found.  `title`: its section's heading."""

    title: str
    command: str
    when: str
    machine: str
    before: str
    after: str
    explained: Sequence[str]
    rows: Sequence[Row]


def section(found: Measured) -> str:
    """Return the section of a measure, from its heading on."""
    lines = [
        f"{HEADING}{found.title}",
        "",
        f"Measured on {found.when} by `{found.command}`. {found.machine}.",
        f"Load averages (1, 5, 15 min) before: {found.before}; after, with what was measured: {found.after}.",
        "",
    ]
    if found.explained:
        lines += [*found.explained, ""]
    shares = histogram(found.rows)
    return "\n".join([*lines, table(found.rows), *(["", shares] if shares else [])])


def rewritten(page: str, found: Measured, order: Sequence[str]) -> str:
    """Return the page with this measure's section in it, in its place, and all others as they were.

    Args:
        page: the page so far, "" for none.
        found: what was measured.
        order: the titles of all sections; one that the page lacks goes behind the last that comes before it.
    """
    preamble, sections = _parts(page) if page.strip() else ("\n".join(PREAMBLE), {})
    by_hand = _by_hand(sections.get(found.title, ""))
    fresh = "\n\n".join([section(found), by_hand] if by_hand else [section(found)])
    if found.title in sections:
        sections[found.title] = fresh
    else:
        before = set(order[: order.index(found.title)])
        titles = list(sections)
        place = max((number + 1 for number, title in enumerate(titles) if title in before), default=0)
        titles.insert(place, found.title)
        sections = {title: sections.get(title, fresh) for title in titles}
    return "\n\n".join([preamble, *sections.values()]) + "\n"


def rewrite(path: Path, found: Measured, order: Sequence[str]) -> None:
    """Rewrite this measure's section of a file; a file that is not there is begun.

    Raises:
        OSError: the file cannot be read or written.
    """
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    with atomic_write(path) as draft:
        draft.write_text(rewritten(page, found, order), encoding="utf-8")


def _parts(page: str) -> tuple[str, dict[str, str]]:
    """Return what stands before the first section, and the sections by their titles."""
    preamble, *sections = re.split(rf"^(?={HEADING})", page, flags=re.MULTILINE)
    return preamble.strip(), {
        text.splitlines()[0].removeprefix(HEADING).strip(): text.strip() for text in sections
    }


def _by_hand(text: str) -> str:
    """Return what of a section was written by hand."""
    place = re.search(rf"^{BY_HAND}", text, flags=re.MULTILINE)
    return text[place.start() :] if place else ""
