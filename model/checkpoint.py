"""Checkpoints: one safetensors file that holds everything a model needs to be played.

Tensors: `weights/NAME` (float16 or float32), `calibration/...`, `map/...` and the ONNX graphs without
weights (`graph/encode`, `graph/decode`, uint8); what others add lies in folders of its own
(`directions/...`).  Metadata: `format`, `version`, `ident` (a hash of the weights, compared when they are
read), `config` (JSON of the model's configuration) and `facts` (JSON: thresholds, figures).  numpy only;
nothing in it is code.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from model import strict
from model.config import ModelConfig
from model.errors import CheckpointError
from model.files import atomic_write, missing
from model.library import FORMAT

VERSION = "1"
WEIGHTS = "weights/"
MOST_POINTS = 10_000  # of the map: each goes to every screen
FOLDERS = ("weights", "calibration", "map", "graph")
Floats = NDArray[np.float32]


class Facts(msgspec.Struct):
    """What a checkpoint's metadata tell beside its configuration; see `Checkpoint`.

    Attributes:
        attributes: whose calibration it holds, in order.
        levels: decision thresholds by head.
        figures: what was measured.
        graphs: names of the weights that each graph reads.
    """

    attributes: list[str]
    levels: dict[str, float]
    figures: dict[str, Any]
    graphs: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where the training data's attributes lie, one value per name, raw units.

    Attributes:
        names: attributes, all that are measured.
        mean: float32 [names].
        spread: standard deviation, float32 [names].
        low: 2nd percentile, float32 [names].
        high: 98th percentile, float32 [names].
    """

    names: tuple[str, ...]
    mean: Floats
    spread: Floats
    low: Floats
    high: Floats

    def of(self, field_name: str, attribute: str) -> float:
        """Return one attribute's mean, spread, low or high; a spread of 0, of data all alike, as 1."""
        value = float(getattr(self, field_name)[self.names.index(attribute)])
        return value if value or field_name != "spread" else 1.0


@dataclass(frozen=True, slots=True)
class LatentMap:
    """The latent space at a glance.

    Attributes:
        mean: float32 [d], of z over the training data.
        scale: float32 [d], standard deviation of z.
        axes: float32 [2, d]; (z - mean) @ axes.T is the place on the map, most points within -1..1.
        points: float32 [n, 2], places of known phrases.
    """

    mean: Floats
    scale: Floats
    axes: Floats
    points: Floats

    def place(self, z: Floats) -> tuple[float, float]:
        """Return where a point float32 [d] lies on the map, each coordinate -1..1."""
        x, y = np.clip(self.axes @ (z - self.mean), -1.0, 1.0).tolist()
        return x, y

    def carried(self, z: Floats, x: float, y: float) -> Floats:
        """Return the point nearest to z that lies at a place of the map; z itself without a latent.

        z + pinv(axes) (p - axes (z - mean)): of all that lie at p the one by the shortest way.
        """
        if not self.axes.size:
            return z
        way = np.asarray((x, y), dtype=np.float32) - self.axes @ (z - self.mean)
        found: Floats = (z + np.linalg.pinv(self.axes) @ way).astype(np.float32)
        return found

    @classmethod
    def nowhere(cls) -> "LatentMap":
        """Return the map of a model without a latent."""
        return cls(*(np.zeros(shape, dtype=np.float32) for shape in ((0,), (0,), (2, 0), (0, 2))))


