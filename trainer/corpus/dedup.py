"""Which windows are new: an index of hashes on disk, and where each was met, as many as there may be.

SQLite keeps them in files that are thrown away; nothing of it outlives the work.
"""

import errno
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from trainer.corpus.windows import Windows

CACHE_KIB = 8192
SIGN, WHOLE = 1 << 63, 1 << 64


class HashIndex:
    """Numbers, 0 to 2**64 - 1, each with the places at which it was met.

    Args:
        path: a file of its own; it is made, and gone at the end.

    Raises:
        OSError: here and everywhere, when the disk refuses.

    """

    def __init__(self, path: Path) -> None:
        """Start with nothing met."""
        self._path = path
        path.unlink(missing_ok=True)
        with disk_errors():
            self._table = sqlite3.connect(path, isolation_level=None)
            self._table.execute("PRAGMA journal_mode = OFF")
            self._table.execute("PRAGMA synchronous = OFF")
            self._table.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            self._table.execute("CREATE TABLE met (number, place, PRIMARY KEY (number, place)) WITHOUT ROWID")
            self._table.execute("BEGIN")

    def add(self, numbers: Iterable[int], place: int) -> None:
        """Remember that numbers were met at a place."""
        rows = ((signed(number), place) for number in numbers)
        with disk_errors():
            self._table.executemany("INSERT OR IGNORE INTO met VALUES (?, ?)", rows)

    def first(self, number: int) -> int | None:
        """Return the lowest place at which a number was met; None for nowhere."""
        with disk_errors():
            found = self._table.execute("SELECT min(place) FROM met WHERE number = ?", (signed(number),))
            place: int | None = found.fetchone()[0]
        return place

    def shared(self, most: int) -> Iterator[tuple[int, int, int]]:
        """Yield two places and how many numbers they share, of numbers met at `most` places or fewer."""
        with disk_errors():
            yield from self._table.execute(
                "SELECT one.place, other.place, count(*) FROM "
                "(SELECT number FROM met GROUP BY number HAVING count(*) BETWEEN 2 AND ?) AS few "
                "JOIN met AS one ON one.number = few.number "
                "JOIN met AS other ON other.number = one.number AND one.place < other.place "
                "GROUP BY one.place, other.place",
                (most,),
            )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Throw the file away."""
        with suppress(sqlite3.Error):
            self._table.close()
        self._path.unlink(missing_ok=True)


def new_windows(
    windows: Windows, exact: HashIndex, shapes: HashIndex, turn: int, *, measured: bool
) -> list[int]:
    """Return which windows are new, and remember them with the split's turn.

    A shape of an earlier split is left out, and of a split to measure on what is aside.
    """
    chosen = []
    columns = (windows.exact.tolist(), windows.shape.tolist(), windows.aside.tolist())
    for index, (same, shape, aside) in enumerate(zip(*columns, strict=True)):
        if (aside and measured) or exact.first(same) is not None:
            continue
        before = shapes.first(shape)
        if before is None or before == turn:
            exact.add((same,), turn)
            shapes.add((shape,), turn)
            chosen.append(index)
    return chosen


def signed(number: int) -> int:
    """Return a number of 64 bits as SQLite holds it."""
    return number - WHOLE if number >= SIGN else number


@contextmanager
def disk_errors() -> Iterator[None]:
    """Tell SQLite's faults as the disk's."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(errno.ENOSPC if "full" in str(error) else errno.EIO, str(error)) from error
