"""Running instances, each by a file in which `twobar attach` finds its engine: private, gone with it."""

import errno
import os
import stat
import tempfile
from pathlib import Path

import msgspec

from live.ipc.link import Address, remove_place

HAS_USERS = hasattr(os, "getuid")


class Instance(msgspec.Struct, frozen=True):
    """A running engine: where it listens, and the process that started it."""

    address: Address
    pid: int


def instance_folder() -> Path:
    """Return the folder of their files.

    Raises:
        OSError: it cannot be made, is another user's, or others may look into it.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    user = os.getuid() if HAS_USERS else "user"
    folder = Path(runtime) / "twobar" if runtime else Path(tempfile.gettempdir()) / f"twobar-{user}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if HAS_USERS:
        status = folder.lstat()  # a link would be followed to where someone else wants it
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise PermissionError(errno.EPERM, "is another user's", str(folder))
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise PermissionError(errno.EPERM, "is open to others", str(folder))
    return folder


def write_instance(address: Address) -> str:
    """Leave word where the engine listens; returns the file's path, "" when that cannot be done safely."""
    try:
        path = instance_folder() / f"instance-{os.getpid()}.json"
        handle, draft = tempfile.mkstemp(prefix=".instance-", dir=path.parent)  # new, and the owner's alone
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(Instance(address, os.getpid())))
        Path(draft).replace(path)  # whole at every instant
    except OSError:
        return ""
    return str(path)


def instances() -> list[Instance]:
    """Return the engines that can be reached, newest first; files that nobody will use again are removed."""
    found = []
    try:
        paths = list(instance_folder().glob("instance-*.json"))
    except OSError:
        return []
    for path in paths:
        try:
            born = path.stat().st_mtime
            instance = msgspec.json.decode(path.read_bytes(), type=Instance)
        except (OSError, ValueError):
            path.unlink(missing_ok=True)
            continue
        try:
            instance.address.connect().close()
        except (OSError, ValueError):
            if not alive(instance.pid):  # else its engine may just be started again
                path.unlink(missing_ok=True)
                remove_place(instance.address)
        else:
            found.append((born, instance))
    return [instance for _, instance in sorted(found, key=lambda entry: entry[0], reverse=True)]


def alive(pid: int) -> bool:
    """Tell whether a process is there; False where the system cannot be asked without harm."""
    if not HAS_USERS or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return True
