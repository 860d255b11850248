"""Open a checkpoint as the `Player` of `model.playing.player`: a shipped model by name, any other by path.

Importing this module and playing a checkpoint with graphs loads no torch.
"""

import difflib
from pathlib import Path

from model.checkpoint import read
from model.errors import CheckpointError, ConfigError, UnknownModelError
from model.playing.checkpoint_player import CheckpointPlayer
from model.playing.player import Player
from model.runtimes.base import open_runtime

WEIGHTS = Path(__file__).parents[1] / "weights"


def shipped() -> list[str]:
    """Return the names of the models that come with twobar."""
    return sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))


def load(name_or_path: str) -> Player:
    """Open a shipped model by name, or a checkpoint by path.

    Raises:
        CheckpointError: there is no such model, or its file cannot be used; one sentence.

    """
    known = shipped()
    if name_or_path in known:
        return open_player(WEIGHTS / f"{name_or_path}.safetensors")
    path = Path(name_or_path)
    if path.suffix == ".safetensors" or path.is_file():
        return open_player(path)
    near = difflib.get_close_matches(name_or_path.lower(), known, 1, 0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise UnknownModelError(f"unknown model '{name_or_path}'; there is: {', '.join(known) or 'none'}{hint}")


def open_player(path: Path) -> CheckpointPlayer:
    """Open a checkpoint file.

    Raises:
        CheckpointError: the file cannot be used; one sentence.

    """
    checkpoint = read(path)
    try:
        runtime = open_runtime(checkpoint, path)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise CheckpointError(
            f"{path} holds no graphs, so it needs torch, which is not installed: pip install 'twobar[gpu]'"
        ) from error
    try:
        return CheckpointPlayer(checkpoint, runtime)
    except KeyError as error:
        raise CheckpointError(f"{path} cannot be played: a tensor {error} is missing in it") from error
    except (ConfigError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be played: {error}") from error
