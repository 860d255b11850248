"""Where sessions lie: one file each in the user's own folder, by its name."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from live.errors import UsageError
from live.settings.config import APPLICATION

if sys.platform != "win32":
    import fcntl

UNNAMED, BEFORE = "last", "before"
"""The session of a jam that was given no name, and the one that it was before."""

SUFFIX = ".toml"
LONGEST_NAME = 64
_NAME = re.compile(r"\w[\w .+-]*")


def folder() -> Path:
    """Return the folder of sessions, whether or not it is there."""
    return Path(platformdirs.user_data_dir(APPLICATION)) / "sessions"


def path_of(name: str) -> Path:
    """Return the file of a session.

    Raises:
        UsageError: no session can be called so.
    """
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME or name != name.strip(" ."):
        raise UsageError(
            f"--session takes a name of letters, digits, blanks, points and dashes, {LONGEST_NAME} at most,"
            f" not '{name}'"
        )
    return folder() / f"{name}{SUFFIX}"


def names() -> list[str]:
    """Return the names of the sessions there are, the one that was saved last first."""
    found: list[tuple[float, str]] = []
    with contextlib.suppress(OSError):
        for path in folder().glob(f"*{SUFFIX}"):
            with contextlib.suppress(OSError, UsageError):
                path_of(path.stem)
                found.append((path.stat().st_mtime, path.stem))
    return [name for _, name in sorted(found, reverse=True)]


def is_unnamed(path: Path) -> bool:
    """Tell whether a session is that of a jam without a name: of one, or of another that plays beside it."""
    return re.fullmatch(rf"{UNNAMED}(-\d+)?", path.stem) is not None


def aside(path: Path) -> Path:
    """Return the name of a session that is to be left as it is when another takes its own.

    A free one; where nobody has named it, that of the one before, which goes.
    """
    if is_unnamed(path):
        return path.with_name(path.name.replace(UNNAMED, BEFORE, 1))
    for number in range(1, 1000):
        other = path.with_name(f"{path.stem}-old-{number}{SUFFIX}")
        if not other.exists():
            return other
    return path.with_name(f"{path.stem}-old-1000{SUFFIX}")


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Claim a session for this process until the block ends or the process does; tells whether it is free.

    Where nothing can be written there is nothing to claim, and it counts as free.
    """
    if sys.platform == "win32":  # two jams of one session are not told apart there
        yield True
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path.with_name(f".{path.stem}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield True
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
