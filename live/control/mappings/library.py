"""Where mapping files are found: by name, by path, and by the name of a controller's port.

Owns nothing.  Threads: any.
Tested in tests/live/control/test_mapper.py, tests/live/control/test_desk.py.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import platformdirs

from live.control.mappings.mapping_file import Mapping, overlap, read
from live.devices.names import spoken_name
from live.errors import unknown
from live.settings.config import APPLICATION
from live.settings.schema import AUTO
from model.files import as_path

DEFAULT = "default"
_NOT_IN_A_FILE_NAME = re.compile(r"[^a-z0-9]+")


def folders() -> tuple[Path, Path]:
    """Return where mappings are looked for: the user's own folder, then the shipped one."""
    return (
        Path(platformdirs.user_config_dir(APPLICATION)) / "mappings",
        Path(__file__).resolve().parents[3] / "mappings",
    )


def shipped() -> dict[str, Path]:
    """Return the shipped mappings' files by name."""
    return _listed(folders()[1:])


def known() -> dict[str, Path]:
    """Return all mappings' files by name; the user's own hide shipped ones of the same name."""
    return _listed(folders())


def locate(name_or_path: str) -> Path:
    """Return the file of a mapping's name (`default`) or path (`my/keys.toml`).

    Raises:
        UsageError: there is none.
    """
    path = as_path(name_or_path).expanduser()
    if is_path(name_or_path):
        if not path.is_file():
            raise unknown("mapping file", name_or_path, known())
        return path
    files = known()
    if name_or_path not in files:
        raise unknown("mapping", name_or_path, [*files, AUTO])
    return files[name_or_path]


def is_path(name_or_path: str) -> bool:
    """Tell whether a mapping is named by its file's path."""
    path = as_path(name_or_path)
    return path.suffix == ".toml" or len(path.parts) > 1


def name_of(path: Path) -> str:
    """Return what `locate` finds a mapping's file by: its name, or elsewhere its whole path."""
    path = path.resolve()
    return path.stem if path.parent in [folder.resolve() for folder in folders()] else str(path)


def target_for(path: Path, port: str, *, fitting: bool) -> Path:
    """Return the file that what is learned goes into.

    Args:
        path: of the mapping in use.
        port: on which something was touched.
        fitting: whether that mapping is meant for the port; else it gets one of its own.
    """
    home, ships = folders()
    path = path.resolve()
    if not fitting:
        return home / f"{_NOT_IN_A_FILE_NAME.sub('-', spoken_name(port).lower()).strip('-') or 'mine'}.toml"
    return home / path.name if path.parent == ships else path


def find(name_or_path: str, *, say: Callable[[str], object] | None = None) -> Mapping:
    """Read a mapping by its name or its file's path.

    Args:
        name_or_path: see `locate`.
        say: gets a sentence for each control that is wrong, and is left out; None: the first one is raised.

    Raises:
        UsageError: there is none, or it is broken.
    """
    return read(locate(name_or_path), say=say)


class Library:
    """The mapping files as they lay there at one moment, with what each says of ports.

    Of each file only the head is read, which a dozen of milliseconds would not do for all of them.

    Threads: any, one at a time.
    """

    def __init__(self) -> None:
        self._heads = {path: _match_of(path) for path in known().values()}

    def file_for(self, port_name: str) -> Path | None:
        """Return the file whose `match` fits a port's name best, or None."""
        fits = {path: overlap(parts, port_name) for path, parts in self._heads.items()}
        best = max(fits, key=fits.__getitem__, default=None)
        return best if best is not None and fits[best] else None


def choose(name: str, port_names: Iterable[str] = ()) -> Mapping:
    """Return the mapping that a setting names; `auto` goes by the ports' names, else takes the default.

    Raises:
        UsageError: there is none, or it is broken.
    """
    if name != AUTO:
        return find(name)
    library = Library()
    files = (path for port in port_names if (path := library.file_for(port)) is not None)
    first = next(files, None)
    return find(DEFAULT) if first is None else read(first)


def _listed(places: Iterable[Path]) -> dict[str, Path]:
    """List the TOML files of folders by name; earlier folders win."""
    found: dict[str, Path] = {}
    for folder in places:
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def _match_of(path: Path) -> list[str]:
    """Return what a file says of ports' names; of one that is broken, nothing, for it is read again later."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    for part in (text.partition("[[")[0], text):
        try:
            head = tomllib.loads(part).get("controller")
        except (ValueError, RecursionError):
            continue
        if isinstance(head, dict):
            parts = head.get("match", [])
            return [one for one in parts if isinstance(one, str)] if isinstance(parts, list) else []
    return []
