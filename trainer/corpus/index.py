"""What `prepare` knows of every file: where it is, what was read of it, whose song it is.  By SQLite.

OUT/.index/files.sqlite holds one row a file and stays there, so that only new and changed files are read when
`prepare` is called again; nothing of it is kept in memory.  What was read of the files lies in parts beside
it (`trainer.corpus.shards`).

Tested in tests/trainer/corpus/test_index.py.
"""

import errno
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from trainer.corpus.reading.sources import Source, Stamp

CACHE_KIB = 2048
COLUMNS = ("path", "member", "name", "size", "changed", "cluster", "licence", "split", "style", "refused")
LAYOUT = f"place BLOB PRIMARY KEY, {', '.join(COLUMNS)}"
ABOUT = "cluster, licence, split, style, refused"
"""What may change of a file without its bytes."""
UNREAD = "refused = '' AND part IS NULL AND reason IS NULL"


class Stretch(NamedTuple):
    """A run of files whose phrases lie one after another in a part.

    Attributes:
        part: number of the part.
        first: place of the first among what the part holds.
        numbers: of the files.
    """

    part: int
    first: int
    numbers: list[int]


class Index:
    """The files of a prepared folder.

    Args:
        folder: of the index; made.
        options: what the readings depend on; an index of others is thrown away.

    Raises:
        OSError: here and everywhere, when the disk refuses.
    """

    def __init__(self, folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._options = options
        try:
            self._open()
        except sqlite3.DatabaseError:  # damaged: everything is read again
            self._table.close()
            self._remove()
            with disk_errors():
                self._open()

    def _open(self) -> None:
        self._table = sqlite3.connect(self.folder / "files.sqlite", isolation_level=None)
        self._table.execute("PRAGMA journal_mode = WAL")
        self._table.execute("PRAGMA synchronous = NORMAL")
        self._table.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._table.execute("PRAGMA temp_store = FILE")
        self._table.execute("CREATE TABLE IF NOT EXISTS facts (name PRIMARY KEY, value)")
        if self.fact("options", self._options) != self._options:
            self._table.execute("DROP TABLE IF EXISTS files")
            self._table.execute("DELETE FROM facts")
        self._table.execute(
            f"CREATE TABLE IF NOT EXISTS files ({LAYOUT}, part INT, spot INT, grams INT, reason, note, "
            "number INT, song INT, side)"
        )
        self._table.execute("CREATE INDEX IF NOT EXISTS by_number ON files (number)")
        self._table.execute("CREATE INDEX IF NOT EXISTS without_phrases ON files (name) WHERE part IS NULL")
        self._table.execute(f"CREATE TEMP TABLE seen ({LAYOUT})")
        self._table.execute("CREATE TEMP TABLE same (id INTEGER PRIMARY KEY)")
        self.remember("options", self._options)

    def _remove(self) -> None:
        for name in ("files.sqlite", "files.sqlite-wal", "files.sqlite-shm"):
            (self.folder / name).unlink(missing_ok=True)

    def fact(self, name: str, default: str = "") -> str:
        """Return what was remembered under a name."""
        found = self._table.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if found is None else str(found[0])

    def remember(self, name: str, value: str) -> None:
        """Remember something under a name."""
        with disk_errors():
            self._table.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def see(self, sources: Iterable[Source]) -> None:
        """Note which files there are, beside those that are as they were (`as_before`, `known`)."""
        marks = ", ".join("?" * (1 + len(COLUMNS)))
        with disk_errors(), self._whole():
            self._table.executemany(f"INSERT OR IGNORE INTO seen VALUES ({marks})", map(_row, sources))  # noqa: S608

    def as_before(self, stamps: Sequence[Stamp]) -> set[bytes]:
        """Note that some files are there; return the places of those that have not changed."""
        marks = ", ".join("?" * len(stamps))
        asked = {place: (size, changed) for place, size, changed in stamps}
        with disk_errors():
            rows = self._table.execute(
                f"SELECT rowid, place, size, changed FROM files WHERE place IN ({marks})",  # noqa: S608
                [*asked],
            )
            found = {place: (row,) for row, place, *stamp in rows if asked[place] == tuple(stamp)}
            self._table.executemany("INSERT OR IGNORE INTO same VALUES (?)", found.values())
        return set(found)

    def known(self, path: Path, stat: os.stat_result) -> bool:
        """Tell whether an archive is as it was; if so, what it holds is noted as there."""
        place = os.fsencode(path)
        with disk_errors():
            found = self._table.execute(
                "INSERT OR IGNORE INTO same SELECT rowid FROM files "
                "WHERE place > ? AND place < ? AND size = ? AND changed = ? AND member != ''",
                (place + b"\0", place + b"\1", stat.st_size, stat.st_mtime_ns),
            )
        return found.rowcount > 0

    def compare(self) -> bool:
        """Take up what was seen; return whether anything is gone, changed, or differently described.

        Files that are new or changed are to be read (`unread`).
        """
        differs = " OR ".join(f"files.{name} IS NOT seen.{name}" for name in ("size", "changed"))
        about = " OR ".join(f"files.{name} IS NOT seen.{name}" for name in (*ABOUT.split(", "), "name"))
        names = f"place, {', '.join(COLUMNS)}"
        both = "SELECT place FROM seen CROSS JOIN files USING (place)"
        with disk_errors(), self._whole():
            self._table.execute(f"DELETE FROM seen WHERE place IN ({both} JOIN same ON files.rowid = id)")  # noqa: S608
            gone = self._table.execute(
                "DELETE FROM files WHERE rowid NOT IN (SELECT id FROM same) "
                "AND place NOT IN (SELECT place FROM seen)"
            ).rowcount
            changed = self._table.execute(
                f"DELETE FROM files WHERE place IN ({both} WHERE {differs})"  # noqa: S608 - names of columns
            ).rowcount
            described = self._table.execute(
                f"UPDATE files SET ({names}) = (SELECT {names} FROM seen WHERE seen.place = files.place) "  # noqa: S608
                f"WHERE place IN ({both} WHERE {about})"
            ).rowcount
            refused = self._table.execute(  # what may not be read any more is not to be learned from either
                "UPDATE files SET part = NULL, number = NULL WHERE refused != '' AND part IS NOT NULL"
            ).rowcount
            self._table.execute(
                f"INSERT INTO files ({names}) SELECT {names} FROM seen "  # noqa: S608 - names of columns
                "WHERE place NOT IN (SELECT place FROM files)"
            )
            self._table.execute("DELETE FROM seen")
            self._table.execute("DELETE FROM same")
        return bool(gone + changed + described + refused)

    def count(self, where: str = "TRUE") -> int:
        """Count files by a condition in SQL."""
        return int(self._table.execute(f"SELECT count(*) FROM files WHERE {where}").fetchone()[0])  # noqa: S608

    def unread_files(self) -> Iterator[tuple[bytes, Path]]:
        """Yield the files of their own that are to be read, and where they are."""
        rows = self._table.cursor().execute(
            f"SELECT place, path FROM files WHERE {UNREAD} AND member = '' ORDER BY name, place"  # noqa: S608
        )
        for place, path in _by_pages(rows):
            yield place, Path(os.fsdecode(path))

    def unread_archives(self) -> list[Path]:
        """Return the archives of which something is to be read."""
        rows = self._table.execute(
            f"SELECT DISTINCT path FROM files WHERE {UNREAD} AND member != '' ORDER BY path"  # noqa: S608
        )
        return [Path(os.fsdecode(path)) for (path,) in rows]

    def is_unread(self, place: bytes) -> bool:
        """Tell whether a file is to be read."""
        found = self._table.execute(f"SELECT 1 FROM files WHERE {UNREAD} AND place = ?", (place,))  # noqa: S608
        return found.fetchone() is not None

    def read(self, results: Sequence[tuple[bytes, int | None, int | None, int, str | None, str]]) -> None:
        """Note what was read: (place, part, spot, grams, reason, note) of each file."""
        with disk_errors(), self._whole():
            self._table.executemany(
                "UPDATE files SET part = ?2, spot = ?3, grams = ?4, reason = ?5, note = ?6, number = NULL, "
                "song = NULL, side = NULL WHERE place = ?1",
                results,
            )

    def next_part(self) -> int:
        """Return a number that no part has."""
        last = int(self.fact("parts", "0")) + 1
        self.remember("parts", str(last))
        return last

    def give_numbers(self, *, anew: bool) -> int:
        """Number the files that gave phrases by their names; return the first new number.

        Args:
            anew: whether all are numbered, from 0 on, or those alone that have none.
        """
        with disk_errors(), self._whole():
            if anew:
                self._table.execute("UPDATE files SET number = NULL, song = NULL, side = NULL")
            first = int(self._table.execute("SELECT ifnull(max(number), -1) + 1 FROM files").fetchone()[0])
            self._table.execute(
                "WITH ranked AS (SELECT place, row_number() OVER (ORDER BY name, place) - 1 AS rank "
                "FROM files WHERE part IS NOT NULL AND number IS NULL) "
                "UPDATE files SET number = ? + ranked.rank FROM ranked WHERE files.place = ranked.place",
                (first,),
            )
        return first

    def runs(self, first: int = 0) -> Iterator[Stretch]:
        """Yield the files from a number on, those together that lie together in a part."""
        rows = self._table.cursor().execute(
            "SELECT part, spot, number FROM files WHERE number >= ? ORDER BY number", (first,)
        )
        for _, group in groupby(_by_pages(rows), key=lambda row: (row[0], row[1] - row[2])):
            taken = list(group)
            yield Stretch(taken[0][0], taken[0][1], [number for _, _, number in taken])

    def column(self, names: str, first: int = 0) -> Iterator[tuple[Any, ...]]:
        """Yield columns of the numbered files, from a number on, in their order."""
        yield from _by_pages(
            self._table.cursor().execute(
                f"SELECT {names} FROM files WHERE number >= ? ORDER BY number",  # noqa: S608 - ours
                (first,),
            )
        )

    def about(self, number: int, names: str) -> tuple[Any, ...]:
        """Return columns of one numbered file."""
        found: tuple[Any, ...] = self._table.execute(
            f"SELECT {names} FROM files WHERE number = ?",  # noqa: S608 - ours
            (number,),
        ).fetchone()
        return found

    def songs(self) -> int:
        """Return the first number that is no song's."""
        return int(self._table.execute("SELECT ifnull(max(song), -1) + 1 FROM files").fetchone()[0])

    def styles(self) -> list[str]:
        """Return the names of the styles, by their numbers."""
        found: list[str] = json.loads(self.fact("styles", "[]"))
        return found

    def keep_styles(self, names: Sequence[str]) -> None:
        """Remember the styles."""
        self.remember("styles", json.dumps(list(names)))

    def settle(self, rows: Iterable[tuple[int, str, int]]) -> None:
        """Note (song, side, number) of files."""
        with disk_errors(), self._whole():
            self._table.executemany("UPDATE files SET song = ?, side = ? WHERE number = ?", rows)

    def clusters(self) -> Iterator[tuple[str, int]]:
        """Yield (cluster, number) of the files that a manifest gives one, by cluster."""
        yield from self._table.execute(
            "SELECT cluster, number FROM files WHERE cluster != '' AND number IS NOT NULL ORDER BY 1, 2"
        )

    def tally(self, column: str, where: str = "number IS NOT NULL") -> dict[str, int]:
        """Count the files by what a column holds, the commonest first."""
        found = self._table.execute(
            f"SELECT {column}, count(*) FROM files WHERE {where} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
        )
        return {str(value): int(count) for value, count in found}

    def left_out(self) -> Iterator[tuple[str, str]]:
        """Yield (name, reason) of every file that gave nothing."""
        yield from self._table.cursor().execute(
            "SELECT name, CASE WHEN refused != '' THEN refused ELSE ifnull(reason, 'not read') END "
            "FROM files WHERE part IS NULL ORDER BY name"
        )

    def noted(self) -> Iterator[tuple[str, str]]:
        """Yield (name, note) of every file of which something was assumed."""
        yield from self._table.cursor().execute(
            "SELECT name, note FROM files WHERE part IS NOT NULL AND note != '' ORDER BY name"
        )

    def refuse(self, archive: Path, reason: str) -> None:
        """Note why what is left of an archive gave nothing."""
        with disk_errors(), self._whole():
            self._table.execute(
                f"UPDATE files SET reason = ? WHERE {UNREAD} AND path = ? AND member != ''",  # noqa: S608
                (reason, os.fsencode(archive)),
            )

    def lose(self, part: int) -> None:
        """Note that what lay in a part is to be read again."""
        with disk_errors(), self._whole():
            self._table.execute("UPDATE files SET part = NULL, number = NULL WHERE part = ?", (part,))

    def parts_in_use(self) -> set[int]:
        """Return the parts that a file lies in."""
        return {
            int(n) for (n,) in self._table.execute("SELECT DISTINCT part FROM files WHERE part IS NOT NULL")
        }

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Write all of it or nothing."""
        self._table.execute("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._table.execute("ROLLBACK")
            raise
        self._table.execute("COMMIT")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        with suppress(sqlite3.Error):
            self._table.close()


def _row(source: Source) -> tuple[object, ...]:
    member = source.member.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return (
        source.place,
        os.fsencode(source.path),
        source.member if member == source.member else member,
        source.name,
        source.size,
        source.changed,
        source.cluster,
        source.licence,
        source.split,
        source.style,
        source.refused,
    )


def _by_pages(rows: sqlite3.Cursor, size: int = 4096) -> Iterator[tuple[Any, ...]]:
    """Yield what a query gives, a few rows in memory."""
    while page := rows.fetchmany(size):
        yield from page


@contextmanager
def disk_errors() -> Iterator[None]:
    """Tell SQLite's faults as the disk's."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(errno.ENOSPC if "full" in str(error) else errno.EIO, str(error)) from error
