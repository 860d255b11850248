"""Which models are shipped, told without importing anything that plays them."""

from importlib.resources import files


def shipped_models() -> list[str]:
    """Return the names of the checkpoints that came with the instrument."""
    folder = files("model") / "weights"
    return sorted(
        item.name.removesuffix(".safetensors")
        for item in folder.iterdir()
        if item.name.endswith(".safetensors")
    )
