"""What the offline commands refuse before any work is done: places to write, names of parts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from live.errors import FailureError, UsageError, unknown
from model.music.tracks import TRACKS

MIDI_SUFFIXES = (".mid", ".midi")
SOUND_SUFFIXES = (".wav",)


class NonEmptyPath(click.Path):
    """A path; an empty text, from a variable that is not set say, is none."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: Any,  # noqa: ANN401  click's own
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401  click's own
        """Return the path.

        Raises:
            click.BadParameter: it is empty.
        """
        if value == "":
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


def check_target(out: Path, *, suffixes: tuple[str, ...], sources: Iterable[Path]) -> None:
    """Check the file that a command shall write.

    Args:
        out: the file.
        suffixes: how its name may end, the usual way first.
        sources: files that are read; none of them may be replaced.

    Raises:
        UsageError: it is a folder, its name ends otherwise, or it is a file that is read.
        FailureError: no file can have that name, or stand there.
    """
    check_suffix(out, suffixes)
    if wrong := _in_the_way(out):
        raise FailureError(f"cannot write '{out}': '{wrong}' is no folder")
    for source in sources:
        if same_file(out, source):
            raise UsageError(f"--out '{out}' would replace '{source}', which is read; name another file")


def check_suffix(out: Path, suffixes: tuple[str, ...], *, option: str = "--out") -> None:
    """Raise UsageError if a file's name ends in none of these, the usual one first, or it is a folder."""
    if _is_folder(out):
        raise UsageError(f"{option} names a {suffixes[0]} file to write; '{out}' is a folder")
    if out.suffix.lower() not in suffixes:
        stem = out.stem if any(map(str.isalpha, out.suffix)) else out.name
        raise UsageError(
            f"{option} must end in {' or '.join(suffixes)}, not '{out}'; "
            f"did you mean '{out.with_name(stem + suffixes[0])}'?"
        )


def check_steps(out: Path, names: Iterable[str], *, sources: Iterable[Path]) -> None:
    """Raise UsageError if a file of these names in a folder is one that is read."""
    read = [*sources]
    for name in names:
        for source in read:
            if same_file(out / name, source):
                raise UsageError(
                    f"'{out / name}' would replace '{source}', which is read; name another folder with --out"
                )


def same_file(one: Path, other: Path) -> bool:
    """Tell whether two paths lead to one file that is there, however they are spelt."""
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # a name that is too long, say
        raise FailureError(f"cannot write '{path}': {error.strerror or error}") from error


def _in_the_way(path: Path) -> Path | None:
    """Return what stands where one of a path's folders would be, None where nothing does."""
    try:
        above = next((folder for folder in path.parents if folder.exists()), None)
    except OSError as error:
        raise FailureError(f"cannot write '{path}': {error.strerror or error}") from error
    return above if above is not None and not above.is_dir() else None


def check_folder(out: Path) -> None:
    """Make the folder before any work is done.

    Raises:
        UsageError: there is a file of that name.
        FailureError: it cannot be made.
    """
    try:
        if out.exists() and not out.is_dir():
            raise UsageError(f"--out names a folder; '{out}' is a file")
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailureError(f"cannot make the folder '{out}': {error.strerror or error}") from error


def check_parts(text: str) -> list[int]:
    """Return the tracks that a list of names tells, as "bass,drums".

    Raises:
        UsageError: one is no track, or there is none.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in TRACKS:
            raise unknown("part", name, TRACKS)
    if not names:
        raise UsageError(f"--parts names at least one of {', '.join(TRACKS)}")
    return [TRACKS.index(name) for name in names]
