"""Writes what was learned into the performer's own mapping file; comments and all else in it stay.

A mapping that comes with twobar is copied to the performer's folder first, where it hides the shipped one.
Owns: nothing but what is on the disk.  Threads: any, one at a time; takes some tens of milliseconds.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from live.control.lesson import clashes
from live.control.mappings.library import target_for
from live.control.mappings.mapping_file import Control
from live.devices.names import plain_name, spoken_name
from live.errors import FailureError
from model.files import atomic_write

_SCHEMA_LINE = re.compile(r"^#:schema .*\n", re.MULTILINE)


class Written(NamedTuple):
    """A file that was written: what is in it, and what was before; None where there was no file."""

    path: Path
    text: str
    before: str | None


def write(path: Path, port: str, control: Control, *, fitting: bool) -> Written:
    """Write a control into the performer's own file; arguments as above.

    Raises:
        FailureError: it cannot be read or written.
    """
    target = target_for(path, port, fitting=fitting)
    try:
        before = target.read_text(encoding="utf-8-sig") if target.is_file() else None
        text = path.read_text(encoding="utf-8-sig") if before is None else before
        if before is None:
            text = _SCHEMA_LINE.sub("", text)
            if not fitting:
                text = _named_after(text, port)
        text = with_control(text, control)
        target.parent.mkdir(parents=True, exist_ok=True)
        _put(target, text)
    except OSError as error:
        raise FailureError(
            f"what was learned holds until the end only: '{target}' cannot be written:"
            f" {(error.strerror or str(error)).lower()}"
        ) from None
    except (TOMLKitError, UnicodeDecodeError):
        raise FailureError(
            f"what was learned holds until the end only: '{target}' is not valid TOML; mend it"
        ) from None
    return Written(target, text, before)


def take_back(written: Written) -> None:
    """Give a file the text back that it had, or remove it if there was none.

    Raises:
        FailureError: it has been edited since, or cannot be written.
    """
    try:
        if written.path.read_text(encoding="utf-8") != written.text:
            raise FailureError(f"'{written.path}' was edited meanwhile, and is left as it is")
        if written.before is None:
            written.path.unlink()
        else:
            _put(written.path, written.before)
    except OSError as error:
        raise FailureError(
            f"'{written.path}' cannot be written: {(error.strerror or str(error)).lower()}"
        ) from None


def _put(path: Path, text: str) -> None:
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")


def with_control(text: str, control: Control) -> str:
    """Return a mapping file's text with one more control; what listened to the same makes room for it."""
    document = tomlkit.parse(text)
    tables = document.get("control", [])
    rivals = [table for table in tables if _is_rival(table.unwrap(), control)]
    said = {name: value for name, value in msgspec.to_builtins(control).items() if value is not None}
    if not rivals:
        new = f"{text.rstrip()}\n\n[[control]]\n{tomlkit.dumps(said)}"
        tomlkit.parse(new)  # which `control = []` would refuse
        return new
    first, *others = rivals
    for name in [name for name in first if name not in said]:
        del first[name]
    body, tail = first.value.body, list[Any]()
    while body and body[-1][0] is None:  # blank lines, and comments on the table after this one
        tail.insert(0, body.pop())
    for name, value in said.items():
        first[name] = value
    body += tail
    for other in others:
        tables.remove(other)
    return tomlkit.dumps(document)


def _is_rival(table: dict[str, Any], control: Control) -> bool:
    """Tell whether a table listens to what a control listens to; a broken one does not."""
    try:
        return clashes(msgspec.convert(table, Control), control)
    except (msgspec.ValidationError, StopIteration, TypeError):
        return False


def _named_after(text: str, port: str) -> str:
    """Return the default mapping's text as one of a port's own."""
    _, _, rest = text.partition("[controller]")
    document: TOMLDocument = tomlkit.parse(f"[controller]{rest}")
    name = spoken_name(port)
    document["controller"] = {"name": name, "match": [plain_name(port)]}
    head = f"# Learned from {name}. What was not learned is as in the default mapping.\n\n"
    return head + tomlkit.dumps(document)
