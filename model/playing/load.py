"""Open a checkpoint as the `Player` of `model.playing.player`: a shipped model by name, any other by path.

Importing this module and playing a checkpoint with graphs loads no torch.
"""

from pathlib import Path

from model.checkpoint import read
from model.errors import CheckpointError, UnknownModelError, nearest
from model.files import as_path
from model.playing.checkpoint_player import CheckpointPlayer
from model.playing.player import Player
from model.runtimes.registry import open_runtime
from model.shipped import SUFFIX, is_checkpoint, known_models, model_file


def load(name_or_path: str, device: str | None = None) -> Player:
    """Open a model by name, a shipped one or one of the user's folder, or a checkpoint by path.

    Args:
        name_or_path: of the model.
        device: that computes it, see `model.runtimes.registry.open_runtime`.

    Raises:
        CheckpointError: there is no such model, or its file cannot be used; one sentence.
    """
    path = model_file(name_or_path) or as_path(name_or_path)
    if path.suffix == SUFFIX or is_checkpoint(name_or_path):
        return open_player(path, device)
    raise UnknownModelError(f"unknown model '{name_or_path}'; {nearest(name_or_path, known_models())}")


def open_player(path: Path, device: str | None = None) -> CheckpointPlayer:
    """Open a checkpoint file.

    Raises:
        CheckpointError: the file cannot be used; one sentence.
    """
    checkpoint = read(path)
    try:
        runtime = open_runtime(checkpoint, path, device)
    except CheckpointError:
        raise
    except ImportError as error:
        if error.name != "torch":
            raise CheckpointError(
                f"{path} needs onnxruntime, which cannot be used here ({error}): pip install onnxruntime, or "
                "'twobar[gpu]' to play it on torch"
            ) from error
        raise CheckpointError(
            f"{path} holds no graphs, so it needs torch, which is not installed: pip install 'twobar[gpu]'"
        ) from error
    try:
        return CheckpointPlayer(checkpoint, runtime)
    except KeyError as error:
        raise CheckpointError(f"{path} cannot be played: a tensor {error} is missing in it") from error
    except Exception as error:  # whatever a foreign file brings together
        raise CheckpointError(f"{path} cannot be played: {str(error) or type(error).__name__}") from error
