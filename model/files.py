"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_write(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give the path of a draft beside a file's; what was written there takes the file's place in one step.

    Whatever happens meanwhile, who reads the file gets the old one or the whole new one, and no draft stays.

    Args:
        path: of the file; its folder must exist.
        durable: wait until the content is on the disk, so that even a power cut leaves one or the other.

    Raises:
        OSError: the disk refuses.

    """
    draft = path.with_name(f".{path.name}.part")
    try:
        yield draft
        if durable:
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with suppress(OSError):  # where nothing could be made there is nothing to remove
            draft.unlink(missing_ok=True)


def shown(path: object) -> str:
    """Return a path, or a text with one in it, as it can be printed: what is no UTF-8 becomes a "?".

    On POSIX a path is bytes, and Python hands those that are no UTF-8 on as lone surrogates.
    """
    return str(path).encode("utf-8", "replace").decode("utf-8")
