"""What computes a checkpoint's two functions: ONNX Runtime on a CPU, or torch where there are no graphs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.checkpoint import Checkpoint
from model.codecs.base import Arrays, build
from model.errors import CheckpointError, ModelError

Floats = NDArray[np.float32]


class Runtime(Protocol):
    """Encodes and decodes batches."""

    name: str

    def encode(self, arrays: Arrays) -> Floats:
        """Return the mean of z, [B, d], of packed phrases."""

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        """Return mean and log-variance of z, each [B, d], of packed phrases."""

    def decode(self, z: Floats, change: Floats) -> dict[str, Floats]:
        """Return the codec's heads, each [B, ...], at z [B, d] and change [B, knobs]."""


def open_runtime(checkpoint: Checkpoint, path: Path | str) -> Runtime:
    """Return the quickest runtime that can compute the checkpoint.

    Raises:
        CheckpointError: its weights do not fit its configuration.

    """
    if {"encode", "decode"} <= checkpoint.graphs.keys():
        return OnnxRuntime(checkpoint, path)
    return TorchRuntime(checkpoint, path)


class OnnxRuntime:
    """One thread, no spinning: the clock's process needs the other core."""

    def __init__(self, checkpoint: Checkpoint, path: Path | str) -> None:
        """Open both graphs over the checkpoint's weights.

        Raises:
            CheckpointError: a graph is damaged, or its weights are not there.

        """
        self.name = "onnxruntime"
        self._encode = self._open(checkpoint, "encode", path)
        self._decode = self._open(checkpoint, "decode", path)
        self._inputs = [value.name for value in self._encode.get_inputs()]
        self._heads = [value.name for value in self._decode.get_outputs()]
        found = {value.name for value in self._encode.get_outputs()}
        if not {"z", "logvar"} <= found:
            raise CheckpointError(f"{path} encodes to {', '.join(found)}, not to z and logvar")
        known = build(checkpoint.config.codec, checkpoint.config.grid.build()).heads()
        if set(known) != set(self._heads):
            raise CheckpointError(f"{path} decodes to {', '.join(self._heads)}, not to {', '.join(known)}")

    def encode(self, arrays: Arrays) -> Floats:
        """Return the mean of z, [B, d], of packed phrases."""
        found: Floats = self._encode.run(["z"], {name: arrays[name] for name in self._inputs})[0]
        return found

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        """Return mean and log-variance of z, each [B, d], of packed phrases."""
        mean, logvar = self._encode.run(["z", "logvar"], {name: arrays[name] for name in self._inputs})
        return mean, logvar

    def decode(self, z: Floats, change: Floats) -> dict[str, Floats]:
        """Return the heads."""
        found: Sequence[Floats] = self._decode.run(None, {"z": z, "change": change})
        return dict(zip(self._heads, found, strict=True))

    @staticmethod
    def _open(checkpoint: Checkpoint, name: str, path: Path | str) -> Any:  # noqa: ANN401 - no stubs are published
        """Open one graph; the weights that it names come from the checkpoint."""
        import onnxruntime as ort  # noqa: PLC0415 - a quarter of a second that a checkpoint without graphs spares

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        graph = checkpoint.graphs[name]
        names = list(graph.weights)
        values = [
            ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(checkpoint.weights[n])) for n in names
        ]
        options.add_external_initializers(names, values)
        try:
            return ort.InferenceSession(graph.content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            first = str(error).splitlines()[0]
            raise CheckpointError(f"{path} holds a damaged {name} graph: {first}") from error


class TorchRuntime:
    """The network itself, on the best device there is."""

    def __init__(self, checkpoint: Checkpoint, path: Path | str) -> None:
        """Build the network and load the weights into it.

        Raises:
            CheckpointError: they do not fit the configuration.

        """
        import torch  # noqa: PLC0415 - a second and a half that a checkpoint with graphs spares

        from model.vae import VAE  # noqa: PLC0415 - loads torch

        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        self.name = f"torch {kind}"
        self._device = torch.device(kind)
        try:
            self._net = VAE(checkpoint.config)
            self._net.load_state_dict({n: torch.from_numpy(v) for n, v in checkpoint.weights.items()})
        except (RuntimeError, ModelError) as error:
            first = " ".join(str(error).split())[:200]
            raise CheckpointError(f"{path} does not fit its own configuration: {first}") from error
        self._net.to(self._device).eval()

    def encode(self, arrays: Arrays) -> Floats:
        """Return the mean of z, [B, d], of packed phrases."""
        return self.posterior(arrays)[0]

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        """Return mean and log-variance of z, each [B, d], of packed phrases."""
        import torch  # noqa: PLC0415 - loaded already

        given = {name: torch.from_numpy(value).to(self._device) for name, value in arrays.items()}
        with torch.inference_mode():
            mean, logvar = self._net.encode(given)
        return mean.cpu().numpy(), logvar.cpu().numpy()

    def decode(self, z: Floats, change: Floats) -> dict[str, Floats]:
        """Return the heads."""
        import torch  # noqa: PLC0415 - loaded already

        with torch.inference_mode():
            heads = self._net.decode(
                torch.from_numpy(z).to(self._device), torch.from_numpy(change).to(self._device)
            )
        return {name: value.cpu().numpy() for name, value in heads.items()}
