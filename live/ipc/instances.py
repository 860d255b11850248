"""Running instances, each by a file in which `twobar attach` finds its engine: private, gone with it."""

import os
import tempfile
from pathlib import Path

import msgspec

from live.ipc.link import Address, remove_place
from live.ipc.runtime_folder import alive, runtime_folder, sweep


class Instance(msgspec.Struct, frozen=True):
    """A running engine: where it listens, the process that started it, and what a performer knows it by."""

    address: Address
    pid: int
    about: str = ""

    def __str__(self) -> str:
        """Return its number, and what it is known by."""
        return f"{self.pid} ({self.about})" if self.about else str(self.pid)


def write_instance(address: Address, about: str = "") -> str:
    """Leave word where the engine listens; returns the file's path, "" when that cannot be done safely.

    What killed instruments have left is removed.

    Args:
        address: of the engine.
        about: a few words by which a performer knows it among others.
    """
    sweep(_answers)
    try:
        path = runtime_folder() / f"instance-{os.getpid()}.json"
        draft_prefix = f".instance-{os.getpid()}-"
        handle, draft = tempfile.mkstemp(prefix=draft_prefix, dir=path.parent)  # new, and the owner's alone
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(Instance(address, os.getpid(), about)))
        Path(draft).replace(path)  # whole at every instant
    except OSError:
        return ""
    return str(path)


def _answers(path: Path) -> bool:
    """Tell whether an engine listens on a socket, or on that of an instance's file."""
    if path.suffix == ".sock":
        return Address(str(path), "").answers()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Instance).address.answers()
    except (OSError, ValueError):
        return False


def instances() -> list[Instance]:
    """Return the engines that can be reached, newest first; files that nobody will use again are removed."""
    found = []
    try:
        paths = list(runtime_folder().glob("instance-*.json"))
    except OSError:
        return []
    for path in paths:
        try:
            born = path.stat().st_mtime
            instance = msgspec.json.decode(path.read_bytes(), type=Instance)
        except (OSError, ValueError):
            path.unlink(missing_ok=True)
            continue
        if instance.address.answers():
            found.append((born, instance))
        elif not alive(instance.pid):  # else its engine may just be started again
            path.unlink(missing_ok=True)
            remove_place(instance.address)
    return [instance for _, instance in sorted(found, key=lambda entry: entry[0], reverse=True)]
