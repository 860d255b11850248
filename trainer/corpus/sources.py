"""Which files there are to read, under which licence, and which of them are one song."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from model.midi.file import SUFFIXES
from trainer.errors import OperationError, RequestError

MANIFEST = "MANIFEST.csv"
SPLITS = ("train", "validation", "test")
LICENCES = ("permissive", "all")
ALLOWED = re.compile(
    r"public domain|\bpd\b|cc0|\bcc[ -]by\b|creative commons attribution|\bbsd\b|\bmit\b|artistic"
)
REFUSED = re.compile(r"share ?alike|by-sa|by-n[cd]|noncommercial|\b[al]?gpl\b|gpl-")


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read.

    Attributes:
        path: of the file.
        name: as reports show it, relative to the folder that was asked for.
        cluster: of the song it belongs to, by the manifest; empty where there is none.
        licence: as the manifest writes it; empty where there is none.
        split: as the manifest writes it; empty where it says nothing.
        style: what its phrases are labelled with: the manifest's data set, else the name of the folder in the
            folder asked for in which it lies, or of that one itself.

    """

    path: Path
    name: str
    cluster: str = ""
    licence: str = ""
    split: str = ""
    style: str = ""


def permissive(licence: str) -> bool:
    """Tell whether weights trained on it may be given away: public domain, CC0, CC BY, BSD, MIT, Artistic."""
    text = licence.lower()
    return bool(ALLOWED.search(text)) and not REFUSED.search(text)


def discover(folders: Iterable[Path], *, licences: str) -> tuple[list[Source], list[tuple[str, str]]]:
    """Find the MIDI files of some folders.

    A folder with a MANIFEST.csv gives the files it names, with their licence and cluster; a file that it
    does not name is read only where all licences will do.

    Returns:
        What to read in a fixed order, and (name, reason) of what is left out.

    Raises:
        RequestError: a folder does not exist.
        OperationError: a manifest cannot be read.

    """
    sources: list[Source] = []
    skipped: list[tuple[str, str]] = []
    for folder in folders:
        if not folder.is_dir():
            kind = "is a file, not a folder" if folder.exists() else "does not exist"
            raise RequestError(f"the MIDI folder '{folder}' {kind}")
        rows = {row.path: row for row in _manifest(folder)}
        for path in _files(folder):
            name = printable(path.relative_to(folder.parent))
            row = rows.get(path)
            if row is None and rows and licences == "permissive":
                skipped.append((name, f"{MANIFEST} names no licence for it"))
            elif row is not None and licences == "permissive" and not permissive(row.licence):
                skipped.append((name, f"its licence is not permissive: {row.licence or 'none given'}"))
            else:
                style = (row.style if row else "") or printable(_top(path, folder))
                sources.append(replace(row or Source(path, name), style=style))
    unique = {source.path.resolve(): source for source in sources}
    return list(unique.values()), skipped


def _top(path: Path, folder: Path) -> Path:
    """Return the name of the folder within another that a file lies in, or of that other one."""
    within = path.relative_to(folder).parts
    return Path(within[0] if len(within) > 1 else folder.resolve().name)


def printable(path: Path) -> str:
    """Return a path as text that can be written anywhere, whatever bytes its name holds."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the MIDI files below a folder in a fixed order."""
    yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _manifest(folder: Path) -> Iterator[Source]:
    """Yield what the folder's manifest names, if it has one.

    Its paths are relative to the folder or to the one around it.
    """
    table = folder / MANIFEST
    if not table.is_file():
        return
    try:
        with table.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OperationError(f"the manifest '{table}' cannot be read: {error}") from error
    splits = {(row.get("split") or "").strip() for row in rows}
    held_out = splits & {"validation", "valid", "test"}  # a column of "train" alone holds nothing out
    names = {"valid": "validation"}
    for row in rows:
        written = row.get("path") or ""
        within = Path(written)
        path = folder.parent / within if within.parts[:1] == (folder.name,) else folder / within
        split = (row.get("split") or "").strip() if held_out else ""
        split = names.get(split, split)
        yield Source(
            path,
            printable(path.relative_to(folder.parent)) if path.is_relative_to(folder.parent) else written,
            (row.get("cluster") or row.get("song_id") or "").strip(),
            (row.get("licence") or "").strip(),
            split if split in SPLITS else "",
            (row.get("dataset") or "").strip(),
        )
