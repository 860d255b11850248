"""What computes a checkpoint's functions: ONNX Runtime on a CPU, or torch where there are no graphs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.checkpoint import Checkpoint
from model.codecs.base import Arrays, Codec, build, pack_phrase
from model.codecs.sampling import Sampling
from model.errors import CheckpointError, ModelError
from model.music.phrase import Phrase

if TYPE_CHECKING:
    from torch import Tensor  # only named: who plays graphs loads no torch

Floats = NDArray[np.float32]
STATE, LAST, DRAWN, NEXT = "state.", "last.", "drawn.", "next."  # before the names of a `step` graph's values


@dataclass(frozen=True, slots=True)
class Wish:
    """What a decoder is given beside z, for B phrases.

    Attributes:
        change: wanted change of the knobs' attributes, float32 [B, max(knobs, 1)].
        condition: float32 [B, beats, condition] of a conditioned model, see `model.codecs.conditions`.

    """

    change: Floats
    condition: Floats | None = None


class Runtime(Protocol):
    """Encodes and decodes batches.

    Attributes:
        name: as a card shows it.
        stepwise: whether the decoder goes step by step, so that it has no heads: `generate` instead.

    """

    name: str
    stepwise: bool

    def encode(self, arrays: Arrays) -> Floats:
        """Return the mean of z, [B, d], of packed phrases; needs an encoder."""

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        """Return mean and log-variance of z, each [B, d], of packed phrases; needs an encoder."""

    def decode(self, z: Floats, wish: Wish) -> dict[str, Floats]:
        """Return the codec's heads, each [B, ...], at z [B, d]."""

    def generate(
        self, z: Floats, wish: Wish, sampling: Sampling, prefix: Arrays | None = None, prefix_steps: int = 0
    ) -> Arrays:
        """Return packed arrays [B, S, ...] that a step-by-step decoder draws at z [B, d].

        All rows share their chance, which the sampling's seed draws.  The first `prefix_steps` steps are the
        prefix's [1, S, ...], and are heard.
        """


def open_runtime(checkpoint: Checkpoint, path: Path | str) -> Runtime:
    """Return the quickest runtime that can compute the checkpoint.

    Raises:
        CheckpointError: its weights do not fit its configuration.

    """
    graphs = checkpoint.graphs.keys()
    reads = "encode" in graphs or checkpoint.config.encoder.kind == "none"
    if reads and ("decode" in graphs or {"start", "step"} <= graphs):
        return OnnxRuntime(checkpoint, path)
    return TorchRuntime(checkpoint, path)


def chance(sampling: Sampling, steps: int, chances: int) -> Floats:
    """Return uniform noise [steps, chances] of a seed; one half where nothing is left to it."""
    if sampling.temperature <= 0:
        return np.full((steps, chances), 0.5, dtype=np.float32)
    return np.random.default_rng(sampling.seed).random((steps, chances), dtype=np.float32)


