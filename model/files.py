"""Files that are written whole or not at all, and names of files that are bytes and no text."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

from model.errors import closest

MOST_BESIDE = 1_000
"""Files beside one that is missing that are looked at, so that a great folder holds nobody up."""


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


def missing(what: str, path: Path) -> str:
    """Return the sentence for a file or folder that is not there, with the nearest of those beside it.

    What is there all the same is the other of the two.

    Args:
        what: it is, as "the MIDI file".
        path: that was given.
    """
    with suppress(OSError):
        if path.exists():
            return f"{what} '{path}' is a {'folder' if path.is_dir() else 'file'}"
        beside = [each.name for each in islice(path.parent.iterdir(), MOST_BESIDE)]
        if near := closest(path.name, beside, cutoff=0.7):
            return f"{what} '{path}' does not exist; did you mean '{path.with_name(near)}'?"
    return f"{what} '{path}' does not exist"


PRIVATE = 0xEF00 - 0xDC00  # from a byte that is no UTF-8, as Python holds it, to a private character
_TO_TEXT = {code: code + PRIVATE for code in range(0xDC80, 0xDD00)}
_TO_PATH = {text: code for code, text in _TO_TEXT.items()}


def as_text(path: str | os.PathLike[str]) -> str:
    """Return a path as text that may cross between processes and be written to files; see `as_path`.

    On POSIX a path is bytes, and Python hands those that are no UTF-8 on as lone surrogates, which no encoder
    takes.  Here they are private characters, U+EF80 to U+EFFF.
    """
    return os.fspath(path).translate(_TO_TEXT)


def as_path(text: str) -> Path:
    """Return the path that a text of `as_text`, or any other, stands for."""
    return Path(text.translate(_TO_PATH))


def readable(text: str) -> str:
    """Return a text that can be encoded and read: "?" for every byte of a path that is no UTF-8."""
    return text.translate(_TO_PATH).encode("utf-8", "replace").decode("utf-8")


def all_readable(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    """Return lists and mappings, nested as they may be, with every text made readable."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, dict):
        return {all_readable(key): all_readable(each) for key, each in value.items()}
    return [all_readable(each) for each in value] if isinstance(value, list | tuple) else value


def print_any_name() -> None:
    """Let this process print names that its terminal's encoding does not have, with "?" in their place."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
