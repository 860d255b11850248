"""Which files there are to read, in folders and archives, and under which licence."""

import csv
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path, PurePosixPath

from model.files import missing
from model.midi.file import SUFFIXES
from trainer.errors import OperationError, RequestError

MANIFEST = "MANIFEST.csv"
SPLITS = ("train", "validation", "test")
LICENCES = ("permissive", "all")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ALLOWED = re.compile(
    r"public domain|\bpd\b|cc0|\bcc[ -]by\b|creative commons attribution|\bbsd\b|\bmit\b|artistic"
)
TOGETHER = 900  # files that are asked about at a time
REFUSED = re.compile(r"share ?alike|by-sa|by-n[cd]|noncommercial|\b[al]?gpl\b|gpl-")


Stamp = tuple[bytes, int, int]
"""A file's place (see `Source.place`), its bytes, and when it was changed last, nanoseconds."""
Known = Callable[[Path, os.stat_result], bool]
AsBefore = Callable[[Sequence[Stamp]], Container[bytes]]


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read.

    Attributes:
        path: of the file, or of the archive that it lies in.
        name: as reports show it, relative to the folder that was asked for.
        cluster: of the song it belongs to, by the manifest; empty where there is none.
        licence: as the manifest writes it; empty where there is none.
        split: as the manifest writes it; empty where it says nothing.
        style: what its phrases are labelled with: the manifest's data set, else the name of the folder in the
            folder asked for in which it lies, or of that one itself.
        member: its name in the archive; empty of a file of its own.
        size: bytes, of the file or of the archive.
        changed: when it (the archive) was changed last, nanoseconds.
        refused: why it is not read; empty where it is.
    """

    path: Path
    name: str
    cluster: str = ""
    licence: str = ""
    split: str = ""
    style: str = ""
    member: str = ""
    size: int = -1
    changed: int = -1
    refused: str = ""

    @property
    def place(self) -> bytes:
        """What no two sources share."""
        return os.fsencode(self.path) + b"\0" + self.member.encode("utf-8", "surrogateescape")


def permissive(licence: str) -> bool:
    """Tell whether weights trained on it may be given away: public domain, CC0, CC BY, BSD, MIT, Artistic."""
    text = licence.lower()
    return bool(ALLOWED.search(text)) and not REFUSED.search(text)


def discover(folders: Iterable[Path], *, licences: str) -> tuple[list[Source], list[tuple[str, str]]]:
    """Find the MIDI files of some folders, for who needs them all at once; see `scan`.

    Returns:
        What to read in a fixed order, and (name, reason) of what is left out.
    """
    found = {source.place: source for source in scan(folders, licences=licences)}
    ordered = sorted(found.values(), key=lambda source: (source.name, source.place))
    read = [source for source in ordered if not source.refused]
    return read, [(source.name, source.refused) for source in ordered if source.refused]


def none_of(_stamps: Sequence[Stamp]) -> Container[bytes]:
    """Say that every file is new."""
    return ()


def scan(
    folders: Iterable[Path],
    *,
    licences: str,
    known: Known = lambda _path, _stat: False,
    as_before: AsBefore = none_of,
) -> Iterator[Source]:
    """Yield the MIDI files of folders and archives (.zip, .tar and compressed ones) in no order.

    A folder with a MANIFEST.csv gives the files it names, with their licence and cluster; a file that it
    does not name is read only where all licences will do.  Nothing is kept in memory but the manifest.

    Args:
        folders: or archives.
        licences: one of `LICENCES`.
        known: of an archive, whether what it holds need not be listed again.
        as_before: the places of those files that need not be told of again; it is asked about some at a time.

    Raises:
        RequestError: a folder does not exist.
        OperationError: a manifest cannot be read.
    """
    for folder in folders:
        if folder.is_file() and is_archive(folder):
            yield from _in_archive(folder.resolve(), folder.name, known)
            continue
        if not folder.is_dir():
            if not folder.exists():
                raise RequestError(missing("the MIDI folder", folder))
            raise RequestError(f"the MIDI folder '{folder}' is a file, not a folder or an archive")
        yield from _in_folder(folder, licences, known, as_before)


def told_by(folders: Iterable[Path]) -> list[tuple[str, str, str]]:
    """Return what names, licences, clusters and styles of the files in folders hang on, beside the files."""
    found = []
    for folder in folders:
        root, digest = folder.resolve(), ""
        with suppress(OSError):  # there is none, or who reads it says what is wrong with it
            digest = blake2b((root / MANIFEST).read_bytes()).hexdigest()
        found.append((str(root), folder.name, digest))
    return found


def is_archive(path: Path) -> bool:
    """Tell by its name whether a file is an archive that is looked into."""
    return path.name.lower().endswith(ARCHIVES)


def _in_folder(folder: Path, licences: str, known: Known, as_before: AsBefore) -> Iterator[Source]:
    root = str(folder.resolve())
    begin = len(os.path.join(root, ""))  # noqa: PTH118 - text: a Path for each of a million files is slow
    top, shown = Path(root).name, folder.name or Path(root).name
    rows = _manifest(Path(root))
    for entry, stat in _new(_walk(root), as_before):
        within = entry.path[begin:].replace(os.sep, "/")
        name = readable(f"{shown}/{within}")
        if entry.name.lower().endswith(ARCHIVES):
            if stat is not None and not (rows and licences == "permissive"):
                yield from _in_archive(Path(entry.path), name, known)
            continue
        row = rows.get(entry.path)
        refused = ""
        if row is None and rows and licences == "permissive":
            refused = f"{MANIFEST} names no licence for it"
        elif row is not None and licences == "permissive" and not permissive(row.licence):
            refused = f"its licence is not permissive: {row.licence or 'none given'}"
        folders = within.split("/")
        yield Source(
            Path(entry.path).resolve() if entry.is_symlink() else Path(entry.path),
            name,
            row.cluster if row else "",
            row.licence if row else "",
            row.split if row else "",
            (row.style if row else "") or readable(folders[0] if len(folders) > 1 else top),
            "",
            -1 if stat is None else stat.st_size,
            -1 if stat is None else stat.st_mtime_ns,
            refused,
        )


def _new(
    entries: Iterator[os.DirEntry[str]], as_before: AsBefore
) -> Iterator[tuple[os.DirEntry[str], os.stat_result | None]]:
    """Yield the files, and archives, that are not as they were."""
    while some := list(islice(entries, TOGETHER)):
        stats = [_stat(entry) for entry in some]
        places = [b"" if _asks_anew(entry) else os.fsencode(entry.path) + b"\0" for entry in some]
        same = as_before(
            [
                (place, stat.st_size, stat.st_mtime_ns)
                for place, stat in zip(places, stats, strict=True)
                if place and stat is not None
            ]
        )
        for entry, stat, place in zip(some, stats, places, strict=True):
            if place not in same:
                yield entry, stat


def _asks_anew(entry: os.DirEntry[str]) -> bool:
    """Tell whether a file is always looked at: a link, and an archive, which could not be read perhaps."""
    return entry.is_symlink() or entry.name.lower().endswith(ARCHIVES)


def _walk(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yield the MIDI files and archives below a folder; links to folders are not followed."""
    try:
        entries = os.scandir(folder)
    except OSError:
        return
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path)
            elif entry.name.lower().endswith((*SUFFIXES, *ARCHIVES)):
                yield entry


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        return None


