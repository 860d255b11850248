"""A checkpoint's network itself, in torch: on a card, or for those without graphs.

Tested in tests/model/runtimes/test_onnx.py.
"""

from pathlib import Path

import torch
from torch import Tensor

from model.checkpoint import Checkpoint
from model.codecs.base import Arrays
from model.codecs.sampling import Sampling
from model.errors import CheckpointError, ModelError
from model.networks.vae import VAE
from model.runtimes.base import DecodeInputs, Floats, chance, finite
from model.runtimes.captured import Captured, CudaRecorder, Recorder


class TorchRuntime:
    """The network itself, in float32, so that its notes are the processor's.

    On CUDA what writes all at once is captured as graphs and replayed (`runtimes.captured`).
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        path: Path | str,
        device: str | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        """Build the network and load the weights into it.

        Args:
            checkpoint: what to compute.
            path: of its file, for what is said of it.
            device: cpu, cuda or mps; the best there is by default.
            recorder: captures graphs; by default CUDA's on CUDA, none elsewhere.

        Raises:
            CheckpointError: the weights do not fit the configuration, or the device is not there.
        """
        available = {
            "cuda": bool(torch.cuda.is_available()),
            "mps": bool(torch.backends.mps.is_available()),
            "cpu": True,
        }
        kind = device or next(name for name, is_there in available.items() if is_there)
        if not available[kind]:
            raise CheckpointError(f"there is no device '{kind}' here: torch finds none; take 'auto' or 'cpu'")
        model = f" ({torch.cuda.get_device_name()})" if kind == "cuda" else ""
        self.name = f"torch {kind}{model}"
        torch.set_flush_denormal(True)  # numbers next to 0 take a processor ten times as long
        self._device = torch.device(kind)
        if recorder is None and kind == "cuda":
            recorder = CudaRecorder()
        self._encoded = Captured(self._encode, self._device, recorder)
        self._decoded = Captured(self._decode, self._device, recorder)
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
        read = {name: torch.from_numpy(arrays[name]) for name in self._net.head.inputs}
        with torch.inference_mode():
            found = {name: value.numpy() for name, value in self._encoded(read).items()}
        finite(found)
        return found["z"], found["logvar"]

    def decode(self, z: Floats, inputs: DecodeInputs) -> dict[str, Floats]:
        """Return the heads."""
        wanted = {"z": torch.from_numpy(z), "change": torch.from_numpy(inputs.change)}
        if inputs.condition is not None:
            wanted["condition"] = torch.from_numpy(inputs.condition)
        with torch.inference_mode():
            found: dict[str, Floats] = {name: value.numpy() for name, value in self._decoded(wanted).items()}
        finite(found)
        return found

    def generate(
        self,
        z: Floats,
        inputs: DecodeInputs,
        sampling: Sampling,
        prefix: Arrays | None = None,
        prefix_steps: int = 0,
    ) -> Arrays:
        """Return what is drawn, step by step; see `Runtime.generate`."""
        noise = chance(sampling, self._net.sizes.grid.steps, self._net.head.chances)
        point, change, condition = self._wanted(z, inputs)
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
        found = {name: value.cpu().numpy() for name, value in drawn.items()}
        finite(found)
        return found

    def _encode(self, arrays: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return mean and log-variance of z, on the device."""
        mean, logvar = self._net.encode(arrays)
        return {"z": mean.float(), "logvar": logvar.float()}

    def _decode(self, wanted: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the heads, on the device."""
        heads = self._net.decode(wanted["z"], wanted["change"], wanted.get("condition"))
        return {name: value.float() for name, value in heads.items()}

    def _tensors(self, arrays: Arrays) -> dict[str, Tensor]:
        """Move arrays to the device."""
        return {name: torch.from_numpy(value).to(self._device) for name, value in arrays.items()}

    def _wanted(self, z: Floats, inputs: DecodeInputs) -> tuple[Tensor, Tensor, Tensor | None]:
        """Move a decoder's inputs to the device."""
        arrays = {"z": z, "change": inputs.change}
        if inputs.condition is not None:
            arrays["condition"] = inputs.condition
        moved = self._tensors(arrays)
        return moved["z"], moved["change"], moved.get("condition")
