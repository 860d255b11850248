"""The private folder of running instruments: the sockets that engines listen on, the files that name them.

What stands there bears the number of its process: what a killed one left is removed when the next one starts.

Tested in tests/live/ipc/test_instances.py.
"""

import contextlib
import errno
import os
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

HAS_USERS = hasattr(os, "getuid")
_LEFT = re.compile(r"(engine|instance|\.instance)-(\d+)(-\w+)?(\.sock|\.json)?")


def folders() -> list[Path]:
    """Return where the folder of this user's instruments may be, made or not, best first."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    temporary = Path(tempfile.gettempdir()) / f"twobar-{os.getuid() if HAS_USERS else 'user'}"
    return [Path(runtime) / "twobar", temporary] if runtime else [temporary]


def runtime_folder() -> Path:
    """Return the folder of this user's instruments; raises as `private`."""
    return private(folders()[0])


def private(folder: Path) -> Path:
    """Make a folder that is this user's alone.

    Raises:
        OSError: it cannot be made, is another user's, or others may look into it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if HAS_USERS:
        status = folder.lstat()  # a link would be followed to where someone else wants it
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise PermissionError(errno.EPERM, "is another user's", str(folder))
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise PermissionError(errno.EPERM, "is open to others", str(folder))
    return folder


def sweep(answers: Callable[[Path], bool]) -> None:
    """Remove what killed processes have left.

    Args:
        answers: tells whether anybody still listens there: an engine outlives its supervisor.
    """
    for folder in folders():
        with contextlib.suppress(OSError):
            for path in private(folder).iterdir() if folder.is_dir() else ():
                left = _LEFT.fullmatch(path.name)
                if left and not alive(int(left[2])) and not answers(path):
                    path.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Tell whether a process is there; False where the system cannot be asked without harm."""
    if not HAS_USERS or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # another user's
    return True


def state_of(pid: int) -> str:
    """Return Linux's letter for what a process does: "T" it was stopped, "Z" it is over; "" elsewhere."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
