"""The command `config`: writes the commented live.toml that comes with twobar where it will be read."""

from pathlib import Path

from live.cli.offline.parameters import check_target, same_file
from live.errors import FailureError
from live.settings import config as settings

SUFFIXES = (Path(settings.FILE_NAME).suffix,)


def shipped() -> Path:
    """Return the commented live.toml: in the wheel beside the settings, in a checkout at its top.

    Raises:
        FailureError: it is in neither place.
    """
    package = Path(settings.__file__).resolve().parent
    for folder in (package, package.parents[1]):
        path = folder / settings.FILE_NAME
        if path.is_file():
            return path
    raise FailureError(f"the {settings.FILE_NAME} that comes with twobar is missing; install twobar again")


def write(out: Path | None = None) -> str:
    """Write it to a new file, in the user's own folder where none is named; return what to tell the user.

    Raises:
        UsageError: the name is a folder's, or does not end in .toml.
        FailureError: the file exists, and is left alone, or it cannot be written.
    """
    target = settings.user_path() if out is None else out
    check_target(target, suffixes=SUFFIXES, sources=())
    text = shipped().read_bytes()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:  # a full disk: half a file would only be in the way
                target.unlink()
                raise
    except FileExistsError:
        raise FailureError(
            f"'{target}' exists and is left as it is; edit it, or name another file with --out"
        ) from None
    except OSError as error:
        raise FailureError(f"cannot write '{target}': {error.strerror or error}") from error
    return f"wrote {target}: {_when_read(target)}"


def _when_read(target: Path) -> str:
    """Say when a jam reads a file of settings."""
    here = Path(settings.FILE_NAME)
    if same_file(target, here):
        return "twobar reads it when you start it in this folder"
    if not same_file(target, settings.user_path()):
        return f"twobar reads it with --config {target}"
    if here.is_file():
        return f"twobar reads it wherever you start it, but in this folder, which has a {here} of its own"
    return "twobar reads it wherever you start it"