@dataclass(frozen=True, slots=True)
class Graph:
    """An ONNX model without weights, and the names of the weights that it reads."""

    content: bytes
    weights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model as it lies on disk.

    Attributes:
        config: what to build.
        weights: by parameter name, float32.
        calibration: of the attributes.
        latent: of the latent space.
        levels: decision thresholds by head.
        graphs: `encode` and `decode`, or `start` and `step`, as ONNX without weights; may be empty.
        figures: what was measured at the end of training, for the card.
        ident: a hash of the weights.
        extras: further tensors by name, the folder of what they belong to in front: `directions/...`,
            `prior/...`.
    """

    config: ModelConfig
    weights: Mapping[str, Floats]
    calibration: Calibration
    latent: LatentMap
    levels: Mapping[str, float] = field(default_factory=dict)
    graphs: Mapping[str, Graph] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    ident: str = ""
    extras: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def write(checkpoint: Checkpoint, path: Path, *, half: bool = True) -> None:
    """Write a checkpoint; whoever reads the path meanwhile sees the old file or the new one, whole.

    Args:
        checkpoint: what to write.
        path: of the .safetensors file.
        half: store weights as float16.

    Raises:
        CheckpointError: the disk refuses.
    """
    kind = np.float16 if half else np.float32
    tensors: dict[str, NDArray[Any]] = {
        f"weights/{name}": np.ascontiguousarray(value, dtype=kind)
        for name, value in checkpoint.weights.items()
    }
    calibration, latent = checkpoint.calibration, checkpoint.latent
    for name in ("mean", "spread", "low", "high"):
        tensors[f"calibration/{name}"] = np.ascontiguousarray(getattr(calibration, name), dtype=np.float32)
    for name in ("mean", "scale", "axes", "points"):
        tensors[f"map/{name}"] = np.ascontiguousarray(getattr(latent, name), dtype=np.float32)
    for name, graph in checkpoint.graphs.items():
        tensors[f"graph/{name}"] = np.frombuffer(graph.content, dtype=np.uint8)
    tensors |= {name: np.ascontiguousarray(value) for name, value in checkpoint.extras.items()}
    facts = {
        "attributes": list(calibration.names),
        "levels": dict(checkpoint.levels),
        "figures": dict(checkpoint.figures),
        "graphs": {name: list(graph.weights) for name, graph in checkpoint.graphs.items()},
    }
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "ident": _ident(tensors),
        "config": msgspec.json.encode(checkpoint.config).decode(),
        "facts": json.dumps(facts),
    }
    write_bytes(path, save(tensors, metadata))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there in one step.

    Raises:
        CheckpointError: the disk refuses; what was there before is untouched.
    """
    try:
        with atomic_write(path, durable=True) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror}") from error


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: the file is missing, cut short, no safetensors, or not one of ours; one sentence.
    """
    if not path.is_file():
        raise CheckpointError(missing("the checkpoint", path))
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged or no safetensors file: {error}") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} is a safetensors file, but not a twobar checkpoint")
    if metadata.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has checkpoint version {metadata.get('version')}; this twobar reads version {VERSION}"
        )
    try:
        return _assemble(path, metadata, tensors)
    except Exception as error:
        text = f"{error} is missing" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise CheckpointError(f"{path} cannot be used: {text}") from error


def _ident(tensors: Mapping[str, NDArray[Any]]) -> str:
    """Return a hash of the weights as they are stored."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        if name.startswith(WEIGHTS):
            digest.update(name.encode())
            digest.update(tensors[name].tobytes())
    return digest.hexdigest()[:16]


def _assemble(path: Path, metadata: Mapping[str, str], tensors: Mapping[str, NDArray[Any]]) -> Checkpoint:
    """Sort a file's tensors into a checkpoint."""
    config = strict.build(json.loads(metadata["config"]), ModelConfig, where=path.name)
    facts = msgspec.convert(json.loads(metadata["facts"]), Facts)
    floats = {name: single(name, value) for name, value in tensors.items() if value.dtype.kind in "fc"}
    weights = {name.removeprefix(WEIGHTS): floats[name] for name in tensors if name.startswith(WEIGHTS)}
    if not weights:
        raise ValueError("it holds no weights")
    ident = _ident(tensors)
    if metadata.get("ident", ident) != ident:
        raise ValueError("its weights are not those that were written: the file is damaged")
    names = tuple(facts.attributes)
    calibration = Calibration(
        names, *(floats[f"calibration/{name}"] for name in ("mean", "spread", "low", "high"))
    )
    for value in (calibration.mean, calibration.spread, calibration.low, calibration.high):
        if value.shape != (len(names),):
            raise ValueError(f"its calibration has shape {value.shape}, not ({len(names)},)")
    if (calibration.spread < 0).any():
        raise ValueError("a standard deviation in its calibration is below 0")
    latent = LatentMap(*(floats[f"map/{name}"] for name in ("mean", "scale", "axes", "points")))
    size = config.latent_size
    if latent.scale.shape != (size,) or latent.mean.shape != (size,) or latent.axes.shape != (2, size):
        raise ValueError(f"its latent map does not fit a latent of {size}")
    if latent.points.shape[1:] != (2,):
        raise ValueError("the points of its latent map are no pairs")
    if len(latent.points) > MOST_POINTS:
        raise ValueError(f"its latent map holds {len(latent.points)} points, {MOST_POINTS} at most are drawn")
    graphs = {
        name: Graph(tensors[f"graph/{name}"].tobytes(), tuple(used)) for name, used in facts.graphs.items()
    }
    for name, graph in graphs.items():
        if missing := [used for used in graph.weights if used not in weights]:
            raise ValueError(f"its {name} graph reads {missing[0]}, which is not there")
    if unreal := [name for name, level in facts.levels.items() if not math.isfinite(level)]:
        raise ValueError(f"its level of {unreal[0]} is no number")
    extras = {name: value for name, value in tensors.items() if name.partition("/")[0] not in FOLDERS}
    return Checkpoint(
        config, weights, calibration, latent, facts.levels, graphs, facts.figures, ident, extras
    )


def single(name: str, value: NDArray[Any]) -> Floats:
    """Return a tensor as float32.

    Raises:
        ValueError: it holds NaN or infinity then, or is no real number.
    """
    if value.dtype.kind != "f":
        raise ValueError(f"{name} holds {value.dtype}, no real numbers")
    with np.errstate(over="ignore"):
        found: Floats = value.astype(np.float32)
    if not np.isfinite(found).all():
        raise ValueError(f"{name} holds numbers that are not finite; was its training broken?")
    return found