def _in_archive(path: Path, name: str, known: Known) -> Iterator[Source]:
    """Yield the MIDI files that an archive holds; one that cannot be read is one file that is refused."""
    stat = path.stat()
    if known(path, stat):
        return
    top = path.name.split(".")[0]
    about = Source(path, name, size=stat.st_size, changed=stat.st_mtime_ns)
    try:
        for member in _members(path):
            within = PurePosixPath(member).parts
            style = printable(Path(within[0] if len(within) > 1 else top))
            shown = f"{name}/{printable(Path(member))}"
            yield replace(about, name=shown, style=style, member=member)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, ValueError) as error:
        yield replace(about, refused=f"the archive cannot be read: {error}"[:160])


def _members(path: Path) -> Iterator[str]:
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            yield from (i.filename for i in archive.infolist() if not i.is_dir() and _is_midi(i.filename))
        return
    with tarfile.open(path) as archive:
        for entry in archive:
            archive.members = []  # type: ignore[attr-defined]  # else every one is kept
            if entry.isfile() and _is_midi(entry.name):
                yield entry.name


def contents(path: Path, wanted: Callable[[str], bool], most: int) -> Iterator[tuple[str, bytes | None]]:
    """Yield some members of an archive in its order, and what each holds; None of one larger than `most`.

    Raises:
        OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, RuntimeError: it cannot be read.
    """
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir() and wanted(info.filename):
                    yield info.filename, archive.read(info) if info.file_size <= most else None
        return
    with tarfile.open(path) as tar:
        for entry in tar:
            tar.members = []  # type: ignore[attr-defined]  # as above
            if entry.isfile() and wanted(entry.name):
                file = tar.extractfile(entry) if entry.size <= most else None
                yield entry.name, file.read() if file is not None else None


def _is_midi(name: str) -> bool:
    base = PurePosixPath(name).name
    return base.lower().endswith(tuple(SUFFIXES)) and not base.startswith("._")


def printable(path: Path) -> str:
    """Return a path as text that can be written anywhere, whatever bytes its name holds."""
    return readable(path.as_posix())


def readable(text: str) -> str:
    """Return text that can be written anywhere, whatever bytes it came from."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _manifest(folder: Path) -> dict[str, Source]:
    """Return what the folder's manifest says of files, by their paths; nothing if it has none.

    Its paths are relative to the folder or to the one around it.
    """
    table = folder / MANIFEST
    if not table.is_file():
        return {}
    try:
        with table.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OperationError(f"the manifest '{table}' cannot be read: {error}") from error
    splits = {(row.get("split") or "").strip() for row in rows}
    held_out = splits & {"validation", "valid", "test"}  # a column of "train" alone holds nothing out
    names = {"valid": "validation"}
    within, around = str(folder), str(folder.parent)
    found = {}
    for row in rows:
        written = os.path.normpath(row.get("path") or "")
        place = around if written.split(os.sep, 1)[0] == folder.name else within
        split = (row.get("split") or "").strip() if held_out else ""
        split = names.get(split, split)
        found[os.path.join(place, written)] = Source(  # noqa: PTH118 - as above
            folder,
            written,
            (row.get("cluster") or row.get("song_id") or "").strip(),
            (row.get("licence") or "").strip(),
            split if split in SPLITS else "",
            (row.get("dataset") or "").strip(),
        )
    return found
