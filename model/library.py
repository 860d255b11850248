"""Which models there are, read from the headers of their files: no weight is loaded.

Tested in tests/live/cli/test_models.py.
"""

import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.shipped import HELPERS, SUFFIX, WEIGHTS, user_folder

LARGEST_HEADER = 1 << 24
FORMAT = "twobar checkpoint"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A checkpoint as its header tells of it.

    Attributes:
        name: by which `--model` knows it: a shipped one's or one of the user's folder, else its path.
        path: of its file.
        codec: of its phrases.
        bars: of its phrases.
        metre: of its phrases, beats a bar.
        size: of the file, in bytes.
        parameters: numbers in its weights.
        latent_size: of z; 0 for none.
        knobs: that it learned.
        figures: what was measured when it was made, by name.
        fault: why it is none, in a few words; "" for one that can be read.
    """

    name: str
    path: Path
    codec: str = ""
    bars: int = 0
    metre: int = 0
    size: int = 0
    parameters: int = 0
    latent_size: int = 0
    knobs: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    fault: str = ""


def shipped() -> list[ModelFile]:
    """Return the models that came with the instrument."""
    return _named(WEIGHTS)


def in_user_folder() -> list[ModelFile]:
    """Return the models that the user has put where `--model NAME` finds them."""
    return _named(user_folder())


def under(folders: Iterable[Path]) -> list[ModelFile]:
    """Return the models in folders and in the folders right below, as runs lie; none too, but no writers."""
    paths = {
        path
        for folder in folders
        for pattern in (f"*{SUFFIX}", f"*/*{SUFFIX}")
        for path in folder.glob(pattern)
        if path.is_file()
    }
    found = [look(path, str(path)) for path in sorted(paths)]
    return [file for file in found if not file.fault or file.path.stem not in HELPERS]


def _named(folder: Path) -> list[ModelFile]:
    found = [look(path, path.stem) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return [file for file in found if not file.fault or folder != WEIGHTS]  # other weights lie there, too


def look(path: Path, name: str) -> ModelFile:
    """Read a file's header; what is wrong with it is its fault, never an exception."""
    try:
        header, size = read_header(path), path.stat().st_size
        metadata = header.pop("__metadata__", {})
        if metadata.get("format") != FORMAT:
            return ModelFile(name, path, fault="no twobar checkpoint")
        config, facts = json.loads(metadata["config"]), json.loads(metadata["facts"])
        grid = config.get("grid", {})
        weights = [value["shape"] for key, value in header.items() if key.startswith("weights/")]
        return ModelFile(
            name,
            path,
            codec=str(config["codec"]),
            bars=int(grid.get("bars", 2)),
            metre=int(grid.get("beats_per_bar", 4)),
            size=size,
            parameters=sum(_product(shape) for shape in weights),
            latent_size=int(header["map/scale"]["shape"][0]),
            knobs=tuple(map(str, config.get("knobs", ()))),
            figures=dict(facts.get("figures", {})),
        )
    except OSError as error:
        return ModelFile(name, path, fault=error.strerror or str(error))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return ModelFile(name, path, fault="damaged, or no safetensors file")


def read_header(path: Path) -> dict[str, Any]:
    """Return a safetensors file's header: shape and type of every tensor, and the metadata.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none.
    """
    with path.open("rb") as file:
        start = file.read(8)
        if len(start) < 8:
            raise ValueError("too short")
        length = struct.unpack("<Q", start)[0]
        if length > LARGEST_HEADER:
            raise ValueError("its header is too long")
        found = json.loads(file.read(length))
    if not isinstance(found, dict):
        raise ValueError("its header is none")  # noqa: TRY004 - of the file, as the others
    return found


def _product(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= int(size)
    return product
