"""A checkpoint's graphs in ONNX Runtime, over the checkpoint's own weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from model.checkpoint import Checkpoint
from model.codecs.base import Arrays, Codec, pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import Sampling
from model.errors import CheckpointError
from model.music.phrase import Phrase
from model.runtimes.base import DRAWN, LAST, NEXT, STATE, DecodeInputs, Floats, chance, finite


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
            self._written = outputs = [value.name for value in self._step.get_outputs()]
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
        found: Floats = self._run(self._encode, ["z"], {name: arrays[name] for name in self._inputs})[0]
        return found

    def posterior(self, arrays: Arrays) -> tuple[Floats, Floats]:
        """Return mean and log-variance of z, each [B, d], of packed phrases."""
        feed = {name: arrays[name] for name in self._inputs}
        mean, logvar = self._run(self._encode, ["z", "logvar"], feed)
        return mean, logvar

    def decode(self, z: Floats, inputs: DecodeInputs) -> dict[str, Floats]:
        """Return the heads."""
        found = self._run(self._decode, self._heads, self._wanted(self._decode, z, inputs))
        return dict(zip(self._heads, found, strict=True))

    def generate(
        self,
        z: Floats,
        inputs: DecodeInputs,
        sampling: Sampling,
        prefix: Arrays | None = None,
        prefix_steps: int = 0,
    ) -> Arrays:
        """Return what is drawn, step by step; see `Runtime.generate`."""
        begun = self._run(
            self._start, [NEXT + name for name in self._state], self._wanted(self._start, z, inputs)
        )
        state = dict(zip(self._state, begun, strict=True))
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
            found = self._run(self._step, self._written, {name: feed[name] for name in self._read})
            last = dict(zip(self._blank, found, strict=False))
            state = dict(zip(self._state, found[len(last) :], strict=True))
            if prefix is not None and step < prefix_steps:
                last = {
                    name: np.repeat(prefix[name][:, step : step + 1], len(z), axis=0) for name in self._blank
                }
            drawn.append(last)
        return {name: np.concatenate([now[name] for now in drawn], axis=1) for name in self._blank}

    @staticmethod
    def _run(session: Any, names: list[str], feed: Mapping[str, Any]) -> list[Any]:  # noqa: ANN401 - no stubs are published
        """Compute these outputs; raises CheckpointError where the graph fails, or none is a number."""
        try:
            found: list[Any] = session.run(names, feed)
        except Exception as error:
            first = str(error).splitlines()[0]
            raise CheckpointError(f"the network cannot answer: {first}") from error
        finite(dict(zip(names, found, strict=True)))
        return found

    @staticmethod
    def _wanted(session: Any, z: Floats, inputs: DecodeInputs) -> dict[str, Floats]:  # noqa: ANN401 - no stubs are published
        """Name a decoder's inputs, those that it has."""
        arrays = {"z": z, "change": inputs.change}
        if inputs.condition is not None:
            arrays["condition"] = inputs.condition
        return {value.name: arrays[value.name] for value in session.get_inputs()}

    @staticmethod
    def _codec(checkpoint: Checkpoint) -> Codec:
        """Return the codec of the checkpoint's phrases."""
        return build(checkpoint.config.codec, checkpoint.config.grid.build())

    @staticmethod
    def _open(checkpoint: Checkpoint, name: str, path: Path | str) -> Any:  # noqa: ANN401 - no stubs are published
        """Open one graph; the weights that it names come from the checkpoint."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.set_denormal_as_zero", "1")  # they take ten times as long
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
