"""What prepare is asked for, what it says it did, and meta.json, what a prepared folder says of itself.

`prepare` writes meta.json last; all others read it here.
"""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from model.music.grid import Grid
from trainer.errors import OperationError

NAME = "meta.json"


@dataclass(frozen=True, slots=True)
class Meta:
    """The description of a prepared folder; what older ones do not say is as by default.

    Attributes:
        grid: of the phrases.
        phrases: counts by codec and split.
        styles: names that the phrases' labels count through.
        licences: permissive or all.
        metres: own or all.
        seed: of the split.
        metre: that all files were taken to have; "" what each says.
        sources: files that gave phrases, by licence.
    """

    grid: Grid
    phrases: dict[str, dict[str, int]] = field(default_factory=dict)
    styles: tuple[str, ...] = ()
    licences: str = "permissive"
    metres: str = "own"
    seed: int = 0
    metre: str = ""
    sources: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """What prepare was asked for.

    Attributes:
        grid: of the phrases.
        licences: permissive or all (of files that a manifest names).
        metres: own, or all: bars of the grid laid over music in other metres too, for the train split alone.
        seed: of the split.
        jobs: reading processes.
        metre: such as 4/4, of all that is read, whatever the files say; "" heeds them.
    """

    grid: Grid
    licences: str = "permissive"
    metres: str = "own"
    seed: int = 0
    jobs: int = 1
    metre: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What prepare did.

    Attributes:
        phrases: counts by codec and split.
        read: files that gave phrases.
        skipped: how many others there are for each kind of reason, and one of them by its name and reason.
        resumed: files that had been read before, by this run or another.
        notes: how many files there are of which something was assumed, by what it is.
    """

    phrases: dict[str, dict[str, int]]
    read: int
    skipped: dict[str, tuple[int, str, str]]
    resumed: int
    notes: dict[str, int]


def read(folder: Path) -> Meta | None:
    """Return a folder's description; None where it has none, as any folder of MIDI files.

    Raises:
        OperationError: it cannot be read or understood.
    """
    path = folder / NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Meta)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise OperationError(f"{path} is damaged: run twobar-train prepare again") from error
