"""A checkpoint's network itself, in torch: for those without graphs.

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


class TorchRuntime:
    """The network itself, on the best device there is."""

    def __init__(self, checkpoint: Checkpoint, path: Path | str) -> None:
        """Build the network and load the weights into it.

        Raises:
            CheckpointError: they do not fit the configuration.

        """
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        self.name = f"torch {kind}"
        torch.set_flush_denormal(True)  # numbers next to 0 take a processor ten times as long
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
        with torch.inference_mode():
            mean, logvar = self._net.encode(self._tensors(arrays))
        found = {"z": mean.cpu().numpy(), "logvar": logvar.cpu().numpy()}
        finite(found)
        return found["z"], found["logvar"]

    def decode(self, z: Floats, inputs: DecodeInputs) -> dict[str, Floats]:
        """Return the heads."""
        with torch.inference_mode():
            heads = self._net.decode(*self._wanted(z, inputs))
        found: dict[str, Floats] = {name: value.float().cpu().numpy() for name, value in heads.items()}
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
        noise = chance(sampling, self._net.sizes.grid.steps, self._net.surface.chances)
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
