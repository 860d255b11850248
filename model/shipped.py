"""The models that come with the instrument and the user's own, by name, without importing what plays them.

Tested in tests/model/playing/test_load.py.
"""

from pathlib import Path

import platformdirs

from model.files import as_path

WEIGHTS = Path(__file__).parent / "weights"
SUFFIX = ".safetensors"
HELPERS = frozenset(("listen", "ranker", "writer"))
"""Weights that are no model to play by itself: of `live.worker.listening`, and of `model.writing`."""


def shipped_models() -> list[str]:
    """Return the names of the checkpoints that came with the instrument."""
    return sorted({path.stem for path in WEIGHTS.glob(f"*{SUFFIX}")} - HELPERS)


def shipped_file(name: str) -> Path | None:
    """Return the checkpoint of a shipped model; None if none has that name."""
    return WEIGHTS / f"{name}{SUFFIX}" if name in shipped_models() else None


def user_folder() -> Path:
    """Return the folder whose checkpoints `--model NAME` finds; it need not be there."""
    return Path(platformdirs.user_data_dir("twobar")) / "models"


def known_models() -> list[str]:
    """Return every name that `--model` takes: the shipped ones, then those of the user's folder."""
    shipped = shipped_models()
    users = sorted(path.stem for path in user_folder().glob(f"*{SUFFIX}"))
    return [*shipped, *(name for name in users if name not in shipped)]


def model_file(name: str) -> Path | None:
    """Return the checkpoint of a name, a shipped one before one of the user's folder; None for neither."""
    found = shipped_file(name)
    if found is None and name in known_models():
        found = user_folder() / f"{name}{SUFFIX}"
    return found


def shipped_for(codec: str) -> str:
    """Return the shipped model that plays a codec's phrases; "" if none came along."""
    name = {"melody": "lead", "poly": "keys", "roll": "keys"}.get(codec, codec)
    return name if name in shipped_models() else ""


def is_checkpoint(name: str) -> bool:
    """Tell whether a name is the path of a file; one that no file can have is not."""
    try:
        return as_path(name).is_file()
    except OSError:  # too long, say
        return False
