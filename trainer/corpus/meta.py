"""meta.json: what a prepared folder says of itself.  `prepare` writes it last; all others read it here."""

import json
from dataclasses import dataclass, field
from pathlib import Path

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
        sources: files that gave phrases, by licence.

    """

    grid: Grid
    phrases: dict[str, dict[str, int]]
    styles: tuple[str, ...] = ()
    licences: str = "permissive"
    metres: str = "own"
    seed: int = 0
    sources: dict[str, int] = field(default_factory=dict)


def read(folder: Path) -> Meta | None:
    """Return a folder's description; None where it has none, as any folder of MIDI files.

    Raises:
        OperationError: it cannot be read or understood.

    """
    path = folder / NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Meta(
            Grid(**found["grid"]),
            {str(codec): dict(counts) for codec, counts in found.get("phrases", {}).items()},
            tuple(map(str, found.get("styles", ()))),
            **{name: found[name] for name in ("licences", "metres", "seed", "sources") if name in found},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OperationError(f"{path} is damaged: run twobar-train prepare again") from error
