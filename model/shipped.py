"""Which models are shipped, listed without importing anything that plays them."""

from importlib.resources import files
from pathlib import Path


def shipped_models() -> list[str]:
    """Return the names of the checkpoints that came with the instrument."""
    folder = files("model") / "weights"
    return sorted(
        item.name.removesuffix(".safetensors")
        for item in folder.iterdir()
        if item.name.endswith(".safetensors")
    )


def is_checkpoint(name: str) -> bool:
    """Tell whether a name is the path of a file; one that no file can have is not."""
    try:
        return Path(name).is_file()
    except OSError:  # too long, say
        return False
