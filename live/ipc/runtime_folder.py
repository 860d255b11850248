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


def runtime_folder() -> Path:
    """Return the folder of this user's instruments.

    Raises:
        OSError: it cannot be made, is another user's, or others may look into it.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return _private(Path(runtime) / "twobar") if runtime else temporary_folder()


def temporary_folder() -> Path:
    """Return the one that is used where there is no better, or its path is too long; raises as above."""
    user = os.getuid() if HAS_USERS else "user"
    return _private(Path(tempfile.gettempdir()) / f"twobar-{user}")


def _private(folder: Path) -> Path:
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
    for make in (runtime_folder, temporary_folder):
        with contextlib.suppress(OSError):
            for path in make().iterdir():
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