class OnnxRuntime:
    """One thread, no spinning: the clock's process needs the other core."""

    def __init__(self, checkpoint: Checkpoint, path: Path | str) -> None:
        """Open the graphs over the checkpoint's weights.

        Raises:
            CheckpointError: a graph is damaged, or its weights are not there.

        """
        self.name = "onnxruntime"
        self._steps = checkpoint.config.grid.build().steps
        self.stepwise = "decode" not in checkpoint.graphs
        if "encode" in checkpoint.graphs:
            self._encode = self._open(checkpoint, "encode", path)
            self._inputs = [value.name for value in self._encode.get_inputs()]
            found = {value.name for value in self._encode.get_outputs()}
            if not {"z", "logvar"} <= found:
                raise CheckpointError(f"{path} encodes to {', '.join(found)}, not to z and logvar")
        if self.stepwise:
            self._start = self._open(checkpoint, "start", path)
            self._step = self._open(checkpoint, "step", path)
            self._state = [value.name.removeprefix(NEXT) for value in self._start.get_outputs()]
            self._chances = next(v.shape[1] for v in self._step.get_inputs() if v.name == "noise")
            self._read = {value.name for value in self._step.get_inputs()}
            outputs = [value.name for value in self._step.get_outputs()]
            empty = pack_phrase(self._codec(checkpoint), Phrase(self._codec(checkpoint).grid))
            names = [name.removeprefix(DRAWN) for name in outputs if name.startswith(DRAWN)]
            if not names or not set(names) <= set(empty):
                raise CheckpointError(f"{path} draws {', '.join(names)}, not {', '.join(empty)}")
            self._blank = {name: empty[name] for name in names}
            return
        self._decode = self._open(checkpoint, "decode", path)
        self._heads = [value.name for value in self._decode.get_outputs()]
        known = self._codec(checkpoint).heads()
        if not set(known) <= set(self._heads):
            raise CheckpointError(f"{path} decodes to {', '.join(self._heads)}, not to {', '.join(known)}")

    def encode(self, arrays: Arrays) -> Floats:
        """Return the mean of z, [B, d], of packed phrases."""
        found: Floats = self._encode.run(["z"], {name: arrays[name] for name in self._inputs})[0]
        return found

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        """Return mean and log-variance of z, each [B, d], of packed phrases."""
        mean, logvar = self._encode.run(["z", "logvar"], {name: arrays[name] for name in self._inputs})
        return mean, logvar

    def decode(self, z: Floats, wish: Wish) -> dict[str, Floats]:
        """Return the heads."""
        found: Sequence[Floats] = self._decode.run(None, self._wanted(self._decode, z, wish))
        return dict(zip(self._heads, found, strict=True))

    def generate(
        self, z: Floats, wish: Wish, sampling: Sampling, prefix: Arrays | None = None, prefix_steps: int = 0
    ) -> Arrays:
        """Return what is drawn, step by step; see `Runtime.generate`."""
        state = dict(zip(self._state, self._start.run(None, self._wanted(self._start, z, wish)), strict=True))
        noise = chance(sampling, self._steps, self._chances)
        numbers = {
            "temperature": np.array(sampling.temperature, dtype=np.float32),
            "top_k": np.array(sampling.top_k, dtype=np.int64),
            "top_p": np.array(sampling.top_p, dtype=np.float32),
        }
        last = {name: np.repeat(value[:, :1], len(z), axis=0) for name, value in self._blank.items()}
        drawn: list[Arrays] = []
        for step in range(self._steps):
            feed = {
                **{STATE + name: value for name, value in state.items()},
                **{LAST + name: value for name, value in last.items()},
                "noise": np.repeat(noise[step : step + 1], len(z), axis=0),
                **numbers,
            }
            found = self._step.run(None, {name: feed[name] for name in self._read})
            last = dict(zip(self._blank, found, strict=False))
            state = dict(zip(self._state, found[len(last) :], strict=True))
            if prefix is not None and step < prefix_steps:
                last = {
                    name: np.repeat(prefix[name][:, step : step + 1], len(z), axis=0) for name in self._blank
                }
            drawn.append(last)
        return {name: np.concatenate([now[name] for now in drawn], axis=1) for name in self._blank}

    @staticmethod
    def _wanted(session: Any, z: Floats, wish: Wish) -> dict[str, Floats]:  # noqa: ANN401 - no stubs are published
        """Name a decoder's inputs, those that it has."""
        wanted = {"z": z, "change": wish.change}
        if wish.condition is not None:
            wanted["condition"] = wish.condition
        return {value.name: wanted[value.name] for value in session.get_inputs()}

    @staticmethod
    def _codec(checkpoint: Checkpoint) -> Codec:
        """Return the codec of the checkpoint's phrases."""
        return build(checkpoint.config.codec, checkpoint.config.grid.build())

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

        from model.networks.vae import VAE  # noqa: PLC0415 - loads torch

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
        self.stepwise = self._net.autoregressive

    def encode(self, arrays: Arrays) -> Floats:
        """Return the mean of z, [B, d], of packed phrases."""
        return self.posterior(arrays)[0]

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        """Return mean and log-variance of z, each [B, d], of packed phrases."""
        import torch  # noqa: PLC0415 - loaded already

        with torch.inference_mode():
            mean, logvar = self._net.encode(self._tensors(arrays))
        return mean.cpu().numpy(), logvar.cpu().numpy()

    def decode(self, z: Floats, wish: Wish) -> dict[str, Floats]:
        """Return the heads."""
        import torch  # noqa: PLC0415 - loaded already

        with torch.inference_mode():
            heads = self._net.decode(*self._wanted(z, wish))
        return {name: value.float().cpu().numpy() for name, value in heads.items()}

    def generate(
        self, z: Floats, wish: Wish, sampling: Sampling, prefix: Arrays | None = None, prefix_steps: int = 0
    ) -> Arrays:
        """Return what is drawn, step by step; see `Runtime.generate`."""
        import torch  # noqa: PLC0415 - loaded already

        noise = chance(sampling, self._net.sizes.grid.steps, self._net.surface.chances)
        point, change, condition = self._wanted(z, wish)
        with torch.inference_mode():
            drawn = self._net.generate(
                point,
                change,
                sampling,
                None if prefix is None else self._tensors(prefix),
                prefix_steps,
                condition=condition,
                noise=torch.from_numpy(noise)[None].to(self._device),
            )
        return {name: value.cpu().numpy() for name, value in drawn.items()}

    def _tensors(self, arrays: Arrays) -> "dict[str, Tensor]":
        """Move arrays to the device."""
        import torch  # noqa: PLC0415 - loaded already

        return {name: torch.from_numpy(value).to(self._device) for name, value in arrays.items()}

    def _wanted(self, z: Floats, wish: Wish) -> "tuple[Tensor, Tensor, Tensor | None]":
        """Move a decoder's inputs to the device."""
        inputs = {"z": z, "change": wish.change}
        if wish.condition is not None:
            inputs["condition"] = wish.condition
        moved = self._tensors(inputs)
        return moved["z"], moved["change"], moved.get("condition")
